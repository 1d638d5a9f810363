//! Local git repositories, and a `CARGO_HOME` without the user's checkouts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cratewright, nix, run, stdout};

/// Cargo's lock for downloads and for files of the index.
const PACKAGE_CACHE_LOCK: &str = ".package-cache";

/// What is shared with the user's `CARGO_HOME`.
const SHARED: [&str; 2] = ["registry", PACKAGE_CACHE_LOCK];

/// A directory for repositories and workspaces, with its own `CARGO_HOME`, which shares the user's registries.
pub struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("cargo-home");
        fs::create_dir(&home).unwrap();
        let user = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let user = user.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"));
        // Cargo writes files of the index in place, so what is shared is locked for all.
        fs::OpenOptions::new().create(true).append(true).open(user.join(PACKAGE_CACHE_LOCK)).unwrap();
        for shared in SHARED {
            std::os::unix::fs::symlink(user.join(shared), home.join(shared)).unwrap();
        }
        // Git, and therefore cargo, does not fetch submodules by path by default.
        let config = "[user]\nname = a\nemail = a@example.org\n[protocol \"file\"]\nallow = always\n\
                      [init]\ndefaultBranch = main\n[core]\nautocrlf = false\n[advice]\ndetachedHead = false\n";
        fs::write(directory.path().join("gitconfig"), config).unwrap();
        Scratch { directory }
    }

    /// The same with its own registries.
    pub fn with_own_registries() -> Self {
        let scratch = Scratch::new();
        for shared in SHARED {
            fs::remove_file(scratch.directory.path().join("cargo-home").join(shared)).unwrap();
        }
        scratch
    }

    pub fn path(&self, name: &str) -> PathBuf {
        // Cargo and Nix resolve links in paths.
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// URL of a repository in this directory.
    pub fn url(&self, name: &str) -> String {
        format!("file://{}", self.path(name).display())
    }

    /// Writes files below a subdirectory.
    pub fn write(&self, name: &str, files: &[(&str, &str)]) {
        for (file, text) in files {
            super::write(&self.path(name).join(file), text);
        }
    }

    /// Turns a directory into a repository, or commits its changes. Returns the commit.
    pub fn commit(&self, name: &str) -> String {
        if !self.path(name).join(".git").exists() {
            self.git(name, &["init", "--quiet"]);
        }
        self.git(name, &["add", "--all"]);
        self.git(name, &["commit", "--quiet", "--message", "state"]);
        self.git(name, &["rev-parse", "HEAD"]).trim().to_owned()
    }

    pub fn git(&self, name: &str, arguments: &[&str]) -> String {
        stdout(self.environment(Command::new("git").args(arguments).current_dir(self.path(name))))
    }

    /// Generates the `Cargo.nix` of a workspace, and a lock file if there is none. Returns the text of `Cargo.nix`.
    pub fn generate(&self, name: &str) -> String {
        let root = self.path(name);
        if !root.join("Cargo.lock").exists() {
            run(self.environment(Command::new("cargo").args(["generate-lockfile", "--quiet"]).current_dir(&root)));
        }
        let mut generate = cratewright();
        generate.args(["generate", "--force", "--manifest-path"]).arg(root.join("Cargo.toml"));
        run(self.environment(&mut generate));
        run(self.environment(cratewright().arg("check").current_dir(&root)));
        let text = fs::read_to_string(root.join("Cargo.nix")).unwrap();
        let here = self.path("").display().to_string();
        // The names of these registries are paths.
        let is_registry = |line: &str| line.contains(" registry = ") || line.ends_with("\" = {");
        let mentions =
            text.lines().find(|line| line.contains(&here) && !line.contains("file://") && !is_registry(line));
        assert_eq!(mentions, None, "Cargo.nix has paths of this machine");
        text
    }

    /// The output of `generate` for a copy of a workspace in another directory.
    pub fn generate_elsewhere(&self, name: &str) -> String {
        let elsewhere = self.path("some/where/else");
        let mut copy = Command::new("cp");
        fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
        run(copy.arg("-r").arg(self.path(name)).arg(&elsewhere));
        let mut generate = cratewright();
        generate.args(["generate", "--stdout", "--locked", "--offline"]).current_dir(&elsewhere);
        let text = stdout(self.environment(&mut generate));
        fs::remove_dir_all(elsewhere).unwrap();
        text
    }

    /// Output of `cratewright sources` with arguments.
    pub fn sources(&self, name: &str, arguments: &[&str]) -> String {
        let mut sources = cratewright();
        sources.arg("sources").args(arguments).current_dir(self.path(name));
        stdout(self.environment(&mut sources))
    }

    /// Builds an attribute of a workspace's `Cargo.nix`.
    pub fn build(&self, name: &str, attribute: &str) -> PathBuf {
        let mut build = nix::nix("nix-build");
        build.arg(self.path(name).join("Cargo.nix")).args(["-A", attribute]);
        build.args(["--arg", "cratewright", &nix::package()]);
        let paths = stdout(self.environment(&mut build));
        PathBuf::from(paths.lines().next().unwrap())
    }

    /// Output of the binary `bin` of the root package, which must be the same for Nix's and cargo's builds.
    pub fn printed(&self, name: &str, bin: &str) -> String {
        let built = self.build(name, "rootCrate.build");
        let by_nix = stdout(&mut Command::new(built.join("bin").join(bin)));
        let mut cargo = Command::new("cargo");
        cargo.args(["run", "--quiet", "--locked", "--bin", bin]).current_dir(self.path(name));
        let by_cargo = stdout(self.environment(&mut cargo));
        assert_eq!(by_nix, by_cargo, "{name}");
        by_nix
    }

    pub fn environment<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("CARGO_HOME", self.path("cargo-home")).env("GIT_CONFIG_GLOBAL", self.path("gitconfig"))
    }
}

/// The value of the first attribute with this name.
pub fn attribute<'a>(cargo_nix: &'a str, name: &str) -> &'a str {
    let (_, rest) = cargo_nix.split_once(&format!(" {name} = \"")).unwrap_or_else(|| panic!("no {name}"));
    rest.split_once('"').unwrap().0
}

/// The hash that Nix computes for a path.
pub fn nix_hash(path: &Path) -> String {
    stdout(Command::new("nix-hash").args(["--type", "sha256"]).arg(path)).trim().to_owned()
}
