//! `cratewright why CRATE`.

use std::collections::BTreeSet;

use cratewright_graph::why::{Cut, Edge, Other, Start, compared, cut, shortest_paths};
use cratewright_graph::{DerivationIx, Kind};
use cratewright_resolver::{CompileKind, Dependency, DependencyTable, PackageIx};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{ALL_CRATES, choices, near_or};
use cratewright_workspace::PackageSpec;

use crate::why::answer::{Answer, Asked, Built, Declared, FORMAT, NotBuilt, PathStep, Unused, Vanish};
use crate::why::context::Context;

/// What a spec on the command line means.
pub(crate) struct Found {
    /// The packages, built or not.
    pub(crate) packages: Vec<PackageIx>,
    /// Their builds, or the one that the spec names, in order.
    pub(crate) derivations: Vec<DerivationIx>,
}

/// The packages and derivations that a spec matches.
///
/// # Errors
/// If it is not a package id, or matches nothing.
pub(crate) fn find(context: &Context<'_>, text: &str) -> Result<Found, Diagnostic> {
    let spec = PackageSpec::parse(text)?;
    let packages = &context.workspace.packages;
    let derivations = context.graph.matching(&spec);
    let matches = |ix: &PackageIx| {
        let package = &packages[*ix];
        spec.matches(&package.name, &package.version, &package.id)
    };
    let found: Vec<PackageIx> = packages.indices().filter(matches).collect();
    if !found.is_empty() {
        return Ok(Found { packages: found, derivations });
    }
    let name = spec.name();
    let versions: Vec<String> = packages
        .packages()
        .filter(|package| package.name == name)
        .map(|package| format!("{name}@{}", package.version))
        .collect();
    let known = packages.packages().map(|package| package.name.as_str());
    let help = match &versions[..] {
        [] => near_or(name, known, || ALL_CRATES.to_owned()),
        versions => choices(versions),
    };
    let message = format!("`Cargo.lock` has no crate `{text}`");
    Err(Diagnostic::new("unknown-crate", message).at("Cargo.lock").help(help).in_directory(&context.workspace.root))
}

pub(crate) fn answer(context: &Context<'_>, spec: &str, found: &Found, from: Option<&str>, limit: usize) -> Answer {
    let graph = context.graph;
    let starts: Option<Vec<DerivationIx>> = from.map(|name| {
        let is_its = |ix: &DerivationIx| context.derivation(*ix).is_member && context.derivation(*ix).name == name;
        (0..graph.derivations.len()).filter(is_its).collect()
    });
    let below: Option<BTreeSet<DerivationIx>> =
        starts.as_ref().map(|starts| graph.closure(starts).into_iter().collect());
    let start = starts.as_ref().map_or(Start::Members, |starts| Start::Of(starts));
    let is_below = |ix: &DerivationIx| below.as_ref().is_none_or(|below| below.contains(ix));
    let mut built: Vec<DerivationIx> = found.derivations.iter().copied().filter(is_below).collect();
    built.sort_by_key(|&ix| (context.packages[ix], context.derivation(ix).side, ix));
    let others = compared(graph, &built);
    let first = built.first().map(|&ix| (ix, None));
    let listed = first.into_iter().chain(others.into_iter().map(|other| (other.derivation, Some(other))));
    let derivations: Vec<Built> = listed.map(|(ix, other)| derivation(context, ix, other, start, limit)).collect();
    let builds =
        |package: PackageIx| graph.crates().filter(|(ix, _)| context.packages[*ix] == package && is_below(ix)).count();
    let not_built = found.packages.iter().filter(|package| builds(**package) == 0);
    let lines = |edge: Edge| context.lines(edge);
    let to_vanish = (!built.is_empty()).then(|| cut(graph, start, &built, lines)).flatten();
    Answer {
        format: FORMAT,
        platform: graph.platform.clone(),
        krate: spec.to_owned(),
        from: from.map(str::to_owned),
        builds: built.first().map(|&ix| builds(context.packages[ix])).unwrap_or_default(),
        derivations,
        not_built: not_built.map(|&package| unused(context, package, below.as_ref())).collect(),
        to_vanish: to_vanish.map(|cut| vanish(context, cut)),
        feature: None,
    }
}

