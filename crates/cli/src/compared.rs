//! The workspace before and after a change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use cratewright_graph::{DerivationGraph, Impact};
use cratewright_resolver::Source;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::path::WsPath;
use tempfile::TempDir;

use crate::disk::Disk;
use crate::options::{LoadOptions, Options};
use crate::output::{self, INPUT_NAMES};
use crate::plan::{self, Plan};
use crate::report::Report;
use crate::repository::{FileId, Listing, PLANNED, Repository};
use crate::workspace::{self, Workspace};

/// Git's file mode of a submodule, whose files are in another repository.
const SUBMODULE: &str = "160000";

/// The graphs before and after a change, and a description of the change.
pub(crate) struct Compared {
    /// `None` if nothing is compared.
    pub(crate) before: Option<Vec<DerivationGraph>>,
    pub(crate) after: Vec<DerivationGraph>,
    pub(crate) change: String,
    pub(crate) notes: Vec<String>,
    /// The workspace root before the change, with all files of the revision; `None` if it is the current one.
    pub(crate) exported: Option<(PathBuf, TempDir)>,
}

impl Compared {
    /// Adds the revision to an error of the earlier workspace, and removes the path of the temporary directory from it.
    pub(crate) fn in_revision(&self, failure: Diagnostic) -> Diagnostic {
        let Some((_, directory)) = &self.exported else { return failure };
        let failure = without_directory(failure, directory.path())
            .note("in revision", self.change.trim_start_matches("since ").to_owned());
        match failure.code {
            "stale-cargo-nix" => {
                failure.help("commit what `cratewright generate` writes, or choose another revision with `--since REV`")
            }
            _ => failure,
        }
    }

    /// Graphs without a comparison.
    pub(crate) fn unchanged(graphs: Vec<DerivationGraph>) -> Self {
        Compared { before: None, after: graphs, change: String::new(), notes: Vec::new(), exported: None }
    }
}

/// Compares a graph with the earlier graph of the same platform, or with an empty one if there was none.
pub(crate) fn impact<'a>(before: &[DerivationGraph], after: &'a DerivationGraph) -> Impact<'a> {
    let empty = DerivationGraph::default();
    Impact::new(before.iter().find(|graph| graph.platform == after.platform).unwrap_or(&empty), after)
}

/// Compares the working tree with a revision.
pub(crate) fn since(
    profile: &str,
    revision: Option<&str>,
    report: &Report,
    load: &LoadOptions,
    options: &Options,
    found: &(PathBuf, Disk),
) -> Result<Compared, Diagnostic> {
    let root = found.1.root();
    let repository = Repository::of(root)?;
    let revision = repository.revision(revision)?;
    let directory =
        tempfile::tempdir().map_err(|error| Diagnostic::io("write", Path::new("a temporary directory"), &error))?;
    let [old, new] = repository.listings(&revision)?;
    let in_old = |failure: Diagnostic| failure.note("in revision", revision.shown.clone());
    if !old.0.contains_key("Cargo.lock") {
        return Err(in_old(Diagnostic::no_lock_file().help("choose a revision that has the file with `--since REV`")));
    }
    let old_root = repository.root_in(directory.path());
    let old_load = LoadOptions { manifest_path: Some(old_root.join("Cargo.toml")), ..load.clone() };
    let graphs_before = |workspace: &Workspace| Plan::new(workspace, options)?.graphs(profile, &old);
    let graphs_after = |workspace: &Workspace| {
        all_inside(workspace, &repository, &new)?;
        Plan::new(workspace, options)?.graphs(profile, &new)
    };
    let is_same_to_cargo = is_same_to_cargo(&old.0, &new.0);
    // Cargo takes most of the time, so both sides are loaded in parallel, and cargo runs only once if its input is the
    // same.
    let (before, after) = thread::scope(|scope| {
        let before = scope.spawn(|| {
            repository.export(&revision, directory.path())?;
            // The directory of Cargo.nix may not exist in the revision.
            let place = plan::cargo_nix(&old_root, options);
            let place = output::directory(&place);
            fs::create_dir_all(&place).map_err(|error| Diagnostic::io("write", &place, &error))?;
            if is_same_to_cargo { Ok(None) } else { graphs_before(&workspace::load(&old_load)?).map(Some) }
        });
        let workspace = workspace::load_found_for(report, load, found);
        let after = workspace.as_ref().map_err(Diagnostic::clone).and_then(graphs_after);
        let before =
            before.join().expect("reading a workspace does not panic").and_then(|graphs| match (graphs, workspace) {
                (Some(graphs), _) => Ok(graphs),
                (None, Err(_)) => Ok(Vec::new()),
                (None, Ok(workspace)) => {
                    let top = repository.top_seen_from(root);
                    let metadata = in_directory(&workspace.metadata, &top, &directory.path().join("tree"));
                    graphs_before(&workspace::load_known(&old_load, metadata)?)
                }
            });
        (before, after)
    });
    let (after, before) = (after?, before.map_err(|failure| in_old(without_directory(failure, directory.path())))?);
    let mut notes = Vec::new();
    for (file, what) in [("flake.lock", "nixpkgs"), ("cratewright.nix", "the library of Cargo.nix")] {
        let of = |listing: &Listing| listing.0.get(file).cloned();
        if of(&old) != of(&new) && of(&old).is_some() {
            notes.push(format!("{file} differs: another version of {what} may rebuild every crate, which is not counted here; `--nix` asks Nix"));
        }
    }
    let change = format!("since {}", revision.shown);
    Ok(Compared { before: Some(before), after, change, notes, exported: Some((old_root, directory)) })
}

