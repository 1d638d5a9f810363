//! The workspace on disk, as what goes into `Cargo.nix` is read from it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use cratewright_staleness::{InputError, Inputs, Look, Section, Tree};
use serde_json::Value;

use crate::failure::Failure;
use crate::generate::relative;
use crate::workspace::Cross;

/// The bytes of a file. Anything else is refused: a pipe would be waited for, and a device may have no end.
pub(crate) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    match kind.is_file() {
        true => fs::read(path),
        false if kind.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// The text of a file, as [`read_bytes`].
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let not_utf8 = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    read_bytes(path).and_then(|bytes| String::from_utf8(bytes).map_err(not_utf8))
}

/// A directory, as a [`Tree`] that remembers what was looked at.
struct Disk<'a> {
    root: &'a Path,
    seen: Mutex<BTreeSet<String>>,
}

impl Disk<'_> {
    fn see(&self, path: &str) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned());
    }
}

impl Tree for Disk<'_> {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        match read_text(&self.root.join(path)) {
            Ok(text) => {
                self.see(path);
                Ok(Some(text))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is_file(&self, path: &str) -> bool {
        let is_file = self.root.join(path).is_file();
        if is_file {
            self.see(path);
        }
        is_file
    }

    fn entries(&self, directory: &str) -> Vec<(String, bool)> {
        let entries = fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
        let entries = entries.filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let is_directory = if kind.is_symlink() { entry.path().is_dir() } else { kind.is_dir() };
            // Pipes and the like would be waited for.
            let is_read = kind.is_file() || kind.is_dir() || kind.is_symlink();
            is_read.then(|| (entry.file_name().to_string_lossy().into_owned(), is_directory))
        });
        entries.collect()
    }

    fn links(&self, directory: &str) -> Vec<(String, String)> {
        let entries = fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
        let links = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
        let link = |entry: fs::DirEntry| {
            let target = fs::read_link(entry.path()).ok()?;
            Some((entry.file_name().to_str()?.to_owned(), target.to_str()?.to_owned()))
        };
        links.filter_map(link).collect()
    }

    fn is_far(&self, directory: &str, path: &str) -> bool {
        let Ok(root) = self.root.canonicalize() else { return false };
        // As compilers go up from where they really are.
        let to = lexical(&root, path);
        let repositories: Vec<PathBuf> =
            [root.clone(), lexical(&root, directory)].iter().filter_map(|at| repository(at)).collect();
        if repositories.is_empty() {
            // Sources without history: at least what is in another directory below `/` does not belong to them.
            let top = |path: &Path| path.components().nth(1).map(|part| part.as_os_str().to_owned());
            return top(&to) != top(&root);
        }
        !repositories.iter().any(|repository| to.starts_with(repository))
    }
}

/// A path seen from a directory, by names alone: it need not be there.
pub(crate) fn lexical(directory: &Path, path: &str) -> PathBuf {
    path.split('/').filter(|part| !part.is_empty() && *part != ".").fold(directory.to_owned(), |mut at, part| {
        if part == ".." {
            at.pop();
        } else {
            at.push(part);
        }
        at
    })
}

/// The outermost repository that a directory is in; one may hold others as submodules.
fn repository(directory: &Path) -> Option<PathBuf> {
    let holds_history = |at: &&Path| [".git", ".hg", ".jj", ".svn"].iter().any(|name| at.join(name).exists());
    directory.ancestors().filter(holds_history).last().map(Path::to_owned)
}

/// What of the command line goes into `Cargo.nix`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) targets: Vec<String>,
    pub(crate) cross: Vec<Cross>,
    /// The file, seen from the workspace root, where it is not `Cargo.nix` there.
    pub(crate) output: Option<String>,
    /// The workspace root, seen from the directory of a file that lies outside of it: that has the name of the root in it.
    pub(crate) root: Option<String>,
    /// Digest of the library, where it is within the file.
    pub(crate) library: Option<String>,
}

