//! The impact of a change: the derivations that did not exist before, which have to be built.

mod json;
mod report;
mod text;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;

use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind};
use crate::schedule::{Chain, Costs, Order, critical_path, schedule};

pub use crate::impact::report::{ImpactReport, NixAnswer};

/// The impact of a change on one pair of platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact<'a> {
    /// The graph after the change, to which indices refer.
    pub after: &'a DerivationGraph,
    /// The derivations that have to be built, as none before was equal. In order, dependencies first.
    pub changed: Vec<DerivationIx>,
    /// The changed derivations that differ by themselves, not only in their dependencies. In order.
    pub roots: Vec<Root>,
    /// Labels of earlier derivations that have no counterpart any more, in order.
    pub gone: Vec<String>,
}

/// Where a change begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The derivation.
    pub derivation: DerivationIx,
    /// Name and version before the change; `None` if it is new.
    pub before: Option<(String, String)>,
    /// What differs.
    pub reasons: Vec<Reason>,
    /// Number of crates that are rebuilt because of it, including itself.
    pub cone: usize,
}

/// An input that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The input.
    pub input: Input,
    /// Lines of the input that are new: files, features or settings.
    pub added: Vec<String>,
    /// Lines of the input that were removed.
    pub removed: Vec<String>,
}

/// A number of derivations out of a total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Number of those that have to be built.
    pub changed: usize,
    /// Number of all.
    pub total: usize,
}

impl Share {
    /// The share in percent, 0 if the total is 0.
    pub fn percent(self) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * self.changed as f64 / self.total as f64 }
    }
}

impl DerivationGraph {
    /// A digest of each derivation with all its dependencies: derivations with equal digests are the same to Nix.
    /// Digests are comparable only within one run of the program.
    pub fn fingerprints(&self) -> Vec<u64> {
        let mut fingerprints = Vec::with_capacity(self.derivations.len());
        for derivation in &self.derivations {
            let mut hasher = DefaultHasher::new();
            (derivation.kind, &derivation.inputs).hash(&mut hasher);
            for list in [&derivation.dependencies, &derivation.build_dependencies] {
                let list: Vec<u64> = list.iter().map(|&ix| fingerprints[ix]).collect();
                list.hash(&mut hasher);
            }
            fingerprints.push(hasher.finish());
        }
        fingerprints
    }
}

impl<'a> Impact<'a> {
    /// Compares two graphs of the same pair.
    pub fn new(before: &DerivationGraph, after: &'a DerivationGraph) -> Self {
        let old = before.fingerprints();
        let new = after.fingerprints();
        let known: HashSet<u64> = old.iter().copied().collect();
        let is_changed: Vec<bool> = new.iter().map(|fingerprint| !known.contains(fingerprint)).collect();
        let changed: Vec<DerivationIx> = (0..new.len()).filter(|&ix| is_changed[ix]).collect();
        let kept: HashSet<u64> = new.iter().copied().collect();
        let mut left: Vec<&Derivation> =
            before.derivations.iter().zip(&old).filter(|(_, own)| !kept.contains(own)).map(|(one, _)| one).collect();
        let mut roots = Vec::new();
        for (&ix, counterpart) in changed.iter().zip(counterparts(&changed, after, &mut left)) {
            let derivation = &after.derivations[ix];
            let reasons = counterpart.map_or(Vec::new(), |counterpart| reasons(counterpart, derivation));
            let has_changed_dependency = derivation.all_dependencies().any(|dependency| is_changed[dependency]);
            if !reasons.is_empty() || counterpart.is_none() || !has_changed_dependency {
                let before = counterpart.map(|one| (one.name.clone(), one.version.clone()));
                roots.push(Root { derivation: ix, before, reasons, cone: 0 });
            }
        }
        for root in &mut roots {
            let cone = after.dependents(&[root.derivation]);
            root.cone = cone.into_iter().filter(|&ix| after.derivations[ix].kind == Kind::Crate).count();
        }
        Impact { after, changed, roots, gone: left.into_iter().map(Derivation::label).collect() }
    }

