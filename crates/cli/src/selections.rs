//! The selections that `Cargo.nix` has, from the settings of the workspace.

use cratewright_resolver::{DEFAULT_PROFILE, PackageGraph, PackageIx, RootFeatures, Selection, UserIntent};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_workspace::{FeatureUnification, ResolverBehavior, Settings, Variant};

/// All selections: default builds first, then variants, then tests.
pub(crate) fn selections(settings: &Settings, packages: &PackageGraph) -> Result<Vec<Selection>, Diagnostic> {
    let mut selections = split(settings, packages.members.clone(), RootFeatures::default_features(), None);
    for (name, variant) in &settings.variants {
        let members = members_of(variant, name, packages)?;
        let together = settings.feature_unification == FeatureUnification::Workspace && members.len() > 1;
        // `Workspace::members_with_features_old` in cargo's `src/cargo/core/workspace.rs`.
        if together && packages.resolver == ResolverBehavior::V1 && !variant.all_features {
            return Err(Diagnostic::new(
                "invalid-variant",
                format!("variant `{name}`: under resolver 1, cargo cannot give features to several members at once"),
            )
            .at("Cargo.toml")
            .help(
                "set `resolver = \"2\"`, write `feature-unification = \"package\"`, or name one member in `members`",
            ));
        }
        let features = match variant.all_features {
            true => RootFeatures::All,
            false => RootFeatures::Named { names: variant.features.clone(), default: !variant.no_default_features },
        };
        selections.extend(split(settings, members, features, Some(name.clone())));
    }
    if settings.has_tests() {
        let tests = split(settings, packages.members.clone(), RootFeatures::default_features(), None);
        selections.extend(tests.into_iter().map(|selection| Selection { intent: UserIntent::Test, ..selection }));
    }
    Ok(selections)
}

/// Selections of all members together, or of each member separately.
fn split(
    settings: &Settings,
    members: Vec<PackageIx>,
    features: RootFeatures,
    variant: Option<String>,
) -> Vec<Selection> {
    let selection = |members| Selection {
        members,
        intent: UserIntent::Build,
        features: features.clone(),
        profile: DEFAULT_PROFILE.to_owned(),
        variant: variant.clone(),
    };
    match settings.feature_unification {
        FeatureUnification::Package => members.into_iter().map(|member| selection(vec![member])).collect(),
        FeatureUnification::Workspace => vec![selection(members)],
    }
}

/// The members that have a variant.
fn members_of(variant: &Variant, name: &str, packages: &PackageGraph) -> Result<Vec<PackageIx>, Diagnostic> {
    let fail = |message: String, help: &str| {
        Diagnostic::new("invalid-variant", format!("variant `{name}`: {message}")).at("Cargo.toml").help(help)
    };
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(fail("its name has characters other than letters, digits, `-` and `_`".to_owned(), "rename it"));
    }
    if variant.all_features && (variant.no_default_features || !variant.features.is_empty()) {
        return Err(fail("`all-features` cannot be combined with other features".to_owned(), "leave one of them out"));
    }
    let has_all = |member: PackageIx| variant.features.iter().all(|one| packages[member].has_feature(one));
    let Some(names) = &variant.members else {
        let members: Vec<_> = packages.members.iter().copied().filter(|&member| has_all(member)).collect();
        return match members.is_empty() {
            true => Err(fail(
                format!("no member has the features {}", variant.features.join(", ")),
                "correct `features`, or set `members` to see which of them lack a feature",
            )),
            false => Ok(members),
        };
    };
    let mut members = Vec::new();
    for member in names {
        let found = packages.members.iter().copied().find(|&ix| packages[ix].name == *member);
        let ix = found.ok_or_else(|| fail(format!("there is no member `{member}`"), "correct `members`"))?;
        let missing = variant.features.iter().find(|one| !packages[ix].has_feature(one));
        if let Some(missing) = missing {
            let message = format!("package `{}` has no feature `{missing}`", packages[ix].display());
            return Err(fail(message, "correct `features` or `members`"));
        }
        members.push(ix);
    }
    Ok(members)
}
