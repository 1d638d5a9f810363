//! The workspace root, found without cargo.

use std::path::{Path, PathBuf};

use cratewright_staleness::is_excluded;

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
        if !path.exists() {
            continue;
        }
        let table = parse(&path)?;
        match table.get("workspace") {
            Some(workspace) => {
                let (members, exclude) = (strings(workspace, "members"), strings(workspace, "exclude"));
                if !is_excluded(ancestor, &directory, &exclude, &members) {
                    return Ok(ancestor.to_owned());
                }
            }
            None => {
                if let Some(root) = pointer(&table, ancestor) {
                    return find(root);
                }
            }
        }
    }
    Ok(directory)
}

/// Texts of a list in `[workspace]`.
fn strings(workspace: &toml::Value, key: &str) -> Vec<String> {
    let items = workspace.get(key).and_then(toml::Value::as_array).into_iter().flatten();
    items.filter_map(toml::Value::as_str).map(str::to_owned).collect()
}

fn parse(manifest: &Path) -> Result<toml::Table, Failure> {
    workspace::read(manifest)?.parse().map_err(|error: toml::de::Error| {
        Failure::new("invalid-manifest", format!("`{}` cannot be read: {}", manifest.display(), error.message()))
            .help("`cargo check` says more")
    })
}
