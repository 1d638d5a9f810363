//! Names for sets of pairs.
//!
//! A proper subset of an entry's pairs gets the first matching name in this order: an operating system, a family, an
//! architecture, a Nix system. Otherwise the names of its systems are joined.

use std::collections::{BTreeMap, BTreeSet};

use cargo_platform::Cfg;
use cratewright_resolver::{Pair, Platform};

/// A set of pairs, as indices into the resolved list.
pub(crate) type PairSet = BTreeSet<usize>;

/// Names of pair sets, and those that the file uses.
pub(crate) struct Guards {
    /// All names in order of preference.
    named: Vec<(String, PairSet)>,
    /// Name of each pair.
    names: Vec<String>,
    used: BTreeMap<String, PairSet>,
}

impl Guards {
    pub(crate) fn new(platforms: &[Platform], pairs: &[Pair]) -> Self {
        let names: Vec<String> = pairs.iter().map(|&pair| pair_name(platforms, pairs, pair)).collect();
        let mut named: Vec<(String, PairSet)> = Vec::new();
        let mut name_by = |name_of: &dyn Fn(&Pair) -> Option<String>| {
            let mut sets: BTreeMap<String, PairSet> = BTreeMap::new();
            for (ix, pair) in pairs.iter().enumerate() {
                if let Some(name) = name_of(pair) {
                    sets.entry(name).or_default().insert(ix);
                }
            }
            named.extend(sets);
        };
        for name_of in [os, family, arch] {
            name_by(&|pair| name_of(&platforms[pair.target]));
        }
        // Host units differ by the platform that compiles.
        if pairs.iter().any(|pair| pair.is_cross()) {
            for name_of in [os, arch] {
                name_by(&|pair| name_of(&platforms[pair.host]).map(|name| format!("on-{name}")));
            }
        }
        named.extend(names.iter().enumerate().map(|(ix, name)| (name.clone(), PairSet::from([ix]))));
        // A name must be unique: `windows` is both a system and a family, so the first is kept.
        let mut taken = BTreeSet::new();
        named.retain(|(name, _)| taken.insert(name.clone()));
        Guards { named, names, used: BTreeMap::new() }
    }

    /// The name of `set` among the pairs in `within`; the name may also include pairs outside of `within`.
    pub(crate) fn name(&mut self, set: &PairSet, within: &PairSet) -> String {
        let fits = |named: &PairSet| named.intersection(within).eq(set.iter());
        let (name, pairs) = match self.named.iter().find(|(_, named)| fits(named)) {
            Some((name, pairs)) => (name.clone(), pairs.clone()),
            None => {
                let names: Vec<&str> = set.iter().map(|&ix| self.names[ix].as_str()).collect();
                (names.join("-or-"), set.clone())
            }
        };
        self.used.insert(name.clone(), pairs);
        name
    }

    /// The names that were used, with their pairs.
    pub(crate) fn into_used(self) -> BTreeMap<String, PairSet> {
        self.used
    }
}

/// The name of a pair. A native pair is named after its Nix system if that is unambiguous; two platforms of one system
/// may differ in the C library. Otherwise, and for cross pairs, the name contains the triple.
fn pair_name(platforms: &[Platform], pairs: &[Pair], pair: Pair) -> String {
    let target = &platforms[pair.target];
    if pair.is_cross() {
        return format!("{}-on-{}", target.triple, system(&platforms[pair.host]));
    }
    let native = pairs.iter().filter(|pair| !pair.is_cross());
    match native.filter(|other| system(&platforms[other.target]) == system(target)).count() {
        1 => system(target),
        _ => target.triple.clone(),
    }
}

fn value<'a>(platform: &'a Platform, key: &str) -> Option<&'a str> {
    platform.cfgs.iter().find_map(|cfg| match cfg {
        Cfg::KeyPair(name, value) if name.as_str() == key => Some(value.as_str()),
        _ => None,
    })
}

