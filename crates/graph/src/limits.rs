//! Compares build graphs with the limits of the workspace.
//!
//! A limit applies to every platform. For a breach on several platforms, the numbers and paths are those of the
//! platform with the highest value. Paths are the shortest ones from a member, or from tests if only they need the
//! crate. If a number is too high, the path leads to the direct dependency that contributes most: the message says how
//! many crates are built only because of it.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_workspace::{Limits, PackagePattern};
use serde::{Deserialize, Serialize};

use crate::measures::{
    Packages, VersionOrder, all_of_member, cone, direct_names, largest_closure, longest_chain, members, packages,
    shipped,
};
use crate::model::{DerivationGraph, DerivationIx};
use crate::paths::{Bringer, Paths, brings_most_to_closure, brings_most_to_cone, names};

/// The result for all platforms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// The values that have a ceiling.
    pub measured: Vec<Measured>,
    /// Limits that are exceeded, in the order of their codes.
    pub breaches: Vec<Breach>,
    /// Entries that have no effect.
    pub unused: Vec<Unused>,
}

/// A value and its ceiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Key below `limits`, such as `crates` or `cone`.
    pub key: &'static str,
    /// The member that it applies to.
    pub member: Option<String>,
    /// The highest value of all platforms.
    pub value: usize,
    /// The ceiling.
    pub limit: usize,
}

/// A limit that is exceeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// The kind of limit.
    pub code: BreachCode,
    /// The problem, with value and limit.
    pub message: String,
    /// The platforms where it is exceeded.
    pub platforms: Vec<String>,
    /// Paths that cause it, each from a member down to a crate.
    #[serde(default, with = "arrows")]
    pub paths: Vec<Vec<String>>,
}

/// Kinds of breaches. Their codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreachCode {
    /// The limit `crates`.
    TooManyCrates,
    /// The limit `duplicates`.
    TooManyDuplicates,
    /// The limit `depth`.
    TooDeep,
    /// The limit `cone`.
    ConeTooLarge,
    /// The limit `closure`.
    ClosureTooLarge,
    /// The list `banned`.
    BannedCrate,
    /// The list `banned-features`.
    BannedFeature,
    /// The table `forbidden-dependencies`.
    ForbiddenDependency,
}

impl BreachCode {
    /// The code as text.
    pub fn name(self) -> &'static str {
        match self {
            BreachCode::TooManyCrates => "too-many-crates",
            BreachCode::TooManyDuplicates => "too-many-duplicates",
            BreachCode::TooDeep => "too-deep",
            BreachCode::ConeTooLarge => "cone-too-large",
            BreachCode::ClosureTooLarge => "closure-too-large",
            BreachCode::BannedCrate => "banned-crate",
            BreachCode::BannedFeature => "banned-feature",
            BreachCode::ForbiddenDependency => "forbidden-dependency",
        }
    }
}

/// An entry of the limits that has no effect: it is misspelt, or not needed any more. It does not make `check` fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unused {
    /// Key below `limits`.
    pub key: String,
    /// The entry.
    pub entry: String,
    /// Why it has no effect.
    pub reason: String,
}

impl Unused {
    /// A message such as ``entry `syn` of `accepted-duplicates` has no effect: it is not built``.
    pub fn message(&self) -> String {
        let Unused { key, entry, reason } = self;
        format!("entry `{entry}` of `{key}` has no effect: {reason}")
    }
}

/// A breach on one platform. Breaches with the same code and subject on several platforms are merged.
struct Found {
    code: BreachCode,
    subject: String,
    value: usize,
    message: String,
    paths: Vec<Vec<String>>,
}

