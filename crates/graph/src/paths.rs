//! Shortest paths from members to crates, and the dependency that contributes most to a closure or cone.

use std::collections::VecDeque;

use crate::measures::{members, shipped};
use crate::model::{DerivationGraph, DerivationIx, Kind};

/// Shortest paths from some derivations to all their dependencies. Ties are broken by name, so the paths do not depend
/// on the order of the graph.
pub(crate) struct Paths<'g> {
    graph: &'g DerivationGraph,
    /// For each derivation that was reached, the previous one on its path; a root has itself.
    reached_from: Vec<Option<DerivationIx>>,
}

impl<'g> Paths<'g> {
    /// Paths from these roots.
    pub(crate) fn from(graph: &'g DerivationGraph, roots: &[DerivationIx]) -> Self {
        let mut paths = Paths { graph, reached_from: vec![None; graph.derivations.len()] };
        paths.extend(roots.to_vec());
        paths
    }

    /// Paths from the members, or from tests to derivations that only tests need.
    pub(crate) fn from_members(graph: &'g DerivationGraph) -> Self {
        let members = members(graph);
        let mut paths = Paths::from(graph, &members.values().flat_map(|ixs| shipped(graph, ixs)).collect::<Vec<_>>());
        paths.extend(graph.tests().map(|(ix, _)| ix).collect());
        paths.extend(members.into_values().flatten().collect());
        paths
    }

    /// Adds roots, with paths to derivations that were not reached before.
    fn extend(&mut self, mut roots: Vec<DerivationIx>) {
        let by_name = |ix: &DerivationIx| (&self.graph.derivations[*ix].name, &self.graph.derivations[*ix].id);
        let mut queue = VecDeque::new();
        roots.sort_by_key(by_name);
        for root in roots {
            if self.reached_from[root].is_none() {
                self.reached_from[root] = Some(root);
                queue.push_back(root);
            }
        }
        while let Some(ix) = queue.pop_front() {
            let mut dependencies: Vec<DerivationIx> = self.graph.derivations[ix].all_dependencies().collect();
            dependencies.sort_by_key(by_name);
            for dependency in dependencies {
                if self.reached_from[dependency].is_none() {
                    self.reached_from[dependency] = Some(ix);
                    queue.push_back(dependency);
                }
            }
        }
    }

    /// The names on the path to a derivation. Empty if there is no path.
    pub(crate) fn to(&self, ix: DerivationIx) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = ix;
        while let Some(before) = self.reached_from[at] {
            path.push(at);
            if before == at {
                break;
            }
            at = before;
        }
        path.reverse();
        names(self.graph, &path)
    }
}

/// Names of the derivations on a path; the last one has its version if it is not a member.
pub(crate) fn names(graph: &DerivationGraph, path: &[DerivationIx]) -> Vec<String> {
    let name = |(place, &ix): (usize, &DerivationIx)| {
        let derivation = &graph.derivations[ix];
        match derivation.kind {
            Kind::Tests => format!("tests of {}", derivation.name),
            Kind::Crate if place + 1 == path.len() && !derivation.is_member => {
                format!("{} {}", derivation.name, derivation.version)
            }
            Kind::Crate => derivation.name.clone(),
        }
    };
    path.iter().enumerate().map(name).collect()
}

/// A package, and the number of crates that are in a closure or cone only because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bringer {
    pub(crate) name: String,
    pub(crate) n_crates: usize,
}

/// The package among these names that contributes most to the closure of the roots: the crates that would not be in the
/// closure if no root depended on it directly.
pub(crate) fn brings_most_to_closure<'n>(
    graph: &DerivationGraph,
    roots: &[DerivationIx],
    names: impl IntoIterator<Item = &'n str>,
) -> Option<Bringer> {
    let mut is_root = vec![false; graph.derivations.len()];
    roots.iter().for_each(|&ix| is_root[ix] = true);
    let size_without = |name: Option<&str>| {
        let mut is_in = is_root.clone();
        for (ix, derivation) in graph.derivations.iter().enumerate().rev() {
            for dependency in derivation.all_dependencies() {
                let is_cut = is_root[ix] && name == Some(graph.derivations[dependency].name.as_str());
                is_in[dependency] |= is_in[ix] && !is_cut;
            }
        }
        n_crates(graph, &is_in)
    };
    most(size_without(None), names, |name| size_without(Some(name)))
}

/// The package among these names that contributes most to the cone of the roots: the crates that would not be rebuilt
/// if it did not depend on a root directly.
pub(crate) fn brings_most_to_cone<'n>(
    graph: &DerivationGraph,
    roots: &[DerivationIx],
    names: impl IntoIterator<Item = &'n str>,
) -> Option<Bringer> {
    let mut is_root = vec![false; graph.derivations.len()];
    roots.iter().for_each(|&ix| is_root[ix] = true);
    let size_without = |name: Option<&str>| {
        let mut is_in = is_root.clone();
        for (ix, derivation) in graph.derivations.iter().enumerate() {
            let is_cut = name == Some(derivation.name.as_str());
            is_in[ix] |= derivation.all_dependencies().any(|need| is_in[need] && !(is_cut && is_root[need]));
        }
        n_crates(graph, &is_in)
    };
    most(size_without(None), names, |name| size_without(Some(name)))
}

fn n_crates(graph: &DerivationGraph, is_in: &[bool]) -> usize {
    graph.crates().filter(|(ix, _)| is_in[*ix]).count()
}

/// The first of the names without which the fewest crates remain.
fn most<'n>(
    size: usize,
    names: impl IntoIterator<Item = &'n str>,
    size_without: impl Fn(&str) -> usize,
) -> Option<Bringer> {
    let bringers = names.into_iter().map(|name| (size.saturating_sub(size_without(name)), name));
    let (n_crates, name) = bringers.min_by(|(n_one, one), (n_other, other)| n_other.cmp(n_one).then(one.cmp(other)))?;
    Some(Bringer { name: name.to_owned(), n_crates })
}
