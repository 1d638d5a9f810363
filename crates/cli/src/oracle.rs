//! Cargo as the oracle: its own unit graph for a selection on a pair.
//!
//! Stable cargo prints it under `RUSTC_BOOTSTRAP=1`. Cargo learns its host from `rustc -vV`, so a `RUSTC` that answers
//! for another host makes it resolve as it would there; no standard library of that platform is needed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_resolver::{Pair, Purpose, RootFeatures, Selection, Source, UnitTable, table_of_cargo};

use crate::cargo;
use crate::failure::Failure;
use crate::workspace::Workspace;

/// Asks cargo. Keeps cargo's files in a directory of its own, so that no `target` is touched.
#[derive(Debug)]
pub struct Oracle {
    scratch: tempfile::TempDir,
}

impl Oracle {
    /// Prepares a scratch directory.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn new() -> Result<Self, Failure> {
        let scratch = tempfile::tempdir().map_err(|error| Failure::io("write", &std::env::temp_dir(), &error))?;
        Ok(Oracle { scratch })
    }

    /// Makes a `rustc` that answers as on each host of the workspace's pairs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn prepare(&self, workspace: &Workspace) -> Result<(), Failure> {
        for pair in &workspace.pairs {
            let host = &workspace.platforms[pair.host].triple;
            let path = self.rustc(host);
            if path.exists() {
                continue;
            }
            // Cargo remembers what rustc printed only where that directory is there already.
            let target = self.target_directory(host);
            fs::create_dir_all(&target).map_err(|error| Failure::io("write", &target, &error))?;
            write_rustc(&path, host).map_err(|error| Failure::io("write", &path, &error))?;
        }
        Ok(())
    }

    /// Cargo's unit graph as a table, for hosts that were prepared.
    ///
    /// # Errors
    /// When cargo refuses, which it does not for what `cargo metadata` could read.
    pub fn table(&self, workspace: &Workspace, selection: &Selection, pair: Pair) -> Result<UnitTable, Failure> {
        let host = &workspace.platforms[pair.host].triple;
        let target = &workspace.platforms[pair.target].triple;
        let manifest = manifest_of(workspace, selection);
        let mut command = cargo::cargo();
        command.arg(match selection.purpose {
            Purpose::Build => "build",
            Purpose::Test => "test",
        });
        command.args(["--unit-graph", "-Z", "unstable-options", "--locked", "--offline", "--target", target]);
        // Which rustc a package wants is no matter of resolution, and nixpkgs' builder does not ask either.
        command.arg("--ignore-rust-version").arg("--profile").arg(&selection.profile);
        // Named, as a member at the root would else stand for `default-members`; by id, as the registry may have a package
        // of the same name and version.
        for &member in &selection.members {
            command.arg("--package").arg(&workspace.packages.graph[member].id);
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
        cargo::at(&mut command, &manifest, &workspace.root);
        command.env("RUSTC_BOOTSTRAP", "1");
        command.env("RUSTC", self.rustc(host));
        command.env("CARGO_TARGET_DIR", self.target_directory(host));
        let output = cargo::output(command)?;
        if !output.status.success() {
            return Err(Failure::new("cargo-refused", "cargo prints no unit graph")
                .note("at", manifest.display().to_string())
                .note("cargo says", cargo::stderr(&output).trim().trim_start_matches("error: ").to_owned())
                .help("`cargo build --locked --offline` must get past resolving; run `cargo fetch` once"));
        }
        table_of_cargo(&String::from_utf8_lossy(&output.stdout))
            .map_err(|error| Failure::resolve(&error, &workspace.root))
    }

    /// One per host, as they run at the same time.
    fn target_directory(&self, host: &str) -> PathBuf {
        self.scratch.path().join(format!("target-{host}"))
    }

    fn rustc(&self, host: &str) -> PathBuf {
        self.scratch.path().join(format!("rustc-{host}"))
    }
}

/// A member is built from its own directory, a whole workspace from the root.
fn manifest_of(workspace: &Workspace, selection: &Selection) -> PathBuf {
    let directory = match selection.members[..] {
        [member] => match &workspace.packages.graph[member].source {
            Source::Local { dir } => workspace.root.join(dir),
            _ => workspace.root.clone(),
        },
        _ => workspace.root.clone(),
    };
    directory.join("Cargo.toml")
}

/// A script around the real rustc that rewrites the `host:` line of `-vV` and adds `--target` to `--print` calls that
/// name none.
fn write_rustc(path: &Path, host: &str) -> std::io::Result<()> {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let script = format!(
        "#!/bin/sh\n\
         case \" $* \" in\n\
         *' -vV '*) '{rustc}' \"$@\" | sed 's/^host: .*/host: {host}/' ;;\n\
         *' --target '*) exec '{rustc}' \"$@\" ;;\n\
         *' --print'*) exec '{rustc}' \"$@\" --target {host} ;;\n\
         *) exec '{rustc}' \"$@\" ;;\n\
         esac\n"
    );
    fs::write(path, script)?;
    make_executable(path)?;
    // A program that was open for writing a moment ago cannot always be run (ETXTBSY, when another thread forks just
    // then); one run here shows that it can.
    for _ in 0..50 {
        match Command::new(path).arg("-vV").output() {
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