impl Options {
    /// Those recorded in a `Cargo.nix`.
    pub(crate) fn recorded(inputs: &Inputs) -> Self {
        let section = inputs.options();
        let list = |key: &str| {
            let items = section.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let cross = list("--cross").iter().filter_map(|pair| pair.parse().ok()).collect();
        Options {
            targets: list("--target"),
            cross,
            output: section.get("--output").and_then(Value::as_str).map(str::to_owned),
            root: None,
            library: None,
        }
    }

    pub(crate) fn section(&self) -> Section {
        let mut section = Section::new();
        if !self.targets.is_empty() {
            section.insert("--target".to_owned(), self.targets.clone().into());
        }
        if !self.cross.is_empty() {
            let pairs: Vec<String> = self.cross.iter().map(ToString::to_string).collect();
            section.insert("--cross".to_owned(), pairs.into());
        }
        if let Some(output) = &self.output {
            section.insert("--output".to_owned(), output.clone().into());
        }
        if let Some(root) = &self.root {
            section.insert("(root)".to_owned(), root.clone().into());
        }
        if let Some(library) = &self.library {
            section.insert("(library)".to_owned(), library.clone().into());
        }
        section
    }
}

/// Everything that goes into the `Cargo.nix` of the workspace at `root`, but for options.
pub(crate) fn inputs(root: &Path, look: Look) -> Result<Inputs, Failure> {
    inputs_and_files(root, look).map(|(inputs, _)| inputs)
}

/// The same, with the files and directories that it was read from.
pub(crate) fn inputs_and_files(root: &Path, look: Look) -> Result<(Inputs, BTreeSet<PathBuf>), Failure> {
    let disk = Disk { root, seen: Mutex::default() };
    let inputs = Inputs::read(&disk, look).map_err(|error| failure(&error, root))?;
    for (directory, _) in inputs.packages() {
        check_no_link(root, directory)?;
        check_no_return(root, directory)?;
    }
    let seen = disk.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let outside = inputs.reads().values().flat_map(|reads| &reads.paths);
    let files = seen.iter().chain(outside).map(|path| root.join(path)).collect();
    Ok((inputs, files))
}

/// Refuses what cargo would wait for, such as a pipe in the place of a manifest. All else is cargo's to complain about.
pub(crate) fn check_readable(root: &Path) -> Result<(), Failure> {
    match Inputs::read(&Disk { root, seen: Mutex::default() }, Look::Manifests) {
        Err(error @ InputError::Unreadable { .. }) => Err(failure(&error, root)),
        _ => Ok(()),
    }
}

fn failure(error: &InputError, root: &Path) -> Failure {
    let failure = Failure::new(code(error), error.to_string()).note("at", root.display().to_string());
    failure.help(match error {
        InputError::Conflict { .. } => "finish the merge",
        InputError::NoLock => "make it with `cargo generate-lockfile`",
        InputError::InvalidLock { .. } => {
            "restore it from version control, or make a new one with `cargo generate-lockfile`"
        }
        InputError::Unreadable { .. } => "check that it is a file and that its permissions allow it",
        InputError::Absolute { .. } => "write it as seen from the directory of that manifest",
        _ => "cargo refuses this as well: `cargo check` says more",
    })
}

/// Nix copies a link as a link, so a package behind one would have no source.
fn check_no_link(root: &Path, directory: &str) -> Result<(), Failure> {
    let parts = directory.split('/').filter(|part| !part.is_empty());
    let mut path = root.to_owned();
    for part in parts {
        path.push(part);
        if path.is_symlink() {
            let message = format!("package `{directory}` lies behind a symbolic link");
            return Err(Failure::new("symlinked-package", message)
                .note("at", path.display().to_string())
                .help("name the directory itself in `members` or `path`"));
        }
    }
    Ok(())
}

/// A path that goes further up than it must, to come back by a name: not the same where that is another one.
fn check_no_return(root: &Path, directory: &str) -> Result<(), Failure> {
    let straight = || Some(relative(&root.canonicalize().ok()?, &root.join(directory).canonicalize().ok()?));
    if !directory.starts_with("../") || straight().is_none_or(|straight| straight == directory) {
        return Ok(());
    }
    let message = format!("the path to package `{directory}` leads up and comes back");
    Err(Failure::new("roundabout-path", message)
        .note("at", root.join("Cargo.toml").display().to_string())
        .help("write the shortest way, which is the same wherever the workspace lies"))
}

fn code(error: &InputError) -> &'static str {
    match error {
        InputError::NoManifest => "no-manifest",
        InputError::NoLock => "no-lock-file",
        InputError::InvalidLock { .. } => "invalid-lock-file",
        InputError::Conflict { .. } => "unfinished-merge",
        InputError::Unreadable { .. } => "io",
        InputError::MissingManifest { .. } => "missing-manifest",
        InputError::Absolute { .. } => "absolute-path",
        InputError::NotInherited { .. } => "not-inherited",
        _ => "invalid-manifest",
    }
}
