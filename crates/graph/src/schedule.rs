//! Simulates how long a build takes with several jobs: list scheduling of derivations with known seconds.
//!
//! Assumptions: a derivation always takes its measured time, no matter what is built in parallel; a free job starts the
//! next derivation at once; and only the number of jobs limits how many are built in parallel. Derivations that are not
//! to be built exist already. Nix's own work between two builds is part of their seconds, or is not counted.
//!
//! The first assumption errs on the safe side: rustc generates code in several threads, so a crate is faster while some
//! cores are idle. The docs compare simulated with real builds.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, BinaryHeap};
use std::num::NonZeroUsize;

use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind};

/// The order in which derivations that are ready are started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As Nix does: by the name of the derivation. Nix breaks ties by store path, which is not known here, so the id is
    /// used instead.
    #[default]
    Name,
    /// The derivation at the start of the slowest chain first. No tool that builds Nix derivations does this; it shows
    /// the cost of the order.
    LongestFirst,
}

/// The time at which each derivation is built.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Seconds until all are built.
    pub makespan: f64,
    /// Sum of the seconds of all.
    pub work: f64,
    /// Derivations in the order in which they start.
    pub builds: Vec<Build>,
}

/// A derivation in a schedule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// The derivation.
    pub derivation: DerivationIx,
    /// Start in seconds, since the start of the first.
    pub start: f64,
    /// End in seconds, since the start of the first.
    pub end: f64,
}

/// A chain of derivations, each of which depends directly on the next one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chain {
    /// The derivations, from the top down.
    pub derivations: Vec<DerivationIx>,
    /// Sum of their seconds.
    pub seconds: f64,
}

/// Seconds for every derivation, assumed for those that were not measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Seconds of each derivation.
    pub seconds: Vec<f64>,
    /// Number of assumed values.
    pub n_assumed: usize,
}

impl Costs {
    /// A derivation that was not measured gets the median of its kind, or else of all. If nothing was measured, each
    /// crate takes one second and tests take none, so that sums are numbers of crates.
    pub fn new(graph: &DerivationGraph, measured: &[Option<f64>]) -> Self {
        let known = |ix: DerivationIx| measured.get(ix).copied().flatten().map(|seconds| seconds.max(0.0));
        let median_of = |kind: Option<Kind>| {
            let is_meant = |derivation: &Derivation| kind.is_none_or(|kind| derivation.kind == kind);
            let derivations = graph.derivations.iter().enumerate().filter(|(_, derivation)| is_meant(derivation));
            let mut seconds: Vec<f64> = derivations.filter_map(|(ix, _)| known(ix)).collect();
            seconds.sort_by(f64::total_cmp);
            seconds.get(seconds.len() / 2).copied()
        };
        let of_all = median_of(None);
        let assumed = |kind: Kind| median_of(Some(kind)).or(of_all);
        let of_crates = assumed(Kind::Crate).unwrap_or(1.0);
        let of_tests = assumed(Kind::Tests).unwrap_or(0.0);
        let mut n_assumed = 0;
        let seconds = graph.derivations.iter().enumerate().map(|(ix, derivation)| {
            known(ix).unwrap_or_else(|| {
                n_assumed += 1;
                if derivation.kind == Kind::Crate { of_crates } else { of_tests }
            })
        });
        Costs { seconds: seconds.collect(), n_assumed }
    }
}

/// The slowest chain of some derivations, which is a lower bound for any number of jobs. Ties are broken by name.
pub fn critical_path(graph: &DerivationGraph, of: &[DerivationIx], seconds: &[f64]) -> Chain {
    let tails = tails(graph, of, seconds);
    // Names are compared instead of ids, so that the choice stays the same after an update.
    let better = |one: &DerivationIx, other: &DerivationIx| {
        let order = tails[*one].unwrap_or(0.0).total_cmp(&tails[*other].unwrap_or(0.0));
        let name = |ix: &DerivationIx| (&graph.derivations[*ix].name, &graph.derivations[*ix].id);
        order.then_with(|| name(other).cmp(&name(one)))
    };
    let mut derivations: Vec<DerivationIx> = of.iter().copied().max_by(better).into_iter().collect();
    while let Some(&last) = derivations.last() {
        let below = graph.derivations[last].all_dependencies().filter(|&ix| tails[ix].is_some());
        match below.max_by(better) {
            Some(next) => derivations.push(next),
            None => break,
        }
    }
    let seconds = derivations.first().and_then(|&first| tails[first]).unwrap_or(0.0);
    Chain { derivations, seconds }
}

