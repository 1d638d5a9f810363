//! Which features and optional dependencies are on: cargo's feature resolver.
//!
//! Follows `src/cargo/core/resolver/features.rs` of cargo. Features are tracked per (package, role): with resolver 2
//! and later, what is built for the host has a feature set of its own. Weak `name?/feature` values wait until the
//! dependency is turned on by something else.
//!
//! Assumes what cargo has validated before a lock file exists: every named feature exists, names do not clash.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;
use petgraph::graph::EdgeIndex;

use crate::feature_value::{FeatureIx, FeatureValue};
use crate::manifest::ResolverBehavior;
use crate::package_graph::{Dependency, DependencyTable, PackageGraph, PackageIx};
use crate::platform::{Pair, Platform};
use crate::reachable::requested;
use crate::selection::{Purpose, Selection};

/// Which side of the build a unit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Compiled for the target platform.
    Target,
    /// Compiled for the host: build-dependencies, proc-macros and whatever they depend on.
    Host,
}

/// For every edge of the graph, whether the platform it is declared for is one of the two of a pair.
#[derive(Debug)]
pub(crate) struct PlatformTable {
    host: FixedBitSet,
    target: FixedBitSet,
}

impl PlatformTable {
    pub(crate) fn new(graph: &PackageGraph, platforms: &[Platform], pair: Pair) -> Self {
        let mut known: HashMap<(usize, String), bool> = HashMap::new();
        let mut table = |ix: usize| {
            let mut bits = FixedBitSet::with_capacity(graph.graph.edge_count());
            for edge in graph.graph.edge_indices() {
                let active = match &graph.graph[edge].platform {
                    None => true,
                    Some(platform) => {
                        *known.entry((ix, platform.to_string())).or_insert_with(|| platforms[ix].matches(platform))
                    }
                };
                bits.set(edge.index(), active);
            }
            bits
        };
        let target = table(pair.target);
        let host = if pair.host == pair.target { target.clone() } else { table(pair.host) };
        PlatformTable { host, target }
    }

    /// Whether the dependency is declared for the platform of `role`.
    pub(crate) fn is_active(&self, edge: EdgeIndex<u32>, role: Role) -> bool {
        match role {
            Role::Host => self.host.contains(edge.index()),
            Role::Target => self.target.contains(edge.index()),
        }
    }
}

/// Result of feature resolution for one selection and pair.
#[derive(Debug)]
pub(crate) struct ActivatedFeatures {
    behavior: ResolverBehavior,
    packages: Vec<Activation>,
}

#[derive(Debug, Clone, Default)]
struct Activation {
    /// Reached at all.
    visited: bool,
    features: FixedBitSet,
    /// Names of optional dependencies that are on; few, so a list beats a set.
    dependencies: Vec<String>,
}

impl ActivatedFeatures {
    /// Features of `package` on that side, in the order of its table.
    pub(crate) fn features(&self, package: PackageIx, role: Role) -> impl Iterator<Item = FeatureIx> {
        self.packages[self.slot(package, role)].features.ones().map(|ix| ix as FeatureIx)
    }

    /// Whether an optional dependency is on.
    pub(crate) fn is_dependency_on(&self, package: PackageIx, role: Role, name_in_toml: &str) -> bool {
        self.packages[self.slot(package, role)].dependencies.iter().any(|name| name == name_in_toml)
    }

    fn slot(&self, package: PackageIx, role: Role) -> usize {
        // Resolver 1 keeps one feature set for both sides.
        match (self.behavior, role) {
            (ResolverBehavior::V2, Role::Host) => package.index() * 2 + 1,
            _ => package.index() * 2,
        }
    }
}

/// Resolves the features of everything that `selection` reaches on a pair.
pub(crate) fn activate_features(
    graph: &PackageGraph,
    platforms: &PlatformTable,
    reachable: &FixedBitSet,
    selection: &Selection,
) -> ActivatedFeatures {
    let mut resolver = FeatureResolver {
        graph,
        platforms,
        reachable,
        purpose: selection.purpose,
        activated: ActivatedFeatures {
            behavior: graph.resolver,
            packages: vec![Activation::default(); graph.graph.node_count() * 2],
        },
        deferred: HashMap::new(),
    };
    for &member in &selection.members {
        let values: Vec<FeatureValue> =
            requested(graph, selection, member).into_iter().map(FeatureValue::Feature).collect();
        resolver.activate_package(member, Role::Target, &values);
        if graph.graph[member].proc_macro && graph.resolver == ResolverBehavior::V2 {
            // Its bins and tests are target units, the library is a host unit.
            resolver.activate_package(member, Role::Host, &values);
        }
    }
    resolver.activated
}

/// What to turn on once the dependency declared by the edge is on.
type DeferredFeature = (EdgeIndex<u32>, FeatureValue);

struct FeatureResolver<'a> {
    graph: &'a PackageGraph,
    platforms: &'a PlatformTable,
    reachable: &'a FixedBitSet,
    purpose: Purpose,
    activated: ActivatedFeatures,
    /// Weak dependency features seen before their dependency was turned on.
    deferred: HashMap<(PackageIx, Role, String), Vec<DeferredFeature>>,
}

