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
use petgraph::visit::EdgeRef;

use crate::feature_value::{DependencyNameIx, FeatureIx, FeatureValue};
use crate::manifest::ResolverBehavior;
use crate::package_graph::{DependencyTable, Link, PackageGraph, PackageIx};
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

/// Edges of the graph that are declared for a platform.
pub(crate) fn declared_for(graph: &PackageGraph, platform: &Platform) -> FixedBitSet {
    let mut known: HashMap<&cargo_platform::Platform, bool> = HashMap::new();
    let mut edges = FixedBitSet::with_capacity(graph.graph.edge_count());
    for edge in graph.graph.edge_references() {
        let active = match &edge.weight().platform {
            None => true,
            Some(declared) => *known.entry(declared).or_insert_with(|| platform.matches(declared)),
        };
        edges.set(edge.id().index(), active);
    }
    edges
}

/// For every edge of the graph, whether the platform it is declared for is one of the two of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlatformTable<'a> {
    host: &'a FixedBitSet,
    target: &'a FixedBitSet,
}

impl<'a> PlatformTable<'a> {
    /// `declared` has the edges of each platform.
    pub(crate) fn new(declared: &'a [FixedBitSet], pair: Pair) -> Self {
        PlatformTable { host: &declared[pair.host], target: &declared[pair.target] }
    }

    /// Whether the dependency is declared for the platform of `role`.
    pub(crate) fn is_active(&self, edge: EdgeIndex<u32>, role: Role) -> bool {
        match role {
            Role::Host => self.host.contains(edge.index()),
            Role::Target => self.target.contains(edge.index()),
        }
    }
}

/// Result of feature resolution for one selection and pair. One set of bits each, in which every package has its part
/// for either side.
#[derive(Debug)]
pub(crate) struct ActivatedFeatures<'a> {
    graph: &'a PackageGraph,
    /// Packages that were reached at all.
    visited: FixedBitSet,
    features: FixedBitSet,
    /// Optional dependencies that are on, by name.
    dependencies: FixedBitSet,
}

impl<'a> ActivatedFeatures<'a> {
    fn new(graph: &'a PackageGraph) -> Self {
        let end = graph.bits_end();
        let bits = |count: usize| FixedBitSet::with_capacity(count * 2);
        let visited = bits(graph.graph.node_count());
        ActivatedFeatures { graph, visited, features: bits(end.features), dependencies: bits(end.dependencies) }
    }

    /// Features of `package` on that side, in the order of its table.
    pub(crate) fn features(&self, package: PackageIx, role: Role) -> impl Iterator<Item = FeatureIx> {
        let first = self.feature_bit(package, role, 0);
        let count = self.graph.graph[package].feature_names.len();
        (0..count).filter(move |ix| self.features.contains(first + ix)).map(|ix| ix as FeatureIx)
    }

    /// Whether an optional dependency is on.
    pub(crate) fn is_dependency_on(&self, package: PackageIx, role: Role, name: DependencyNameIx) -> bool {
        self.dependencies.contains(self.dependency_bit(package, role, name))
    }

    fn package_bit(&self, package: PackageIx, role: Role) -> usize {
        self.side(role) * self.graph.graph.node_count() + package.index()
    }

    fn feature_bit(&self, package: PackageIx, role: Role, feature: FeatureIx) -> usize {
        self.side(role) * self.graph.bits_end().features + self.graph.bits(package).features + feature as usize
    }

    fn dependency_bit(&self, package: PackageIx, role: Role, name: DependencyNameIx) -> usize {
        self.side(role) * self.graph.bits_end().dependencies + self.graph.bits(package).dependencies + name as usize
    }

    fn side(&self, role: Role) -> usize {
        // Resolver 1 keeps one feature set for both sides.
        usize::from(self.graph.resolver == ResolverBehavior::V2 && role == Role::Host)
    }
}

/// Resolves the features of everything that `selection` reaches on a pair.
pub(crate) fn activate_features<'a>(
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    selection: &Selection,
) -> ActivatedFeatures<'a> {
    let mut resolver = FeatureResolver {
        graph,
        platforms,
        reachable,
        purpose: selection.purpose,
        activated: ActivatedFeatures::new(graph),
        deferred: HashMap::new(),
    };
    for &member in &selection.members {
        let mut roles = vec![Role::Target];
        if graph.graph[member].proc_macro && graph.resolver == ResolverBehavior::V2 {
            // Its bins and tests are target units, the library is a host unit.
            roles.push(Role::Host);
        }
        for role in roles {
            for feature in requested(graph, selection, member) {
                resolver.activate_feature(member, role, feature);
            }
            resolver.activate_package(member, role, &[]);
        }
    }
    resolver.activated
}

