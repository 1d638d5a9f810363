//! What the workspace's own `.cargo/config.toml` puts in the place of packages' sources (cargo's book, "Source
//! Replacement").

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use cratewright_resolver::{Replacement, WorkspaceMetadata};
use cratewright_sources::digest::sha256;
use cratewright_sources::tree::{join, parent};
use rayon::prelude::*;
use serde::Deserialize;

use crate::cargo_config::files;
use crate::failure::Failure;

/// Configuration, as far as sources go.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    source: BTreeMap<String, Configured>,
}

/// `[source.<name>]`; paths are seen from the workspace root.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Configured {
    replace_with: Option<String>,
    directory: Option<String>,
    local_registry: Option<String>,
    registry: Option<String>,
    git: Option<String>,
    branch: Option<String>,
    tag: Option<String>,
    rev: Option<String>,
}

/// The list of files that cargo keeps beside each package of a directory source.
#[derive(Deserialize)]
struct Checksums {
    files: BTreeMap<String, String>,
}

const CHECKSUMS: &str = ".cargo-checksum.json";

/// Packages, by id, whose source is replaced by something that Nix has to know of. Mirrors of registries are not among
/// them: what they have is what the registry has, by its checksum.
///
/// # Errors
/// When cargo takes a package from a directory that the workspace says nothing of, or that was changed.
pub(crate) fn replacements(metadata: &WorkspaceMetadata) -> Result<HashMap<String, Replacement>, Failure> {
    let root = metadata.metadata.workspace_root.as_std_path();
    let sources = configured(root);
    let replaced = metadata.metadata.packages.par_iter().filter_map(|package| {
        let source = package.source.as_ref()?;
        let directory = package.manifest_path.parent()?.as_std_path();
        let end = end_of_chain(&sources, &source.repr, source.is_crates_io());
        let display = || format!("{} {}", package.name, package.version);
        let found = if directory.join(CHECKSUMS).is_file() {
            let path = end.and_then(|end| end.directory.clone());
            let Some(path) = path else { return Some(Err(unknown(&display(), directory))) };
            let name = directory.file_name()?.to_str()?;
            check_directory(directory)
                .map_err(|why| changed(&display(), directory, &why))
                .map(|()| Replacement::Directory(format!("{path}/{name}")))
        } else if let Some(registry) = end.and_then(|end| end.local_registry.clone()) {
            Ok(Replacement::Packed(format!("{registry}/{}-{}.crate", package.name, package.version)))
        } else {
            Ok(Replacement::Git(end?.git.clone()?))
        };
        Some(found.map(|found| (package.id.repr.clone(), found)))
    });
    replaced.collect()
}

/// `[source]` of the root's configuration and of what it includes.
fn configured(root: &Path) -> BTreeMap<String, Configured> {
    let mut sources: BTreeMap<String, Configured> = BTreeMap::new();
    for (file, table) in files(root) {
        // Cargo has read it, or would have refused it.
        let Ok(config) = table.try_into::<Config>() else { continue };
        // Paths are seen from the directory that holds `.cargo`.
        let base = parent(parent(&file));
        let from_root = |path: Option<String>| path.and_then(|path| join(base, &path));
        for (name, source) in config.source {
            // What includes counts before what is included, key by key.
            let merged = sources.entry(name).or_default();
            merged.directory = merged.directory.take().or(from_root(source.directory));
            merged.local_registry = merged.local_registry.take().or(from_root(source.local_registry));
            let others = [
                (&mut merged.replace_with, source.replace_with),
                (&mut merged.registry, source.registry),
                (&mut merged.git, source.git),
                (&mut merged.branch, source.branch),
                (&mut merged.tag, source.tag),
                (&mut merged.rev, source.rev),
            ];
            for (merged, value) in others {
                *merged = merged.take().or(value);
            }
        }
    }
    sources
}

/// What stands at the end of `replace-with`, if the source is replaced at all.
fn end_of_chain<'a>(sources: &'a BTreeMap<String, Configured>, id: &str, is_crates_io: bool) -> Option<&'a Configured> {
    let is_it = |name: &str, source: &Configured| source.is(id) || (is_crates_io && name == "crates-io");
    let (_, mut at) = sources.iter().find(|(name, source)| is_it(name, source))?;
    at.replace_with.as_ref()?;
    // Longer chains are circles.
    for _ in 0..sources.len() {
        let Some(next) = &at.replace_with else { return Some(at) };
        at = sources.get(next)?;
    }
    None
}

impl Configured {
    /// Whether it is the definition of a source, given as `Cargo.lock` has it.
    fn is(&self, id: &str) -> bool {
        let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
        if let Some(git) = id.strip_prefix("git+") {
            let place = git.rsplit_once('#').map_or(git, |(place, _)| place);
            let (url, reference) = place.split_once('?').unwrap_or((place, ""));
            let own = [("branch", &self.branch), ("tag", &self.tag), ("rev", &self.rev)];
            let own = own.into_iter().find_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
            return self.git.as_ref().is_some_and(|git| plain(git) == plain(url))
                && own.unwrap_or_default() == reference;
        }
        let id = id.strip_prefix("registry+").unwrap_or(id);
        self.registry.as_ref().is_some_and(|registry| plain(registry) == plain(id))
    }
}

/// Compares a vendored package with its list of checksums, as cargo does before it builds it.
fn check_directory(directory: &Path) -> Result<(), String> {
    let text = fs::read_to_string(directory.join(CHECKSUMS)).map_err(|error| error.to_string())?;
    let checksums: Checksums = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    for (file, expected) in checksums.files {
        let bytes = fs::read(directory.join(&file)).map_err(|error| format!("`{file}`: {error}"))?;
        if sha256(&bytes) != expected {
            return Err(format!("`{file}` has another checksum"));
        }
    }
    Ok(())
}

fn changed(package: &str, directory: &Path, why: &str) -> Failure {
    Failure::new("changed-vendored-package", format!("vendored package `{package}` is not as it was vendored: {why}"))
        .note("at", directory.display().to_string())
        .help("run `cargo vendor` again; cargo refuses to build it as well")
}

fn unknown(package: &str, directory: &Path) -> Failure {
    let message =
        format!("cargo takes package `{package}` from a directory that the workspace's configuration does not name");
    Failure::new("unknown-directory", message)
        .note("at", directory.display().to_string())
        .help("put `[source]` into `.cargo/config.toml` in the workspace root, with a relative path, or remove the replacement")
}
