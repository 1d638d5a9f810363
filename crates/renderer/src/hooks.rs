//! Overrides of our own, from `nix-lib/overrides`: which there are, and which crates of a workspace need them.
//!
//! Each file is a function of `{ lib, pkgs }` to an override in nixpkgs' form, below a comment that says why it exists and,
//! in lines of `Key: value`, what it is for. The same lines are read here and by people; `Cargo.nix` gets the files that
//! some crate of it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cratewright_resolver::{PackageGraph, Pair, Platform, UnitKind};

use crate::merge::{EntryIx, Merged, Resolved};
use crate::nix::{Binding, Nix};

/// One file of `nix-lib/overrides`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Name of the file, without `.nix`.
    pub name: &'static str,
    /// Why it exists, a line of the comment each.
    pub why: Vec<&'static str>,
    /// `Crates:`, the names of crates that it is for. [`MEMBERS`] stands for all members.
    pub crates: Vec<&'static str>,
    /// `Build dependencies:`, names of crates: it is for every crate whose build script uses one of them, directly or not.
    pub build_dependencies: Vec<&'static str>,
    /// `Versions:`, the requirement that versions of the crates must meet, if not all do.
    pub versions: Option<&'static str>,
    /// `Platforms:`, `darwin` or `linux`, if it is not for all.
    pub platforms: Option<&'static str>,
    /// Whether the crate needs nothing more; `Covers: no, ...` says what does the rest.
    pub covers: bool,
    /// The function, in Nix.
    pub code: &'static str,
}

/// Stands for all members among [`Hook::crates`], and among the keys of overrides in `Cargo.nix`.
pub const MEMBERS: &str = "(members)";

/// What the function in each file takes.
const HEAD: &str = "{ lib, pkgs }:";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../nix-lib/overrides/", $name, ".nix")))),*]
    };
}

/// All of them, by name.
pub static HOOKS: LazyLock<Vec<Hook>> = LazyLock::new(|| {
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
    files.into_iter().map(|(name, text)| Hook::parse(name, text)).collect()
});

impl Hook {
    fn parse(name: &'static str, text: &'static str) -> Self {
        let code = text.find(HEAD).map_or(text, |at| &text[at..]);
        let comment: Vec<&str> = text
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
        Hook {
            name,
            why: comment[..keys].to_vec(),
            crates: values("Crates"),
            build_dependencies: values("Build dependencies"),
            versions: text("Versions"),
            platforms: text("Platforms"),
            covers: text("Covers").is_none_or(|why_not| !why_not.starts_with("no")),
            code,
        }
    }

    /// Whether it only says that nothing is needed.
    fn is_empty(&self) -> bool {
        self.code.trim_start_matches(HEAD).trim() == "attrs: { }"
    }

    fn is_for(&self, platforms: &[Platform], pairs: &[Pair]) -> bool {
        let of = |ix: usize, word: &str| platforms[ix].triple.split('-').any(|part| part == word);
        self.platforms.is_none_or(|word| pairs.iter().any(|pair| of(pair.host, word) || of(pair.target, word)))
    }
}

/// Crates that build scripts use, by the name of the crate whose build script it is: all that is linked into them.
pub fn build_script_crates<'a>(packages: &'a PackageGraph, merged: &Merged) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut known: Vec<Option<BTreeSet<EntryIx>>> = vec![None; merged.entries.len()];
    let mut crates: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (ix, entry) in merged.entries.iter().enumerate().filter(|(_, entry)| entry.kind == UnitKind::Build) {
        for to in dependencies(merged, ix, true) {
            let linked = linked_into(merged, to, &mut known).clone();
            let names = linked.into_iter().map(|ix| packages.graph[merged.entries[ix].package].name.as_str());
            crates.entry(&packages.graph[entry.package].name).or_default().extend(names);
        }
    }
    crates
}

fn dependencies(merged: &Merged, ix: EntryIx, for_build_script: bool) -> BTreeSet<EntryIx> {
    let all = merged.entries[ix].contents.values().flat_map(|content| &content.dependencies);
    all.filter(|to| to.for_build_script == for_build_script).map(|to| to.entry).collect()
}