fn derivation(context: &Context<'_>, ix: DerivationIx, other: Option<Other>, start: Start<'_>, limit: usize) -> Built {
    let (derivation, package) = (context.derivation(ix), context.packages[ix]);
    // The tests of a member are compiled from its files, even if they do not link it.
    let own_tests = context.graph.tests().map(|(tests, _)| tests).filter(|&tests| context.packages[tests] == package);
    let changed: Vec<DerivationIx> = [ix].into_iter().chain(own_tests).collect();
    let cone = context.graph.dependents(&changed);
    let paths = shortest_paths(context.graph, start, ix, limit);
    Built {
        id: derivation.id.clone(),
        name: derivation.name.clone(),
        version: derivation.version.clone(),
        side: derivation.side,
        source: derivation.source.clone(),
        is_member: derivation.is_member,
        features: derivation.features.clone(),
        compared_to: other.as_ref().map(|other| context.derivation(other.compared_to).id.clone()),
        differences: other.map(|other| other.differences).unwrap_or_default(),
        used_by: context.used_by(ix),
        cone: cone.iter().filter(|&&ix| context.derivation(ix).kind == Kind::Crate).count(),
        cone_tests: cone.iter().filter(|&&ix| context.derivation(ix).kind == Kind::Tests).count(),
        built_for: context.built_for(ix),
        for_compiler: context.for_compiler(ix),
        paths: paths.shown.iter().map(|path| steps(context, path)).collect(),
        more_paths: paths.more,
        label: derivation.label(),
        kind: derivation.kind,
    }
}

fn steps(context: &Context<'_>, path: &[DerivationIx]) -> Vec<PathStep> {
    let step = |at: usize| {
        let ix = path[at];
        let edge = (at > 0).then(|| Edge { from: path[at - 1], to: ix });
        let above = edge.map(|edge| context.derivation(edge.from));
        PathStep {
            id: context.derivation(ix).id.clone(),
            label: context.label(ix),
            for_build_script: above.is_some_and(|above| !above.dependencies.contains(&ix)),
            is_procedural_macro: context.derivation(ix).kind == Kind::Crate && context.package(ix).proc_macro,
            asked_by: edge.map(|edge| context.asked(edge)).unwrap_or_default(),
        }
    };
    (0..path.len()).map(step).collect()
}

fn vanish(context: &Context<'_>, cut: Cut<(PackageIx, usize)>) -> Vanish {
    let asked = |lines: Vec<(PackageIx, usize)>| -> Vec<Asked> {
        lines.into_iter().map(|(package, dependency)| context.manifests.asked(package, dependency, &[])).collect()
    };
    Vanish {
        one_of: asked(cut.one_of),
        all_of: asked(cut.all_of),
        through: cut.through.into_iter().map(|ix| context.label(ix)).collect(),
    }
}

/// The packages that are built and declare a package that is not.
fn unused(context: &Context<'_>, package: PackageIx, below: Option<&BTreeSet<DerivationIx>>) -> NotBuilt {
    let packages = &context.workspace.packages;
    let mut declared = Vec::new();
    let mut seen = BTreeSet::new();
    for (ix, derivation) in context.graph.crates().filter(|(ix, _)| below.is_none_or(|below| below.contains(ix))) {
        let from = context.packages[ix];
        let is_it = |(_, dependency): &(usize, &Dependency)| dependency.package == package;
        for (index, dependency) in packages.dependencies(from).enumerate().filter(is_it) {
            let is_host = dependency.table == DependencyTable::Build || context.kind(ix) == CompileKind::Host;
            let platform = context.platforms()[usize::from(!is_host)];
            let is_elsewhere = dependency.platform.as_ref().is_some_and(|declared| !platform.matches(declared));
            let reason = match dependency.table {
                _ if is_elsewhere => Unused::Platform,
                DependencyTable::Dev if !derivation.is_member => continue,
                DependencyTable::Dev => Unused::Tests,
                _ if dependency.optional => Unused::Optional,
                _ => continue,
            };
            if seen.insert((from, index)) {
                declared.push(Declared { asked: context.manifests.asked(from, index, &[]), reason });
            }
        }
    }
    let package = &packages[package];
    NotBuilt { name: package.name.clone(), version: package.version.to_string(), declared }
}