impl<'a> FeatureResolver<'a> {
    fn activate_package(&mut self, package: PackageIx, role: Role, values: &[FeatureValue]) {
        for value in values {
            self.activate_value(package, role, value);
        }
        let slot = self.activated.slot(package, role);
        let activation = &mut self.activated.packages[slot];
        if std::mem::replace(&mut activation.visited, true) {
            return;
        }
        for (edge, to, to_role) in self.dependencies(package, role) {
            let dependency = self.edge(edge);
            if !dependency.optional {
                self.activate_package(to, to_role, &dependency.features);
            }
        }
    }

    fn activate_value(&mut self, package: PackageIx, role: Role, value: &FeatureValue) {
        match value {
            FeatureValue::Feature(feature) => self.activate_feature(package, role, *feature),
            FeatureValue::Dependency(name) => self.activate_dependency(package, role, name),
            FeatureValue::DependencyFeature { dependency, weak, same_named_feature, enables, .. } => {
                for (edge, enabled) in enables {
                    self.activate_dependency_feature(
                        package,
                        role,
                        dependency,
                        *weak,
                        *same_named_feature,
                        *edge,
                        enabled,
                    );
                }
            }
            FeatureValue::Unknown => {}
        }
    }

    fn activate_feature(&mut self, package: PackageIx, role: Role, feature: FeatureIx) {
        let slot = self.activated.slot(package, role);
        let features = &mut self.activated.packages[slot].features;
        features.grow(feature as usize + 1);
        if features.put(feature as usize) {
            return;
        }
        let graph = self.graph;
        for value in &graph.graph[package].feature_values[feature as usize] {
            self.activate_value(package, role, value);
        }
    }

    fn activate_dependency(&mut self, package: PackageIx, role: Role, name: &str) {
        let slot = self.activated.slot(package, role);
        let on = &mut self.activated.packages[slot].dependencies;
        if on.iter().any(|known| known == name) {
            return;
        }
        on.push(name.to_owned());
        let deferred = self.deferred.remove(&(package, role, name.to_owned())).unwrap_or_default();
        for (edge, to, to_role) in self.dependencies(package, role) {
            let dependency = self.edge(edge);
            if dependency.name_in_toml != name {
                continue;
            }
            for (_, value) in deferred.iter().filter(|(waiting, _)| *waiting == edge) {
                self.activate_value(to, to_role, value);
            }
            self.activate_package(to, to_role, &dependency.features);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one feature value, taken apart by the caller")]
    fn activate_dependency_feature(
        &mut self,
        package: PackageIx,
        role: Role,
        name: &str,
        weak: bool,
        same_named_feature: Option<FeatureIx>,
        edge: EdgeIndex<u32>,
        enabled: &FeatureValue,
    ) {
        let Some((to, to_role)) = self.follow(role, edge) else { return };
        if self.edge(edge).optional {
            if weak && !self.activated.is_dependency_on(package, role, name) {
                let waiting = self.deferred.entry((package, role, name.to_owned())).or_default();
                waiting.push((edge, enabled.clone()));
                return;
            }
            self.activate_dependency(package, role, name);
            if !weak && let Some(feature) = same_named_feature {
                self.activate_feature(package, role, feature);
            }
        }
        self.activate_value(to, to_role, enabled);
    }

    /// Dependencies that count for features, with the side they are built for.
    fn dependencies(&self, package: PackageIx, role: Role) -> Vec<(EdgeIndex<u32>, PackageIx, Role)> {
        self.graph
            .dependencies(package)
            .filter_map(|(edge, _, _)| self.follow(role, edge).map(|(to, to_role)| (edge, to, to_role)))
            .collect()
    }

    /// Where a dependency leads, or nothing if this resolution does not look at it.
    fn follow(&self, role: Role, edge: EdgeIndex<u32>) -> Option<(PackageIx, Role)> {
        let dependency = self.edge(edge);
        let (_, to) = self.graph.graph.edge_endpoints(edge)?;
        // With resolver 1 dev-dependencies count even for builds.
        let decoupled = self.graph.resolver == ResolverBehavior::V2 && self.purpose == Purpose::Build;
        if !self.reachable.contains(edge.index()) || (decoupled && dependency.table == DependencyTable::Dev) {
            return None;
        }
        let build = dependency.table == DependencyTable::Build;
        match self.graph.resolver {
            ResolverBehavior::V1 => Some((to, Role::Target)),
            ResolverBehavior::V2 => {
                let platform_role = if build { Role::Host } else { role };
                let to_role = if build || self.graph.graph[to].proc_macro { Role::Host } else { role };
                self.platforms.is_active(edge, platform_role).then_some((to, to_role))
            }
        }
    }

    fn edge(&self, edge: EdgeIndex<u32>) -> &'a Dependency {
        &self.graph.graph[edge]
    }
}
