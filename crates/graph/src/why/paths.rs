//! Paths from members to a derivation.

use std::collections::{BTreeSet, VecDeque};

use crate::model::{Derivation, DerivationGraph, DerivationIx, Kind, Side};

/// An edge from a derivation to a direct dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// The dependent.
    pub from: DerivationIx,
    /// The dependency.
    pub to: DerivationIx,
}

/// Where paths start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// At each member. Paths do not lead through other members.
    Members,
    /// At these derivations of one member. Paths may lead through other members.
    Of(&'a [DerivationIx]),
}

/// Some of the shortest paths to a derivation, each from its start down to the derivation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paths {
    /// The paths, shortest first, then in order of their starts.
    pub shown: Vec<Vec<DerivationIx>>,
    /// How many more there are.
    pub more: u64,
}

impl Derivation {
    /// Whether both are derivations of the same package.
    pub fn is_same_package(&self, other: &Derivation) -> bool {
        self.package_id == other.package_id
    }
}

/// For each start that leads to `to`, all of its shortest paths there, up to `limit` in total.
///
/// Derivations of one member share a manifest, so if several of them lead to the same package first, only paths from
/// one derivation are included. Crates are preferred to tests.
pub fn shortest_paths(graph: &DerivationGraph, start: Start<'_>, to: DerivationIx, limit: usize) -> Paths {
    let dependents = graph.direct_dependents();
    let derivations = &graph.derivations;
    let distances = distances(graph, &dependents, start, to);
    let mut starts: Vec<DerivationIx> = match start {
        Start::Members => (0..derivations.len()).filter(|&ix| derivations[ix].is_member).collect(),
        Start::Of(start) => start.to_vec(),
    };
    starts.retain(|&ix| ix != to && distances[ix].is_some());
    starts.sort_by_key(|&ix| (distances[ix], &derivations[ix].name, rank(graph, ix)));
    // The next steps of a path, one edge nearer to its end.
    let below = |ix: DerivationIx| {
        let next: BTreeSet<DerivationIx> = derivations[ix].all_dependencies().collect();
        let is_nearer = |next: &DerivationIx| {
            let may_pass = *next == to || matches!(start, Start::Of(_)) || !derivations[*next].is_member;
            // Tests link the package itself.
            let is_own = derivations[ix].kind == Kind::Tests && derivations[ix].is_same_package(&derivations[*next]);
            may_pass && !is_own && distances[*next].is_some_and(|distance| Some(distance + 1) == distances[ix])
        };
        next.into_iter().filter(is_nearer).collect::<Vec<_>>()
    };
    let mut first_edges: Vec<(DerivationIx, DerivationIx)> = Vec::new();
    for &from in &starts {
        for next in below(from) {
            let is_known = |&(known, of): &(DerivationIx, DerivationIx)| {
                known != from
                    && derivations[known].is_same_package(&derivations[from])
                    && derivations[of].is_same_package(&derivations[next])
            };
            if !first_edges.iter().any(is_known) {
                first_edges.push((from, next));
            }
        }
    }
    let mut counts: Vec<Option<u64>> = vec![None; derivations.len()];
    let mut paths = Paths::default();
    let mut total: u64 = 0;
    for (from, next) in first_edges {
        total = total.saturating_add(count(next, to, &below, &mut counts));
        let mut open = vec![vec![from, next]];
        while let Some(path) = open.pop().filter(|_| paths.shown.len() < limit) {
            let end = path[path.len() - 1];
            if end == to {
                paths.shown.push(path);
                continue;
            }
            for next in below(end).into_iter().rev() {
                open.push(path.iter().copied().chain([next]).collect());
            }
        }
    }
    paths.more = total - paths.shown.len() as u64;
    paths
}

fn count(
    from: DerivationIx,
    to: DerivationIx,
    below: &impl Fn(DerivationIx) -> Vec<DerivationIx>,
    counts: &mut Vec<Option<u64>>,
) -> u64 {
    if from == to {
        return 1;
    }
    if let Some(count) = counts[from] {
        return count;
    }
    // The depth of the recursion is the length of a shortest path.
    let all = below(from).into_iter().fold(0, |all: u64, next| all.saturating_add(count(next, to, below, counts)));
    counts[from] = Some(all);
    all
}

/// For each derivation, the length of the shortest path from it to `to`.
fn distances(
    graph: &DerivationGraph,
    dependents: &[Vec<DerivationIx>],
    start: Start<'_>,
    to: DerivationIx,
) -> Vec<Option<usize>> {
    let mut distances = vec![None; graph.derivations.len()];
    distances[to] = Some(0);
    let mut queue = VecDeque::from([to]);
    while let Some(ix) = queue.pop_front() {
        if start == Start::Members && ix != to && graph.derivations[ix].is_member {
            continue;
        }
        let next = distances[ix].map(|distance| distance + 1);
        for &dependent in &dependents[ix] {
            if distances[dependent].is_none() {
                distances[dependent] = next;
                queue.push_back(dependent);
            }
        }
    }
    distances
}

