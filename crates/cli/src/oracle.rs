//! Cargo as an oracle: its own unit graph for a selection and a pair of platforms.
//!
//! Stable cargo prints it with `RUSTC_BOOTSTRAP=1`. Cargo learns its host from `rustc -vV`, so a `RUSTC` that prints
//! another host makes it resolve as on that host; the standard library of that platform is not needed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_resolver::{Pair, RootFeatures, Selection, Source, UnitTable, UserIntent, table_of_cargo};

use crate::cargo;
use crate::homes::Homes;
use crate::progress::Progress;
use crate::rustc::Rustc;
use crate::workspace::Workspace;
use cratewright_sources::diagnostic::Diagnostic;

/// Runs cargo for unit graphs. Cargo's files are kept in a temporary directory, so that no `target` is changed.
#[derive(Debug)]
pub struct Oracle {
    scratch: tempfile::TempDir,
    /// The real compiler, which the scripts run.
    rustc: OsString,
    /// The real cargo, which saves rustup's lookup.
    cargo: Option<PathBuf>,
    /// The `CARGO_HOME` of each thread, if each has its own.
    homes: Option<Homes>,
}

impl Oracle {
    /// Prepares a temporary directory for the workspace in `root`.
    ///
    /// # Errors
    /// When temporary files cannot be written.
    pub fn new(root: &Path) -> Result<Self, Diagnostic> {
        let scratch = tempfile::tempdir().map_err(|error| Diagnostic::io("write", &std::env::temp_dir(), &error))?;
        let rustc = Rustc::of(root);
        let cargo = rustc.cargo().filter(|_| std::env::var_os("CARGO").is_none()).map(Path::to_owned);
        let oracle = Oracle { scratch, rustc: rustc.program().to_owned(), cargo, homes: None };
        // The script is written once, as a thread may run it while another workspace is prepared.
        oracle.write(&oracle.wrapper(), WRAPPER)?;
        Ok(oracle)
    }

    /// Prepares for several threads, if cargo's home allows it.
    pub(crate) fn for_threads(mut self, root: &Path, progress: Progress) -> Self {
        self.homes = Homes::make(self.scratch.path(), root, progress);
        self
    }

    /// Writes a `rustc` script for each host of the workspace's pairs.
    ///
    /// # Errors
    /// When a script cannot be written.
    pub fn prepare(&self, workspace: &Workspace) -> Result<(), Diagnostic> {
        for pair in &workspace.pairs {
            let host = &workspace.platforms[pair.host].triple;
            let path = self.rustc(host);
            if path.exists() {
                continue;
            }
            // Cargo caches the output of rustc only if that directory exists already.
            let target = self.target_directory(host);
            fs::create_dir_all(&target).map_err(|error| Diagnostic::io("write", &target, &error))?;
            self.write(&path, RUSTC)?;
        }
        Ok(())
    }

    /// Cargo's unit graph as a table. The host must have been prepared.
    ///
    /// # Errors
    /// When cargo fails, which is not expected for a workspace that `cargo metadata` can read.
    pub fn table(&self, workspace: &Workspace, selection: &Selection, pair: Pair) -> Result<UnitTable, Diagnostic> {
        let locked = self.homes.as_ref().and_then(Homes::lock);
        let home = locked.as_ref().map(|locked| locked.home.as_path());
        let output = cargo::output(self.command(workspace, selection, pair, home))?;
        if !output.status.success() {
            return Err(Diagnostic::new("cargo-refused", "cargo prints no unit graph")
                .at(manifest_of(workspace, selection).display().to_string())
                .note("cargo says", cargo::stderr(&output).trim().trim_start_matches("error: ").to_owned())
                .help("run `cargo fetch` once, so that `cargo build --locked --offline` can resolve the workspace"));
        }
        table_of_cargo(&String::from_utf8_lossy(&output.stdout))
    }

