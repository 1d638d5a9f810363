//! Where a package comes from.

use std::collections::HashMap;

use cargo_lock::package::{SourceId, SourceKind};
use cargo_lock::{Lockfile, Package as LockedPackage};
use cratewright_sources::tree::relative;
use semver::Version;

use crate::error::ResolveError;

/// Where cargo takes a package from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A directory of the workspace, or one beside it.
    Local {
        /// Directory of the manifest, relative to the workspace root; `/`-separated, empty for the root itself, and
        /// with leading `..` where it lies outside of it.
        dir: String,
    },
    /// The crates.io registry.
    CratesIo {
        /// SHA-256 of the `.crate` file, lower-case hex, as `Cargo.lock` has it.
        checksum: String,
    },
    /// Another registry.
    Registry {
        /// URL of its index as `Cargo.lock` has it, with the `sparse+` of a sparse one and without `registry+`.
        index: String,
        /// SHA-256 of the `.crate` file, lower-case hex, as `Cargo.lock` has it.
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
    /// A copy in the workspace that cargo takes in the place of the source: a directory of `cargo vendor`, or a
    /// `.crate` file of a local registry.
    Vendored {
        /// The directory or file, relative to the workspace root.
        path: String,
        /// SHA-256 of a `.crate` file, lower-case hex, as `Cargo.lock` has it; nothing for a directory.
        checksum: Option<String>,
    },
}

/// What cargo's configuration puts in the place of a package's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replacement {
    /// A directory, relative to the workspace root.
    Directory(String),
    /// A `.crate` file, relative to the workspace root.
    Packed(String),
    /// Another URL of the same repository.
    Git(String),
}

/// Checksums by name and version, of each registry that has it.
type Checksums = HashMap<(String, Version), Vec<(SourceId, Option<String>)>>;

/// What is known of the sources besides what `cargo metadata` says.
pub(crate) struct Sources<'a> {
    /// Directory of the root manifest, `/`-separated.
    pub(crate) root: &'a str,
    checksums: Checksums,
    /// By package id.
    pub(crate) replaced: &'a HashMap<String, Replacement>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(root: &'a str, lock: &Lockfile, replaced: &'a HashMap<String, Replacement>) -> Self {
        let mut checksums = Checksums::with_capacity(lock.packages.len());
        for LockedPackage { name, version, source, checksum, .. } in &lock.packages {
            let Some(source) = source.clone().filter(SourceId::is_registry) else { continue };
            let checksum = checksum.as_ref().map(|checksum| format!("{checksum:x}"));
            checksums.entry((name.as_str().to_owned(), version.clone())).or_default().push((source, checksum));
        }
        Sources { root, checksums, replaced }
    }

    /// The source of a package; `directory` is that of its manifest.
    pub(crate) fn of(&self, package: &cargo_metadata::Package, directory: &str) -> Result<Source, ResolveError> {
        let Some(source) = &package.source else {
            return Ok(Source::Local { dir: relative(self.root, directory) });
        };
        let replacement = self.replaced.get(&package.id.repr);
        if let Some(Replacement::Directory(path)) = replacement {
            return Ok(Source::Vendored { path: path.clone(), checksum: None });
        }
        let display = || format!("{} {}", package.name, package.version);
        let unsupported = || ResolveError::UnsupportedSource {
            package: display(),
            source_id: source.repr.clone(),
            required_by: Vec::new(),
        };
        if let Some(git) = source.repr.strip_prefix("git+") {
            // A reference may hold a `#`, which `cargo metadata` does not escape.
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
                let locked = self.checksums.get(&(package.name.to_string(), package.version.clone()));
                let locked = locked.into_iter().flatten().find(|(other, _)| same(other));
                let checksum = match locked {
                    Some((_, Some(checksum))) => checksum.clone(),
                    Some((_, None)) => {
                        return Err(ResolveError::NoChecksum { package: display(), required_by: Vec::new() });
                    }
                    None => return Err(ResolveError::NotInLock { package: display(), required_by: Vec::new() }),
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

/// The checkout that a directory of a git dependency is in: `git/checkouts/<name>-<16 digits>/<beginning of the commit>`
/// below `CARGO_HOME` (`GitSource::update_db` in cargo's `src/sources/git/source.rs`). Both paths are `/`-separated.
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

    /// What is not known is never taken for something that is.
    #[test]
    fn unknown_sources_are_refused() {
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        let lock = format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\nchecksum = \"{}\"\n",
            "0".repeat(64)
        );
        let (lock, replaced) = (lock.parse().unwrap(), HashMap::new());
        let sources = Sources::new("/w", &lock, &replaced);
        let source_of = |source: &str, directory: &str| {
            let package = format!(
                r#"{{"name": "a", "version": "1.0.0", "id": "a", "source": "{source}", "dependencies": [], "targets": [],
                "features": {{}}, "manifest_path": "{directory}/Cargo.toml"}}"#
            );
            sources.of(&serde_json::from_str(&package).unwrap(), directory)
        };
        assert!(matches!(source_of(registry, "/x"), Ok(Source::CratesIo { .. })));
        for unknown in
            ["hg+https://example.org/a", "path+file:///a", "directory+file:///a", "git+https://example.org/a#0123"]
        {
            let error = source_of(unknown, "/x").unwrap_err();
            assert!(
                matches!(&error, ResolveError::UnsupportedSource { source_id, .. } if source_id == unknown),
                "{error}"
            );
        }
        // Another registry has no checksum of crates.io.
        let error = source_of("sparse+https://example.org/index/", "/x").unwrap_err();
        assert!(matches!(error, ResolveError::NotInLock { .. }), "{error}");
    }
}
