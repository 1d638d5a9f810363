//! Cargo's feature resolver: the enabled features and optional dependencies.
//!
//! Follows `src/cargo/core/resolver/features.rs` of cargo. Features are tracked per (package, kind): with resolver 2
//! and later, packages built for the host have separate feature sets. Weak values, `name?/feature`, are deferred until
//! something else enables the dependency.
//!
//! The input is assumed to be valid, as cargo has checked it before writing a lock file: every feature exists and names
//! do not clash.

use std::collections::HashMap;

use cratewright_workspace::ResolverBehavior;
use fixedbitset::FixedBitSet;
use petgraph::graph::EdgeIndex;

use crate::feature_value::FeatureValue;
use crate::link::{DependencyNameIx, DependencyTable, FeatureIx, Link, PackageIx};
use crate::package_graph::PackageGraph;
use crate::platform::{Pair, Platform};
use crate::reachable::requested;
use crate::selection::{Selection, UserIntent};

/// The side of the build that a unit is on, cargo's `Unit::kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompileKind {
    /// Compiled for the target platform.
    Target,
    /// Compiled for the host: build-dependencies, proc-macros and all their dependencies.
    Host,
}

/// A result of feature resolution. With resolver 1 the kind is always `Target`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fact {
    /// The package is built.
    Package(PackageIx, CompileKind),
    /// The feature is enabled.
    Feature(PackageIx, CompileKind, FeatureIx),
    /// The dependencies with this key, at least one of which is optional, are enabled.
    Dependency(PackageIx, CompileKind, DependencyNameIx),
}

/// The reason for a [`Fact`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// The selection requests it.
    Selected,
    /// The value with this index in the list of an enabled feature. A weak value also depends on its dependency being
    /// enabled by something else.
    Value(Fact, usize, Option<DependencyNameIx>),
    /// A dependency that a package declares, where the fact is that the package or the optional dependency is enabled.
    Declared(Fact, EdgeIndex),
}

impl Cause {
    fn awaiting(self, dependency: DependencyNameIx) -> Self {
        match self {
            Cause::Value(fact, value, _) => Cause::Value(fact, value, Some(dependency)),
            other => other,
        }
    }
}

/// Receives every fact with its causes.
pub(crate) trait Trace {
    fn follows(&mut self, fact: Fact, cause: Cause);
}

/// Discards the causes, for callers that only need the result.
impl Trace for () {
    fn follows(&mut self, _: Fact, _: Cause) {}
}

impl Trace for Vec<(Fact, Cause)> {
    fn follows(&mut self, fact: Fact, cause: Cause) {
        self.push((fact, cause));
    }
}

/// The declared dependencies that apply to a platform.
pub(crate) fn declared_for(graph: &PackageGraph, platform: &Platform) -> FixedBitSet {
    let mut known: HashMap<&cargo_platform::Platform, bool> = HashMap::new();
    let mut dependencies = FixedBitSet::with_capacity(graph.graph.edge_count());
    for (ix, dependency) in graph.graph.edge_weights().enumerate() {
        let active = match &dependency.platform {
            None => true,
            Some(declared) => *known.entry(declared).or_insert_with(|| platform.matches(declared)),
        };
        dependencies.set(ix, active);
    }
    dependencies
}

/// The dependencies that apply to each of the two platforms of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlatformTable<'a> {
    host: &'a FixedBitSet,
    target: &'a FixedBitSet,
}

impl<'a> PlatformTable<'a> {
    /// Selects the two platforms of a pair; `declared` has the dependencies of every platform.
    pub(crate) fn new(declared: &'a [FixedBitSet], pair: Pair) -> Self {
        PlatformTable { host: &declared[pair.host], target: &declared[pair.target] }
    }

    /// Whether the dependency applies to the platform of `kind`.
    pub(crate) fn is_active(&self, link: &Link, kind: CompileKind) -> bool {
        match kind {
            CompileKind::Host => self.host.contains(link.ix.index()),
            CompileKind::Target => self.target.contains(link.ix.index()),
        }
    }
}