/// What to turn on once the dependency declared by the edge is on.
type DeferredFeature<'a> = (EdgeIndex<u32>, &'a FeatureValue);

struct FeatureResolver<'a> {
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    purpose: Purpose,
    activated: ActivatedFeatures<'a>,
    /// Weak dependency features seen before their dependency was turned on.
    deferred: HashMap<(PackageIx, Role, DependencyNameIx), Vec<DeferredFeature<'a>>>,
}

impl<'a> FeatureResolver<'a> {
    fn activate_package(&mut self, package: PackageIx, role: Role, values: &'a [FeatureValue]) {
        for value in values {
            self.activate_value(package, role, value);
        }
        let bit = self.activated.package_bit(package, role);
        if self.activated.visited.put(bit) {
            return;
        }
        let graph = self.graph;
        for link in graph.links(package).iter().filter(|link| !link.optional) {
            if let Some(to_role) = self.follow(role, link) {
                self.activate_package(link.to, to_role, &graph.graph[link.edge].features);
            }
        }
    }

    fn activate_value(&mut self, package: PackageIx, role: Role, value: &'a FeatureValue) {
        match value {
            FeatureValue::Feature(feature) => self.activate_feature(package, role, *feature),
            FeatureValue::Dependency(name) => self.activate_dependency(package, role, *name),
            FeatureValue::DependencyFeature { weak, same_named_feature, enables, .. } => {
                for (link, enabled) in enables {
                    self.activate_dependency_feature(package, role, link, *weak, *same_named_feature, enabled);
                }
            }
            FeatureValue::Unknown => {}
        }
    }

    fn activate_feature(&mut self, package: PackageIx, role: Role, feature: FeatureIx) {
        let bit = self.activated.feature_bit(package, role, feature);
        if self.activated.features.put(bit) {
            return;
        }
        let graph = self.graph;
        for value in &graph.graph[package].feature_values[feature as usize] {
            self.activate_value(package, role, value);
        }
    }

    fn activate_dependency(&mut self, package: PackageIx, role: Role, name: DependencyNameIx) {
        let bit = self.activated.dependency_bit(package, role, name);
        if self.activated.dependencies.put(bit) {
            return;
        }
        let deferred = self.deferred.remove(&(package, role, name)).unwrap_or_default();
        let graph = self.graph;
        for link in graph.links(package).iter().filter(|link| link.name == name) {
            let Some(to_role) = self.follow(role, link) else { continue };
            for (_, value) in deferred.iter().filter(|(waiting, _)| *waiting == link.edge) {
                self.activate_value(link.to, to_role, value);
            }
            self.activate_package(link.to, to_role, &graph.graph[link.edge].features);
        }
    }

    fn activate_dependency_feature(
        &mut self,
        package: PackageIx,
        role: Role,
        link: &Link,
        weak: bool,
        same_named_feature: Option<FeatureIx>,
        enabled: &'a FeatureValue,
    ) {
        let Some(to_role) = self.follow(role, link) else { return };
        if link.optional {
            if weak && !self.activated.is_dependency_on(package, role, link.name) {
                let waiting = self.deferred.entry((package, role, link.name)).or_default();
                waiting.push((link.edge, enabled));
                return;
            }
            self.activate_dependency(package, role, link.name);
            if !weak && let Some(feature) = same_named_feature {
                self.activate_feature(package, role, feature);
            }
        }
        self.activate_value(link.to, to_role, enabled);
    }

    /// For which side a dependency is built, or nothing if this resolution does not look at it.
    fn follow(&self, role: Role, link: &Link) -> Option<Role> {
        // With resolver 1 dev-dependencies count even for builds.
        let decoupled = self.graph.resolver == ResolverBehavior::V2 && self.purpose == Purpose::Build;
        if !self.reachable.contains(link.edge.index()) || (decoupled && link.table == DependencyTable::Dev) {
            return None;
        }
        let build = link.table == DependencyTable::Build;
        match self.graph.resolver {
            ResolverBehavior::V1 => Some(Role::Target),
            ResolverBehavior::V2 => {
                let platform_role = if build { Role::Host } else { role };
                let to_role = if build || link.to_proc_macro { Role::Host } else { role };
                self.platforms.is_active(link.edge, platform_role).then_some(to_role)
            }
        }
    }
}
