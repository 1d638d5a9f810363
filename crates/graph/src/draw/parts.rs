//! Selects the derivations of a part of a graph. Lists of `bool` have an entry for each derivation.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{DerivationGraph, DerivationIx};

/// These derivations, and their dependents and dependencies over at most `depth` edges.
pub(super) fn around(graph: &DerivationGraph, of: &[DerivationIx], depth: usize) -> Vec<bool> {
    let dependents = graph.direct_dependents();
    let up = within(graph, of, depth, |ix| dependents[ix].clone());
    let down = within(graph, of, depth, |ix| graph.derivations[ix].all_dependencies().collect());
    up.iter().zip(&down).map(|(up, down)| *up || *down).collect()
}

/// These derivations, and those that `next` reaches from them in at most `depth` steps.
fn within(
    graph: &DerivationGraph,
    of: &[DerivationIx],
    depth: usize,
    next: impl Fn(DerivationIx) -> Vec<DerivationIx>,
) -> Vec<bool> {
    let mut is_in = vec![false; graph.derivations.len()];
    of.iter().for_each(|&ix| is_in[ix] = true);
    let mut edge_of_them = of.to_vec();
    for _ in 0..depth {
        edge_of_them = edge_of_them.into_iter().flat_map(&next).filter(|&ix| !is_in[ix]).collect();
        edge_of_them.sort_unstable();
        edge_of_them.dedup();
        edge_of_them.iter().for_each(|&ix| is_in[ix] = true);
    }
    is_in
}

/// The crates of each package that is built in several versions, from several sources or with several feature sets, by
/// name. Packages that are only built for two platforms or two profiles are not included.
pub(super) fn duplicates(graph: &DerivationGraph) -> Vec<Vec<DerivationIx>> {
    let mut packages: BTreeMap<&str, Vec<DerivationIx>> = BTreeMap::new();
    for (ix, derivation) in graph.crates() {
        packages.entry(&derivation.name).or_default().push(ix);
    }
    let differs = |crates: &Vec<DerivationIx>| {
        let kinds = crates.iter().map(|&ix| {
            let derivation = &graph.derivations[ix];
            (&derivation.version, &derivation.source, &derivation.features)
        });
        kinds.collect::<BTreeSet<_>>().len() > 1
    };
    packages.into_values().filter(differs).collect()
}

/// These derivations, their direct dependents, and a shortest path from a member to each of them.
pub(super) fn with_paths(graph: &DerivationGraph, of: &[DerivationIx]) -> Vec<bool> {
    let dependents = graph.direct_dependents();
    let towards_member = towards_member(graph, &dependents);
    let mut is_in = vec![false; graph.derivations.len()];
    for &ix in of {
        is_in[ix] = true;
        dependents[ix].iter().for_each(|&dependent| is_in[dependent] = true);
        let mut at = ix;
        while let Some(next) = towards_member[at] {
            is_in[next] = true;
            at = next;
        }
    }
    is_in
}

/// For each derivation, the dependent on a shortest path from a member; `None` for members, and for derivations that no
/// member needs.
fn towards_member(graph: &DerivationGraph, dependents: &[Vec<DerivationIx>]) -> Vec<Option<DerivationIx>> {
    // Dependents come after their dependencies, so from the end on, the paths of all dependents are known.
    let mut paths: Vec<Option<(usize, Option<DerivationIx>)>> = vec![None; dependents.len()];
    for ix in (0..dependents.len()).rev() {
        paths[ix] = if graph.derivations[ix].is_member {
            Some((0, None))
        } else {
            let known = dependents[ix].iter().filter_map(|&by| paths[by].map(|(length, _)| (length + 1, Some(by))));
            known.min()
        };
    }
    paths.into_iter().map(|path| path.and_then(|(_, by)| by)).collect()
}
