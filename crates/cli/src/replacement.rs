//! Sources of packages that the configuration of the workspace replaces.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use cratewright_resolver::{Metadata, PackagePlace, Replacement};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::digest::sha256;
use cratewright_workspace::{CargoConfig, SourceReplacement};
use rayon::prelude::*;
use serde::Deserialize;

/// The list of checksums that cargo keeps with each package of a directory source.
#[derive(Deserialize)]
struct Checksums {
    files: BTreeMap<String, String>,
}

/// Name of that list.
pub(crate) const CHECKSUMS: &str = ".cargo-checksum.json";

/// Packages, by id, with a replaced source that Nix has to use. Mirrors of registries are not included, as their
/// packages have the checksums of the registry.
///
/// # Errors
/// When cargo takes a package from a directory that is not in the configuration of the workspace, or that was modified.
pub(crate) fn replacements(
    metadata: &Metadata,
    config: &CargoConfig,
) -> Result<HashMap<String, Replacement>, Diagnostic> {
    let sources = SourceReplacement::new(config);
    let packages = metadata.packages();
    let replaced = packages.par_iter().filter_map(|package| {
        let PackagePlace { id, name, version, source_id, is_crates_io, directory } = *package;
        let end = sources.of(source_id?, is_crates_io);
        let display = || format!("{name} {version}");
        let directory = Path::new(directory);
        let found = if directory.join(CHECKSUMS).is_file() {
            let path = end.and_then(|end| end.directory.clone());
            let Some(path) = path else { return Some(Err(unknown(&display(), directory))) };
            let name = directory.file_name()?.to_str()?;
            check_directory(directory)
                .map_err(|why| changed(&display(), directory, &why))
                .map(|()| Replacement::Directory(format!("{path}/{name}")))
        } else if let Some(registry) = end.and_then(|end| end.local_registry.clone()) {
            Ok(Replacement::Packed(format!("{registry}/{name}-{version}.crate")))
        } else {
            Ok(Replacement::Git(end?.git.clone()?))
        };
        Some(found.map(|found| (id.to_owned(), found)))
    });
    replaced.collect()
}

/// Compares a vendored package with its checksums, as cargo does before it builds it.
fn check_directory(directory: &Path) -> Result<(), String> {
    let text = fs::read_to_string(directory.join(CHECKSUMS)).map_err(|error| error.to_string())?;
    let checksums: Checksums = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    for (file, expected) in checksums.files {
        let bytes = fs::read(directory.join(&file)).map_err(|error| format!("`{file}`: {error}"))?;
        if sha256(&bytes) != expected {
            return Err(format!("the checksum of `{file}` differs"));
        }
    }
    Ok(())
}

fn changed(package: &str, directory: &Path, why: &str) -> Diagnostic {
    Diagnostic::new("changed-vendored-package", format!("vendored package `{package}` was modified: {why}"))
        .at(directory.display().to_string())
        .help("run `cargo vendor` again; cargo refuses to build it as well")
}

fn unknown(package: &str, directory: &Path) -> Diagnostic {
    let message =
        format!("cargo takes package `{package}` from a directory that is not in the configuration of the workspace");
    Diagnostic::new("unknown-directory", message)
        .at(directory.display().to_string())
        .help("put `[source]` into `.cargo/config.toml` in the workspace root, with a relative path, or remove the replacement")
}