/// An entry and all that it links.
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
    known[ix].as_ref().expect("it was put in above")
}

/// By key of the table in `Cargo.nix`: hooks, in order of their names.
pub fn hooks_of(resolved: Resolved<'_>, merged: &Merged) -> BTreeMap<String, Vec<&'static Hook>> {
    let packages = resolved.packages;
    let used = build_script_crates(packages, merged);
    let builds = merged.entries.iter().filter(|entry| entry.kind == UnitKind::Build);
    let names: BTreeSet<&str> = builds.map(|entry| packages.graph[entry.package].name.as_str()).collect();
    let mut table: BTreeMap<String, Vec<&Hook>> = BTreeMap::new();
    for hook in HOOKS.iter().filter(|hook| hook.is_for(resolved.platforms, resolved.pairs)) {
        let mut add = |name: &str| {
            let key = hook.versions.map_or(name.to_owned(), |versions| format!("{name}@{versions}"));
            let hooks = table.entry(key).or_default();
            // It is for this crate by name and by what it uses.
            if hooks.last() != Some(&hook) {
                hooks.push(hook);
            }
        };
        hook.crates.iter().copied().filter(|name| *name == MEMBERS || names.contains(name)).for_each(&mut add);
        for (name, crates) in &used {
            if hook.build_dependencies.iter().any(|tool| crates.contains(tool)) {
                add(name);
            }
        }
    }
    table
}

/// The function that `Cargo.nix` has them as, or nothing if no crate needs any.
pub(crate) fn render_hooks(resolved: Resolved<'_>, merged: &Merged) -> Option<Nix> {
    let mut table = hooks_of(resolved, merged);
    table.values_mut().for_each(|hooks| hooks.retain(|hook| !hook.is_empty()));
    table.retain(|_, hooks| !hooks.is_empty());
    let used: BTreeMap<&str, &Hook> = table.values().flatten().map(|hook| (hook.name, *hook)).collect();
    let functions = used.values().map(|hook| Binding {
        comment: hook.why.iter().map(|&line| line.into()).collect(),
        name: Some(hook.name.to_owned()),
        value: Nix::Code(hook.code.trim_start_matches(HEAD).trim().into()),
        is_apart: true,
    });
    let names = |hooks: &[&Hook]| Nix::List(hooks.iter().map(|hook| Nix::word(hook.name)).collect());
    let keys = table.iter().map(|(key, hooks)| Binding::new(key, names(hooks)));
    let body = Nix::Let(functions.collect(), Box::new(Nix::Set(keys.collect())));
    (!table.is_empty()).then(|| Nix::Function(HEAD.into(), Box::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_says_why_it_is_there_and_what_for() {
        for hook in HOOKS.iter() {
            assert!(hook.code.starts_with(HEAD), "{}", hook.name);
            assert!(!hook.why.is_empty() && hook.why.iter().all(|line| !line.is_empty()), "{}", hook.name);
            assert!(hook.crates.len() + hook.build_dependencies.len() > 0, "{} is for nothing", hook.name);
            assert!(hook.platforms.is_none_or(|word| ["darwin", "linux"].contains(&word)), "{}", hook.name);
        }
        assert!(HOOKS.is_sorted_by_key(|hook| hook.name));
    }

    #[test]
    fn headers_are_read() {
        let text = "# A reason: several\n# lines.\n#\n# Crates: a, b-sys\n# Crates: c\n# Versions: >=1, <3\n# Covers: no, for a reason\n\
                    # Platforms: linux\n{ lib, pkgs }:\nattrs: { }\n";
        let hook = Hook::parse("name", text);
        assert_eq!(hook.why, ["A reason: several", "lines."]);
        assert_eq!(hook.crates, ["a", "b-sys", "c"]);
        assert_eq!((hook.versions, hook.platforms, hook.covers), (Some(">=1, <3"), Some("linux"), false));
        assert_eq!(hook.code, "{ lib, pkgs }:\nattrs: { }\n");
    }
}
