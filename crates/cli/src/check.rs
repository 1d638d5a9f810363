//! `cratewright check`.

use std::path::{Path, PathBuf};

use cratewright_staleness::{Moved, StampError, check};

use crate::args::Check;
use crate::exit;
use crate::failure::Failure;
use crate::output;
use crate::report::Report;
use crate::workspace;

pub(crate) fn run(command: &Check, report: &Report) -> Result<u8, Failure> {
    let manifest = workspace::find_manifest(command.place.manifest_path.as_deref())?;
    let root = lock_directory(&manifest)?;
    let path = command.place.output.clone().unwrap_or_else(|| root.join("Cargo.nix"));
    let shown = output::shown(&path);
    let help = help(command, &root);
    if !path.exists() {
        report.finding("stale", format_args!("{shown} does not exist"), &[], &help);
        return Ok(exit::STALE);
    }
    let lock = workspace::read_lock(&root.join("Cargo.lock"))?;
    let text = workspace::read(&path)?;
    let moved = check(&text, &lock).map_err(|error| match error {
        StampError::NotGenerated => Failure::stamp(&error, &path)
            .help("replace it with `cratewright generate --force`, or name another file with `-o PATH`"),
        _ => Failure::stamp(&error, &path).help(help.clone()),
    })?;
    if moved.is_empty() {
        report.status("Fresh", shown);
        return Ok(exit::SUCCESS);
    }
    let reasons: Vec<String> = moved.iter().map(Moved::describe).collect();
    report.finding("stale", format_args!("{shown} does not match what it was made from"), &reasons, &help);
    Ok(exit::STALE)
}

/// The command that makes the file fresh again, in the user's own words.
fn help(command: &Check, root: &Path) -> String {
    let mut line = "run `cratewright generate".to_owned();
    let same = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == root.join("Cargo.nix"));
    let output = command.place.output.as_ref().filter(|path| !same(path));
    for (flag, value) in [("--manifest-path", command.place.manifest_path.as_ref()), ("-o", output)] {
        if let Some(value) = value {
            line.push_str(&format!(" {flag} {}", value.display()));
        }
    }
    line + "`"
}

/// The workspace root: the nearest directory upwards that has a lock.
fn lock_directory(manifest: &Path) -> Result<PathBuf, Failure> {
    manifest
        .ancestors()
        .skip(1)
        .find(|directory| directory.join("Cargo.lock").is_file())
        .map(Path::to_owned)
        .ok_or_else(|| {
            Failure::new("no-lock-file", format!("there is no Cargo.lock beside `{}` or above it", manifest.display()))
                .help("make it with `cargo generate-lockfile`")
        })
}
