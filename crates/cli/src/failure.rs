//! What the user is told when something cannot be done.

use std::io;
use std::path::Path;

use cratewright_renderer::RenderError;
use cratewright_resolver::ResolveError;
use cratewright_staleness::StampError;

/// An error as it is printed: code, message, where, and what to type next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// What is wrong, lower case, without period.
    pub message: String,
    /// Labelled facts: file, package, path to it, cause.
    pub notes: Vec<(&'static str, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Failure {
    /// A failure with nothing but code and message.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Failure { code, message: message.into(), notes: Vec::new(), help: None }
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

    /// A file that cannot be read or written.
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        Failure::new("io", format!("cannot {action} `{}`: {error}", path.display())).help(match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => "make room on the disk, or write to another one",
            _ => "check that the path is right and its permissions allow it",
        })
    }

    /// A workspace without lock.
    pub fn no_lock_file(root: &Path) -> Self {
        Failure::new("no-lock-file", format!("`{}` does not exist", root.join("Cargo.lock").display()))
            .help("make it with `cargo generate-lockfile`")
    }

    /// A resolver's error, about the workspace at `root`.
    pub fn resolve(error: &ResolveError, root: &Path) -> Self {
        let file = |name: &str| root.join(name).display().to_string();
        let failure = Failure::new(error.code(), error.to_string());
        let failure = match error.dependency_path() {
            [] | [_] => failure,
            path => failure.note("required by", path.join(" -> ")),
        };
        match error {
            ResolveError::UnsupportedKey { .. } => failure
                .help("leave the key out; it needs an unstable cargo, and nixpkgs' builder knows nothing like it"),
            ResolveError::InvalidProfile { .. } => {
                failure.note("at", file("Cargo.toml")).help("correct `[profile]`; `cargo build` says more about it")
            }
            ResolveError::InvalidManifest { .. } | ResolveError::UnknownResolver { .. } => {
                failure.note("at", file("Cargo.toml")).help("run `cargo check` to see what cargo says about it")
            }
            ResolveError::NoChecksum { .. } => failure
                .note("at", file("Cargo.lock"))
                .help("restore it from version control, or make a new one with `cargo generate-lockfile`"),
            ResolveError::NotInLock { .. } => {
                failure.note("at", file("Cargo.lock")).help("run `cargo check`, then `cratewright generate` again")
            }
            ResolveError::UnsupportedSource { .. } => failure
                .note("at", file("Cargo.lock"))
                .help("take it from a registry, a git repository or a `path`; if cargo builds it, please report this"),
            ResolveError::UnsafeLinks { .. } => {
                failure.help("use letters, digits and `._+-` in `links` of that package's Cargo.toml")
            }
            ResolveError::TargetOutsidePackage { .. } | ResolveError::UnsafePath { .. } => failure.help(
                "rename the file, and its `path` in Cargo.toml, to letters, digits and `._+@-` below the package",
            ),
            ResolveError::InvalidMetadata { .. } => failure.help("correct the key in that package's Cargo.toml"),
            _ => failure,
        }
    }
}

impl From<RenderError> for Failure {
    fn from(error: RenderError) -> Self {
        Failure::new(error.code(), error.to_string()).help(error.help())
    }
}

impl Failure {
    /// A `Cargo.nix` whose header cannot be read.
    pub fn stamp(error: &StampError, path: &Path) -> Self {
        let code = match error {
            StampError::NotGenerated => "foreign-file",
            StampError::Conflict { .. } => "unfinished-merge",
            _ => "damaged-header",
        };
        Failure::new(code, error.to_string()).note("at", path.display().to_string())
    }
}
