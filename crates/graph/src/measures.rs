//! The measures in the snapshot, which limits apply to.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind, Side};
use crate::schedule::critical_path;

/// Sorts versions as cargo does; texts that are not semantic versions come first, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct VersionOrder<'g>(Option<Version>, &'g str);

impl<'g> VersionOrder<'g> {
    pub(crate) fn new(version: &'g str) -> Self {
        VersionOrder(Version::parse(version).ok(), version)
    }

    pub(crate) fn text(&self) -> &'g str {
        self.1
    }
}

/// The builds of each package, by name and version.
pub(crate) type Packages<'g> = BTreeMap<&'g str, BTreeMap<VersionOrder<'g>, Vec<DerivationIx>>>;

/// All crates, by package.
pub(crate) fn packages(graph: &DerivationGraph) -> Packages<'_> {
    let mut packages = Packages::new();
    for (ix, derivation) in graph.crates() {
        let versions = packages.entry(&derivation.name).or_default();
        versions.entry(VersionOrder::new(&derivation.version)).or_default().push(ix);
    }
    packages
}

/// The longest chain of crates, from the top down. They are built one after the other on any number of jobs.
pub(crate) fn longest_chain(graph: &DerivationGraph) -> Vec<DerivationIx> {
    let crates: Vec<DerivationIx> = graph.crates().map(|(ix, _)| ix).collect();
    critical_path(graph, &crates, &vec![1.0; graph.derivations.len()]).derivations
}

/// The crates of each member, by its name. There are several if it is built with several feature sets or for several
/// sides.
pub(crate) fn members(graph: &DerivationGraph) -> BTreeMap<&str, Vec<DerivationIx>> {
    let mut members: BTreeMap<&str, Vec<DerivationIx>> = BTreeMap::new();
    for (ix, derivation) in graph.crates().filter(|(_, derivation)| derivation.is_member) {
        members.entry(&derivation.name).or_default().push(ix);
    }
    members
}

/// Whether a crate is built only for the tests of others.
fn is_for_tests(derivation: &Derivation) -> bool {
    let labels = derivation.key.split_once(" [").map_or("", |(_, labels)| labels.trim_end_matches(']'));
    derivation.side == Side::Test || labels.split(' ').any(|label| label == "test" || label == "tests")
}

/// The builds of a member that are not only for tests, if there are any.
pub(crate) fn shipped(graph: &DerivationGraph, builds: &[DerivationIx]) -> Vec<DerivationIx> {
    let shipped: Vec<DerivationIx> =
        builds.iter().copied().filter(|&ix| !is_for_tests(&graph.derivations[ix])).collect();
    if shipped.is_empty() { builds.to_vec() } else { shipped }
}

/// The build of a member with the largest closure, and its number of crates including itself. Tests, and crates that
/// are built for them, do not count.
pub(crate) fn largest_closure(graph: &DerivationGraph, builds: &[DerivationIx]) -> Option<(DerivationIx, usize)> {
    let sizes = shipped(graph, builds).into_iter().map(|ix| (ix, graph.closure(&[ix]).len()));
    // `rev` makes `max_by_key` return the first of several equal ones.
    sizes.rev().max_by_key(|&(_, size)| size)
}

/// The number of crates and test suites that are rebuilt after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cone {
    pub(crate) n_crates: usize,
    pub(crate) n_tests: usize,
}

/// The cone of these derivations: what is rebuilt if all of them change.
pub(crate) fn cone(graph: &DerivationGraph, of: &[DerivationIx]) -> Cone {
    let (mut n_crates, mut n_tests) = (0, 0);
    for ix in graph.dependents(of) {
        match graph.derivations[ix].kind {
            Kind::Crate => n_crates += 1,
            Kind::Tests => n_tests += 1,
        }
    }
    Cone { n_crates, n_tests }
}

/// All derivations of a member: its crates and its tests.
pub(crate) fn all_of_member(graph: &DerivationGraph, name: &str) -> Vec<DerivationIx> {
    let is_meant =
        |derivation: &Derivation| derivation.name == name && (derivation.is_member || derivation.kind == Kind::Tests);
    (0..graph.derivations.len()).filter(|&ix| is_meant(&graph.derivations[ix])).collect()
}

/// Names of the direct dependencies of these derivations.
pub(crate) fn direct_names<'g>(graph: &'g DerivationGraph, of: &[DerivationIx]) -> BTreeSet<&'g str> {
    let direct = of.iter().flat_map(|&ix| graph.derivations[ix].all_dependencies());
    direct.map(|ix| graph.derivations[ix].name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derivation(key: &str, side: Side) -> Derivation {
        Derivation { key: key.to_owned(), side, is_member: true, ..Derivation::new("app", "1.0.0") }
    }

    #[test]
    fn labels_mark_builds_for_tests() {
        for (key, side, expected) in [
            ("app@1.0.0", Side::Target, false),
            ("app@1.0.0", Side::Test, true),
            ("app@1.0.0 [test]", Side::Target, true),
            ("app@1.0.0 [test build]", Side::Host, true),
            ("app@1.0.0 [member=test]", Side::Target, false),
            ("app@1.0.0 [variant=tests]", Side::Target, false),
        ] {
            assert_eq!(is_for_tests(&derivation(key, side)), expected, "{key}");
        }
    }

    #[test]
    fn a_member_that_is_built_only_for_tests_counts() {
        let derivations = vec![derivation("app@1.0.0 [test]", Side::Target), derivation("app@1.0.0", Side::Target)];
        let graph = DerivationGraph { platform: String::new(), derivations };
        assert_eq!(shipped(&graph, &[0, 1]), [1]);
        assert_eq!(shipped(&graph, &[0]), [0]);
    }

    #[test]
    fn the_largest_build_of_a_member_gives_its_closure() {
        let with_leaf = Derivation { dependencies: vec![0], ..derivation("app@1.0.0 [variant=loud]", Side::Target) };
        let for_tests = Derivation { dependencies: vec![0, 2], ..derivation("app@1.0.0 [test]", Side::Target) };
        let derivations =
            vec![Derivation::new("leaf", "1.0.0"), derivation("app@1.0.0", Side::Target), with_leaf, for_tests];
        let graph = DerivationGraph { platform: String::new(), derivations };
        assert_eq!(largest_closure(&graph, &[1, 2, 3]), Some((2, 2)));
    }

    #[test]
    fn a_crate_with_the_name_of_a_member_is_not_part_of_it() {
        let stranger = Derivation { id: "other".to_owned(), ..Derivation::new("app", "2.0.0") };
        let derivations = vec![stranger, derivation("app@1.0.0", Side::Target)];
        let graph = DerivationGraph { platform: String::new(), derivations };
        assert_eq!(all_of_member(&graph, "app"), [1]);
    }

    #[test]
    fn versions_are_sorted_as_cargo_sorts_them() {
        let mut versions = ["1.10.0", "nightly", "1.9.0", "1.10.0-rc.1"].map(VersionOrder::new);
        versions.sort();
        assert_eq!(versions.map(|version| version.text()), ["nightly", "1.9.0", "1.10.0-rc.1", "1.10.0"]);
    }
}
