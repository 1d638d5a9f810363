//! The declared dependencies that a selection's resolution contains.
//!
//! Before cargo resolves features, its dependency resolver runs for the selection (`src/cargo/core/resolver/mod.rs`,
//! `dep_cache.rs`), and dependencies that it does not activate are ignored afterwards. It ignores platforms and sides;
//! it follows dev-dependencies only of the selected members, and an optional dependency once a requested feature refers
//! to it, even weakly. The result is usually a superset of the dependencies that the feature resolver enables, except
//! if a feature refers to a dev-dependency of a member that is itself a dependency.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;
use petgraph::graph::EdgeIndex;

use crate::feature_value::FeatureValue;
use crate::link::{DependencyNameIx, DependencyTable, FeatureIx, PackageIx};
use crate::package_graph::PackageGraph;
use crate::selection::{RootFeatures, Selection};

/// The dependencies in cargo's resolve for this selection.
pub(crate) fn reachable_dependencies(graph: &PackageGraph, selection: &Selection) -> FixedBitSet {
    let mut walk = Walk {
        graph,
        reached: FixedBitSet::with_capacity(graph.graph.edge_count()),
        activated: vec![None; graph.graph.node_count()],
    };
    for &member in &selection.members {
        let requested = requested(graph, selection, member);
        let wanted = walk.wanted(member, &requested);
        walk.follow(member, wanted, DevDependencies::Counted);
    }
    walk.reached
}

/// The features of a member that the selection requests.
pub(crate) fn requested(graph: &PackageGraph, selection: &Selection, member: PackageIx) -> Vec<FeatureIx> {
    let package = &graph[member];
    match &selection.features {
        RootFeatures::All => (0..package.feature_names.len() as FeatureIx).collect(),
        RootFeatures::Named { names, default } => names
            .iter()
            .filter_map(|name| {
                let own = name.strip_prefix(package.name.as_str()).and_then(|rest| rest.strip_prefix('/'));
                package.feature(own.unwrap_or(name))
            })
            .chain(package.default_feature.filter(|_| *default))
            .collect(),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum DevDependencies {
    Counted,
    Ignored,
}

/// The dependencies and features that one activation of a package requests.
struct Wanted {
    features: FixedBitSet,
    /// Requested features of dependencies, by the key in the manifest.
    dependencies: HashMap<DependencyNameIx, Vec<(EdgeIndex, FeatureIx)>>,
}

struct Walk<'a> {
    graph: &'a PackageGraph,
    reached: FixedBitSet,
    /// Features with which each package was activated as a dependency.
    activated: Vec<Option<FixedBitSet>>,
}

impl Walk<'_> {
    fn activate(&mut self, package: PackageIx, requested: &[FeatureIx]) {
        // The known features are closed under the features that they enable, so a subset of them requests nothing new.
        let known = self.activated[package.index()].as_ref();
        if known.is_some_and(|known| requested.iter().all(|&feature| known.contains(feature as usize))) {
            return;
        }
        let wanted = self.wanted(package, requested);
        match &mut self.activated[package.index()] {
            Some(known) if wanted.features.is_subset(known) => return,
            Some(known) => known.union_with(&wanted.features),
            unknown => *unknown = Some(wanted.features.clone()),
        }
        self.follow(package, wanted, DevDependencies::Ignored);
    }

    fn follow(&mut self, package: PackageIx, wanted: Wanted, dev: DevDependencies) {
        let graph = self.graph;
        for link in graph.links(package) {
            let asked = wanted.dependencies.get(&link.name);
            let counted = link.table != DependencyTable::Dev || dev == DevDependencies::Counted;
            if !counted || (link.optional && asked.is_none()) {
                continue;
            }
            self.reached.insert(link.ix.index());
            let features = &graph.graph[link.ix].features;
            let mut requested: Vec<FeatureIx> = features.iter().filter_map(FeatureValue::as_feature).collect();
            let asked = asked.into_iter().flatten().filter(|(through, _)| *through == link.ix);
            requested.extend(asked.map(|(_, feature)| feature));
            self.activate(link.to, &requested);
        }
    }

    /// Cargo's `Requirements` (`dep_cache.rs`): the closure of some features within their package.
    fn wanted(&self, package: PackageIx, requested: &[FeatureIx]) -> Wanted {
        let graph = self.graph;
        let package = &graph[package];
        let mut wanted =
            Wanted { features: FixedBitSet::with_capacity(package.feature_names.len()), dependencies: HashMap::new() };
        let mut open = requested.to_vec();
        while let Some(feature) = open.pop() {
            if wanted.features.put(feature as usize) {
                continue;
            }
            for value in &package.feature_values[feature as usize] {
                match value {
                    FeatureValue::Feature(feature) => open.push(*feature),
                    FeatureValue::Dependency(name) => {
                        wanted.dependencies.entry(*name).or_default();
                    }
                    FeatureValue::DependencyFeature { dependency, weak, same_named_feature, enables, .. } => {
                        let optional = enables.iter().any(|(link, _)| link.optional);
                        if !weak && optional {
                            open.extend(same_named_feature);
                        }
                        let asked = wanted.dependencies.entry(*dependency).or_default();
                        asked.extend(enables.iter().filter_map(|(link, value)| Some((link.ix, value.as_feature()?))));
                    }
                    FeatureValue::Unknown => {}
                }
            }
        }
        wanted
    }
}
