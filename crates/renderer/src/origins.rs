//! Origins of packages and their names in `Cargo.nix`.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_resolver::{Package, PackageIx, Source};

/// Source id of crates.io in `Cargo.lock`.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// A commit of a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// Unique name: the last part of its URL and the beginning of the commit.
    pub name: String,
    /// URL of the repository.
    pub url: String,
    /// Full hash of the commit.
    pub rev: String,
    /// SHA-256 of the NAR of its files, including submodules, in lower-case hexadecimal.
    pub sha256: String,
}

/// A registry other than crates.io.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry {
    /// Unique name: its index without the scheme if that is unambiguous.
    pub name: String,
    /// URL of its index, as in [`Source::Registry`].
    pub index: String,
    /// Value of `dl` in its index configuration.
    pub dl: String,
}

/// All origins in a workspace except crates.io and local directories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// Commits, sorted by URL and hash; names are unique.
    pub repositories: Vec<Repository>,
    /// Registries, sorted by index.
    pub registries: Vec<Registry>,
}

/// Names for commits, given by URL and hash; a number is appended if the short name is taken.
pub fn repository_names(commits: &BTreeSet<(String, String)>) -> BTreeMap<(String, String), String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (url, rev) in commits {
        let short = short_name(url, rev);
        let longer = (2..).map(|number| format!("{short}-{number}"));
        let name = std::iter::once(short.clone()).chain(longer).find(|name| !taken.contains(name));
        let name = name.unwrap_or(short);
        taken.insert(name.clone());
        names.insert((url.clone(), rev.clone()), name);
    }
    names
}

fn short_name(url: &str, rev: &str) -> String {
    let last = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-+".contains(c) { c } else { '-' };
    let base: String = last.strip_suffix(".git").unwrap_or(last).chars().map(plain).collect();
    format!("{}-{}", base.trim_start_matches('.'), rev.get(..7).unwrap_or(rev))
}

impl Origins {
    /// Name of a commit.
    pub(crate) fn repository(&self, url: &str, rev: &str) -> &str {
        let found = self.repositories.iter().find(|one| one.url == url && one.rev == rev);
        &found.expect("every repository of a package was given").name
    }

    /// Name of a registry.
    pub(crate) fn registry(&self, index: &str) -> &str {
        let found = self.registries.iter().find(|one| one.index == index);
        &found.expect("every registry of a package was given").name
    }
}

/// Names for registries, given by their indices.
pub fn registry_names(indices: &BTreeSet<String>) -> BTreeMap<String, String> {
    let is_short = |index: &str| indices.iter().filter(|other| short_index(other) == short_index(index)).count() == 1;
    let name = |index: &String| if is_short(index) { short_index(index).to_owned() } else { index.clone() };
    indices.iter().map(|index| (index.clone(), name(index))).collect()
}

fn short_index(index: &str) -> &str {
    let index = index.strip_prefix("sparse+").unwrap_or(index);
    index.split_once("://").map_or(index, |(_, rest)| rest).trim_end_matches('/')
}

/// Source id that a vendored package replaces, as in `Cargo.lock`; `None` for crates.io.
pub(crate) fn replaced(package: &Package) -> Option<&str> {
    package.source_id.as_deref().filter(|&source| source != CRATES_IO)
}

/// Labels for packages that share name and version: the origin, without spaces, brackets and `=`. One package gets no
/// label, preferably that of crates.io.
pub(crate) fn twins(packages: &BTreeMap<PackageIx, &Package>) -> BTreeMap<PackageIx, String> {
    let mut by_spec: BTreeMap<(&str, &semver::Version), Vec<PackageIx>> = BTreeMap::new();
    for (&ix, package) in packages {
        by_spec.entry((&package.name, &package.version)).or_default().push(ix);
    }
    let mut labels = BTreeMap::new();
    for twins in by_spec.values_mut().filter(|twins| twins.len() > 1) {
        twins.sort_by_key(|ix| (!matches!(packages[ix].source, Source::CratesIo { .. }), &packages[ix].source));
        let mut taken = BTreeSet::new();
        for ix in &twins[1..] {
            let label = label(packages[ix]);
            let longer = (2..).map(|number| format!("{label},{number}"));
            let label = std::iter::once(label.clone()).chain(longer).find(|label| taken.insert(label.clone()));
            labels.insert(*ix, label.unwrap_or_default());
        }
    }
    labels
}

fn label(package: &Package) -> String {
    let text = match &package.source {
        Source::Local { dir } if dir.is_empty() => ".".to_owned(),
        Source::Local { dir } => dir.clone(),
        Source::Vendored { path, .. } => path.clone(),
        Source::CratesIo { .. } => "crates.io".to_owned(),
        Source::Registry { index, .. } => short_index(index).to_owned(),
        Source::Git { url, rev, .. } => short_name(url, rev),
    };
    // Characters other than those allowed in a URL are encoded; the comma is reserved for numbers.
    let is_plain = |c: char| c.is_alphanumeric() || "-._~/:@+".contains(c);
    let encode = |c: char| if is_plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) };
    text.chars().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_get_short_names() {
        let indices = ["https://a/x", "sparse+https://a/x/", "sparse+https://b/"].map(str::to_owned);
        let names: Vec<String> = registry_names(&BTreeSet::from(indices)).into_values().collect();
        assert_eq!(names, ["https://a/x", "sparse+https://a/x/", "b"]);
    }

    #[test]
    fn repositories_get_short_names() {
        let commits = ["https://a/x/repo.git", "https://a/y/repo", "ssh://git@a/strange%20name/"]
            .map(|url| (url.to_owned(), "0123456789abcdef0123456789abcdef01234567".to_owned()));
        let names: Vec<String> = repository_names(&BTreeSet::from(commits)).into_values().collect();
        assert_eq!(names, ["repo-0123456", "repo-0123456-2", "strange-20name-0123456"]);
    }
}
