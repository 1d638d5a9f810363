//! The error type shared by all crates.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line number, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset in a text.
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

/// An error as it is shown to people: code, message, place, and what to type next.
///
/// It is built where the error is found, because that code knows the remedy.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// Stable kebab-case code, listed in `docs/src/errors.md`.
    pub code: &'static str,
    /// What is wrong: lower case, without a period.
    pub message: String,
    /// The file, relative to the workspace root or as given on the command line.
    pub file: Option<String>,
    /// Position in the file.
    pub position: Option<Position>,
    /// Labelled facts, such as the dependency path to a package or the output of another program.
    pub notes: Vec<(&'static str, String)>,
    /// What to type next.
    pub help: Option<String>,
    /// The error of another library that caused this one.
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Diagnostic {
    /// A diagnostic with only a code and a message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        let (file, position, help, source) = (None, None, None, None);
        Diagnostic { code, message: message.into(), file, position, notes: Vec::new(), help, source }
    }

    /// Sets the file.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>) -> Self {
        self.file = Some(file.into());
        self
    }

    /// Sets the position in the file.
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

    /// Sets what to type next.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, error: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(error));
        self
    }

    /// Makes the file path absolute: `root` is the directory that it is relative to.
    #[must_use]
    pub fn in_directory(mut self, root: &Path) -> Self {
        self.file = self.file.map(|file| root.join(file).display().to_string());
        self
    }

    /// An error of reading or writing a file; `action` is a verb such as `read`.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, InvalidData, IsADirectory, PermissionDenied, QuotaExceeded, StorageFull};
        Diagnostic::new("io", format!("cannot {action} `{}`: {error}", path.display())).help(match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => "free disk space, or write to another disk",
            PermissionDenied => "check the permissions of the file and of its directory",
            IsADirectory => "give the path of a file in it",
            InvalidData => "convert the file to UTF-8, or restore it from version control",
            _ => "check the path and its permissions",
        })
    }

    /// A file in the wrong format: `expected` is what it should be, such as `valid TOML`, and `span` the byte range of
    /// the error.
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

    /// `Cargo.lock` is missing.
    pub fn no_lock_file() -> Self {
        Diagnostic::new("no-lock-file", "`Cargo.lock` does not exist")
            .at("Cargo.lock")
            .help("create it with `cargo generate-lockfile`")
    }

    /// A file with git's conflict markers.
    pub fn conflict(file: &str, line: usize) -> Self {
        Diagnostic::new("unfinished-merge", "there are conflict markers of an unfinished merge")
            .at(file)
            .position(Some(Position { line, column: 1 }))
            .help("resolve the conflict in that file")
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

/// Line number, from 1, of the first conflict marker of git.
pub fn conflict_marker(text: &str) -> Option<usize> {
    let is_marker = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    text.lines().position(is_marker).map(|ix| ix + 1)
}
