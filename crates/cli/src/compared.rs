//! The workspace on two sides of a change.

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
use crate::output;
use crate::plan::{self, Plan};
use crate::report::Report;
use crate::repository::{FileId, Listing, Repository};
use crate::workspace::{self, Workspace};

/// Mode of a submodule in git, whose files are in another repository.
const SUBMODULE: &str = "160000";

/// Both sides, and what they are called.
pub(crate) struct Compared {
    /// Nothing where nothing was compared.
    pub(crate) before: Option<Vec<DerivationGraph>>,
    pub(crate) after: Vec<DerivationGraph>,
    pub(crate) change: String,
    pub(crate) notes: Vec<String>,
    /// The workspace root before, with all files of the revision; nothing where it is the same as now.
    pub(crate) exported: Option<(PathBuf, TempDir)>,
}

impl Compared {
    /// An error of the workspace before: that it is about the revision, and without paths of a temporary directory.
    pub(crate) fn in_revision(&self, failure: Diagnostic) -> Diagnostic {
        let Some((_, directory)) = &self.exported else { return failure };
        elsewhere(failure, directory.path()).note("in revision", self.change.trim_start_matches("since ").to_owned())
    }

    /// One side alone.
    pub(crate) fn unchanged(graphs: Vec<DerivationGraph>) -> Self {
        Compared { before: None, after: graphs, change: String::new(), notes: Vec::new(), exported: None }
    }
}

/// What a graph is against that of its platform before, which may not have been there.
pub(crate) fn impact<'a>(before: &[DerivationGraph], after: &'a DerivationGraph) -> Impact<'a> {
    let empty = DerivationGraph::default();
    Impact::new(before.iter().find(|graph| graph.platform == after.platform).unwrap_or(&empty), after)
}

/// The working tree as it is against a revision.
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
        return Err(in_old(Diagnostic::no_lock_file().help("name a revision that has the file: `--since REV`")));
    }
    let old_root = repository.root_in(directory.path());
    let old_load = LoadOptions { manifest_path: Some(old_root.join("Cargo.toml")), ..load.clone() };
    let graphs_before = |workspace: &Workspace| Plan::new(workspace, options)?.graphs(profile, &old);
    let graphs_after = |workspace: &Workspace| {
        all_inside(workspace, &repository, &new)?;
        Plan::new(workspace, options)?.graphs(profile, &new)
    };
    let is_same_to_cargo = is_same_to_cargo(&old.0, &new.0);
    // Cargo takes most of the time: it is asked for both sides at once, or for one of them alone if that says it all.
    let (before, after) = thread::scope(|scope| {
        let before = scope.spawn(|| {
            repository.export(&revision, directory.path())?;
            // Cargo.nix need not have been there.
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
    let (after, before) = (after?, before.map_err(|failure| in_old(elsewhere(failure, directory.path())))?);
    let mut notes = Vec::new();
    for (file, what) in [("flake.lock", "nixpkgs"), ("cratewright.nix", "the library of Cargo.nix")] {
        let of = |listing: &Listing| listing.0.get(file).cloned();
        if of(&old) != of(&new) && of(&old).is_some() {
            notes.push(format!("{file} differs: another version of {what} may build every crate again, which is not counted here; `--nix` asks Nix"));
        }
    }
    let change = format!("since {}", revision.shown);
    Ok(Compared { before: Some(before), after, change, notes, exported: Some((old_root, directory)) })
}

/// Fails if there is a package of which the repository does not know what it was.
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
        let message =
            format!("package `{}` is {place}, so that there is nothing to compare it with", package.display());
        return Err(Diagnostic::new("no-repository", message).at(dir.clone()).help(
            "have it in the same repository, or ask for a change that is not made yet: `--bump CRATE`, `--edit PATH` or `--feature MEMBER/FEATURE`",
        ));
    }
    Ok(())
}

/// Whether `cargo metadata` says the same of both sides: manifests, lock, toolchain and configuration are the same files, and
/// no file came or went that is a target by its name.
fn is_same_to_cargo(old: &BTreeMap<WsPath, FileId>, new: &BTreeMap<WsPath, FileId>) -> bool {
    let decides = |path: &WsPath| {
        let is_named = ["Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml"].contains(&path.name());
        is_named || path.parts().any(|part| part == ".cargo")
    };
    let paths = old.keys().chain(new.keys());
    let mut changed = paths.filter(|path| old.get(*path) != new.get(*path));
    changed.all(|path| !decides(path) && old.contains_key(path) && new.contains_key(path))
}

/// What cargo would print of the same files in another directory. What is not there, such as a registry in a directory that
/// git ignores, stays where it is.
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
        // An id has the version behind the path.
        let is_moved = matches!(path.chars().next(), None | Some('/' | '#'))
            && [Some(path), path.rsplit_once('#').map(|(path, _)| path)].into_iter().flatten().any(is_there);
        text.push_str(if is_moved { &quoted_to } else { &from });
        text.push_str(part);
    }
    text
}

/// Paths of a temporary directory mean nothing to anybody: they are said as they are seen from the top of the repository.
fn elsewhere(mut failure: Diagnostic, directory: &Path) -> Diagnostic {
    let directory = directory.join("tree").display().to_string() + "/";
    let texts = [&mut failure.message].into_iter().chain(&mut failure.file).chain(&mut failure.help);
    for text in texts.chain(failure.notes.iter_mut().map(|(_, text)| text)) {
        *text = text.replace(&directory, "");
    }
    failure
}
