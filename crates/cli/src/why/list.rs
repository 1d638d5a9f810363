//! `cratewright why --duplicates`.

use std::collections::BTreeSet;

use cratewright_graph::why::{Difference, Duplicate, duplicates};
use cratewright_graph::{DerivationIx, Side};

use crate::why::answer::{Duplicates, FORMAT, Listed, ListedDerivation, Role};
use crate::why::context::Context;

pub(crate) fn answer(context: &Context<'_>, seconds: Option<&[Option<f64>]>) -> Duplicates {
    let duplicates = duplicates(context.graph, seconds);
    Duplicates {
        format: FORMAT,
        platform: context.graph.platform.clone(),
        crates: context.graph.crates().count(),
        redundant: duplicates.iter().map(|one| one.others.len()).sum(),
        duplicates: duplicates.iter().map(|one| listed(context, one)).collect(),
    }
}

fn listed(context: &Context<'_>, duplicate: &Duplicate) -> Listed {
    let others = duplicate.others.iter().map(|other| {
        (other.derivation, Some(context.derivation(other.compared_to).id.clone()), other.differences.clone())
    });
    let all = [(duplicate.kept, None, Vec::new())].into_iter().chain(others);
    let derivation =
        |(ix, compared_to, differences): (DerivationIx, Option<String>, Vec<Difference>)| ListedDerivation {
            id: context.derivation(ix).id.clone(),
            label: context.label(ix),
            compared_to,
            differences,
            built_for: context.built_for(ix),
            used_by: context.used_by(ix),
        };
    Listed {
        name: duplicate.name.clone(),
        reason: reason(context, duplicate),
        cone: duplicate.cone,
        seconds: duplicate.seconds,
        derivations: all.map(derivation).collect(),
    }
}

/// Explains on one line what differs and which packages ask for it.
fn reason(context: &Context<'_>, duplicate: &Duplicate) -> String {
    let all = || [duplicate.kept].into_iter().chain(duplicate.others.iter().map(|other| other.derivation));
    let differences: BTreeSet<&Difference> = duplicate.others.iter().flat_map(|other| &other.differences).collect();
    let mut reasons: Vec<String> = Vec::new();
    let versions: BTreeSet<&str> = all().map(|ix| context.derivation(ix).version.as_str()).collect();
    if versions.len() > 1 {
        let users = |version: &&str| {
            let of: Vec<DerivationIx> = all().filter(|&ix| context.derivation(ix).version == *version).collect();
            format!("{version} for {}", names(context, &of))
        };
        reasons.push(format!(
            "{} versions: {}",
            versions.len(),
            versions.iter().map(users).collect::<Vec<_>>().join(", ")
        ));
    }
    // Resolver 2 resolves the features of host dependencies and of tests separately.
    let is_only = |ix: DerivationIx, role: Role| context.built_for(ix) == [role];
    let is_for_both = all().any(|ix| is_only(ix, Role::Target)) && all().any(|ix| is_only(ix, Role::Compiler));
    if is_for_both && versions.len() <= duplicate.others.len() {
        reasons.push("for use in programs and at compile time".to_owned());
    }
    let is_for_tests = |ix: DerivationIx| {
        let derivation = context.derivation(ix);
        let labels = derivation.key.split_once(" [").map(|(_, labels)| labels.trim_end_matches(']'));
        derivation.side == Side::Test || labels.is_some_and(|labels| labels.split(' ').any(|label| label == "test"))
    };
    if all().any(is_for_tests) && !all().all(is_for_tests) {
        reasons.push("for tests".to_owned());
    }
    let (mut features, mut because) = (BTreeSet::new(), BTreeSet::new());
    for difference in differences {
        match difference {
            Difference::Version | Difference::Side => {}
            Difference::Source => reasons.push("several sources".to_owned()),
            Difference::Features { more, less } => features.extend(more.iter().chain(less)),
            Difference::Dependencies { because_of } => because.extend(because_of),
            Difference::Input { input } => reasons.push(format!("other {}", input.name())),
        }
    }
    let listed = |names: BTreeSet<&String>| names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    if !features.is_empty() {
        reasons.push(format!("features differ: {}", listed(features)));
    }
    if !because.is_empty() {
        reasons.push(format!("because of {}", listed(because)));
    }
    reasons.join("; ")
}

/// Packages that use one of the derivations: the first ones by name, and how many more there are.
fn names(context: &Context<'_>, of: &[DerivationIx]) -> String {
    const SHOWN: usize = 2;
    let users = of.iter().flat_map(|&ix| &context.dependents[ix]);
    let users: BTreeSet<&str> = users.map(|&ix| context.derivation(ix).name.as_str()).collect();
    let shown = users.iter().take(SHOWN).copied().collect::<Vec<_>>().join(" and ");
    match users.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{}, {more} more", shown.replace(" and ", ", ")),
    }
}
