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
    let root = workspace_root(&manifest)?;
    if !root.join("Cargo.lock").is_file() {
        return Err(Failure::no_lock_file(&root));
    }
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

/// The workspace root that cargo would find, without asking it: `find_root` of `src/cargo/core/workspace.rs`.
///
/// The manifest's own `[workspace]` or `package.workspace`, else the nearest `[workspace]` above that does not exclude
/// it, else the package by itself.
fn workspace_root(manifest: &Path) -> Result<PathBuf, Failure> {
    let own = parse(manifest)?;
    let directory = manifest.parent().unwrap_or(Path::new("")).to_owned();
    if own.get("workspace").is_some() {
        return Ok(directory);
    }
    let pointer = own.get("package").and_then(|package| package.get("workspace")).and_then(toml::Value::as_str);
    if let Some(root) = pointer {
        let root = directory.join(root);
        return root.canonicalize().map_err(|error| Failure::io("find", &root, &error));
    }
    for ancestor in directory.ancestors().skip(1) {
        let path = ancestor.join("Cargo.toml");
        if !path.is_file() {
            continue;
        }
        if let Some(workspace) = parse(&path)?.get("workspace") {
            return Ok(if is_excluded(workspace, ancestor, &directory) { directory } else { ancestor.to_owned() });
        }
    }
    Ok(directory)
}

/// `exclude` holds for everything below, unless `members` names it.
fn is_excluded(workspace: &toml::Value, root: &Path, directory: &Path) -> bool {
    let lists = |key: &str| {
        let paths = workspace.get(key).and_then(toml::Value::as_array).into_iter().flatten();
        paths.filter_map(toml::Value::as_str).any(|path| directory.starts_with(root.join(path)))
    };
    lists("exclude") && !lists("members")
}

fn parse(manifest: &Path) -> Result<toml::Table, Failure> {
    workspace::read(manifest)?.parse().map_err(|error: toml::de::Error| {
        Failure::new("invalid-manifest", format!("`{}` cannot be read: {}", manifest.display(), error.message()))
            .help("`cargo check` says more")
    })
}