/// Result of feature resolution for one selection and pair, as bit sets in which every package has a range for each
/// side.
#[derive(Debug)]
pub(crate) struct ActivatedFeatures<'a> {
    graph: &'a PackageGraph,
    /// Packages that are built.
    visited: FixedBitSet,
    features: FixedBitSet,
    /// Enabled optional dependencies, by key.
    dependencies: FixedBitSet,
}

impl<'a> ActivatedFeatures<'a> {
    fn new(graph: &'a PackageGraph) -> Self {
        let end = graph.ends();
        let bits = |count: usize| FixedBitSet::with_capacity(count * 2);
        let visited = bits(graph.graph.node_count());
        ActivatedFeatures { graph, visited, features: bits(end.features), dependencies: bits(end.dependency_names) }
    }

    /// Enabled features of `package` for that side, in the order of its table.
    pub(crate) fn features(&self, package: PackageIx, kind: CompileKind) -> impl Iterator<Item = FeatureIx> {
        let first = self.feature_bit(package, kind, 0);
        let count = self.graph[package].feature_names.len();
        (0..count).filter(move |ix| self.features.contains(first + ix)).map(|ix| ix as FeatureIx)
    }

    /// Whether an optional dependency is enabled.
    pub(crate) fn is_dependency_on(&self, package: PackageIx, kind: CompileKind, name: DependencyNameIx) -> bool {
        self.dependencies.contains(self.dependency_bit(package, kind, name))
    }

    fn package_bit(&self, package: PackageIx, kind: CompileKind) -> usize {
        self.side(kind) * self.graph.graph.node_count() + package.index()
    }

    fn feature_bit(&self, package: PackageIx, kind: CompileKind, feature: FeatureIx) -> usize {
        self.side(kind) * self.graph.ends().features + self.graph.begins(package).features + feature as usize
    }

    fn dependency_bit(&self, package: PackageIx, kind: CompileKind, name: DependencyNameIx) -> usize {
        self.side(kind) * self.graph.ends().dependency_names
            + self.graph.begins(package).dependency_names
            + name as usize
    }

    fn side(&self, kind: CompileKind) -> usize {
        // Resolver 1 has one feature set for both sides.
        usize::from(self.graph.resolver == ResolverBehavior::V2 && kind == CompileKind::Host)
    }
}

/// Resolves the features of everything that `selection` reaches on a pair.
pub(crate) fn activate_features<'a>(
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    selection: &Selection,
    trace: &mut impl Trace,
) -> ActivatedFeatures<'a> {
    let mut resolver = FeatureResolver {
        graph,
        platforms,
        reachable,
        intent: selection.intent,
        activated: ActivatedFeatures::new(graph),
        deferred: HashMap::new(),
        trace,
    };
    for &member in &selection.members {
        let mut kinds = vec![CompileKind::Target];
        if graph[member].proc_macro && graph.resolver == ResolverBehavior::V2 {
            // The binaries and tests of a proc-macro are built for the target, its library for the host.
            kinds.push(CompileKind::Host);
        }
        for kind in kinds {
            for feature in requested(graph, selection, member) {
                resolver.activate_feature(member, kind, feature, Cause::Selected);
            }
            resolver.activate_package(member, kind, &[], Cause::Selected);
        }
    }
    resolver.activated
}

/// A value to apply once a declared dependency is enabled.
type DeferredFeature<'a> = (EdgeIndex, &'a FeatureValue, Cause);

struct FeatureResolver<'a, 't, T> {
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    intent: UserIntent,
    activated: ActivatedFeatures<'a>,
    /// Weak values whose dependency is not enabled yet.
    deferred: HashMap<(PackageIx, CompileKind, DependencyNameIx), Vec<DeferredFeature<'a>>>,
    trace: &'t mut T,
}