    /// Cargo's command for the unit graph; `home` replaces the user's `CARGO_HOME`.
    fn command(&self, workspace: &Workspace, selection: &Selection, pair: Pair, home: Option<&Path>) -> Command {
        let host = &workspace.platforms[pair.host].triple;
        let target = &workspace.platforms[pair.target].triple;
        let mut command = match &self.cargo {
            Some(cargo) => Command::new(cargo),
            None => cargo::cargo(),
        };
        command.arg(match selection.intent {
            UserIntent::Build => "build",
            UserIntent::Test => "test",
        });
        command.args(["--unit-graph", "-Z", "unstable-options", "--locked", "--offline", "--target", target]);
        // `rust-version` does not affect the unit graph, and nixpkgs' builder ignores it as well.
        command.arg("--ignore-rust-version").arg("--profile").arg(&selection.profile);
        // Without `--package`, a root package would select `default-members`; ids are used because a registry may have
        // a package of the same name and version.
        for &member in &selection.members {
            command.arg("--package").arg(&workspace.packages[member].id);
        }
        match &selection.features {
            RootFeatures::All => {
                command.arg("--all-features");
            }
            RootFeatures::Named { names, default } => {
                if !default {
                    command.arg("--no-default-features");
                }
                if !names.is_empty() {
                    command.arg("--features").arg(names.join(","));
                }
            }
        }
        cargo::at(&mut command, &manifest_of(workspace, selection), &workspace.root);
        command.env("RUSTC_BOOTSTRAP", "1");
        command.env("RUSTC", self.rustc(host)).env(REAL_RUSTC, &self.rustc).env(HOST, host);
        // The cfg tables come from plain rustc, so wrappers of this machine are replaced. An empty wrapper would
        // disable them as well, but then cargo does not cache the output of rustc.
        command.env("RUSTC_WRAPPER", self.wrapper()).env("RUSTC_WORKSPACE_WRAPPER", self.wrapper());
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        // The user's environment must not change profiles.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"CARGO_PROFILE_"))
        {
            command.env_remove(name);
        }
        command.env("CARGO_TARGET_DIR", self.target_directory(host));
        if let Some(home) = home {
            command.env("CARGO_HOME", home);
        }
        command
    }

    /// Where cargo caches the output of rustc for a host.
    fn target_directory(&self, host: &str) -> PathBuf {
        self.scratch.path().join(format!("target-{}", file_name(host)))
    }

    fn rustc(&self, host: &str) -> PathBuf {
        self.scratch.path().join(format!("rustc-{}", file_name(host)))
    }

    fn write(&self, path: &Path, script: &str) -> Result<(), Diagnostic> {
        write_script(path, script, &self.rustc).map_err(|error| Diagnostic::io("write", path, &error))
    }

    /// The script that replaces rustc wrappers of this machine.
    fn wrapper(&self) -> PathBuf {
        self.scratch.path().join("wrapper")
    }
}

/// A triple as part of a file name; it may be the path of a target specification.
fn file_name(host: &str) -> String {
    host.replace('%', "%25").replace('/', "%2f")
}

/// The manifest to build: a member's own, or that of the root for a whole workspace.
fn manifest_of(workspace: &Workspace, selection: &Selection) -> PathBuf {
    let directory = match selection.members[..] {
        [member] => match &workspace.packages[member].source {
            Source::Local { dir } => workspace.root.join(dir),
            _ => workspace.root.clone(),
        },
        _ => workspace.root.clone(),
    };
    directory.join("Cargo.toml")
}

/// Variable with the real rustc, so that its path need not be quoted in a script.
const REAL_RUSTC: &str = "CRATEWRIGHT_RUSTC";

/// Variable with the triple to print as host.
const HOST: &str = "CRATEWRIGHT_HOST";

/// A script around the real rustc that rewrites the `host:` line of `-vV` and adds `--target` to `--print` calls
/// without one.
const RUSTC: &str = r#"#!/bin/sh
case " $* " in
*' -vV '*)
  said=$("$CRATEWRIGHT_RUSTC" "$@") || exit
  printf '%s\n' "$said" | while IFS= read -r line; do
    case $line in
    'host: '*) printf 'host: %s\n' "$CRATEWRIGHT_HOST" ;;
    *) printf '%s\n' "$line" ;;
    esac
  done
  ;;
*' --target '*) exec "$CRATEWRIGHT_RUSTC" "$@" ;;
*' --print'*) exec "$CRATEWRIGHT_RUSTC" "$@" --target "$CRATEWRIGHT_HOST" ;;
*) exec "$CRATEWRIGHT_RUSTC" "$@" ;;
esac
"#;

/// A script that runs its arguments.
const WRAPPER: &str = "#!/bin/sh\nexec \"$@\"\n";

fn write_script(path: &Path, script: &str, rustc: &OsStr) -> std::io::Result<()> {
    fs::write(path, script)?;
    make_executable(path)?;
    // A file that was just written may fail to run with ETXTBSY, if another thread forked while it was open, so try
    // until it runs.
    for _ in 0..50 {
        match Command::new(path).args(["true", "-vV"]).env(REAL_RUSTC, rustc).output() {
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            other => return other.map(|_| ()),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
