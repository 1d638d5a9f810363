//! Packages that are built several times, and what tells their derivations apart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind};

/// A name under which there are several derivations of crates.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    /// Name of the package.
    pub name: String,
    /// The derivation to keep: the one with the largest cone.
    pub kept: DerivationIx,
    /// The others: each with the derivation named before it that it is most like, and what tells the two apart.
    pub others: Vec<Other>,
    /// Crates in the cones of the others.
    pub cone: usize,
    /// Seconds that building the others takes, as far as that is known.
    pub seconds: Option<f64>,
}

/// One of several derivations of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// The derivation.
    pub derivation: DerivationIx,
    /// The one that it is compared to.
    pub compared_to: DerivationIx,
    /// What it has otherwise than that.
    pub differences: Vec<Difference>,
}

/// What tells a derivation from another one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "what")]
pub enum Difference {
    /// The version.
    Version,
    /// Where it comes from.
    Source,
    /// What it is compiled for.
    Side,
    /// Features that are on.
    Features {
        /// Features that this one has more.
        more: Vec<String>,
        /// Features that this one has not.
        less: Vec<String>,
    },
    /// Nothing of itself: something that it depends on, however far.
    Dependencies {
        /// Names of the packages which differ of themselves.
        because_of: Vec<String>,
    },
    /// Something else that it is built from.
    Input {
        /// What that is.
        input: Input,
    },
}

/// All names with several derivations of crates, most expensive first: by seconds where `seconds` has any by derivation,
/// else by the cones of those beside the one that is kept.
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

/// All but the first of some derivations of one name, each compared to what it is most like of those before it. One that is
/// built from the same as another is left out: only other platforms tell the two apart.
pub fn compared(graph: &DerivationGraph, all: &[DerivationIx]) -> Vec<Other> {
    match all {
        [] => Vec::new(),
        [first, others @ ..] => Roots { graph, known: BTreeMap::new() }.compared(*first, others.to_vec()),
    }
}

/// What tells `one` from `other`, a derivation of the same name. Empty for two that are built from the same.
pub fn differences(graph: &DerivationGraph, one: DerivationIx, other: DerivationIx) -> Vec<Difference> {
    Roots { graph, known: BTreeMap::new() }.differences(one, other)
}

/// What is found out of pairs of derivations.
struct Roots<'a> {
    graph: &'a DerivationGraph,
    /// Names of what differs of itself, below both.
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

    /// Names of packages that differ of themselves between what two derivations of one package depend on.
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

/// What differs of two derivations themselves.
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
    // Each side has settings of its own, and what the features bring is told with them.
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
    fn what_differs_is_said_of_the_nearest_one_and_by_its_cause() {
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
    fn what_is_built_from_the_same_is_one() {
        let graph = graph("low=1; low=2; mid=1: low=1; mid=2: low=2; *app: mid=1 mid=2");
        assert_eq!(duplicates(&graph, None), []);
    }

    #[test]
    fn seconds_count_more_than_cones() {
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
    fn what_both_sides_share_is_no_difference() {
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
