//! The overrides in `nix-lib/overrides`, and which crates of a workspace need them.
//!
//! Each file is a function from `{ lib, pkgs }` to an override in nixpkgs' form, after a comment that explains it and
//! has lines `Key: value` with the crates it is for. `Cargo.nix` gets the overrides that its crates need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cratewright_resolver::{CompileMode, Package, PackageGraph, Pair, Platform};
use semver::{Version, VersionReq};

use crate::merged::{EntryIx, Merged, Resolved};

/// A file of `nix-lib/overrides`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Name of the file without `.nix`.
    pub name: &'static str,
    /// The reason for the override: lines of the comment.
    pub why: Vec<&'static str>,
    /// Key `Crates`: names of crates that it is for, or [`MEMBERS`].
    pub crates: Vec<&'static str>,
    /// Key `Build dependencies`: it applies to every crate whose build script uses one of these crates, even
    /// indirectly.
    pub build_dependencies: Vec<&'static str>,
    /// Key `Versions`: a version requirement for the crates; `None` for all versions.
    pub versions: Option<&'static str>,
    /// Key `Platforms`: `darwin` or `linux`; `None` for all platforms.
    pub platforms: Option<&'static str>,
    /// Whether the override is sufficient for the crate; `Covers: no, ...` says what else is needed.
    pub covers: bool,
    /// The whole file: a function of `{ lib, pkgs }`.
    pub text: &'static str,
}

/// Stands for all members in [`Override::crates`] and in the keys of overrides in `Cargo.nix`.
pub const MEMBERS: &str = "(members)";

/// The formals of the function in each file.
const HEAD: &str = "{ lib, pkgs }:";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../nix-lib/overrides/", $name, ".nix")))),*]
    };
}

/// All overrides, sorted by name.
pub static OVERRIDES: LazyLock<Vec<Override>> = LazyLock::new(|| {
    let files = files![
        "aws-lc",
        "bindgen",
        "bundled",
        "cmake",
        "curl",
        "dsym",
        "duckdb",
        "fontconfig",
        "git2",
        "lua",
        "mysql",
        "openssl",
        "pkg-config",
        "protobuf",
        "python",
        "rdkafka",
        "rocksdb",
        "seccomp",
        "sqlite",
        "usb",
        "wayland",
        "x11",
        "zstd",
    ];
    files.into_iter().map(|(name, text)| Override::parse(name, text)).collect()
});

impl Override {
    fn parse(name: &'static str, file: &'static str) -> Self {
        let comment: Vec<&str> = file
            .lines()
            .map_while(|line| line.strip_prefix('#'))
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        let keys = comment.iter().rposition(|line| line.is_empty()).unwrap_or(comment.len());
        let values = |key: &str| -> Vec<&'static str> {
            let lines =
                comment[keys..].iter().filter_map(|line| line.split_once(": ").filter(|(name, _)| *name == key));
            lines.flat_map(|(_, values)| values.split(", ")).collect()
        };
        let text = |key: &str| {
            comment[keys..]
                .iter()
                .find_map(|line| line.split_once(": ").filter(|(name, _)| *name == key))
                .map(|(_, text)| text)
        };
        Override {
            name,
            why: comment[..keys].to_vec(),
            crates: values("Crates"),
            build_dependencies: values("Build dependencies"),
            versions: text("Versions"),
            platforms: text("Platforms"),
            covers: text("Covers").is_none_or(|why_not| !why_not.starts_with("no")),
            text: file,
        }
    }

    /// Whether the override changes nothing: it states that the crate needs none.
    fn is_empty(&self) -> bool {
        self.text.split_once(HEAD).is_some_and(|(_, code)| code.trim() == "attrs: { }")
    }

    fn is_for(&self, platforms: &[Platform], pairs: &[Pair]) -> bool {
        pairs.iter().any(|pair| self.is_on([pair.host, pair.target].map(|ix| platforms[ix].triple.as_str())))
    }

    /// Whether it applies to a pair, given the triples of host and target.
    fn is_on(&self, triples: [&str; 2]) -> bool {
        self.platforms.is_none_or(|word| triples.iter().any(|triple| triple.split('-').any(|part| part == word)))
    }
}

/// Names of the crates that build scripts link, even indirectly, by name of the crate with the build script.
pub fn build_script_crates<'a>(packages: &'a PackageGraph, merged: &Merged) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut known: Vec<Option<BTreeSet<EntryIx>>> = vec![None; merged.entries.len()];
    let mut crates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (ix, entry) in merged.entries.iter().enumerate().filter(|(_, entry)| entry.mode == CompileMode::Build) {
        for to in dependencies(merged, ix, true) {
            let linked = linked_into(merged, to, &mut known).clone();
            let names = linked.into_iter().map(|ix| packages[merged.entries[ix].package].name.as_str());
            crates.entry(&packages[entry.package].name).or_default().extend(names);
        }
    }
    crates
}

