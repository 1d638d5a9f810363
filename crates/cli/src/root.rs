//! The workspace root, found without cargo.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::workspace;

/// The workspace root that cargo would find, without asking it: `find_root` of `src/cargo/core/workspace.rs`.
///
/// The manifest's own `[workspace]` or `package.workspace`, else the nearest `[workspace]` above that does not exclude
/// it, else the package by itself.
pub(crate) fn workspace_root(manifest: &Path) -> Result<PathBuf, Failure> {
    let own = parse(manifest)?;
    let directory = manifest.parent().unwrap_or(Path::new("")).to_owned();
    if own.get("workspace").is_some() {
        return Ok(directory);
    }
    let pointer = |table: &toml::Table, directory: &Path| {
        let path = table.get("package")?.get("workspace")?.as_str()?;
        Some(directory.join(path))
    };
    let find = |root: PathBuf| root.canonicalize().map_err(|error| Failure::io("find", &root, &error));
    if let Some(root) = pointer(&own, &directory) {
        return find(root);
    }
    for ancestor in directory.ancestors().skip(1) {
        let path = ancestor.join("Cargo.toml");
        if !path.is_file() {
            continue;
        }
        let table = parse(&path)?;
        match table.get("workspace") {
            Some(workspace) if !is_excluded(workspace, ancestor, &directory) => return Ok(ancestor.to_owned()),
            Some(_) => {}
            None => {
                if let Some(root) = pointer(&table, ancestor) {
                    return find(root);
                }
            }
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
