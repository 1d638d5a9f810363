//! Implements the file access of the libraries.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::files::{Files, Kind};
use cratewright_sources::path::WsPath;

use crate::paths::{lexical, relative};

/// The bytes of a regular file. Other files are refused: a pipe may block, and a device may have no end.
pub(crate) fn read_bytes(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    match kind.is_file() {
        true => fs::read(path),
        false if kind.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Err(io::Error::other("it is not a regular file")),
    }
}

/// The text of a regular file, see [`read_bytes`].
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let not_utf8 = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    read_bytes(path).and_then(|bytes| String::from_utf8(bytes).map_err(not_utf8))
}

/// The text of a file that has to exist.
pub(crate) fn require_text(path: &Path) -> Result<String, Diagnostic> {
    read_text(path).map_err(|error| Diagnostic::io("read", path, &error))
}

/// A directory that caches the files it has read. A file is read again only if it has changed.
#[derive(Debug, Clone)]
pub(crate) struct Disk {
    root: PathBuf,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    texts: BTreeMap<PathBuf, (Stamp, String)>,
    /// Files that were read, or looked for and found.
    seen: Vec<PathBuf>,
}

/// Metadata that changes when a file is written or replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Inode number, and the time of the last status change (ctime), which programs cannot set.
    inode: (u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        #[cfg(unix)]
        let inode = {
            use std::os::unix::fs::MetadataExt;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let inode = (0, 0, 0);
        Some(Stamp { length: metadata.len(), modified: metadata.modified().ok(), inode })
    }
}

impl Disk {
    /// The directory as the workspace root.
    pub(crate) fn new(root: PathBuf) -> Self {
        Disk { root, memory: Arc::default() }
    }

    /// Another directory with the same cache.
    pub(crate) fn at(&self, root: PathBuf) -> Self {
        Disk { root, memory: self.memory.clone() }
    }

    /// The workspace root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Files that were read, or looked for and found, some of them several times.
    pub(crate) fn seen(&self) -> Vec<PathBuf> {
        self.memory().seen.clone()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for Disk {
    fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
        let path = self.root.join(path);
        // There are many sources, and they are rarely read again.
        let is_source = path.as_os_str().as_encoded_bytes().ends_with(b".rs");
        let stamp = if is_source { None } else { Stamp::of(&path) };
        if let (Some(stamp), Some((known, text))) = (&stamp, self.memory().texts.get(&path))
            && known == stamp
        {
            return Ok(Some(text.clone()));
        }
        match read_text(&path) {
            Ok(text) => {
                let mut memory = self.memory();
                memory.texts.extend(stamp.map(|stamp| (path.clone(), (stamp, text.clone()))));
                memory.seen.push(path);
                Ok(Some(text))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn is_as_read(&self, path: &WsPath) -> bool {
        let path = self.root.join(path);
        let stamp = Stamp::of(&path);
        stamp.is_some_and(|stamp| self.memory().texts.get(&path).is_some_and(|(known, _)| *known == stamp))
    }

    fn read_listed(&self, path: &WsPath, bytes: &mut Vec<u8>) -> Result<(), String> {
        let path = self.root.join(path);
        let mut read = || {
            let mut file = File::open(&path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
            // The buffer is reused, and reading stops at the known length.
            bytes.resize(length, 0);
            file.read_exact(bytes)
        };
        read().map_err(|error: io::Error| error.to_string())?;
        self.memory().seen.push(path);
        Ok(())
    }

    fn kind(&self, path: &WsPath) -> Option<Kind> {
        let path = self.root.join(path);
        let kind = fs::metadata(&path).ok()?.file_type();
        if kind.is_file() {
            self.memory().seen.push(path);
            return Some(Kind::File);
        }
        kind.is_dir().then_some(Kind::Directory)
    }

    fn names(&self, directory: &WsPath) -> Vec<(String, Kind)> {
        let entries = fs::read_dir(self.root.join(directory)).into_iter().flatten().flatten();
        let entries = entries.filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let kind = match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
                (true, _, _) => Kind::File,
                (_, true, _) => Kind::Directory,
                (_, _, true) => Kind::Link,
                _ => return None,
            };
            Some((entry.file_name().to_string_lossy().into_owned(), kind))
        });
        entries.collect()
    }

    fn link(&self, path: &WsPath) -> Option<String> {
        fs::read_link(self.root.join(path)).ok()?.to_str().map(str::to_owned)
    }

    fn straight(&self, path: &WsPath) -> Option<WsPath> {
        Some(relative(&self.root.canonicalize().ok()?, &self.root.join(path).canonicalize().ok()?))
    }

    fn is_far(&self, directory: &WsPath, path: &WsPath) -> bool {
        let Ok(root) = self.root.canonicalize() else { return false };
        // Compilers resolve `..` from the real directory.
        let to = lexical(&root, path);
        let repositories: Vec<PathBuf> =
            [root.clone(), lexical(&root, directory)].iter().filter_map(|at| repository(at)).collect();
        if repositories.is_empty() {
            // Without version control, files below another top-level directory do not belong to the sources.
            let top = |path: &Path| path.components().nth(1).map(|part| part.as_os_str().to_owned());
            return top(&to) != top(&root);
        }
        !repositories.iter().any(|repository| to.starts_with(repository))
    }
}

/// The outermost repository around a directory; a repository may have others as submodules.
fn repository(directory: &Path) -> Option<PathBuf> {
    let holds_history = |at: &&Path| [".git", ".hg", ".jj", ".svn"].iter().any(|name| at.join(name).exists());
    directory.ancestors().filter(holds_history).last().map(Path::to_owned)
}