/// For each derivation, the seconds of the slowest chain from it down; `None` if it is not built.
fn tails(graph: &DerivationGraph, of: &[DerivationIx], seconds: &[f64]) -> Vec<Option<f64>> {
    let mut tails = vec![None; graph.derivations.len()];
    let of: BTreeSet<DerivationIx> = of.iter().copied().collect();
    for ix in of {
        let below = graph.derivations[ix].all_dependencies().filter_map(|dependency| tails[dependency]);
        tails[ix] = Some(seconds[ix] + below.fold(0.0, f64::max));
    }
    tails
}

/// Simulates a build of some derivations with this number of jobs.
pub fn schedule(
    graph: &DerivationGraph,
    of: &[DerivationIx],
    seconds: &[f64],
    jobs: NonZeroUsize,
    order: Order,
) -> Schedule {
    let priorities = priorities(graph, of, seconds, order);
    let mut dependents: Vec<Vec<DerivationIx>> = vec![Vec::new(); graph.derivations.len()];
    let mut n_missing = vec![0; graph.derivations.len()];
    let mut ready = BinaryHeap::new();
    let is_built = |ix: DerivationIx| priorities[ix].is_some();
    for (ix, derivation) in graph.derivations.iter().enumerate().filter(|(ix, _)| is_built(*ix)) {
        let needs: BTreeSet<DerivationIx> = derivation.all_dependencies().filter(|&need| is_built(need)).collect();
        n_missing[ix] = needs.len();
        needs.iter().for_each(|&need| dependents[need].push(ix));
        if needs.is_empty() {
            ready.extend(priorities[ix].map(|priority| Reverse((priority, ix))));
        }
    }
    let (mut builds, mut running, mut now) = (Vec::new(), BinaryHeap::new(), 0.0);
    loop {
        while running.len() < jobs.get() {
            let Some(Reverse((_, ix))) = ready.pop() else { break };
            let end = now + seconds[ix];
            builds.push(Build { derivation: ix, start: now, end });
            running.push(Reverse(End(end, ix)));
        }
        let Some(Reverse(End(end, ix))) = running.pop() else { break };
        now = end;
        for &dependent in &dependents[ix] {
            n_missing[dependent] -= 1;
            if n_missing[dependent] == 0 {
                ready.extend(priorities[dependent].map(|priority| Reverse((priority, dependent))));
            }
        }
    }
    let work = builds.iter().map(|build| seconds[build.derivation]).sum();
    Schedule { makespan: now, work, builds }
}

/// For each derivation, its position in the order, lowest first; `None` if it is not built.
fn priorities(graph: &DerivationGraph, of: &[DerivationIx], seconds: &[f64], order: Order) -> Vec<Option<usize>> {
    let mut sorted: Vec<DerivationIx> = of.to_vec();
    match order {
        Order::Name => {
            // Nix compares names that end in `.drv`.
            let name = |ix: &DerivationIx| nix_name(&graph.derivations[*ix]) + ".drv";
            sorted.sort_by_cached_key(|ix| (name(ix), &graph.derivations[*ix].id));
        }
        Order::LongestFirst => {
            let heads = heads(graph, of, seconds);
            sorted.sort_by(|&one, &other| heads[other].total_cmp(&heads[one]).then(one.cmp(&other)));
        }
    }
    let mut priorities = vec![None; graph.derivations.len()];
    sorted.iter().enumerate().for_each(|(priority, &ix)| priorities[ix] = Some(priority));
    priorities
}

/// For each derivation, the seconds of the slowest chain from it up through its dependents.
fn heads(graph: &DerivationGraph, of: &[DerivationIx], seconds: &[f64]) -> Vec<f64> {
    let mut heads = vec![0.0; graph.derivations.len()];
    let of: BTreeSet<DerivationIx> = of.iter().copied().collect();
    for ix in of.into_iter().rev() {
        // At this point, it has the seconds of the slowest chain above it.
        heads[ix] += seconds[ix];
        for dependency in graph.derivations[ix].all_dependencies() {
            heads[dependency] = f64::max(heads[dependency], heads[ix]);
        }
    }
    heads
}

/// The name of the derivation in the Nix library, by which Nix sorts.
pub fn nix_name(derivation: &Derivation) -> String {
    let name = store_name(&derivation.name);
    let version = &derivation.version;
    match derivation.kind {
        Kind::Tests => format!("{name}-{version}-tests"),
        Kind::Crate if derivation.is_member => format!("{name}-{version}"),
        Kind::Crate => format!("rust_{name}-{version}"),
    }
}

