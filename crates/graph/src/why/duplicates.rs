//! Packages that are built several times, and the differences between their derivations.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind};

/// A package name with several derivations of crates.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// Name of the package.
    pub name: String,
    /// The derivation to keep: the one with the largest cone.
    pub kept: DerivationIx,
    /// The others, each with the most similar derivation before it and the differences.
    pub others: Vec<Other>,
    /// Number of crates in the cones of the others.
    pub cone: usize,
    /// Build time of the others in seconds, as far as it is known.
    pub seconds: Option<f64>,
}

/// One of several derivations with the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The derivation.
    pub derivation: DerivationIx,
    /// The derivation that it is compared with.
    pub compared_to: DerivationIx,
    /// How it differs from that one.
    pub differences: Vec<Difference>,
}

/// A difference between two derivations with the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Difference {
    /// The version.
    Version,
    /// The source.
    Source,
    /// The side that it is compiled for.
    Side,
    /// The enabled features.
    Features {
        /// Features that only this one has.
        more: Vec<String>,
        /// Features that only the other one has.
        less: Vec<String>,
    },
    /// Only direct or indirect dependencies.
    Dependencies {
        /// Names of the packages that differ by themselves.
        because_of: Vec<String>,
    },
    /// Another input.
    Input {
        /// The input.
        input: Input,
    },
}

/// All names with several derivations of crates, most expensive first: by build time if `seconds` has any, else by the
/// cones of the derivations other than the one to keep.
pub fn duplicates(graph: &DerivationGraph, seconds: Option<&[Option<f64>]>) -> Vec<Duplicate> {
    let mut by_name: BTreeMap<&str, Vec<DerivationIx>> = BTreeMap::new();
    for (ix, derivation) in graph.crates() {
        by_name.entry(&derivation.name).or_default().push(ix);
    }
    let cones = graph.cones();
    let mut roots = Roots { graph, known: BTreeMap::new() };
    let several = by_name.into_iter().filter(|(_, all)| all.len() > 1);
    let mut duplicates: Vec<Duplicate> = several
        .filter_map(|(name, mut all)| {
            all.sort_by_key(|&ix| (std::cmp::Reverse(cones[ix]), graph.derivations[ix].side, ix));
            let kept = all.remove(0);
            let compared = roots.compared(kept, all);
            let others: Vec<DerivationIx> = compared.iter().map(|other| other.derivation).collect();
            if others.is_empty() {
                return None;
            }
            let dependents = graph.dependents(&others);
            let cone = dependents.iter().filter(|&&ix| graph.derivations[ix].kind == Kind::Crate).count();
            let known: Vec<f64> =
                others.iter().filter_map(|&ix| seconds.and_then(|seconds| *seconds.get(ix)?)).collect();
            let seconds = (!known.is_empty()).then(|| known.iter().sum());
            Some(Duplicate { name: name.to_owned(), kept, others: compared, cone, seconds })
        })
        .collect();
    duplicates.sort_by(|a, b| {
        let seconds = |of: &Duplicate| of.seconds.unwrap_or_default();
        seconds(b).total_cmp(&seconds(a)).then(b.cone.cmp(&a.cone)).then_with(|| a.name.cmp(&b.name))
    });
    duplicates
}

/// All derivations of one name except for the first, each compared with the most similar one before it. Derivations
/// without differences are left out, as they are only built for different platforms.
pub fn compared(graph: &DerivationGraph, all: &[DerivationIx]) -> Vec<Other> {
    match all {
        [] => Vec::new(),
        [first, others @ ..] => Roots { graph, known: BTreeMap::new() }.compared(*first, others.to_vec()),
    }
}

/// The differences between two derivations of the same name. Empty if they are built from the same inputs.
pub fn differences(graph: &DerivationGraph, one: DerivationIx, other: DerivationIx) -> Vec<Difference> {
    Roots { graph, known: BTreeMap::new() }.differences(one, other)
}

/// A cache of the causes of differences between pairs of derivations.
struct Roots<'a> {
    graph: &'a DerivationGraph,
    /// Names of dependencies that differ by themselves, for each pair.
    known: BTreeMap<(DerivationIx, DerivationIx), BTreeSet<String>>,
}

impl Roots<'_> {
    fn compared(&mut self, kept: DerivationIx, others: Vec<DerivationIx>) -> Vec<Other> {
        let mut before = vec![kept];
        let mut compared = Vec::new();
        for derivation in others {
            let candidates = before.iter().map(|&to| (to, self.differences(derivation, to))).collect::<Vec<_>>();
            let distance = |differences: &[Difference]| {
                let is_other = differences.iter().any(|one| matches!(one, Difference::Version | Difference::Source));
                (is_other, differences.len())
            };
            let nearest = candidates.into_iter().min_by_key(|(_, differences)| distance(differences));
            if let Some((compared_to, differences)) = nearest.filter(|(_, differences)| !differences.is_empty()) {
                compared.push(Other { derivation, compared_to, differences });
                before.push(derivation);
            }
        }
        compared
    }

    fn differences(&mut self, one: DerivationIx, other: DerivationIx) -> Vec<Difference> {
        let [a, b] = [one, other].map(|ix| &self.graph.derivations[ix]);
        let mut differences = own_differences(a, b);
        let explains_dependencies = |one: &Difference| !matches!(one, Difference::Side);
        if !differences.iter().any(explains_dependencies) {
            let because_of = self.below(one, other);
            if !because_of.is_empty() {
                differences.push(Difference::Dependencies { because_of: because_of.into_iter().collect() });
            }
        }
        differences
    }

    /// Names of packages that differ by themselves among the dependencies of two derivations of one package.
    fn below(&mut self, one: DerivationIx, other: DerivationIx) -> BTreeSet<String> {
        if let Some(known) = self.known.get(&(one, other)) {
            return known.clone();
        }
        let by_name = |of: DerivationIx| {
            let mut by_name: BTreeMap<&str, BTreeSet<DerivationIx>> = BTreeMap::new();
            for ix in self.graph.derivations[of].all_dependencies() {
                by_name.entry(&self.graph.derivations[ix].name).or_default().insert(ix);
            }
            by_name
        };
        let (of_one, of_other) = (by_name(one), by_name(other));
        let names: BTreeSet<&str> = of_one.keys().chain(of_other.keys()).copied().collect();
        let mut found = BTreeSet::new();
        for name in names {
            let [here, there] = [&of_one, &of_other].map(|by_name| by_name.get(name).cloned().unwrap_or_default());
            if here == there {
                continue;
            }
            let (mut only_here, mut only_there) = (here.difference(&there), there.difference(&here));
            match (only_here.next(), only_there.next(), only_here.next().or(only_there.next())) {
                (Some(&here), Some(&there), None) => {
                    let [a, b] = [here, there].map(|ix| &self.graph.derivations[ix]);
                    let differs = own_differences(a, b).iter().any(|one| !matches!(one, Difference::Side));
                    if differs {
                        found.insert(name.to_owned());
                    } else {
                        found.extend(self.below(here, there));
                    }
                }
                _ => drop(found.insert(name.to_owned())),
            }
        }
        self.known.insert((one, other), found.clone());
        found
    }
}

