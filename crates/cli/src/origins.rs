//! Reads what Nix needs to fetch packages from cargo's caches, without network access: hashes of git checkouts,
//! download addresses of registries, and replacements of sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cratewright_renderer::{Origins, Registry, Repository, registry_names, repository_names};
use cratewright_resolver::{Package, Source, checkout_of};
use rayon::prelude::*;
use serde::Deserialize;

use crate::cargo;
use crate::checkout;
use cratewright_sources::diagnostic::Diagnostic;

/// The origins of packages.
///
/// # Errors
/// When cargo's caches lack a package, or its files were modified.
pub(crate) fn origins(packages: &[&Package]) -> Result<Origins, Diagnostic> {
    let mut checkouts: BTreeMap<(String, String), (PathBuf, String)> = BTreeMap::new();
    let mut indices: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
    for package in packages {
        let directory = package.manifest_path.trim_end_matches("/Cargo.toml");
        match &package.source {
            Source::Git { url, rev, .. } => {
                let checkout = checkout_of(directory).unwrap_or(directory);
                checkouts.insert((url.clone(), rev.clone()), (PathBuf::from(checkout), package.display()));
            }
            Source::Registry { index, .. } => {
                indices.insert(index.clone(), (PathBuf::from(directory), package.display()));
            }
            _ => {}
        }
    }
    let names = repository_names(&checkouts.keys().cloned().collect::<BTreeSet<_>>());
    let repositories = checkouts.into_par_iter().map(|((url, rev), (checkout, package))| {
        let sha256 = checkout::sha256(&checkout).map_err(|failure| failure.note("package", package))?;
        let name = names[&(url.clone(), rev.clone())].clone();
        Ok(Repository { name, url, rev, sha256 })
    });
    let registry_names = registry_names(&indices.keys().cloned().collect());
    let registries = indices.into_iter().map(|(index, (package, display))| {
        let dl = download(&package).ok_or_else(|| no_download(&index, &package, &display))?;
        Ok(Registry { name: registry_names[&index].clone(), index, dl })
    });
    Ok(Origins {
        repositories: repositories.collect::<Result<_, Diagnostic>>()?,
        registries: registries.collect::<Result<_, Diagnostic>>()?,
    })
}

/// The part of a registry's `config.json` that says where its crates are (cargo's book, "Index Format").
#[derive(Deserialize)]
struct IndexConfig {
    dl: String,
}

/// `dl` of the registry that a package was unpacked from: `registry/src/<registry>/<package>` below `CARGO_HOME`, with
/// the index in `registry/index/<registry>` (`src/sources/registry/mod.rs` of cargo).
fn download(package: &Path) -> Option<String> {
    let unpacked = package.parent()?;
    let index = unpacked.parent()?.parent()?.join("index").join(unpacked.file_name()?);
    let config: IndexConfig = match fs::read(index.join("config.json")) {
        Ok(config) => serde_json::from_slice(&config).ok()?,
        // The index of a registry that is not sparse is a git repository without a working tree.
        Err(_) => ["refs/remotes/origin/HEAD", "FETCH_HEAD", "HEAD"].iter().find_map(|commit| {
            let mut git = Command::new("git");
            git.arg("--git-dir").arg(index.join(".git")).args(["show", &format!("{commit}:config.json")]);
            let output = cargo::output(git).ok().filter(|output| output.status.success())?;
            serde_json::from_slice(&output.stdout).ok()
        })?,
    };
    Some(config.dl)
}

fn no_download(index: &str, package: &Path, display: &str) -> Diagnostic {
    let message =
        format!("the download address of `{display}` is not known: cargo's cache has no `config.json` of its registry");
    Diagnostic::new("unknown-registry", message)
        .note("registry", index)
        .at(package.display().to_string())
        .help("run `cargo fetch`; for a registry whose index is a git repository, `git` must be on PATH")
}