/// Like `sanitizeDerivationName` of nixpkgs: replaces characters that are not allowed in store paths with hyphens.
fn store_name(name: &str) -> String {
    let mut store_name = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || "+-._?=".contains(c) {
            store_name.push(c);
        } else if !store_name.ends_with('\0') {
            store_name.push('\0');
        }
    }
    store_name.replace('\0', "-")
}

/// The end of a build, ordered by time.
#[derive(PartialEq)]
struct End(f64, DerivationIx);

impl Eq for End {}

impl Ord for End {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for End {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(crates: &[(&str, &[usize])]) -> DerivationGraph {
        let derivations = crates.iter().map(|(name, dependencies)| Derivation {
            dependencies: dependencies.to_vec(),
            ..Derivation::new(name, "1.0.0")
        });
        DerivationGraph { platform: "x86_64-unknown-linux-gnu".to_owned(), derivations: derivations.collect() }
    }

    fn all(graph: &DerivationGraph) -> Vec<DerivationIx> {
        (0..graph.derivations.len()).collect()
    }

    fn makespan(graph: &DerivationGraph, seconds: &[f64], jobs: usize, order: Order) -> f64 {
        schedule(graph, &all(graph), seconds, NonZeroUsize::new(jobs).unwrap(), order).makespan
    }

    #[test]
    fn two_jobs_build_two_at_once() {
        let diamond = graph(&[("top", &[]), ("left", &[0]), ("right", &[0]), ("end", &[1, 2])]);
        let seconds = [1.0, 2.0, 5.0, 1.0];
        assert_eq!(makespan(&diamond, &seconds, 1, Order::Name), 9.0);
        assert_eq!(makespan(&diamond, &seconds, 2, Order::Name), 7.0);
        let path = critical_path(&diamond, &all(&diamond), &seconds);
        assert_eq!(path, Chain { derivations: vec![3, 2, 0], seconds: 7.0 });
    }

    #[test]
    fn the_order_decides_how_long_it_takes() {
        let late_chain = graph(&[("a", &[]), ("b", &[]), ("y", &[]), ("z", &[2])]);
        let seconds = [4.0, 4.0, 3.0, 3.0];
        assert_eq!(makespan(&late_chain, &seconds, 2, Order::Name), 10.0);
        assert_eq!(makespan(&late_chain, &seconds, 2, Order::LongestFirst), 7.0);
    }