/// Compares the graphs of several platforms with limits.
pub fn evaluate(graphs: &[DerivationGraph], limits: &Limits) -> Evaluation {
    let mut measured: BTreeMap<(&'static str, Option<String>), Measured> = BTreeMap::new();
    let mut breaches: BTreeMap<(BreachCode, String), (usize, Breach)> = BTreeMap::new();
    for graph in graphs {
        let mut platform = Platform { graph, limits, measured: Vec::new(), found: Vec::new() };
        platform.evaluate();
        for new in platform.measured {
            let known = measured.entry((new.key, new.member.clone())).or_insert_with(|| new.clone());
            known.value = known.value.max(new.value);
        }
        for Found { code, subject, value, message, paths } in platform.found {
            let platforms = Vec::new();
            let breach = Breach { code, message, platforms, paths };
            let (greatest, known) = breaches.entry((code, subject)).or_insert_with(|| (value, breach.clone()));
            if value > *greatest {
                *greatest = value;
                *known = Breach { platforms: std::mem::take(&mut known.platforms), ..breach };
            }
            known.platforms.push(graph.platform.clone());
        }
    }
    let breaches = breaches.into_values().map(|(_, breach)| breach).collect();
    Evaluation { measured: measured.into_values().collect(), breaches, unused: unused(graphs, limits) }
}

struct Platform<'g> {
    graph: &'g DerivationGraph,
    limits: &'g Limits,
    measured: Vec<Measured>,
    found: Vec<Found>,
}

impl<'g> Platform<'g> {
    fn evaluate(&mut self) {
        let (graph, limits) = (self.graph, self.limits);
        let (packages, members, paths) = (packages(graph), members(graph), Paths::from_members(graph));
        self.crates(&members, &paths);
        self.duplicates(&packages, &paths);
        if let Some(limit) = limits.depth {
            let chain = longest_chain(graph);
            let message = format!("the longest chain of dependencies has {} crates", chain.len());
            self.ceiling(("depth", None), BreachCode::TooDeep, chain.len(), limit, || {
                (message, vec![names(graph, &chain)])
            });
        }
        self.cones(&members);
        self.closures(&members);
        for pattern in &limits.banned {
            let found = matching(&packages, pattern);
            self.ban(BreachCode::BannedCrate, pattern.to_string(), format!("`{pattern}` is banned"), &found, &paths);
        }
        for pattern in &limits.banned_features {
            let mut found = matching(&packages, &pattern.package);
            found.retain(|&ix| graph.derivations[ix].features.contains(&pattern.feature));
            let message =
                format!("`{}` is built with the feature `{}`, which is banned", pattern.package, pattern.feature);
            self.ban(BreachCode::BannedFeature, pattern.to_string(), message, &found, &paths);
        }
        self.forbidden(&packages, &members);
    }

    fn crates(&mut self, members: &BTreeMap<&'g str, Vec<DerivationIx>>, paths: &Paths) {
        let (graph, Some(limit)) = (self.graph, self.limits.crates) else { return };
        let value = graph.crates().count();
        self.ceiling(("crates", None), BreachCode::TooManyCrates, value, limit, || {
            let tests = graph.tests().map(|(ix, _)| ix);
            let roots: Vec<DerivationIx> = members.values().flatten().copied().chain(tests).collect();
            let candidates = direct_names(graph, &roots).into_iter().filter(|name| !members.contains_key(name));
            let most = brings_most_to_closure(graph, &roots, candidates);
            let path = most.as_ref().map(|most| shortest(graph, paths, &most.name)).unwrap_or_default();
            (format!("{value} crates are built{}", only_for(most.as_ref())), vec![path])
        });
    }

    fn duplicates(&mut self, packages: &Packages<'g>, paths: &Paths) {
        let Some(limit) = self.limits.duplicates else { return };
        let counted = counted_duplicates(packages, &self.limits.accepted_duplicates);
        let have = if counted.len() == 1 { "has" } else { "have" };
        let message = format!("{} {have} several versions", number_of(counted.len(), "package"));
        self.ceiling(("duplicates", None), BreachCode::TooManyDuplicates, counted.len(), limit, || {
            let versions =
                counted.iter().flat_map(|(name, versions)| versions.iter().map(|version| &packages[name][version]));
            (message, versions.map(|builds| shortest_of(paths, builds)).collect())
        });
    }