fn dependencies(merged: &Merged, ix: EntryIx, for_build_script: bool) -> BTreeSet<EntryIx> {
    let all = merged.entries[ix].contents.values().flat_map(|content| &content.dependencies);
    all.filter(|to| to.for_build_script == for_build_script).map(|to| to.entry).collect()
}

/// An entry and all entries that it links.
fn linked_into<'a>(
    merged: &Merged,
    ix: EntryIx,
    known: &'a mut Vec<Option<BTreeSet<EntryIx>>>,
) -> &'a BTreeSet<EntryIx> {
    if known[ix].is_none() {
        let mut linked = BTreeSet::from([ix]);
        for to in dependencies(merged, ix, false) {
            linked.extend(linked_into(merged, to, known));
        }
        known[ix] = Some(linked);
    }
    known[ix].as_ref().expect("it was inserted above")
}

/// Overrides, sorted by name, by their key in `Cargo.nix`.
pub fn overrides_of(resolved: Resolved<'_>, merged: &Merged) -> BTreeMap<String, Vec<&'static Override>> {
    let packages = resolved.packages;
    let used = build_script_crates(packages, merged);
    let builds = merged.entries.iter().filter(|entry| entry.mode == CompileMode::Build);
    let names: BTreeSet<&str> = builds.map(|entry| packages[entry.package].name.as_str()).collect();
    let mut table: BTreeMap<String, Vec<&Override>> = BTreeMap::new();
    for one in OVERRIDES.iter().filter(|one| one.is_for(resolved.platforms, resolved.pairs)) {
        let mut add = |name: &str| {
            let key = one.versions.map_or(name.to_owned(), |versions| format!("{name}@{versions}"));
            let found = table.entry(key).or_default();
            // An override may match a crate both by name and by build dependency.
            if found.last() != Some(&one) {
                found.push(one);
            }
        };
        one.crates.iter().copied().filter(|name| *name == MEMBERS || names.contains(name)).for_each(&mut add);
        for (name, crates) in &used {
            if one.build_dependencies.iter().any(|tool| crates.contains(tool)) {
                add(name);
            }
        }
    }
    table
}

/// Whether a key of an override, `name` or `name@requirement`, matches a package. A pre-release counts as the release,
/// as in `nix-lib/library/version-requirement.nix`.
pub fn key_is_for(key: &str, package: &Package) -> bool {
    let Some((name, requirement)) = key.split_once('@') else { return key == package.name };
    let Version { major, minor, patch, .. } = package.version;
    let meets = |requirement: VersionReq| requirement.matches(&Version::new(major, minor, patch));
    name == package.name && VersionReq::parse(requirement).is_ok_and(meets)
}

/// The table in `Cargo.nix`: names of the library's overrides by crate. Empty if no crate needs any.
pub(crate) fn render_overrides(resolved: Resolved<'_>, merged: &Merged) -> BTreeMap<String, Vec<&'static str>> {
    let table = overrides_of(resolved, merged).into_iter();
    let names = |found: Vec<&Override>| found.iter().filter(|one| !one.is_empty()).map(|one| one.name).collect();
    table.map(|(key, found)| (key, names(found))).filter(|(_, names): &(_, Vec<_>)| !names.is_empty()).collect()
}

/// Whether an override, which `Cargo.nix` has for some pair, applies to this one; on others its file returns nothing.
pub(crate) fn is_on(name: &str, triples: [&str; 2]) -> bool {
    OVERRIDES.iter().any(|one| one.name == name && one.is_on(triples))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_override_has_a_reason_and_crates() {
        for one in OVERRIDES.iter() {
            assert!(one.text.contains(&format!("\n{HEAD}")), "{}", one.name);
            assert!(!one.why.is_empty() && one.why.iter().all(|line| !line.is_empty()), "{}", one.name);
            assert!(one.crates.len() + one.build_dependencies.len() > 0, "{} is for nothing", one.name);
            assert!(one.platforms.is_none_or(|word| ["darwin", "linux"].contains(&word)), "{}", one.name);
        }
        assert!(OVERRIDES.is_sorted_by_key(|one| one.name));
    }

    #[test]
    fn headers_are_read() {
        let text = "# A reason: several\n# lines.\n#\n# Crates: a, b-sys\n# Crates: c\n# Versions: >=1, <3\n# Covers: no, for a reason\n\
                    # Platforms: linux\n{ lib, pkgs }:\nattrs: { }\n";
        let one = Override::parse("name", text);
        assert_eq!(one.why, ["A reason: several", "lines."]);
        assert_eq!(one.crates, ["a", "b-sys", "c"]);
        assert_eq!((one.versions, one.platforms, one.covers), (Some(">=1, <3"), Some("linux"), false));
        assert!(one.is_empty());
    }
}
