//! Unit graphs: what is compiled for one selection on one pair.
//!
//! A unit here is what one `buildRustCrate` derivation builds: the library, the binaries that were asked for, and the
//! build script of one package, for host or target, with one feature set. Cargo has a unit per target of the package;
//! [`crate::compare`] folds those together. The walk follows cargo's `src/cargo/core/compiler/unit_dependencies.rs`.

use std::collections::BTreeSet;

use fixedbitset::FixedBitSet;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use rayon::prelude::*;

use crate::feature_value::FeatureIx;
use crate::features::{ActivatedFeatures, PlatformTable, Role, activate_features, declared_for};
use crate::package::Target;
use crate::package_graph::{DependencyTable, ExternName, PackageGraph, PackageIx};
use crate::platform::{Pair, Platform};
use crate::profile::{Asked, Profile, ProfileUse};
use crate::reachable::reachable_dependencies;
use crate::selection::{Purpose, Selection};

/// What a unit is built as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitKind {
    /// Library, binaries, build script.
    Build,
    /// The same package compiled for its own tests: dev-dependencies included.
    Test,
}

/// One buildable node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The package.
    pub package: PackageIx,
    /// For host or target.
    pub role: Role,
    /// Built for itself or for its tests.
    pub kind: UnitKind,
    /// How it takes its profile.
    pub profile: ProfileUse,
    /// Features that are on, in order; [`crate::Package::feature_name`] has their names.
    pub features: Vec<FeatureIx>,
    /// Binaries asked for whose required features are on, as indices into [`crate::Package::bins`].
    pub bins: Vec<usize>,
    /// What else a unit for tests compiles.
    pub beside: Beside,
}

/// Targets that only units for tests have, as indices into the lists of the same names of [`crate::Package`]: those whose
/// required features are on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beside {
    /// Integration tests that are tested.
    pub tests: Vec<usize>,
    /// Examples.
    pub examples: Vec<usize>,
    /// Benchmarks.
    pub benches: Vec<usize>,
}

/// Why one unit needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitDependency {
    /// For the build script, or for everything else.
    pub for_build_script: bool,
    /// Name given with `--extern`.
    pub extern_name: ExternName,
}

/// Units and their dependencies. Acyclic.
#[derive(Debug, Default)]
pub struct UnitGraph {
    /// The units.
    pub graph: DiGraph<Unit, UnitDependency, u32>,
    /// Units that were asked for, in order of the selection. Those for tests have more, which `cargo test` has no use
    /// for, and which clippy, rustdoc and `cargo bench` do: nothing depends on them.
    pub roots: Vec<NodeIndex<u32>>,
    /// Name of the profile.
    pub profile: String,
    /// Triples of host and target.
    pub triples: [String; 2],
}

/// Resolves every selection on every pair, in parallel. The outer order is that of `selections`, the inner of `pairs`.
pub fn resolve(
    graph: &PackageGraph,
    platforms: &[Platform],
    pairs: &[Pair],
    selections: &[Selection],
) -> Vec<Vec<UnitGraph>> {
    let declared: Vec<FixedBitSet> = platforms.par_iter().map(|platform| declared_for(graph, platform)).collect();
    selections
        .par_iter()
        .map(|selection| {
            let reachable = reachable_dependencies(graph, selection);
            let on = |&pair: &Pair| {
                let mut units = unit_graph(graph, PlatformTable::new(&declared, pair), &reachable, selection);
                units.triples = [pair.host, pair.target].map(|ix| platforms[ix].triple.clone());
                units
            };
            pairs.par_iter().map(on).collect()
        })
        .collect()
}

fn unit_graph<'a>(
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    selection: &Selection,
) -> UnitGraph {
    let activated = activate_features(graph, platforms, reachable, selection);
    let known = vec![[None; 12]; graph.graph.node_count()];
    let units = UnitGraph { profile: selection.profile.clone(), ..UnitGraph::default() };
    let aborts = graph.profiles.aborts(&selection.profile);
    let mut builder = Builder { graph, platforms, reachable, activated, aborts, units, known };
    for &member in &selection.members {
        builder.add_root(member, selection.purpose);
    }
    builder.units
}

struct Builder<'a> {
    graph: &'a PackageGraph,
    platforms: PlatformTable<'a>,
    reachable: &'a FixedBitSet,
    activated: ActivatedFeatures<'a>,
    /// Whether the profile does, so that what tests link is built apart.
    aborts: bool,
    units: UnitGraph,
    /// By package, then by role, kind and use of the profile.
    known: Vec<[Option<NodeIndex<u32>>; 12]>,
}

