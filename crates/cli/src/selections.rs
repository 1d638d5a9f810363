//! The selections that `Cargo.nix` has, from the settings of the workspace.

use std::collections::BTreeSet;

use cratewright_resolver::{DEFAULT_PROFILE, Package, PackageGraph, PackageIx, RootFeatures, Selection, UserIntent};
use cratewright_sources::diagnostic::{Diagnostic, Position};
use cratewright_sources::near::{quoted, suggestion};
use cratewright_workspace::{FeatureUnification, Placed, ResolverBehavior, Settings, Variant};

/// All selections: default builds first, then variants, then tests.
pub(crate) fn selections(settings: &Settings, packages: &PackageGraph) -> Result<Vec<Selection>, Diagnostic> {
    let mut selections = split(settings, packages.members.clone(), RootFeatures::default_features(), None);
    for (name, Placed { value: variant, position }) in &settings.variants {
        let members = members_of(variant, name, *position, packages)?;
        let together = settings.feature_unification == FeatureUnification::Workspace && members.len() > 1;
        // `Workspace::members_with_features_old` in cargo's `src/cargo/core/workspace.rs`.
        if together && packages.resolver == ResolverBehavior::V1 && !variant.all_features {
            let message = "under resolver 1, cargo cannot give features to several members at once";
            return Err(invalid(name, *position, message).help(
                "set `resolver = \"2\"`, write `feature-unification = \"package\"`, or name one member in `members`",
            ));
        }
        let features = match variant.all_features {
            true => RootFeatures::All,
            false => RootFeatures::Named {
                names: variant.features.iter().map(|feature| feature.value.clone()).collect(),
                default: !variant.no_default_features,
            },
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

/// The members that have a variant. `position` is that of its name.
fn members_of(
    variant: &Variant,
    name: &str,
    position: Position,
    packages: &PackageGraph,
) -> Result<Vec<PackageIx>, Diagnostic> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return Err(invalid(name, position, "this is not a valid name").help(
            "rename it; use letters, digits, `-` and `_`, as in `[workspace.metadata.cratewright.variants.loud]`",
        ));
    }
    if variant.all_features && (variant.no_default_features || !variant.features.is_empty()) {
        return Err(invalid(name, position, "`all-features` cannot be combined with other features")
            .help("remove `all-features`, or remove `features` and `no-default-features`"));
    }
    let all = &packages.members;
    let Some(names) = &variant.members else {
        let has_all = |member: &PackageIx| lacking(variant, &packages[*member]).is_none();
        let members: Vec<_> = all.iter().copied().filter(has_all).collect();
        return if members.is_empty() { Err(no_member_has(variant, name, position, packages)) } else { Ok(members) };
    };
    let mut members = Vec::new();
    for Placed { value: member, position } in names {
        let ix = all.iter().copied().find(|&ix| packages[ix].name == *member).ok_or_else(|| {
            let known = all.iter().map(|&ix| packages[ix].name.as_str());
            invalid(name, *position, &format!("there is no member `{member}`")).help(suggestion(member, known))
        })?;
        if let Some(Placed { value: feature, position }) = lacking(variant, &packages[ix]) {
            let message = format!("package `{}` has no feature `{feature}`", packages[ix].display());
            let known: Vec<&str> = packages[ix].feature_names().collect();
            return Err(invalid(name, *position, &message).help(match known.is_empty() {
                _ if feature.contains('/') => of_dependency(feature, member),
                true => format!("declare it in `[features]` of `{member}`, which has no features"),
                false => suggestion(feature, known),
            }));
        }
        members.push(ix);
    }
    Ok(members)
}

/// The first feature of a variant that a package does not have.
fn lacking<'a>(variant: &'a Variant, package: &Package) -> Option<&'a Placed<String>> {
    variant.features.iter().find(|feature| !package.has_feature(&feature.value))
}

/// The error for a variant without `members` whose features no member has.
fn no_member_has(variant: &Variant, name: &str, position: Position, packages: &PackageGraph) -> Diagnostic {
    let all = || packages.members.iter().map(|&member| &packages[member]);
    let is_unknown = |feature: &&Placed<String>| !all().any(|member| member.has_feature(&feature.value));
    if let Some(Placed { value: feature, position }) = variant.features.iter().find(is_unknown) {
        let known: BTreeSet<&str> = all().flat_map(Package::feature_names).collect();
        return invalid(name, *position, &format!("no member has the feature `{feature}`")).help(
            match known.is_empty() {
                _ if feature.contains('/') => of_dependency(feature, "a member"),
                true => "remove the variant: no member has features".to_owned(),
                false => suggestion(feature, known),
            },
        );
    }
    let features: Vec<&str> = variant.features.iter().map(|feature| feature.value.as_str()).collect();
    invalid(name, position, &format!("no member has all of the features {}", quoted(&features).join(", ")))
        .help("declare a variant for each member that has one of them")
}

/// Help for a feature of a dependency, as cargo's `--features` accepts it.
fn of_dependency(feature: &str, member: &str) -> String {
    format!("declare a feature of {member} that enables it, such as `more = [\"{feature}\"]`, and name that feature")
}

fn invalid(name: &str, position: Position, message: &str) -> Diagnostic {
    Diagnostic::new("invalid-variant", format!("variant `{name}`: {message}")).at("Cargo.toml").position(Some(position))
}
