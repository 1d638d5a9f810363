//! Files with git's conflict markers: the error that lists all of them, with the commands that resolve the conflicts.
//!
//! The first such file stops a command. To find the others, the workspace is read once with our side of each conflict
//! and once with theirs, so members that only one side has are found as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cratewright_sources::diagnostic::{Diagnostic, conflict_marker};
use cratewright_sources::files::{Files, Kind};
use cratewright_sources::near::listed;
use cratewright_sources::path::WsPath;
use cratewright_staleness::{LOCK, Observer};
use cratewright_workspace::{Workspace, find_root};

use crate::args::place::PlaceArgs;
use crate::disk::{Disk, read_text};
use crate::library::LibraryPlace;
use crate::options::Options;
use crate::output::{self, TOOLCHAIN_FILES};
use crate::paths::{lexical, quoted, relative};
use crate::repository;
use crate::snapshot::SnapshotPlace;
use crate::workspace::find_manifest;

/// Fails if a file has a conflict marker.
pub(crate) fn check(path: &Path) -> Result<(), Diagnostic> {
    read_text(path).map_or(Ok(()), |text| check_text(path, &text))
}

/// Fails if the text of a file has a conflict marker.
pub(crate) fn check_text(path: &Path, text: &str) -> Result<(), Diagnostic> {
    match conflict_marker(text) {
        Some(line) => Err(Diagnostic::conflict(&path.display().to_string(), line)),
        None => Ok(()),
    }
}

/// The error for all files with conflict markers, if the failure is about one of them. Cargo is run by rustup, which
/// refuses a toolchain file with markers.
pub(crate) fn all(failure: Diagnostic, place: &PlaceArgs) -> Diagnostic {
    let is_possible = ["unfinished-merge", "cargo-refused"].contains(&failure.code);
    let found = is_possible.then(|| Conflicts::of(place)).flatten();
    found.and_then(|found| found.diagnostic(place)).unwrap_or(failure)
}

/// The files of a workspace with conflict markers, and the line of the first marker in each.
struct Conflicts {
    root: PathBuf,
    /// Files that `generate` reads, in the order to resolve them in: the lock file is the last one.
    inputs: Vec<(PathBuf, usize)>,
    /// Files that `generate` writes.
    outputs: Vec<(PathBuf, usize)>,
    /// All files that `generate` writes, if they exist.
    written: Vec<PathBuf>,
}

impl Conflicts {
    fn of(place: &PlaceArgs) -> Option<Self> {
        let manifest = find_manifest(place.manifest_path.as_deref()).ok()?;
        let top = Path::new("/");
        let directory = relative(top, manifest.parent()?);
        let mut root = None;
        let mut inputs = BTreeMap::new();
        let mut library = None;
        for side in [Side::Ours, Side::Theirs] {
            let disk = OneSide::new(Disk::new(top.to_owned()), side);
            let Ok(found) = find_root(&disk, &directory) else { continue };
            let found = top.join(found);
            inputs.extend(disk.into_marked());
            let disk = OneSide::new(Disk::new(found.clone()), side);
            let observer = Observer::new(&disk);
            // All errors but conflicts are reported once these are resolved.
            let workspace = Workspace::discover(&observer).ok();
            library =
                library.or(workspace.and_then(|workspace| workspace.settings.library).map(|library| library.value));
            let _ = observer.read_lock();
            for name in TOOLCHAIN_FILES {
                let _ = disk.text(&WsPath::ROOT.child(name));
            }
            inputs.extend(disk.into_marked());
            root.get_or_insert(found);
        }
        let root = root?;
        let cargo_nix = place.output.clone().unwrap_or_else(|| root.join("Cargo.nix"));
        let library = LibraryPlace::new(library.as_deref(), &root, &cargo_nix).ok();
        let snapshot = SnapshotPlace::new(&root, &cargo_nix).ok();
        let beside = [library.and_then(|library| library.path), snapshot.map(|snapshot| snapshot.path)];
        let written = [cargo_nix].into_iter().chain(beside.into_iter().flatten()).filter(|path| path.exists());
        let written: Vec<PathBuf> = written.collect();
        let outputs = written.iter().filter_map(|path| {
            let line = conflict_marker(&read_text(path).ok()?)?;
            Some((path.clone(), line))
        });
        let outputs = outputs.collect();
        let mut inputs: Vec<(PathBuf, usize)> = inputs.into_iter().collect();
        inputs.sort_by_key(|(path, _)| path.ends_with(LOCK));
        Some(Conflicts { root, inputs, outputs, written })
    }

    fn diagnostic(&self, place: &PlaceArgs) -> Option<Diagnostic> {
        let mut all = self.inputs.iter().chain(&self.outputs);
        let (first, line) = all.next()?;
        let failure = Diagnostic::conflict(&first.display().to_string(), *line);
        let others = all.map(|(path, line)| format!("{}:{line}:1", path.display()));
        Some(others.fold(failure, |failure, other| failure.note("at", other)).help(self.help(place)))
    }