impl Builder<'_> {
    fn add_root(&mut self, member: PackageIx, purpose: Purpose) {
        match purpose {
            Purpose::Build => self.add_build_root(member),
            Purpose::Test => self.add_test_root(member),
        }
    }

    fn add_build_root(&mut self, member: PackageIx) {
        let package = &self.graph.graph[member];
        let bins = self.enabled(member, &package.bins);
        if package.proc_macro {
            let library = self.add(member, Role::Host, UnitKind::Build, ProfileUse::Unwinding);
            self.units.roots.push(library);
        }
        if !bins.is_empty() || (package.lib.is_some() && !package.proc_macro) {
            let unit = self.add(member, Role::Target, UnitKind::Build, ProfileUse::AsWritten);
            self.units.graph[unit].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
    }

    /// `cargo test` compiles what is tested with `--test`, examples as they are, and real binaries where integration
    /// tests may run them.
    fn add_test_root(&mut self, member: PackageIx) {
        let package = &self.graph.graph[member];
        let bins = self.enabled(member, &package.bins);
        let mut tests = self.enabled(member, &package.tests);
        tests.retain(|&ix| package.tests[ix].tested);
        let (examples, benches) = (self.enabled(member, &package.examples), self.enabled(member, &package.benches));
        let any_tested = |targets: &[Target], enabled: &[usize]| enabled.iter().any(|&ix| targets[ix].tested);
        let beside_lib = any_tested(&package.bins, &bins)
            || any_tested(&package.benches, &benches)
            || !(tests.is_empty() && examples.is_empty());
        let has_others = !(bins.is_empty() && benches.is_empty());
        let has_tests = !tests.is_empty();
        let beside = Beside { tests, examples, benches };
        // The library of a proc-macro package is for the host, its other targets are not.
        let (own_role, own_profile) = match package.proc_macro {
            true => (Role::Host, ProfileUse::BuildOverride),
            false => (Role::Target, ProfileUse::Unwinding),
        };
        let lib_is = |is: fn(&Target) -> bool| package.lib.as_ref().is_some_and(is);
        if lib_is(|lib| lib.doctested) {
            let library = self.add(member, own_role, UnitKind::Build, own_profile);
            self.units.roots.push(library);
        }
        let asked =
            |role| role == own_role && lib_is(|lib| lib.tested || lib.doctested) || role == Role::Target && beside_lib;
        let there = |role| asked(role) || role == own_role && lib_is(|_| true) || role == Role::Target && has_others;
        for role in [Role::Host, Role::Target].into_iter().filter(|&role| there(role)) {
            let unit = self.add(member, role, UnitKind::Test, ProfileUse::Unwinding);
            if role == Role::Target {
                self.units.graph[unit].bins.clone_from(&bins);
                self.units.graph[unit].beside = beside.clone();
            }
            if role == Role::Target && beside_lib {
                self.depend_on_own_library(unit, member);
            }
            if asked(role) {
                self.units.roots.push(unit);
            }
        }
        // What integration tests run is built as it is shipped.
        if has_tests && !bins.is_empty() {
            let unit = self.add(member, Role::Target, UnitKind::Build, ProfileUse::AsWritten);
            self.units.graph[unit].bins = bins;
            if package.proc_macro {
                self.depend_on_own_library(unit, member);
            }
            self.units.roots.push(unit);
        }
        if package.linkable_lib().is_some() {
            self.add(member, own_role, UnitKind::Build, own_profile);
        }
    }

    /// Targets whose required features are on. Cargo's `resolve_all_features`
    /// (`src/cargo/ops/cargo_compile/unit_generator.rs`): a target may also require `dependency/feature`.
    fn enabled(&self, member: PackageIx, targets: &[Target]) -> Vec<usize> {
        let mut on: BTreeSet<String> = self.feature_names(member, Role::Target).map(str::to_owned).collect();
        if targets.iter().any(|target| target.required_features.iter().any(|feature| feature.contains('/'))) {
            for (_, to, dependency) in self.graph.dependencies(member) {
                let host = dependency.table == DependencyTable::Build || self.graph.graph[to].proc_macro;
                let role = if host { Role::Host } else { Role::Target };
                let features = self.feature_names(to, role);
                on.extend(features.map(|feature| format!("{}/{feature}", dependency.name_in_toml)));
            }
        }
        let is_on = |ix: &usize| targets[*ix].required_features.iter().all(|feature| on.contains(feature));
        (0..targets.len()).filter(is_on).collect()
    }

    /// The unit, made with all it depends on if it is new.
    ///
    /// `profile` is how it is asked for.
    fn add(&mut self, package: PackageIx, role: Role, kind: UnitKind, profile: ProfileUse) -> NodeIndex<u32> {
        let profile = match (role, profile) {
            (Role::Target, ProfileUse::Unwinding) if !self.aborts => ProfileUse::AsWritten,
            _ => profile,
        };
        let host = usize::from(role == Role::Host);
        let slot = host * 6 + usize::from(kind == UnitKind::Test) * 3 + profile as usize;
        if let Some(unit) = self.known[package.index()][slot] {
            return unit;
        }
        let features = self.activated.features(package, role).collect();
        let unit = self.units.graph.add_node(Unit {
            package,
            role,
            kind,
            profile,
            features,
            bins: Vec::new(),
            beside: Beside::default(),
        });
        self.known[package.index()][slot] = Some(unit);

        let graph = self.graph;
        let has_build_script = graph.graph[package].build_script.is_some();
        let mut seen = Vec::new();
        for link in graph.links(package) {
            let for_build_script = link.table == DependencyTable::Build;
            let wanted = match link.table {
                DependencyTable::Normal => true,
                DependencyTable::Build => has_build_script,
                DependencyTable::Dev => kind == UnitKind::Test,
            };
            // A build script runs on the host, so its own dependencies are looked up there.
            let platform_role = if for_build_script { Role::Host } else { role };
            let active = wanted
                && self.reachable.contains(link.edge.index())
                && link.to_has_lib
                && self.platforms.is_active(link.edge, platform_role)
                && (!link.optional || self.activated.is_dependency_on(package, role, link.name));
            if !active || seen.contains(&(for_build_script, link.to)) {
                continue;
            }
            seen.push((for_build_script, link.to));
            let to_role = if for_build_script || link.to_proc_macro { Role::Host } else { role };
            let to_profile = match to_role {
                Role::Host => ProfileUse::BuildOverride,
                Role::Target => profile,
            };
            let to_unit = self.add(link.to, to_role, UnitKind::Build, to_profile);
            let dependency = UnitDependency { for_build_script, extern_name: link.extern_name };
            self.units.graph.add_edge(unit, to_unit, dependency);
        }
        unit
    }

    /// Integration tests, and the bins of a proc-macro package, link the library of their own package.
    fn depend_on_own_library(&mut self, unit: NodeIndex<u32>, package: PackageIx) {
        let graph = self.graph;
        let Some(lib) = graph.graph[package].linkable_lib() else { return };
        let role = if graph.graph[package].proc_macro { Role::Host } else { Role::Target };
        let profile = match role {
            Role::Host => ProfileUse::BuildOverride,
            Role::Target => self.units.graph[unit].profile,
        };
        let library = self.add(package, role, UnitKind::Build, profile);
        let extern_name = graph.library_name(lib);
        self.units.graph.add_edge(unit, library, UnitDependency { for_build_script: false, extern_name });
    }

    fn feature_names(&self, package: PackageIx, role: Role) -> impl Iterator<Item = &str> {
        self.activated.features(package, role).map(move |feature| self.graph.graph[package].feature_name(feature))
    }
}