/// The system's name in nixpkgs, which uses darwin for rustc's macos.
fn os(platform: &Platform) -> Option<String> {
    value(platform, "target_os").map(|os| if os == "macos" { "darwin" } else { os }.to_owned())
}

fn family(platform: &Platform) -> Option<String> {
    value(platform, "target_family").map(str::to_owned)
}

fn arch(platform: &Platform) -> Option<String> {
    value(platform, "target_arch").map(str::to_owned)
}

fn system(platform: &Platform) -> String {
    match (arch(platform), os(platform)) {
        (Some(arch), Some(os)) => format!("{arch}-{os}"),
        _ => platform.triple.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gnu and a musl platform have the same Nix system.
    #[test]
    fn platforms_of_one_system_are_named_by_triple() {
        let platform = |env: &str| {
            let cfgs = format!("target_arch=\"x86_64\"\ntarget_os=\"linux\"\ntarget_env=\"{env}\"\n");
            Platform::parse(&format!("x86_64-unknown-linux-{env}"), &cfgs).unwrap()
        };
        let platforms = [platform("gnu"), platform("musl")];
        let mut guards = Guards::new(&platforms, &[Pair::native(0), Pair::native(1)]);
        let both = PairSet::from([0, 1]);
        assert_eq!(guards.name(&PairSet::from([0]), &both), "x86_64-unknown-linux-gnu");
        assert_eq!(guards.name(&PairSet::from([1]), &both), "x86_64-unknown-linux-musl");
        assert_eq!(guards.into_used().len(), 2);
    }

    fn guards() -> Guards {
        let platform = |triple: &str, arch: &str, os: &str| {
            let cfgs = format!("target_arch=\"{arch}\"\ntarget_os=\"{os}\"\ntarget_family=\"unix\"\nunix\n");
            Platform::parse(triple, &cfgs).unwrap()
        };
        let platforms = [
            platform("x86_64-unknown-linux-gnu", "x86_64", "linux"),
            platform("aarch64-unknown-linux-gnu", "aarch64", "linux"),
            platform("x86_64-apple-darwin", "x86_64", "macos"),
            platform("aarch64-apple-darwin", "aarch64", "macos"),
        ];
        let pairs: Vec<Pair> = (0..4).map(Pair::native).collect();
        Guards::new(&platforms, &pairs)
    }

    #[track_caller]
    fn check(set: &[usize], within: &[usize], name: &str) {
        let (set, within) = (set.iter().copied().collect(), within.iter().copied().collect());
        assert_eq!(guards().name(&set, &within), name);
    }

    #[test]
    fn most_general_matching_name_is_used() {
        let all = [0, 1, 2, 3];
        check(&[0, 1], &all, "linux");
        check(&[2, 3], &all, "darwin");
        check(&[0, 2], &all, "x86_64");
        check(&[3], &all, "aarch64-darwin");
        check(&[0, 1, 2], &all, "x86_64-linux-or-aarch64-linux-or-x86_64-darwin");
        check(&[0], &[0, 2], "linux");
    }

    #[test]
    fn platforms_of_several_systems_are_named_by_family() {
        let platforms =
            [("linux", "unix"), ("macos", "unix"), ("windows", "windows"), ("none", "")].map(|(os, family)| {
                let family = if family.is_empty() { String::new() } else { format!("target_family=\"{family}\"\n") };
                let cfgs = format!("target_arch=\"x86_64\"\ntarget_os=\"{os}\"\n{family}");
                Platform::parse(&format!("x86_64-unknown-{os}"), &cfgs).unwrap()
            });
        let pairs: Vec<Pair> = (0..4).map(Pair::native).collect();
        let name = |set: &[usize]| {
            Guards::new(&platforms, &pairs).name(&set.iter().copied().collect(), &PairSet::from([0, 1, 2, 3]))
        };
        assert_eq!([name(&[0, 1]), name(&[2]), name(&[3])], ["unix", "windows", "none"]);
    }
}
