//! Simulates several machines on one: each has its own Nix store in a mount namespace.
//!
//! Store paths are the same on all machines, so that one can use paths that another has built, as real machines do.
//! Everything outside `/nix` is shared.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{nix, run};

/// A machine with an initially empty store.
pub struct Machine {
    directory: tempfile::TempDir,
    configuration: String,
}

impl Machine {
    /// Fails the test if the user cannot create mount namespaces.
    pub fn new() -> Self {
        nix::require();
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("nix")).unwrap();
        let machine = Machine { directory, configuration: "substituters =".to_owned() };
        let mounted = machine.command("true").output();
        let is_mounted = mounted.as_ref().is_ok_and(|output| output.status.success());
        assert!(
            is_mounted,
            "this test gives each of its machines a /nix of its own, which needs the program `unshare` (Debian: util-linux) \
             and the right to mount: {mounted:?}"
        );
        machine
    }

    /// Replaces the configuration of Nix on this machine.
    #[must_use]
    pub fn configured(mut self, lines: &str) -> Self {
        self.configuration = lines.to_owned();
        self
    }

    /// Path of a file in this machine's store outside the namespace.
    pub fn real(&self, path: &Path) -> PathBuf {
        self.directory.path().join(path.strip_prefix("/").expect("an absolute path"))
    }

    /// A command that runs on this machine: one of Nix, set up for the stand-in, or one that runs Nix.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        if !nix::is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        // If `/nix` does not exist, root creates it, as in an installation of Nix.
        command.arg("mkdir -p /nix && mount --bind \"$0/nix\" /nix && exec \"$@\"").arg(self.directory.path());
        command.arg(program);
        // Nix's knowledge of caches belongs to one machine as well.
        command.env("XDG_CACHE_HOME", self.directory.path().join("cache"));
        nix::set_up(&mut command);
        let always =
            "experimental-features = nix-command flakes\nsandbox = false\nbuild-users-group =\nmax-jobs = auto";
        command.env("NIX_CONFIG", format!("{always}\n{}", self.configuration));
        command
    }
}

impl Drop for Machine {
    /// Makes the store writable, as Nix makes its contents read-only, to remove it.
    fn drop(&mut self) {
        run(Command::new("chmod").args(["-R", "u+w"]).arg(self.directory.path()));
    }
}