    /// Crates that have to be built.
    pub fn crates(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate)
    }

    /// Members that have to be built.
    pub fn members(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate && derivation.is_member)
    }

    /// Crates other than members that have to be built.
    pub fn dependencies(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate && !derivation.is_member)
    }

    /// Test suites that have to run again.
    pub fn tests(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Tests)
    }

    fn share(&self, counts: impl Fn(&Derivation) -> bool) -> Share {
        let total = self.after.derivations.iter().filter(|one| counts(one)).count();
        Share { changed: self.changed.iter().filter(|&&ix| counts(&self.after.derivations[ix])).count(), total }
    }

    /// The chain with the most changed derivations, from the bottom up. They have to be built one after the other on
    /// any number of cores.
    pub fn longest_chain(&self) -> Vec<DerivationIx> {
        let seconds = vec![1.0; self.after.derivations.len()];
        self.chain(&seconds).derivations
    }

    /// The chain that takes longest.
    fn chain(&self, seconds: &[f64]) -> Chain {
        let mut chain = critical_path(self.after, &self.changed, seconds);
        chain.derivations.reverse();
        chain
    }
}

/// The time to build a change, in seconds on one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// With one job.
    pub work: f64,
    /// With this number of jobs.
    pub elapsed: f64,
    /// Number of jobs.
    pub jobs: NonZeroUsize,
    /// The chain that takes longest, which more jobs do not make shorter. From the bottom up.
    pub longest_chain: Chain,
    /// Number of derivations that were not measured, for which a time is assumed.
    pub n_assumed: usize,
}

impl Cost {
    /// The cost of all changed derivations, given the measured seconds of each derivation.
    pub fn new(impact: &Impact<'_>, measured: &[Option<f64>], jobs: NonZeroUsize) -> Self {
        let Costs { seconds, .. } = Costs::new(impact.after, measured);
        let plan = schedule(impact.after, &impact.changed, &seconds, jobs, Order::default());
        let is_assumed = |ix: &&DerivationIx| measured.get(**ix).copied().flatten().is_none();
        Cost {
            work: plan.work,
            elapsed: plan.makespan,
            jobs,
            longest_chain: impact.chain(&seconds),
            n_assumed: impact.changed.iter().filter(is_assumed).count(),
        }
    }
}

/// The earlier counterpart of each changed derivation: one with the same id, else one of the same package and side.
/// Each of `left` is used once; those that remain have no counterpart.
fn counterparts<'b>(
    changed: &[DerivationIx],
    after: &DerivationGraph,
    left: &mut Vec<&'b Derivation>,
) -> Vec<Option<&'b Derivation>> {
    let mut found: HashMap<DerivationIx, &Derivation> = HashMap::new();
    let mut take = |same: &dyn Fn(&Derivation, &Derivation) -> bool| {
        for &ix in changed {
            if !found.contains_key(&ix)
                && let Some(at) = left.iter().position(|old| same(old, &after.derivations[ix]))
            {
                found.insert(ix, left.remove(at));
            }
        }
    };
    let is_like =
        |old: &Derivation, new: &Derivation| (old.kind, old.side, &old.name) == (new.kind, new.side, &new.name);
    take(&|old, new| old.id == new.id);
    take(&|old, new| is_like(old, new) && old.version == new.version && old.features == new.features);
    take(&|old, new| is_like(old, new) && old.features == new.features);
    take(&is_like);
    changed.iter().map(|ix| found.get(ix).copied()).collect()
}

fn reasons(before: &Derivation, after: &Derivation) -> Vec<Reason> {
    let inputs: BTreeSet<Input> = before.inputs.keys().chain(after.inputs.keys()).copied().collect();
    let text = |of: &Derivation, input: Input| of.inputs.get(&input).cloned().unwrap_or_default();
    let differs = inputs.into_iter().filter(|&input| text(before, input) != text(after, input));
    differs
        .map(|input| {
            let [old, new] = [before, after].map(|one| lines(input, &text(one, input)));
            let added = new.difference(&old).map(|line| named(input, line));
            let removed = old.difference(&new).map(|line| named(input, line));
            let (added, removed) = (BTreeSet::from_iter(added), BTreeSet::from_iter(removed));
            // A file that differs is on both sides, and is listed once.
            let removed = if input == Input::Source { &removed - &added } else { removed };
            Reason { input, added: added.into_iter().collect(), removed: removed.into_iter().collect() }
        })
        .collect()
}

