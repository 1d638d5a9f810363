//! The data behind answers: the derivations, their packages and the lines of their manifests.

use std::collections::HashMap;

use cratewright_graph::why::{Edge, Entry, Roles, entries, roles};
use cratewright_graph::{Derivation, DerivationGraph, DerivationIx, Kind, Side};
use cratewright_resolver::{CompileKind, Declaration, DependencyTable, FeatureIx, Package, PackageIx, Pair, Platform};

use crate::why::answer::{Asked, HostEntry, HostKind, Role};
use crate::why::manifests::Manifests;
use crate::workspace::Workspace;

pub(crate) struct Context<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) graph: &'a DerivationGraph,
    pub(crate) pair: Pair,
    /// The package of each derivation.
    pub(crate) packages: Vec<PackageIx>,
    pub(crate) dependents: Vec<Vec<DerivationIx>>,
    pub(crate) roles: Roles,
    pub(crate) manifests: Manifests<'a>,
}

impl<'a> Context<'a> {
    /// `packages` has the package for each key of a derivation.
    pub(crate) fn new(
        workspace: &'a Workspace,
        graph: &'a DerivationGraph,
        packages: &HashMap<&str, PackageIx>,
    ) -> Self {
        let packages: Vec<PackageIx> = graph.derivations.iter().map(|one| packages[one.key.as_str()]).collect();
        let name = |pair: &Pair| {
            let [host, target] = [pair.host, pair.target].map(|ix| &workspace.platforms[ix].triple);
            if pair.is_cross() { format!("{target} on {host}") } else { target.clone() }
        };
        let pair = workspace.pairs.iter().copied().find(|pair| name(pair) == graph.platform);
        Context {
            workspace,
            graph,
            pair: pair.expect("there is a graph for each pair"),
            dependents: graph.direct_dependents(),
            roles: roles(graph, |ix| workspace.packages[packages[ix]].proc_macro),
            packages,
            manifests: Manifests::new(workspace),
        }
    }

    pub(crate) fn derivation(&self, ix: DerivationIx) -> &'a Derivation {
        &self.graph.derivations[ix]
    }

    pub(crate) fn label(&self, ix: DerivationIx) -> String {
        self.derivation(ix).label()
    }

    pub(crate) fn package(&self, ix: DerivationIx) -> &'a Package {
        &self.workspace.packages[self.packages[ix]]
    }

    /// The side of a derivation in the terms of the resolver.
    pub(crate) fn kind(&self, ix: DerivationIx) -> CompileKind {
        match self.derivation(ix).side {
            Side::Host => CompileKind::Host,
            Side::Target | Side::Test => CompileKind::Target,
        }
    }

    /// Platforms of host and target.
    pub(crate) fn platforms(&self) -> [&'a Platform; 2] {
        [self.pair.host, self.pair.target].map(|ix| &self.workspace.platforms[ix])
    }

    /// Declared dependencies by which a derivation uses another one. Empty if both are of the same package, as tests
    /// link the package itself.
    pub(crate) fn declarations(&self, edge: Edge) -> Vec<Declaration> {
        let derivation = self.derivation(edge.from);
        let is_in = |table: DependencyTable| match table {
            DependencyTable::Normal => derivation.dependencies.contains(&edge.to),
            DependencyTable::Dev => derivation.kind == Kind::Tests && derivation.dependencies.contains(&edge.to),
            DependencyTable::Build => derivation.build_dependencies.contains(&edge.to),
        };
        let package = self.package(edge.from);
        let features = derivation.features.iter().filter_map(|name| package.feature(name));
        let features: Vec<FeatureIx> = features.collect();
        let from = (self.packages[edge.from], self.kind(edge.from));
        self.workspace.packages.declarations(from, &features, self.packages[edge.to], is_in, self.platforms())
    }

    /// The lines of an edge, as a key that can be compared.
    pub(crate) fn lines(&self, edge: Edge) -> Vec<(PackageIx, usize)> {
        self.declarations(edge).into_iter().map(|one| (self.packages[edge.from], one.dependency)).collect()
    }

    pub(crate) fn asked(&self, edge: Edge) -> Vec<Asked> {
        let package = self.packages[edge.from];
        let asked = |one: Declaration| self.manifests.asked(package, one.dependency, &one.turned_on_by);
        self.declarations(edge).into_iter().map(asked).collect()
    }

    /// Labels of the derivations that depend directly on a derivation.
    pub(crate) fn used_by(&self, ix: DerivationIx) -> Vec<String> {
        self.dependents[ix].iter().map(|&user| self.label(user)).collect()
    }

    /// The roles in which a derivation is used.
    pub(crate) fn built_for(&self, ix: DerivationIx) -> Vec<Role> {
        let target = self.roles.for_target[ix].then_some(Role::Target);
        let compiler = self.roles.for_compiler[ix].then_some(Role::Compiler);
        target.into_iter().chain(compiler).collect()
    }

    /// Procedural macros and build scripts through which programs use a derivation.
    pub(crate) fn for_compiler(&self, ix: DerivationIx) -> Vec<HostEntry> {
        let is_macro = |ix: DerivationIx| self.package(ix).proc_macro;
        let entry = |entry: Entry| {
            let (kind, of) = match entry {
                Entry::BuildScript(of) => (HostKind::BuildScript, of),
                Entry::ProceduralMacro(of) => (HostKind::ProceduralMacro, of),
            };
            HostEntry { kind, krate: self.package(of).display() }
        };
        let mut found: Vec<HostEntry> = entries(self.graph, &self.roles, ix, is_macro).into_iter().map(entry).collect();
        found.sort();
        found.dedup();
        found
    }
}