    /// The steps that resolve the conflicts. Generated files need none of their own.
    fn help(&self, place: &PlaceArgs) -> String {
        let names = |files: &[&(PathBuf, usize)]| {
            listed(&files.iter().map(|(path, _)| output::shown(path)).collect::<Vec<_>>(), "and")
        };
        let lock = self.root.join(LOCK);
        // A file with markers that was committed has no sides.
        let has_sides = repository::is_unmerged(&self.root, LOCK);
        let (locks, by_hand): (Vec<_>, Vec<_>) = self.inputs.iter().partition(|(path, _)| has_sides && *path == lock);
        let mut steps = Vec::new();
        if !by_hand.is_empty() {
            steps.push(format!("resolve {} by hand", names(&by_hand)));
        }
        if !locks.is_empty() {
            steps.push(format!("run `{}` (or `--theirs`)", self.git("checkout --ours", &[&lock])));
        }
        let updates = (!locks.is_empty()).then(|| format!("updates `{LOCK}`"));
        let outputs: Vec<_> = self.outputs.iter().collect();
        let writes = (!outputs.is_empty()).then(|| format!("writes {} again", names(&outputs)));
        let effects: Vec<String> = updates.into_iter().chain(writes).collect();
        let generate = place.command_line("generate", &self.root, &Options::default());
        steps.push(match effects.is_empty() {
            true => format!("run `{generate}`"),
            false => format!("run `{generate}`, which {}", effects.join(" and ")),
        });
        // `generate` may also change files that have no conflict.
        let marked = self.inputs.iter().map(|(path, _)| path).filter(|path| **path != lock);
        let changed: Vec<&PathBuf> = marked.chain([&lock]).chain(&self.written).collect();
        let is_unmerged = |path: &&PathBuf| repository::is_unmerged(&self.root, relative(&self.root, path).as_str());
        if changed.iter().any(is_unmerged) {
            steps.push(format!("run `{}` and commit", self.git("add", &changed)));
        }
        steps.join(", then ")
    }

    /// A command of git for these files. If one of them is not below the current directory, it runs in the root.
    fn git(&self, command: &str, files: &[&PathBuf]) -> String {
        let shown: Vec<String> = files.iter().map(|path| output::shown(path)).collect();
        let is_elsewhere = shown.iter().any(|shown| Path::new(shown).is_absolute());
        let words = |names: Vec<String>| names.iter().map(quoted).collect::<Vec<_>>().join(" ");
        match is_elsewhere {
            true => {
                let names = files.iter().map(|path| relative(&self.root, path).to_string()).collect();
                format!("git -C {} {command} {}", quoted(&self.root), words(names))
            }
            false => format!("git {command} {}", words(shown)),
        }
    }
}

/// Which side of conflicts is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Ours,
    Theirs,
}

/// A disk on which files that are not valid TOML because of conflict markers have only one side of each conflict.
struct OneSide {
    disk: Disk,
    side: Side,
    /// These files, and the line of the first marker in each.
    marked: Mutex<BTreeMap<PathBuf, usize>>,
}

impl OneSide {
    fn new(disk: Disk, side: Side) -> Self {
        OneSide { disk, side, marked: Mutex::default() }
    }

    fn into_marked(self) -> BTreeMap<PathBuf, usize> {
        self.marked.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for OneSide {
    fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
        let Some(text) = self.disk.text(path)? else { return Ok(None) };
        let Some(line) = conflict_marker(&text).filter(|_| toml::from_str::<toml::Table>(&text).is_err()) else {
            return Ok(Some(text));
        };
        let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
        marked.insert(lexical(self.disk.root(), path), line);
        Ok(Some(one_side(&text, self.side)))
    }

    fn kind(&self, path: &WsPath) -> Option<Kind> {
        self.disk.kind(path)
    }

    fn names(&self, directory: &WsPath) -> Vec<(String, Kind)> {
        self.disk.names(directory)
    }
}

/// A text with one side of each conflict. Between the sides, git may show their common ancestor.
fn one_side(text: &str, side: Side) -> String {
    let mut kept = String::new();
    let mut part = None;
    for line in text.lines() {
        let is = |marker: &str| line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        part = match part {
            None if is("<<<<<<<") => Some(Some(Side::Ours)),
            Some(_) if is("|||||||") => Some(None),
            Some(_) if is("=======") => Some(Some(Side::Theirs)),
            Some(_) if is(">>>>>>>") => None,
            part => {
                if part.is_none_or(|part| part == Some(side)) {
                    kept.extend([line, "\n"]);
                }
                part
            }
        };
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_of_each_conflict_is_read() {
        let text = "a\n<<<<<<< HEAD\nb\n||||||| 1234\nc\n=======\nd\n>>>>>>> other\ne\n<<<<<<< HEAD\n=======\nf\n>>>>>>> other\n";
        assert_eq!(one_side(text, Side::Ours), "a\nb\ne\n");
        assert_eq!(one_side(text, Side::Theirs), "a\nd\ne\nf\n");
    }
}