fn lines(input: Input, text: &str) -> BTreeSet<String> {
    let separator = if input == Input::Features { ' ' } else { '\n' };
    text.split(separator).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The part of a line to show: for sources, only the file.
fn named(input: Input, line: &str) -> String {
    match (input, line.split_once('\t')) {
        (Input::Source, Some((file, _))) => file.to_owned(),
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(name: &str, version: &str, source: &str, dependencies: &[usize]) -> Derivation {
        let mut derivation = Derivation { dependencies: dependencies.to_vec(), ..Derivation::new(name, version) };
        derivation.inputs.insert(Input::Version, format!("{name} {version}"));
        derivation.inputs.insert(Input::Source, source.to_owned());
        derivation
    }

    fn graph(derivations: Vec<Derivation>) -> DerivationGraph {
        DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations }
    }

    fn before() -> DerivationGraph {
        graph(vec![
            crate_of("leaf", "1.0.0", "a", &[]),
            crate_of("middle", "1.0.0", "b", &[0]),
            crate_of("other", "1.0.0", "c", &[]),
            crate_of("app", "1.0.0", "src/main.rs\t1\nsrc/x.rs\t1", &[1, 2]),
        ])
    }

    #[test]
    fn equal_graphs_have_no_impact() {
        let (before, after) = (before(), before());
        let impact = Impact::new(&before, &after);
        assert_eq!((impact.changed, impact.roots, impact.gone), (vec![], vec![], vec![]));
    }

    #[test]
    fn a_bump_rebuilds_its_cone() {
        let mut after = before();
        after.derivations[0] = crate_of("leaf", "1.0.1", "a2", &[]);
        let before = before();
        let impact = Impact::new(&before, &after);
        assert_eq!(impact.changed, [0, 1, 3]);
        assert_eq!(impact.crates(), Share { changed: 3, total: 4 });
        let [root] = &impact.roots[..] else { panic!("{:?}", impact.roots) };
        assert_eq!((root.derivation, root.cone), (0, 3));
        assert_eq!(root.before, Some(("leaf".to_owned(), "1.0.0".to_owned())));
        assert_eq!(root.reasons.iter().map(|one| one.input).collect::<Vec<_>>(), [Input::Version, Input::Source]);
        assert_eq!(impact.longest_chain(), [0, 1, 3]);
        assert!(impact.gone.is_empty());
    }

    #[test]
    fn changed_files_are_listed() {
        let mut after = before();
        after.derivations[3].inputs.insert(Input::Source, "src/main.rs\t2\nsrc/y.rs\t1".to_owned());
        let before = before();
        let impact = Impact::new(&before, &after);
        assert_eq!(impact.changed, [3]);
        let reason = &impact.roots[0].reasons[0];
        assert_eq!(
            (&reason.added[..], &reason.removed[..]),
            (&["src/main.rs".to_owned(), "src/y.rs".to_owned()][..], &["src/x.rs".to_owned()][..])
        );
    }

    #[test]
    fn removed_derivations_are_listed_and_their_dependents_are_roots() {
        let mut after = before();
        after.derivations[3].dependencies = vec![1];
        after.derivations.remove(2);
        after.derivations[2].dependencies = vec![1];
        let before = before();
        let impact = Impact::new(&before, &after);
        assert_eq!((impact.changed.clone(), impact.gone.clone()), (vec![2], vec!["other 1.0.0".to_owned()]));
        assert!(impact.roots[0].reasons.is_empty() && impact.roots[0].before.is_some());
    }

    #[test]
    fn the_slowest_chain_is_by_time() {
        let mut after = before();
        after.derivations[0] = crate_of("leaf", "1.0.1", "a2", &[]);
        after.derivations[2] = crate_of("other", "1.0.1", "c2", &[]);
        let before = before();
        let impact = Impact::new(&before, &after);
        let measured = [None, Some(1.0), Some(10.0), Some(1.0)];
        let cost = Cost::new(&impact, &measured, NonZeroUsize::MIN);
        assert_eq!((cost.longest_chain.derivations, cost.longest_chain.seconds), (vec![2, 3], 11.0));
        // Derivations that were not measured take the median of the others.
        assert_eq!((cost.work, cost.elapsed, cost.n_assumed), (13.0, 13.0, 1));
        let two = Cost::new(&impact, &measured, NonZeroUsize::MIN.saturating_add(1));
        assert_eq!(two.elapsed, 11.0);
    }
}
