//! `generate --prefetched`: runs `cargo metadata` without network access, with packages that Nix has fetched.
//!
//! `tools.nix` arranges them as in cargo's home: unpacked crates in `registry/src/<registry>/<name>-<version>`, the
//! address of the registry in `registry/index/<registry>/config.json`, and trees of commits in
//! `git/checkouts/<name>-<16 digits>/<commit>`. `sources.json` maps each source in `Cargo.lock` to its directory. Cargo
//! cannot use this as its home, as indices and git databases are missing. So cargo gets a home whose configuration
//! replaces each source with a directory source, as `cargo vendor` does, and the paths in its output are changed to
//! those of Nix, which the rest of the program reads like cargo's own home.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::{LOCK, Lock, LockedPackage};
use cratewright_workspace::{CargoConfig, RepositoryPackage, SourceReplacement};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cargo;
use crate::disk::{Disk, require_text};
use crate::options::LoadOptions;
use crate::paths::{lexical, relative};
use crate::replacement::CHECKSUMS;

/// The output of `cargo metadata`.
///
/// # Errors
/// When a package in the lock file was not fetched, or cargo refuses the workspace.
pub(crate) fn metadata(
    fetched: &Path,
    config: &CargoConfig,
    manifest: &Path,
    root: &Path,
    options: &LoadOptions,
) -> Result<String, Diagnostic> {
    let lock = Lock::parse(&require_text(&root.join(LOCK))?)?;
    let home = Home::new(fetched, &lock, config)?;
    let (output, _) = cargo::metadata(manifest, root, options, Some(home.directory.path()))?;
    let mut output = serde_json::from_str(&output).map_err(|error| home.io("read", error.into()))?;
    home.place(&mut output);
    Ok(output.to_string())
}

/// A `CARGO_HOME` of directory sources.
struct Home {
    directory: TempDir,
    /// The real directory of each package.
    places: BTreeMap<PathBuf, PathBuf>,
}

impl Home {
    fn new(fetched: &Path, lock: &Lock, config: &CargoConfig) -> Result<Self, Diagnostic> {
        let directory =
            TempDir::new().map_err(|error| Diagnostic::io("make a directory in", &std::env::temp_dir(), &error))?;
        let mut home = Home { directory, places: BTreeMap::new() };
        let list = fetched.join("sources.json");
        let sources: BTreeMap<String, PathBuf> = serde_json::from_str(&require_text(&list)?)
            .map_err(|error| Diagnostic::io("read", &list, &error.into()))?;
        let replacement = SourceReplacement::new(config);
        let mut redirected = BTreeMap::new();
        for (number, (source, place)) in sources.iter().enumerate() {
            let packages: Vec<&LockedPackage> =
                lock.packages.iter().filter(|package| package.source.as_ref() == Some(source)).collect();
            let is_crates_io = packages.iter().any(|package| package.is_crates_io());
            let vendored = home.directory.path().join(number.to_string());
            let by = vendored.display().to_string();
            let Some((name, table)) = replacement.redirect(&without_escapes(source), is_crates_io, &by) else {
                continue;
            };
            redirected.insert(name, table);
            redirected.insert(by.clone(), BTreeMap::from([("directory", by)]));
            let place = fetched.join(place);
            if source.starts_with("git+") {
                home.add_repository(&vendored, &place, &packages)?;
            } else {
                for package in packages {
                    let name = format!("{}-{}", package.name, package.version);
                    let found = place.join(&name);
                    if !found.is_dir() {
                        return Err(not_prefetched(package, &place));
                    }
                    home.add(vendored.join(name), found, lock.checksum(package), None)?;
                }
            }
        }
        let text = toml::to_string(&BTreeMap::from([("source", redirected)])).expect("texts are TOML");
        let file = home.directory.path().join("config.toml");
        fs::write(&file, text).map_err(|error| Diagnostic::io("write", &file, &error))?;
        Ok(home)
    }