    #[test]
    fn members_start_before_crates_with_the_prefix_rust() {
        let mut members = graph(&[("aaa", &[]), ("member", &[])]);
        members.derivations[1].is_member = true;
        let order = schedule(&members, &[0, 1], &[1.0, 1.0], NonZeroUsize::MIN, Order::Name);
        assert_eq!(order.builds.iter().map(|build| build.derivation).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn tests_start_before_their_crate_if_both_are_ready() {
        let mut both = graph(&[("app", &[]), ("app", &[])]);
        both.derivations[1].kind = Kind::Tests;
        both.derivations[0].is_member = true;
        let order = schedule(&both, &[0, 1], &[1.0, 1.0], NonZeroUsize::MIN, Order::Name);
        assert_eq!(order.builds.iter().map(|build| build.derivation).collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn derivations_have_the_names_that_the_library_gives_them() {
        let mut derivation = Derivation::new("größe", "0.1.0");
        assert_eq!(nix_name(&derivation), "rust_gr-e-0.1.0");
        derivation.is_member = true;
        assert_eq!(nix_name(&derivation), "gr-e-0.1.0");
        derivation.kind = Kind::Tests;
        assert_eq!(nix_name(&derivation), "gr-e-0.1.0-tests");
    }

    #[test]
    fn derivations_that_are_not_to_be_built_exist() {
        let chain = graph(&[("a", &[]), ("b", &[0]), ("c", &[1])]);
        let part = schedule(&chain, &[1, 2], &[100.0, 1.0, 1.0], NonZeroUsize::MIN, Order::Name);
        assert_eq!(part.makespan, 2.0);
        assert_eq!(critical_path(&chain, &[1, 2], &[100.0, 1.0, 1.0]).derivations, [2, 1]);
        assert_eq!(critical_path(&chain, &[], &[1.0; 3]), Chain::default());
    }

    #[test]
    fn equal_chains_are_ordered_by_name() {
        let equal = graph(&[("z", &[]), ("b", &[]), ("top", &[0, 1])]);
        assert_eq!(critical_path(&equal, &all(&equal), &[1.0; 3]).derivations, [2, 1]);
    }

    #[test]
    fn unmeasured_derivations_take_the_median_of_their_kind() {
        let mut graph = graph(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &[]), ("e", &[])]);
        graph.derivations[4].kind = Kind::Tests;
        let costs = Costs::new(&graph, &[Some(1.0), Some(9.0), Some(2.0), None, Some(50.0)]);
        assert_eq!(costs, Costs { seconds: vec![1.0, 9.0, 2.0, 2.0, 50.0], n_assumed: 1 });
        let costs = Costs::new(&graph, &[None; 5]);
        assert_eq!(costs, Costs { seconds: vec![1.0, 1.0, 1.0, 1.0, 0.0], n_assumed: 5 });
        assert_eq!(Costs::new(&graph, &[]).n_assumed, 5);
    }

    /// Derivations that depend on earlier ones, their seconds, and those of them to build.
    fn builds() -> impl Strategy<Value = (DerivationGraph, Vec<f64>, Vec<DerivationIx>)> {
        let derivation = |ix: usize| {
            let dependencies = prop::collection::vec(prop::sample::select((0..ix.max(1)).collect::<Vec<_>>()), 0..4);
            let dependencies = dependencies.prop_map(move |found| if ix == 0 { Vec::new() } else { found });
            (dependencies, "[a-f]{1,3}", 0.0..9.0, prop::bool::weighted(0.9))
        };
        let all = (1usize..30).prop_flat_map(move |count| (0..count).map(derivation).collect::<Vec<_>>());
        all.prop_map(|drawn| {
            let of_drawn = |(dependencies, name, _, is_member): &(Vec<usize>, String, f64, bool)| Derivation {
                is_member: *is_member,
                dependencies: dependencies.clone(),
                build_dependencies: dependencies.iter().copied().take(1).collect(),
                ..Derivation::new(name, "1.0.0")
            };
            let derivations = drawn.iter().map(of_drawn).collect();
            let graph = DerivationGraph { platform: "any".to_owned(), derivations };
            let seconds = drawn.iter().map(|(_, _, seconds, _)| *seconds).collect();
            let of = drawn.iter().enumerate().filter(|(_, (_, _, _, is_built))| *is_built).map(|(ix, _)| ix).collect();
            (graph, seconds, of)
        })
    }

    proptest! {
        #[test]
        fn schedules_are_within_their_bounds((graph, seconds, of) in builds(), n_jobs in 1usize..6, longest in any::<bool>()) {
            let order = if longest { Order::LongestFirst } else { Order::Name };
            let jobs = NonZeroUsize::new(n_jobs).unwrap();
            let found = schedule(&graph, &of, &seconds, jobs, order);
            let longest = critical_path(&graph, &of, &seconds);
            let work: f64 = of.iter().map(|&ix| seconds[ix]).sum();
            let share = work / n_jobs as f64;
            prop_assert!((found.work - work).abs() < 1e-6);
            prop_assert!(found.makespan >= longest.seconds - 1e-6);
            prop_assert!(found.makespan >= share - 1e-6);
            // Graham's bound for list scheduling.
            prop_assert!(found.makespan <= share + longest.seconds * (1.0 - 1.0 / n_jobs as f64) + 1e-6);
            if n_jobs == 1 {
                prop_assert!((found.makespan - work).abs() < 1e-6);
            }
            let mut built: Vec<DerivationIx> = found.builds.iter().map(|build| build.derivation).collect();
            built.sort_unstable();
            prop_assert_eq!(&built, &of);
        }

        #[test]
        fn dependencies_are_built_first((graph, seconds, of) in builds(), n_jobs in 1usize..6) {
            let found = schedule(&graph, &of, &seconds, NonZeroUsize::new(n_jobs).unwrap(), Order::Name);
            for build in &found.builds {
                for dependency in graph.derivations[build.derivation].all_dependencies() {
                    let before = found.builds.iter().find(|other| other.derivation == dependency);
                    prop_assert!(before.is_none_or(|before| before.end <= build.start));
                }
                let beside = found.builds.iter().filter(|other| other.start <= build.start && build.start < other.end);
                prop_assert!(beside.count() <= n_jobs);
            }
        }

        #[test]
        fn the_critical_path_is_a_chain_of_built_derivations((graph, seconds, of) in builds()) {
            let path = critical_path(&graph, &of, &seconds);
            let sum: f64 = path.derivations.iter().map(|&ix| seconds[ix]).sum();
            prop_assert!((sum - path.seconds).abs() < 1e-6);
            prop_assert!(path.derivations.iter().all(|ix| of.contains(ix)));
            for pair in path.derivations.windows(2) {
                prop_assert!(graph.derivations[pair[0]].all_dependencies().any(|ix| ix == pair[1]));
            }
        }
    }
}