/// The differences of two derivations by themselves, without their dependencies.
fn own_differences(a: &Derivation, b: &Derivation) -> Vec<Difference> {
    if a.version != b.version {
        return vec![Difference::Version];
    }
    if !a.is_same_package(b) {
        return vec![Difference::Source];
    }
    let mut differences = Vec::new();
    if a.side != b.side {
        differences.push(Difference::Side);
    }
    let without = |these: &[String], those: &[String]| -> Vec<String> {
        these.iter().filter(|one| !those.contains(one)).cloned().collect()
    };
    let (more, less) = (without(&a.features, &b.features), without(&b.features, &a.features));
    if !more.is_empty() || !less.is_empty() {
        differences.push(Difference::Features { more, less });
        return differences;
    }
    let inputs: BTreeSet<Input> = a.inputs.keys().chain(b.inputs.keys()).copied().collect();
    // Each side has its own settings, and dependencies that features enable are covered by the features.
    let of_side = [Input::Version, Input::Profile, Input::Rustflags, Input::Environment, Input::Overrides];
    let counts = |input: &Input| a.side == b.side || !of_side.contains(input);
    let differ = inputs.into_iter().filter(counts).filter(|input| a.inputs.get(input) != b.inputs.get(input));
    differences.extend(differ.map(|input| Difference::Input { input }));
    differences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Side;
    use crate::why::tests::{graph, ix};

    #[test]
    fn differences_are_to_the_most_similar_derivation_with_their_cause() {
        let graph = graph(
            "leaf@1; leaf@2; low+fast; low; mid=1: low+fast; mid=2: low; *app: mid=1 mid=2 leaf@1 leaf@2; \
             high: leaf@1; *other: leaf@1 high",
        );
        let all = duplicates(&graph, None);
        let told: Vec<String> =
            all.iter().map(|one| format!("{} cone {}: {:?}", one.name, one.cone, one.others[0].differences)).collect();
        assert_eq!(
            told,
            [
                "low cone 3: [Features { more: [], less: [\"fast\"] }]",
                "leaf cone 2: [Version]",
                "mid cone 2: [Dependencies { because_of: [\"low\"] }]",
            ]
        );
        assert_eq!(all[1].kept, ix(&graph, "leaf@1"), "the one that more depend on is kept");
    }

    #[test]
    fn equal_derivations_are_not_duplicates() {
        let graph = graph("low=1; low=2; mid=1: low=1; mid=2: low=2; *app: mid=1 mid=2");
        assert_eq!(duplicates(&graph, None), []);
    }

    #[test]
    fn build_times_take_precedence_over_cones() {
        let graph = graph(
            "leaf@1; leaf@2; big@1; big@2; *app: leaf@1 leaf@2 big@1 big@2; *other: leaf@1; *third: leaf@1 leaf@2",
        );
        let seconds: Vec<Option<f64>> = [1.0, 1.0, 30.0, 20.0].into_iter().map(Some).chain([None; 3]).collect();
        let names = |seconds| duplicates(&graph, seconds).into_iter().map(|one| one.name).collect::<Vec<_>>();
        assert_eq!(names(None), ["leaf", "big"]);
        assert_eq!(names(Some(&seconds)), ["big", "leaf"]);
        assert_eq!(duplicates(&graph, Some(&seconds))[0].seconds, Some(20.0));
    }

    #[test]
    fn shared_dependencies_of_both_sides_are_not_differences() {
        let mut graph = graph("low+a; low#+a; mid: low+a; mid#: low#+a; *app: mid mid#");
        let (target, host) = (ix(&graph, "mid"), ix(&graph, "mid#"));
        assert_eq!(differences(&graph, host, target), [Difference::Side]);
        let low = ix(&graph, "low#+a");
        graph.derivations[low].features.clear();
        let because_of = vec!["low".to_owned()];
        assert_eq!(differences(&graph, host, target), [Difference::Side, Difference::Dependencies { because_of }]);
        assert_eq!(differences(&graph, target, target), []);
        graph.derivations[host].side = Side::Target;
        graph.derivations[host].inputs.insert(Input::Profile, "1".to_owned());
        assert_eq!(differences(&graph, host, target), [Difference::Input { input: Input::Profile }]);
    }
}
