//! Inputs of a workspace that git does not track. In a flake, such files do not exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::output;
use crate::paths::relative;
use crate::repository::{self, Untracked, top_of};

/// Untracked files and directories, relative to the workspace root.
#[derive(Debug, Default)]
pub(super) struct ToAdd {
    pub(super) plain: BTreeSet<String>,
    /// Those that git ignores.
    pub(super) ignored: BTreeSet<String>,
}

impl ToAdd {
    /// The untracked inputs in the repository of `root`. A directory in which git tracks nothing is listed as a whole
    /// if it has a package: its other files are sources as well.
    pub(super) fn of(root: &Path, inputs: &[PathBuf]) -> Self {
        let mut to_add = ToAdd::default();
        let Some(top) = top_of(root) else { return to_add };
        let Untracked { all, ignored } = repository::untracked(top);
        let is_of_top = |path: &PathBuf| path.parent().and_then(top_of) == Some(top);
        let inputs: BTreeSet<PathBuf> = inputs.iter().flat_map(|path| real(path)).filter(is_of_top).collect();
        // A directory that is read may have untracked files.
        let below = inputs.iter().flat_map(|path| all.iter().filter(move |entry| entry.starts_with(path)));
        let inputs: BTreeSet<&Path> = inputs.iter().chain(below).map(PathBuf::as_path).collect();
        let entry_of = |path: &Path| {
            let is_ignored = path.ancestors().find_map(|above| ignored.get(above)).map(|entry| (entry, true));
            is_ignored.or_else(|| path.ancestors().find_map(|above| all.get(above)).map(|entry| (entry, false)))
        };
        let manifests = inputs.iter().filter(|path| path.ends_with("Cargo.toml"));
        let packages: BTreeSet<&PathBuf> =
            manifests.filter_map(|path| entry_of(path)).map(|(entry, _)| entry).collect();
        for path in &inputs {
            let Some((entry, is_ignored)) = entry_of(path) else { continue };
            let listed = relative(root, if packages.contains(entry) { entry } else { path }).to_string();
            if is_ignored { &mut to_add.ignored } else { &mut to_add.plain }.insert(listed);
        }
        to_add
    }
}

/// An existing path without links above it, and the file that it leads to if it is a link.
fn real(path: &Path) -> Vec<PathBuf> {
    let beside = || Some(output::real_directory(path).ok()?.join(path.file_name()?));
    match path.canonicalize() {
        Ok(target) => beside().into_iter().chain([target]).collect(),
        Err(_) => Vec::new(),
    }
}