/// The order of starts: the default build of a member, then its variants, then tests.
fn rank(graph: &DerivationGraph, ix: DerivationIx) -> (Kind, Side, usize, DerivationIx) {
    let derivation = &graph.derivations[ix];
    (derivation.kind, derivation.side, derivation.key.len(), ix)
}

/// The first edges of all paths from members to one of `to` without another member between, in order. While one of
/// these edges exists, its path exists.
pub fn entry_edges(graph: &DerivationGraph, to: &[DerivationIx]) -> Vec<Edge> {
    let mut is_below = vec![false; graph.derivations.len()];
    to.iter().for_each(|&ix| is_below[ix] = true);
    let mut edges = BTreeSet::new();
    for (from, derivation) in graph.derivations.iter().enumerate() {
        let next = derivation.all_dependencies().filter(|&next| is_below[next]);
        if derivation.is_member && !to.contains(&from) {
            edges.extend(next.map(|to| Edge { from, to }));
        } else if next.count() > 0 {
            is_below[from] = true;
        }
    }
    edges.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::why::tests::{check_random, graph, ix};

    fn names(graph: &DerivationGraph, paths: &Paths) -> Vec<String> {
        let name = |path: &Vec<DerivationIx>| {
            path.iter().map(|&ix| graph.derivations[ix].label()).collect::<Vec<_>>().join(" -> ")
        };
        paths.shown.iter().map(name).collect()
    }

    #[test]
    fn shortest_paths_start_at_each_member_without_another_between() {
        let graph = graph("leaf; a: leaf; b: leaf; *core: a; *app: b a core; *other: core; c: b; *far: c");
        // `other` leads to `leaf` only through the member `core`, so it is left out.
        let paths = shortest_paths(&graph, Start::Members, ix(&graph, "leaf"), 10);
        assert_eq!(
            names(&graph, &paths),
            [
                "app 1.0.0 -> a 1.0.0 -> leaf 1.0.0",
                "app 1.0.0 -> b 1.0.0 -> leaf 1.0.0",
                "core 1.0.0 -> a 1.0.0 -> leaf 1.0.0",
                "far 1.0.0 -> c 1.0.0 -> b 1.0.0 -> leaf 1.0.0"
            ]
        );
        assert_eq!(paths.more, 0);
        let of = [ix(&graph, "other")];
        let paths = shortest_paths(&graph, Start::Of(&of), ix(&graph, "leaf"), 10);
        assert_eq!(names(&graph, &paths), ["other 1.0.0 -> core 1.0.0 -> a 1.0.0 -> leaf 1.0.0"]);
    }

    #[test]
    fn paths_beyond_the_limit_are_counted() {
        let graph = graph("leaf; a: leaf; b: leaf; c: leaf; *app: a b c");
        let paths = shortest_paths(&graph, Start::Members, ix(&graph, "leaf"), 1);
        assert_eq!((names(&graph, &paths).len(), paths.more), (1, 2));
    }

    #[test]
    fn paths_start_at_tests_only_if_the_member_does_not_use_the_crate() {
        let graph = graph("leaf; dev: leaf; *app: leaf; *app!: app leaf dev");
        let to_leaf = shortest_paths(&graph, Start::Members, ix(&graph, "leaf"), 10);
        assert_eq!(names(&graph, &to_leaf), ["app 1.0.0 -> leaf 1.0.0"]);
        let to_dev = shortest_paths(&graph, Start::Members, ix(&graph, "dev"), 10);
        assert_eq!(names(&graph, &to_dev), ["tests of app -> dev 1.0.0"]);
    }

    #[test]
    fn all_shortest_paths_and_no_others_are_found() {
        check_random(|graph| {
            for to in 0..graph.derivations.len() {
                // All paths from a start, without another member between.
                let mut all: Vec<Vec<DerivationIx>> = Vec::new();
                let mut open = vec![vec![to]];
                while let Some(path) = open.pop() {
                    let end = path[path.len() - 1];
                    if end != to && graph.derivations[end].is_member {
                        all.push(path.into_iter().rev().collect());
                        continue;
                    }
                    for &next in &graph.direct_dependents()[end] {
                        open.push(path.iter().copied().chain([next]).collect());
                    }
                }
                let shortest = |from: DerivationIx| all.iter().filter(|path| path[0] == from).map(Vec::len).min();
                let mut expected: Vec<_> =
                    all.iter().filter(|path| Some(path.len()) == shortest(path[0])).cloned().collect();
                expected.sort();
                let found = shortest_paths(graph, Start::Members, to, usize::MAX);
                let mut shown = found.shown.clone();
                shown.sort();
                assert_eq!(shown, expected);
                let some = shortest_paths(graph, Start::Members, to, 2);
                assert_eq!(some.shown.len() as u64 + some.more, expected.len() as u64);
                let first: BTreeSet<Edge> = all.iter().map(|path| Edge { from: path[0], to: path[1] }).collect();
                assert_eq!(entry_edges(graph, &[to]), first.into_iter().collect::<Vec<_>>());
            }
        });
    }
}