impl UnitGraph {
    /// What a unit is compiled with: its build script, or everything else of it.
    pub fn profile_of(&self, packages: &PackageGraph, unit: NodeIndex<u32>, for_build_script: bool) -> Profile {
        let edges = self.graph.edges(unit).filter(|edge| edge.weight().for_build_script == for_build_script);
        let has_debug = |below: NodeIndex<u32>| self.own_profile(packages, below, false, false).has_debug();
        let with_debug = edges.map(|edge| edge.target()).any(has_debug);
        self.own_profile(packages, unit, for_build_script, with_debug)
    }

    fn own_profile(
        &self,
        packages: &PackageGraph,
        unit: NodeIndex<u32>,
        for_build_script: bool,
        with_debug: bool,
    ) -> Profile {
        let Unit { package, profile, .. } = self.graph[unit];
        let profile = if for_build_script { ProfileUse::BuildOverride } else { profile };
        // A proc-macro that was asked for by name is for the host, yet gets the profile of what is for the target.
        let target = &self.triples[usize::from(profile != ProfileUse::BuildOverride)];
        let is_member = packages.members.contains(&package);
        let asked = Asked { profile: &self.profile, profile_use: profile, target, with_debug, is_native: false };
        packages.profiles.of(Some(&packages.graph[package]), is_member, asked)
    }
}
