//! Sources of packages.

use std::collections::HashMap;

use cargo_lock::package::{SourceId, SourceKind};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::path::relative;
use cratewright_staleness::{LOCK, Lock};

/// The place from which cargo takes a package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A member or path dependency.
    Local {
        /// Directory of the manifest, relative to the workspace root; `/`-separated, empty for the root, with leading
        /// `..` if it is outside of the root.
        dir: String,
    },
    /// The crates.io registry.
    CratesIo {
        /// SHA-256 of the `.crate` file in lower-case hexadecimal, from `Cargo.lock`.
        checksum: String,
    },
    /// Another registry.
    Registry {
        /// URL of its index as in `Cargo.lock`, with `sparse+` but without `registry+`.
        index: String,
        /// SHA-256 of the `.crate` file in lower-case hexadecimal, from `Cargo.lock`.
        checksum: String,
    },
    /// A git repository.
    Git {
        /// URL of the repository.
        url: String,
        /// Full hash of the commit.
        rev: String,
        /// Directory of the manifest, relative to the repository; empty for its top.
        dir: String,
    },
    /// A copy in the workspace that replaces the source: a directory of `cargo vendor`, or a `.crate` file of a local
    /// registry.
    Vendored {
        /// The directory or file, relative to the workspace root.
        path: String,
        /// SHA-256 of a `.crate` file in lower-case hexadecimal, from `Cargo.lock`; `None` for a directory.
        checksum: Option<String>,
    },
}

/// A replacement of a package's source by cargo's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A directory, relative to the workspace root.
    Directory(String),
    /// A `.crate` file, relative to the workspace root.
    Packed(String),
    /// Another URL of the same repository.
    Git(String),
}

/// Checksums by name and version, with the registry of each.
type Checksums = HashMap<(String, String), Vec<(SourceId, Option<String>)>>;

/// Information about sources that `cargo metadata` does not print.
pub(crate) struct Sources<'a> {
    /// Absolute path of the root manifest's directory, `/`-separated.
    pub(crate) root: &'a str,
    checksums: Checksums,
    /// Replacements by package id.
    pub(crate) replaced: &'a HashMap<String, Replacement>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(root: &'a str, lock: &Lock, replaced: &'a HashMap<String, Replacement>) -> Self {
        let mut checksums = Checksums::with_capacity(lock.packages.len());
        for package in &lock.packages {
            let source = package.source.as_ref().and_then(|source| SourceId::from_url(source).ok());
            let Some(source) = source.filter(SourceId::is_registry) else { continue };
            let checksum = lock.checksum(package).map(str::to_owned);
            let key = (package.name.clone(), package.version.clone());
            checksums.entry(key).or_default().push((source, checksum));
        }
        Sources { root, checksums, replaced }
    }

    /// The source of a package; `directory` is the one of its manifest.
    pub(crate) fn of(&self, package: &cargo_metadata::Package, directory: &str) -> Result<Source, Diagnostic> {
        let Some(source) = &package.source else {
            return Ok(Source::Local { dir: relative(self.root, directory).to_string() });
        };
        let replacement = self.replaced.get(&package.id.repr);
        if let Some(Replacement::Directory(path)) = replacement {
            return Ok(Source::Vendored { path: path.clone(), checksum: None });
        }
        let display = || format!("{} {}", package.name, package.version);
        let unsupported = || {
            let message = format!("package `{}` has an unsupported source `{}`", display(), source.repr);
            Diagnostic::new("unsupported-source", message)
                .at(LOCK)
                .help("take it from a registry, a git repository or a `path`; if cargo builds it, please report this")
        };
        if let Some(git) = source.repr.strip_prefix("git+") {
            // A git reference may contain `#`, which `cargo metadata` does not escape.
            let (Some((place, rev)), Some(checkout)) = (git.rsplit_once('#'), checkout_of(directory)) else {
                return Err(unsupported());
            };
            let dir = directory[checkout.len()..].trim_start_matches('/').to_owned();
            let url = match replacement {
                Some(Replacement::Git(url)) => url.as_str(),
                _ => place.split_once('?').map_or(place, |(url, _)| url),
            };
            return Ok(Source::Git { url: url.to_owned(), rev: rev.to_owned(), dir });
        }
        let id = SourceId::from_url(&source.repr).map_err(|_| unsupported())?;
        match id.kind() {
            SourceKind::Registry | SourceKind::SparseRegistry => {
                let same = |other: &SourceId| other.kind() == id.kind() && other.url() == id.url();
                let locked = self.checksums.get(&(package.name.to_string(), package.version.to_string()));
                let locked = locked.into_iter().flatten().find(|(other, _)| same(other));
                let checksum = match locked {
                    Some((_, Some(checksum))) => checksum.clone(),
                    Some((_, None)) => {
                        let message = format!("`{LOCK}` has no checksum for package `{}`", display());
                        return Err(Diagnostic::new("no-checksum", message).at(LOCK).help(
                            "restore it from version control, or create a new one with `cargo generate-lockfile`",
                        ));
                    }
                    None => {
                        let message = format!("package `{}` is not in `{LOCK}`", display());
                        return Err(Diagnostic::new("not-in-lock-file", message)
                            .at(LOCK)
                            .help("run `cargo check`, then `cratewright generate` again"));
                    }
                };
                if let Some(Replacement::Packed(path)) = replacement {
                    return Ok(Source::Vendored { path: path.clone(), checksum: Some(checksum) });
                }
                if source.is_crates_io() {
                    return Ok(Source::CratesIo { checksum });
                }
                let index = source.repr.strip_prefix("registry+").unwrap_or(&source.repr).to_owned();
                Ok(Source::Registry { index, checksum })
            }
            _ => Err(unsupported()),
        }
    }
}