    /// Adds packages of a commit, each with the workspace that it inherits from.
    fn add_repository(&mut self, vendored: &Path, top: &Path, wanted: &[&LockedPackage]) -> Result<(), Diagnostic> {
        let files = Disk::new(top.to_owned());
        let all = RepositoryPackage::all(&files);
        for package in wanted {
            let found = all.iter().find(|found| found.is(&package.name, &package.version));
            let found = found.ok_or_else(|| not_prefetched(package, top))?;
            let manifest = found.manifest_elsewhere(&files, &top.display().to_string());
            let name = format!("{}-{}", package.name, package.version);
            self.add(vendored.join(name), top.join(&found.directory), None, manifest)?;
        }
        Ok(())
    }

    /// Adds a package to a directory source: links to its files, its checksum, and its manifest if that has to be
    /// changed.
    fn add(
        &mut self,
        at: PathBuf,
        place: PathBuf,
        checksum: Option<&str>,
        manifest: Option<String>,
    ) -> Result<(), Diagnostic> {
        let checksums = json!({ "files": {}, "package": checksum }).to_string();
        let written = BTreeMap::from([("Cargo.toml", manifest), (CHECKSUMS, Some(checksums))]);
        let write = || {
            fs::create_dir_all(&at)?;
            for entry in fs::read_dir(&place)? {
                let name: OsString = entry?.file_name();
                if name.to_str().and_then(|name| written.get(name)?.as_ref()).is_none() {
                    link(&place.join(&name), &at.join(&name))?;
                }
            }
            written
                .iter()
                .filter_map(|(name, text)| Some((name, text.as_ref()?)))
                .try_for_each(|(name, text)| fs::write(at.join(name), text))
        };
        write().map_err(|error: io::Error| Diagnostic::io("lay out", &place, &error))?;
        self.places.insert(at, place);
        Ok(())
    }

    /// Replaces paths in cargo's output with the real ones.
    fn place(&self, metadata: &mut Value) {
        for package in metadata["packages"].as_array_mut().into_iter().flatten() {
            let manifest = package["manifest_path"].as_str().map(PathBuf::from).unwrap_or_default();
            let Some((at, place)) = manifest.parent().and_then(|at| self.places.get_key_value(at)) else { continue };
            package["manifest_path"] = place.join("Cargo.toml").display().to_string().into();
            for target in package["targets"].as_array_mut().into_iter().flatten() {
                change(&mut target["src_path"], |path| {
                    lexical(place, &relative(at, Path::new(path))).display().to_string()
                });
            }
            // Inherited paths are relative to the package, but the files are in the workspace.
            for key in ["readme", "license_file"] {
                change(&mut package[key], |path| match lexical(at, path) {
                    found if found.starts_with(at) => path.to_owned(),
                    found => relative(place, &found).to_string(),
                });
            }
        }
    }

    fn io(&self, what: &str, error: io::Error) -> Diagnostic {
        Diagnostic::io(what, self.directory.path(), &error)
    }
}

fn change(value: &mut Value, with: impl Fn(&str) -> String) {
    if let Some(text) = value.as_str() {
        *value = with(text).into();
    }
}

/// A source in `Cargo.lock`, as cargo's configuration has it: references of git repositories are percent-encoded only
/// in the lock file.
fn without_escapes(source: &str) -> String {
    let Some((url, reference)) = source.split_once('?') else { return source.to_owned() };
    let mut bytes = Vec::new();
    let mut rest = reference.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let escaped = escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = &after[if escaped.is_some() { 2 } else { 0 }..];
    }
    format!("{url}?{}", String::from_utf8_lossy(&bytes))
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn not_prefetched(package: &LockedPackage, place: &Path) -> Diagnostic {
    let LockedPackage { name, version, .. } = package;
    Diagnostic::new("not-prefetched", format!("Nix has not fetched package `{name} {version}`"))
        .at(place.display().to_string())
        .help("use the `tools.nix` of this version of cratewright, and check that the repository has the package")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_git_sources_are_decoded() {
        for (source, expected) in [
            ("git+https://example.org/a%20b?branch=a%2Fb%2B#0123", "git+https://example.org/a%20b?branch=a/b+#0123"),
            ("git+https://example.org/a?tag=100%", "git+https://example.org/a?tag=100%"),
            ("registry+https://example.org", "registry+https://example.org"),
        ] {
            assert_eq!(without_escapes(source), expected);
        }
    }
}
