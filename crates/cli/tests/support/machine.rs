//! Several machines on one: each has a store of Nix of its own, in a mount namespace.
//!
//! Store paths are the same on all of them, so that what one builds can be a substitute for what another needs, as it is with
//! real machines. Everything outside of `/nix` is shared.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{nix, run};

/// A machine whose store is empty at first.
pub struct Machine {
    directory: tempfile::TempDir,
    configuration: String,
}

impl Machine {
    /// Fails the test where this user may not have mounts of its own.
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

    /// The configuration of Nix on this machine, in place of what it was before.
    #[must_use]
    pub fn configured(mut self, lines: &str) -> Self {
        self.configuration = lines.to_owned();
        self
    }

    /// Where a path of this machine's store lies for the others.
    pub fn real(&self, path: &Path) -> PathBuf {
        self.directory.path().join(path.strip_prefix("/").expect("a path of a store"))
    }

    /// A program on this machine: of Nix, set up for the stand-in, or one that runs Nix.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        if !nix::is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--propagation", "private", "sh", "-c"]);
        // A machine without Nix's directory has root make one, where root installed Nix.
        command.arg("mkdir -p /nix && mount --bind \"$0/nix\" /nix && exec \"$@\"").arg(self.directory.path());
        command.arg(program);
        // What Nix remembers of caches is of one machine as well.
        command.env("XDG_CACHE_HOME", self.directory.path().join("cache"));
        nix::set_up(&mut command);
        let always =
            "experimental-features = nix-command flakes\nsandbox = false\nbuild-users-group =\nmax-jobs = auto";
        command.env("NIX_CONFIG", format!("{always}\n{}", self.configuration));
        command
    }
}

impl Drop for Machine {
    /// Nix makes what is in a store read-only.
    fn drop(&mut self) {
        run(Command::new("chmod").args(["-R", "u+w"]).arg(self.directory.path()));
    }
}
