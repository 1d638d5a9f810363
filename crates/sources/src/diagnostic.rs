//! What is wrong with an input: the one kind of error of all crates.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the line, from 1.
    pub line: usize,
    /// Number of the character in it, from 1.
    pub column: usize,
}

impl Position {
    /// Of a byte of a text.
    pub fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Position { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An error as it is told to people: code, message, where, and what to type next.
///
/// Whoever finds that something is wrong knows best what to do about it, so it says all of this there.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Stable kebab-case code, listed in `docs/src/errors.md`.
    pub code: &'static str,
    /// What is wrong, lower case, without period.
    pub message: String,
    /// The file that it is in: seen from the workspace root, or as it was named.
    pub file: Option<String>,
    /// Where in the file.
    pub position: Option<Position>,
    /// Labelled facts: the path to a package, what another program says.
    pub notes: Vec<(&'static str, String)>,
    /// What to do about it.
    pub help: Option<String>,
    /// What another library says.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Diagnostic {
    /// One with nothing but code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (file, position, help, source) = (None, None, None, None);
        Diagnostic { code, message: message.into(), file, position, notes: Vec::new(), help, source }
    }

    /// Says in which file it is.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Says where in the file it is.
    #[must_use]
    pub fn position(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// Adds a labelled fact.
    #[must_use]
    pub fn note(mut self, label: &'static str, text: impl Into<String>) -> Self {
        self.notes.push((label, text.into()));
        self
    }

    /// Says what to type next.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Says what it comes from.
    #[must_use]
    pub fn caused_by(mut self, error: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// Says in which directory the workspace is, from which the file is seen.
    #[must_use]
    pub fn in_directory(mut self, root: &Path) -> Self {
        self.file = self.file.map(|file| root.join(file).display().to_string());
        self
    }

    /// A file that cannot be read or written.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        Diagnostic::new("io", format!("cannot {action} `{}`: {error}", path.display())).help(match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => "make room on the disk, or write to another one",
            _ => "check that the path is right and its permissions allow it",
        })
    }

    /// A text that is not what it should be, such as `valid TOML`: `span` is where, in bytes.
    pub fn toml(
        code: &'static str,
        expected: &str,
        file: &str,
        text: &str,
        message: &str,
        span: Option<std::ops::Range<usize>>,
    ) -> Self {
        if let Some(line) = conflict_marker(text) {
            return Diagnostic::conflict(file, line);
        }
        Diagnostic::new(code, format!("the file is not {expected}: {message}"))
            .at(file)
            .position(span.map(|span| Position::of(text, span.start)))
            .help("correct the file, or restore it from version control; cargo refuses it as well")
    }

    /// A workspace without lock.
    pub fn no_lock_file() -> Self {
        Diagnostic::new("no-lock-file", "`Cargo.lock` does not exist")
            .at("Cargo.lock")
            .help("make it with `cargo generate-lockfile`")
    }

    /// A merge was left unfinished in a file.
    pub fn conflict(file: &str, line: usize) -> Self {
        Diagnostic::new("unfinished-merge", "the file has a conflict marker of an unfinished merge")
            .at(file)
            .position(Some(Position { line, column: 1 }))
            .help("finish the merge")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Diagnostic {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// The first line, counted from 1, with which git marks a conflict.
pub fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    text.lines().position(is_marker).map(|ix| ix + 1)
}