impl<'a, T: Trace> FeatureResolver<'a, '_, T> {
    fn activate_package(&mut self, package: PackageIx, kind: CompileKind, values: &'a [FeatureValue], cause: Cause) {
        let fact = Fact::Package(package, kind);
        self.trace.follows(fact, cause);
        for value in values {
            self.activate_value(package, kind, value, cause);
        }
        let bit = self.activated.package_bit(package, kind);
        if self.activated.visited.put(bit) {
            return;
        }
        let graph = self.graph;
        for link in graph.links(package).iter().filter(|link| !link.optional) {
            if let Some(to_kind) = self.follow(kind, link) {
                let cause = Cause::Declared(fact, link.ix);
                self.activate_package(link.to, to_kind, &graph.graph[link.ix].features, cause);
            }
        }
    }

    fn activate_value(&mut self, package: PackageIx, kind: CompileKind, value: &'a FeatureValue, cause: Cause) {
        match value {
            FeatureValue::Feature(feature) => self.activate_feature(package, kind, *feature, cause),
            FeatureValue::Dependency(name) => self.activate_dependency(package, kind, *name, cause),
            FeatureValue::DependencyFeature { weak, same_named_feature, enables, .. } => {
                for (link, enabled) in enables {
                    let Some(to_kind) = self.follow(kind, link) else { continue };
                    let mut cause = cause;
                    match (link.optional, *weak) {
                        (false, _) => {}
                        (true, false) => {
                            self.activate_dependency(package, kind, link.name, cause);
                            if let Some(feature) = *same_named_feature {
                                self.activate_feature(package, kind, feature, cause);
                            }
                        }
                        (true, true) => {
                            cause = cause.awaiting(link.name);
                            if !self.activated.is_dependency_on(package, kind, link.name) {
                                let waiting = self.deferred.entry((package, kind, link.name)).or_default();
                                waiting.push((link.ix, enabled, cause));
                                continue;
                            }
                        }
                    }
                    self.activate_value(link.to, to_kind, enabled, cause);
                }
            }
            FeatureValue::Unknown => {}
        }
    }

    fn activate_feature(&mut self, package: PackageIx, kind: CompileKind, feature: FeatureIx, cause: Cause) {
        let fact = Fact::Feature(package, kind, feature);
        self.trace.follows(fact, cause);
        let bit = self.activated.feature_bit(package, kind, feature);
        if self.activated.features.put(bit) {
            return;
        }
        let graph = self.graph;
        for (ix, value) in graph[package].feature_values[feature as usize].iter().enumerate() {
            self.activate_value(package, kind, value, Cause::Value(fact, ix, None));
        }
    }

    fn activate_dependency(&mut self, package: PackageIx, kind: CompileKind, name: DependencyNameIx, cause: Cause) {
        let fact = Fact::Dependency(package, kind, name);
        self.trace.follows(fact, cause);
        let bit = self.activated.dependency_bit(package, kind, name);
        if self.activated.dependencies.put(bit) {
            return;
        }
        let deferred = self.deferred.remove(&(package, kind, name)).unwrap_or_default();
        let graph = self.graph;
        for link in graph.links(package).iter().filter(|link| link.name == name) {
            let Some(to_kind) = self.follow(kind, link) else { continue };
            for (_, value, cause) in deferred.iter().filter(|(waiting, ..)| *waiting == link.ix) {
                self.activate_value(link.to, to_kind, value, *cause);
            }
            let cause = Cause::Declared(fact, link.ix);
            self.activate_package(link.to, to_kind, &graph.graph[link.ix].features, cause);
        }
    }

    /// The side for which a dependency is built; `None` if this resolution ignores the dependency.
    fn follow(&self, kind: CompileKind, link: &Link) -> Option<CompileKind> {
        // Resolver 1 follows dev-dependencies even for builds.
        let decoupled = self.graph.resolver == ResolverBehavior::V2 && self.intent == UserIntent::Build;
        if !self.reachable.contains(link.ix.index()) || (decoupled && link.table == DependencyTable::Dev) {
            return None;
        }
        let build = link.table == DependencyTable::Build;
        match self.graph.resolver {
            ResolverBehavior::V1 => Some(CompileKind::Target),
            ResolverBehavior::V2 => {
                let platform_kind = if build { CompileKind::Host } else { kind };
                let to_kind = if build || link.to_proc_macro { CompileKind::Host } else { kind };
                self.platforms.is_active(link, platform_kind).then_some(to_kind)
            }
        }
    }
}
