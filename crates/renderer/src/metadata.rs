//! Metadata in manifests that does not affect builds: description, authors, license and so on.
//!
//! A package of a registry has it in its own manifest, which the build reads. A manifest of a workspace or a git
//! repository may inherit it, so it is resolved here.

use std::collections::BTreeMap;

use cratewright_resolver::{Package, PackageGraph, Source};

use crate::merged::Merged;
use crate::nix::{Binding, Nix};

/// Metadata by key of the first entry, for packages whose manifest may inherit; values shared by most are in `*`.
pub(crate) fn metadata(packages: &PackageGraph, merged: &Merged) -> Vec<Binding> {
    let described: Vec<(String, BTreeMap<&str, Nix>)> = merged
        .builds()
        .filter(|entry| merged.is_first(packages, entry))
        .map(|entry| (entry.key.clone(), &packages[entry.package]))
        .filter(|(_, package)| is_inherited(package))
        .map(|(key, package)| (key, attributes(package)))
        .collect();
    let mut counts: BTreeMap<(&str, &Nix), usize> = BTreeMap::new();
    for (name, value) in described.iter().flat_map(|(_, attributes)| attributes) {
        *counts.entry((name, value)).or_default() += 1;
    }
    let common: BTreeMap<&str, &Nix> = counts
        .into_iter()
        .filter(|(_, count)| count * 2 > described.len() && described.len() > 2)
        .map(|(common, _)| common)
        .collect();
    let rest = |attributes: &BTreeMap<&str, Nix>| {
        let own = attributes.iter().filter(|(name, value)| common.get(*name) != Some(value));
        let own = own.map(|(name, value)| Binding::new(*name, value.clone()));
        let without = common.keys().filter(|name| !attributes.contains_key(*name));
        Nix::Set(own.chain(without.map(|name| Binding::new(*name, Nix::word("null")))).collect())
    };
    let shared = Nix::Set(common.iter().map(|(name, value)| Binding::new(*name, (*value).clone())).collect());
    let shared = (!common.is_empty()).then(|| Binding::new("*", shared));
    shared.into_iter().chain(described.iter().map(|(key, attributes)| Binding::new(key, rest(attributes)))).collect()
}

/// Whether a manifest may inherit from another one. `cargo package` resolves inheritance for registries.
pub(crate) fn is_inherited(package: &Package) -> bool {
    match &package.source {
        Source::Local { .. } | Source::Git { .. } => true,
        Source::CratesIo { .. } | Source::Registry { .. } => false,
        Source::Vendored { .. } => package.source_id.as_deref().is_some_and(|source| source.starts_with("git+")),
    }
}

/// The metadata of a package, by nixpkgs' names.
pub(crate) fn attributes(package: &Package) -> BTreeMap<&'static str, Nix> {
    let texts = [
        ("default-run", &package.default_run),
        ("description", &package.description),
        ("documentation", &package.documentation),
        ("homepage", &package.homepage),
        ("license", &package.license),
        ("license-file", &package.license_file),
        ("readme", &package.readme),
        ("repository", &package.repository),
        ("rust-version", &package.rust_version),
    ];
    let texts = texts.into_iter().filter_map(|(name, value)| Some((name, Nix::text(value.as_deref()?))));
    let authors = (!package.authors.is_empty()).then(|| ("authors", Nix::texts(&package.authors)));
    texts.chain(authors).collect()
}