/// Fails if the repository does not have the earlier files of a local package.
fn all_inside(workspace: &Workspace, repository: &Repository, files: &Listing) -> Result<(), Diagnostic> {
    let in_submodule = |dir: &str| {
        let dir = WsPath::new(dir).unwrap_or_default();
        files.0.iter().any(|(path, (mode, _))| mode == SUBMODULE && path.is_at_or_above(&dir))
    };
    for package in workspace.packages.packages() {
        let Source::Local { dir } = &package.source else { continue };
        let place = match repository.holds(dir) {
            false => "outside of the workspace's git repository",
            true if in_submodule(dir) => "in a submodule",
            true => continue,
        };
        let message = format!("package `{}` is {place}, so there is nothing to compare it with", package.display());
        return Err(Diagnostic::new("no-repository", message)
            .at(dir.clone())
            .help(format!("move it into the same repository, or {PLANNED}")));
    }
    Ok(())
}

/// Whether `cargo metadata` prints the same for both sides: manifests, lock file, toolchain file and configuration are
/// the same, and no file was added or removed that is a target by its name.
fn is_same_to_cargo(old: &BTreeMap<WsPath, FileId>, new: &BTreeMap<WsPath, FileId>) -> bool {
    let decides = |path: &WsPath| {
        let is_named = INPUT_NAMES.contains(&path.name());
        is_named || path.parts().any(|part| part == ".cargo")
    };
    let paths = old.keys().chain(new.keys());
    let mut changed = paths.filter(|path| old.get(*path) != new.get(*path));
    changed.all(|path| !decides(path) && old.contains_key(path) && new.contains_key(path))
}

/// The output of cargo for the same files in another directory. Paths that do not exist there, such as a registry in a
/// directory that git ignores, are not changed.
fn in_directory(metadata: &str, from: &Path, to: &Path) -> String {
    let quoted = |path: &Path| {
        let text = serde_json::Value::from(path.display().to_string()).to_string();
        text[1..text.len() - 1].to_owned()
    };
    let (from, quoted_to) = (quoted(from), quoted(to));
    let is_there = |path: &str| {
        let path: Option<String> = serde_json::from_str(&format!("\"{path}\"")).ok();
        path.is_some_and(|path| fs::symlink_metadata(to.join(path.trim_start_matches('/'))).is_ok())
    };
    let mut parts = metadata.split(&from);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let path = part.split('"').next().unwrap_or_default();
        // In a package id, the version follows the path.
        let is_moved = matches!(path.chars().next(), None | Some('/' | '#'))
            && [Some(path), path.rsplit_once('#').map(|(path, _)| path)].into_iter().flatten().any(is_there);
        text.push_str(if is_moved { &quoted_to } else { &from });
        text.push_str(part);
    }
    text
}

/// Makes paths in a temporary directory relative to the top of the repository, as the user knows them.
fn without_directory(mut failure: Diagnostic, directory: &Path) -> Diagnostic {
    let directory = directory.join("tree").display().to_string() + "/";
    let texts = [&mut failure.message].into_iter().chain(&mut failure.file).chain(&mut failure.help);
    for text in texts.chain(failure.notes.iter_mut().map(|(_, text)| text)) {
        *text = text.replace(&directory, "");
    }
    failure
}
