//! `cratewright why CRATE --feature FEATURE`.

use std::collections::BTreeSet;

use cratewright_graph::DerivationIx;
use cratewright_resolver::{Because, CompileKind, Holds, PackageIx, Provenance, Selection, Step, UserIntent};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::near_choices;
use rayon::prelude::*;

use crate::why::answer::{Activation, Answer, Chain, FeatureAnswer};
use crate::why::context::Context;
use crate::why::manifests::table_name;

/// A chain in one selection, for a package on one side.
struct Found<'a> {
    selection: &'a Selection,
    kind: CompileKind,
    steps: Vec<Step>,
}

/// Chains to the feature for the packages in `found` that are built.
///
/// # Errors
/// When none of the packages declares the feature.
pub(crate) fn answer(
    context: &Context<'_>,
    answer: &Answer,
    found: &[PackageIx],
    name: &str,
    limit: usize,
) -> Result<FeatureAnswer, Diagnostic> {
    let packages = &context.workspace.packages;
    if !found.iter().any(|&package| packages[package].has_feature(name)) {
        let known: BTreeSet<&str> = found.iter().flat_map(|&package| packages[package].feature_names()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let package = packages[found[0]].display();
        let message = format!("package `{package}` has no feature `{name}`");
        let failure = Diagnostic::new("unknown-feature", message);
        return Err(failure.help(match &known[..] {
            [] => "leave out `--feature`: it has no features".to_owned(),
            known => near_choices(name, known),
        }));
    }
    let is_shown = |ix: &DerivationIx| answer.derivations.iter().any(|one| one.id == context.derivation(*ix).id);
    let derivations: Vec<DerivationIx> = (0..context.graph.derivations.len()).filter(is_shown).collect();
    let has_it = |ix: &DerivationIx| context.derivation(*ix).features.iter().any(|one| one == name);
    let (on, off): (Vec<_>, Vec<_>) = derivations.into_iter().partition(has_it);
    let mut chains = chains(context, &on, name, answer.from.as_deref());
    let more_chains = chains.len().saturating_sub(limit);
    chains.truncate(limit);
    let ids = |of: &[DerivationIx]| of.iter().map(|&ix| context.derivation(ix).id.clone()).collect();
    Ok(FeatureAnswer {
        name: name.to_owned(),
        on: ids(&on),
        off: ids(&off),
        chains: chains.into_iter().map(|found| shown(context, found)).collect(),
        more_chains,
    })
}

/// The shortest chain for each request in all selections of Cargo.nix, in order of length.
fn chains<'a>(context: &Context<'a>, on: &[DerivationIx], name: &str, from: Option<&str>) -> Vec<Found<'a>> {
    let Context { workspace, graph, pair, packages, .. } = context;
    let from =
        workspace.packages.members.iter().copied().find(|&member| from == Some(&workspace.packages[member].name));
    let selections = workspace.selections.iter().enumerate();
    let selections: Vec<_> =
        selections.filter(|(_, selection)| from.is_none_or(|from| selection.members.contains(&from))).collect();
    let mut found: Vec<(usize, usize, Found<'a>)> = selections
        .into_par_iter()
        .flat_map_iter(|(order, selection)| {
            let mut provenance = Provenance::new(&workspace.packages, &workspace.platforms, *pair, selection);
            if let Some(member) = from {
                provenance = provenance.only_from(member);
            }
            let mut seen = BTreeSet::new();
            let mut found = Vec::new();
            // A derivation that serves both roles may have the feature because of either.
            let kinds = [CompileKind::Target, CompileKind::Host];
            for (ix, kind) in on.iter().flat_map(|&ix| kinds.map(|kind| (ix, kind))) {
                let package = packages[ix];
                let features = provenance.features(package, kind);
                // Another selection may build the package with other features.
                let names = features.iter().map(|&feature| workspace.packages[package].feature_name(feature));
                let feature = workspace.packages[package].feature(name);
                let (Some(feature), true) = (feature, names.eq(&graph.derivations[ix].features)) else { continue };
                if seen.insert((package, kind)) {
                    let chains = provenance.chains(package, kind, feature).into_iter();
                    found.extend(chains.map(|steps| (steps.len(), order, Found { selection, kind, steps })));
                }
            }
            found
        })
        .collect();
    found.sort_by_key(|&(length, order, _)| (length, order));
    let mut requests = BTreeSet::new();
    found.retain(|(.., found)| requests.insert(request(found)));
    found.into_iter().map(|(.., found)| found).collect()
}

/// The step of a chain that asks for the feature from outside of the package; many chains may have the same one.
fn request(found: &Found<'_>) -> (PackageIx, Option<PackageIx>, Because, Option<Holds>) {
    let steps = &found.steps;
    let package = steps[steps.len() - 1].package;
    let first = steps.iter().rposition(|step| step.package != package).map_or(0, |ix| ix + 1);
    let before = first.checked_sub(1).map(|ix| steps[ix]);
    let feature = before.map(|step| step.holds).filter(|holds| matches!(holds, Holds::Feature(_)));
    (package, before.map(|step| step.package), steps[first].because, feature)
}

fn shown(context: &Context<'_>, found: Found<'_>) -> Chain {
    let mut steps: Vec<Activation> = Vec::new();
    for at in 0..found.steps.len() {
        steps.extend(activations(context, &found.steps, at));
    }
    // One line may both reach a package and ask for its feature; it is shown once.
    steps.dedup();
    Chain {
        variant: found.selection.variant.clone(),
        for_tests: found.selection.intent == UserIntent::Test,
        side: if found.kind == CompileKind::Host { "host" } else { "target" },
        steps,
    }
}

/// The lines that a step adds to a chain.
fn activations(context: &Context<'_>, steps: &[Step], at: usize) -> Vec<Activation> {
    let packages = &context.workspace.packages;
    let step = steps[at];
    let package = &packages[step.package];
    let plain = |text: String| Activation { text, place: None, inherited_from: None };
    let mut shown = Vec::new();
    if let (Because::Declared(dependency), Some(before)) = (step.because, at.checked_sub(1).map(|ix| steps[ix])) {
        let declared = packages.dependencies(before.package).nth(dependency).expect("it is an index of these");
        let asked = context.manifests.asked(before.package, dependency, &[]);
        let by = &packages[before.package];
        let by = if packages.members.contains(&before.package) { by.name.clone() } else { by.display() };
        let features = match step.holds {
            Holds::Feature(feature) if Some(feature) == package.feature("default") => {
                " with default features".to_owned()
            }
            Holds::Feature(feature) => format!(" features = [\"{}\"]", package.feature_name(feature)),
            Holds::Reached | Holds::Dependency(_) => String::new(),
        };
        let text = format!("{by}'s [{}] {}{features}", table_name(declared.table), declared.name_in_toml);
        shown.push(Activation { text, place: Some(asked.place), inherited_from: asked.inherited_from });
    }
    match step.holds {
        // The next step shows it.
        Holds::Reached => {}
        Holds::Feature(feature) => {
            let text = format!("{}/{}", package.name, package.feature_name(feature));
            shown.push(Activation { place: context.manifests.feature(step.package, feature), ..plain(text) });
        }
        Holds::Dependency(dependency) => {
            let declared = packages.dependencies(step.package).nth(dependency).expect("it is an index of these");
            shown.push(plain(format!("{}/dep:{}", package.name, declared.name_in_toml)));
        }
    }
    shown
}
