//! What is built again after a change: the derivations that were not there before.

mod json;
mod report;
mod text;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroUsize;

use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind};
use crate::schedule::{Chain, Costs, Order, critical_path, schedule};

pub use crate::impact::report::{ImpactReport, NixAnswer};

/// What a change comes to on one pair of platforms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impact<'a> {
    /// The graph after the change, which indices are of.
    pub after: &'a DerivationGraph,
    /// What would be built: derivations that are not as any was before. In order, dependencies first.
    pub changed: Vec<DerivationIx>,
    /// Those of them that differ by themselves, not only in what they depend on. In order.
    pub roots: Vec<Root>,
    /// Labels of what was built before and has no counterpart any more, in order.
    pub gone: Vec<String>,
}

/// Where a change begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The derivation.
    pub derivation: DerivationIx,
    /// Name and version of what it was before; nothing for what is new.
    pub before: Option<(String, String)>,
    /// What differs.
    pub reasons: Vec<Reason>,
    /// How many crates are built again because of it, itself among them.
    pub cone: usize,
}

/// A part that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The part.
    pub input: Input,
    /// Lines that are there now and were not before, and the other way around: files, features, settings.
    pub added: Vec<String>,
    /// See `added`.
    pub removed: Vec<String>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// How many would be built.
    pub changed: usize,
    /// Of how many.
    pub total: usize,
}

impl Share {
    /// In percent; nothing of nothing is 0.
    pub fn percent(self) -> f64 {
        if self.total == 0 { 0.0 } else { 100.0 * self.changed as f64 / self.total as f64 }
    }
}

impl DerivationGraph {
    /// A digest of each derivation with all that it depends on: equal ones are one derivation to Nix. The same within one run
    /// of the program, and not meant to be kept.
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
    /// Compares two graphs of one pair.
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

    /// Crates that would be built.
    pub fn crates(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate)
    }

    /// Those of them that are members.
    pub fn members(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate && derivation.is_member)
    }

    /// Those of them that are no members.
    pub fn dependencies(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Crate && !derivation.is_member)
    }

    /// Test suites that would run again.
    pub fn tests(&self) -> Share {
        self.share(|derivation| derivation.kind == Kind::Tests)
    }

    fn share(&self, counts: impl Fn(&Derivation) -> bool) -> Share {
        let total = self.after.derivations.iter().filter(|one| counts(one)).count();
        Share { changed: self.changed.iter().filter(|&&ix| counts(&self.after.derivations[ix])).count(), total }
    }

    /// What would be built one after the other however many cores there are: of all chains of changed derivations the one with
    /// most links. From the bottom up.
    pub fn longest_chain(&self) -> Vec<DerivationIx> {
        let seconds = vec![1.0; self.after.derivations.len()];
        self.chain(&seconds).derivations
    }

    /// The same by seconds.
    fn chain(&self, seconds: &[f64]) -> Chain {
        let mut chain = critical_path(self.after, &self.changed, seconds);
        chain.derivations.reverse();
        chain
    }
}

/// What a change takes to build, in seconds of one machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// One after the other.
    pub work: f64,
    /// With so many jobs.
    pub elapsed: f64,
    /// Number of jobs.
    pub jobs: NonZeroUsize,
    /// What no number of jobs makes shorter, from the bottom up.
    pub longest_chain: Chain,
    /// Of how many of the derivations nothing was measured, so that it is assumed.
    pub n_assumed: usize,
}

impl Cost {
    /// Of all that is changed, given what is known of each derivation.
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

/// What each of the changed derivations was before, if anything: of the same id, else of the same package and side. Each of
/// `left` is taken once, and what remains has no counterpart.
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
            // A file that differs is there on both sides.
            let removed = if input == Input::Source { &removed - &added } else { removed };
            Reason { input, added: added.into_iter().collect(), removed: removed.into_iter().collect() }
        })
        .collect()
}

fn lines(input: Input, text: &str) -> BTreeSet<String> {
    let separator = if input == Input::Features { ' ' } else { '\n' };
    text.split(separator).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Of a line that says what a file is, the file.
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
    fn nothing_is_built_where_nothing_differs() {
        let (before, after) = (before(), before());
        let impact = Impact::new(&before, &after);
        assert_eq!((impact.changed, impact.roots, impact.gone), (vec![], vec![], vec![]));
    }

    #[test]
    fn a_bump_builds_its_cone() {
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
    fn files_that_differ_are_named() {
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
    fn what_is_gone_is_said_and_what_loses_a_dependency_is_a_root() {
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
    fn the_longest_chain_is_by_time() {
        let mut after = before();
        after.derivations[0] = crate_of("leaf", "1.0.1", "a2", &[]);
        after.derivations[2] = crate_of("other", "1.0.1", "c2", &[]);
        let before = before();
        let impact = Impact::new(&before, &after);
        let measured = [None, Some(1.0), Some(10.0), Some(1.0)];
        let cost = Cost::new(&impact, &measured, NonZeroUsize::MIN);
        assert_eq!((cost.longest_chain.derivations, cost.longest_chain.seconds), (vec![2, 3], 11.0));
        // What was not measured takes the median of what was.
        assert_eq!((cost.work, cost.elapsed, cost.n_assumed), (13.0, 13.0, 1));
        let two = Cost::new(&impact, &measured, NonZeroUsize::MIN.saturating_add(1));
        assert_eq!(two.elapsed, 11.0);
    }
}