    fn cones(&mut self, members: &BTreeMap<&'g str, Vec<DerivationIx>>) {
        let graph = self.graph;
        for (name, &limit) in &self.limits.cone {
            let Some(builds) = members.get(name.as_str()) else { continue };
            let value = cone(graph, &all_of_member(graph, name)).n_crates;
            self.ceiling(("cone", Some(name.clone())), BreachCode::ConeTooLarge, value, limit, || {
                let dependents = graph.crates().filter(|(ix, derivation)| {
                    !builds.contains(ix) && derivation.all_dependencies().any(|need| builds.contains(&need))
                });
                let dependents: BTreeSet<&str> = dependents.map(|(_, derivation)| derivation.name.as_str()).collect();
                let most = brings_most_to_cone(graph, builds, dependents);
                let crates = number_of(value, "crate");
                let message = format!("a change of `{name}` builds {crates} again{}", only_for(most.as_ref()));
                (message, vec![most.into_iter().map(|most| most.name).chain([name.clone()]).collect()])
            });
        }
    }

    fn closures(&mut self, members: &BTreeMap<&'g str, Vec<DerivationIx>>) {
        let graph = self.graph;
        for (name, &limit) in &self.limits.closure {
            let Some(builds) = members.get(name.as_str()) else { continue };
            let Some((build, value)) = largest_closure(graph, builds) else { continue };
            self.ceiling(("closure", Some(name.clone())), BreachCode::ClosureTooLarge, value, limit, || {
                let most = brings_most_to_closure(graph, &[build], direct_names(graph, &[build]));
                let paths = Paths::from(graph, &[build]);
                let path = most.as_ref().map(|most| shortest(graph, &paths, &most.name)).unwrap_or_default();
                (format!("`{name}` consists of {}{}", number_of(value, "crate"), only_for(most.as_ref())), vec![path])
            });
        }
    }

    fn forbidden(&mut self, packages: &Packages<'g>, members: &BTreeMap<&'g str, Vec<DerivationIx>>) {
        let graph = self.graph;
        for (member, patterns) in &self.limits.forbidden_dependencies {
            let Some(builds) = members.get(member.as_str()) else { continue };
            let builds = shipped(graph, builds);
            let paths = Paths::from(graph, &builds);
            let closure: BTreeSet<DerivationIx> = graph.closure(&builds).into_iter().collect();
            for pattern in patterns {
                let mut found = matching(packages, pattern);
                found.retain(|ix| closure.contains(ix) && !builds.contains(ix));
                let subject = format!("{member} {pattern}");
                let message = format!("`{member}` depends on `{pattern}`, which is forbidden");
                self.ban(BreachCode::ForbiddenDependency, subject, message, &found, &paths);
            }
        }
    }