/// The checkout that contains a directory of a git dependency: `git/checkouts/<name>-<16 digits>/<beginning of the
/// commit>` below `CARGO_HOME` (`GitSource::update_db` in cargo's `src/sources/git/source.rs`). Both paths are
/// `/`-separated.
pub fn checkout_of(directory: &str) -> Option<&str> {
    const CHECKOUTS: &str = "/git/checkouts/";
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    directory.match_indices(CHECKOUTS).find_map(|(at, _)| {
        let below = at + CHECKOUTS.len();
        let mut names = directory[below..].split('/');
        let (repository, commit) = (names.next()?, names.next()?);
        let (_, digits) = repository.rsplit_once('-')?;
        let is_checkout = digits.len() == 16 && is_hex(digits) && commit.len() >= 7 && is_hex(commit);
        is_checkout.then(|| &directory[..below + repository.len() + 1 + commit.len()])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkouts_are_found() {
        let checkout = "/home/u/git/checkouts/x/main/.cargo/git/checkouts/repo-09a087613db87751/af3e338";
        assert_eq!(checkout_of(checkout), Some(checkout));
        assert_eq!(checkout_of(&format!("{checkout}/crates/a")), Some(checkout));
        assert_eq!(checkout_of("/home/u/.cargo/git/checkouts/repo-09a087613db87751"), None);
        assert_eq!(checkout_of("/home/u/work"), None);
    }

    /// An unknown kind of source is never mistaken for a supported one.
    #[test]
    fn unsupported_source_is_an_error() {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let text = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\nchecksum = \"{}\"\n",
            "0".repeat(64)
        );
        let (lock, replaced) = (Lock::parse(&text).unwrap(), HashMap::new());
        let sources = Sources::new("/w", &lock, &replaced);
        let source_of = |sources: &Sources<'_>, source: &str, directory: &str| {
            let package = format!(
                r#"{{"name": "a", "version": "1.0.0", "id": "a", "source": "{source}", "dependencies": [], "targets": [],
                "features": {{}}, "manifest_path": "{directory}/Cargo.toml"}}"#
            );
            sources.of(&serde_json::from_str(&package).unwrap(), directory)
        };
        assert!(matches!(source_of(&sources, registry, "/x"), Ok(Source::CratesIo { .. })));
        for unknown in
            ["hg+https://example.org/a", "path+file:///a", "directory+file:///a", "git+https://example.org/a#0123"]
        {
            let error = source_of(&sources, unknown, "/x").unwrap_err();
            assert!(error.code == "unsupported-source" && error.message.contains(unknown), "{error}");
        }
        let without = Lock::parse(&text.replace("checksum", "other")).unwrap();
        let error = source_of(&Sources::new("/w", &without, &replaced), registry, "/x").unwrap_err();
        assert_eq!(error.code, "no-checksum", "{error}");
        // A checksum of crates.io is not used for another registry.
        let error = source_of(&sources, "sparse+https://example.org/index/", "/x").unwrap_err();
        assert_eq!(error.code, "not-in-lock-file", "{error}");
    }
}