    /// Records a ceiling and, if it is exceeded, the message and paths that `breach` returns.
    fn ceiling(
        &mut self,
        (key, member): (&'static str, Option<String>),
        code: BreachCode,
        value: usize,
        limit: usize,
        breach: impl FnOnce() -> (String, Vec<Vec<String>>),
    ) {
        if value > limit {
            let (message, paths) = breach();
            let message = format!("{message}; the limit is {limit}");
            let paths = paths.into_iter().filter(|path| !path.is_empty()).collect();
            self.found.push(Found { code, subject: member.clone().unwrap_or_default(), value, message, paths });
        }
        self.measured.push(Measured { key, member, value, limit });
    }

    /// Records a breach if anything was found that is not allowed.
    fn ban(&mut self, code: BreachCode, subject: String, message: String, found: &[DerivationIx], paths: &Paths) {
        if !found.is_empty() {
            let paths: BTreeSet<Vec<String>> = found.iter().map(|&ix| paths.to(ix)).collect();
            let paths = shortest_by_end(paths);
            self.found.push(Found { code, subject, value: found.len(), message, paths });
        }
    }
}

/// The part `, 87 of them only for ...` of a message.
fn only_for(most: Option<&Bringer>) -> String {
    match most {
        Some(Bringer { name, n_crates }) if *n_crates > 0 => format!(", {n_crates} of them only for `{name}`"),
        _ => String::new(),
    }
}

/// `1 crate`, `2 crates`.
pub(crate) fn number_of(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The builds of packages that a pattern matches.
fn matching(packages: &Packages, pattern: &PackagePattern) -> Vec<DerivationIx> {
    let versions = packages.get(pattern.name.as_str()).into_iter().flatten();
    let matching = versions.filter(|(version, _)| pattern.matches(&pattern.name, version.text()));
    matching.flat_map(|(_, builds)| builds.iter().copied()).collect()
}

/// The shortest path to any build of a package.
fn shortest(graph: &DerivationGraph, paths: &Paths, name: &str) -> Vec<String> {
    let builds: Vec<DerivationIx> =
        graph.crates().filter(|(_, derivation)| derivation.name == name).map(|(ix, _)| ix).collect();
    shortest_of(paths, &builds)
}

/// The shortest path to any of these builds.
fn shortest_of(paths: &Paths, builds: &[DerivationIx]) -> Vec<String> {
    let paths = builds.iter().map(|&ix| paths.to(ix)).filter(|path| !path.is_empty());
    paths.min_by_key(|path| (path.len(), path.clone())).unwrap_or_default()
}

/// The shortest of all paths with the same end, as there may be several builds of one version.
fn shortest_by_end(paths: BTreeSet<Vec<String>>) -> Vec<Vec<String>> {
    let mut by_end: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in paths {
        let Some(end) = path.last() else { continue };
        match by_end.get(end) {
            Some(known) if known.len() <= path.len() => {}
            _ => {
                by_end.insert(end.clone(), path);
            }
        }
    }
    by_end.into_values().collect()
}

/// Packages with several versions that are not accepted, and these versions.
fn counted_duplicates<'p, 'g>(
    packages: &'p Packages<'g>,
    accepted: &[PackagePattern],
) -> BTreeMap<&'g str, Vec<&'p VersionOrder<'g>>> {
    let counted = packages.iter().map(|(&name, versions)| {
        let is_accepted = |version: &str| accepted.iter().any(|pattern| pattern.matches(name, version));
        (name, versions.keys().filter(|version| !is_accepted(version.text())).collect::<Vec<_>>())
    });
    counted.filter(|(_, versions)| versions.len() > 1).collect()
}

/// Entries for members that do not exist, and accepted duplicates that are not duplicates.
fn unused(graphs: &[DerivationGraph], limits: &Limits) -> Vec<Unused> {
    let known: BTreeSet<&str> = graphs.iter().flat_map(|graph| members(graph).into_keys()).collect();
    let entries = [
        ("cone", limits.cone.keys().collect::<Vec<_>>()),
        ("closure", limits.closure.keys().collect()),
        ("forbidden-dependencies", limits.forbidden_dependencies.keys().collect()),
    ];
    let mut unused = Vec::new();
    for (key, names) in entries {
        for name in names.into_iter().filter(|name| !known.contains(name.as_str())) {
            let reason = "no member has this name, or it is not built".to_owned();
            unused.push(Unused { key: key.to_owned(), entry: name.clone(), reason });
        }
    }
    let packages: Vec<Packages> = graphs.iter().map(packages).collect();
    for pattern in &limits.accepted_duplicates {
        let versions = packages.iter().filter_map(|packages| packages.get(pattern.name.as_str()));
        let is_duplicate = |versions: &&BTreeMap<VersionOrder, Vec<DerivationIx>>| versions.len() > 1;
        let is_meant = |versions: &BTreeMap<VersionOrder, Vec<DerivationIx>>| {
            versions.keys().any(|version| pattern.matches(&pattern.name, version.text()))
        };
        let reason = match versions.clone().filter(is_duplicate).any(is_meant) {
            true => continue,
            false if versions.clone().next().is_none() => "it is not built",
            false if versions.clone().any(is_meant) => "the package has no other version",
            false => "the package has no such version",
        };
        let (key, reason) = ("accepted-duplicates".to_owned(), reason.to_owned());
        unused.push(Unused { key, entry: pattern.to_string(), reason });
    }
    unused
}

/// Serializes paths as `app -> reqwest -> openssl-sys 0.9.100`; names never contain an arrow.
mod arrows {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) const ARROW: &str = " -> ";

    pub(super) fn serialize<S: Serializer>(paths: &[Vec<String>], serializer: S) -> Result<S::Ok, S::Error> {
        paths.iter().map(|path| path.join(ARROW)).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<String>>, D::Error> {
        let paths = Vec::<String>::deserialize(deserializer)?;
        Ok(paths.iter().map(|path| path.split(ARROW).map(str::to_owned).collect()).collect())
    }
}

#[cfg(test)]
mod tests;
