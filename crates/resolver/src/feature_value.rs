//! Values of a `[features]` table, parsed once.
//!
//! Grammar as in cargo's `FeatureValue::new` (`src/cargo/core/summary.rs`): `name`, `dep:name`, `name/feature`,
//! `name?/feature`.

use crate::package::Package;
use crate::package_graph::Link;

/// Index into the feature names of one package, see [`Package::feature_name`].
pub type FeatureIx = u32;

/// Index into the names that a manifest has for dependencies, see [`Package::dependency_names`].
pub(crate) type DependencyNameIx = u32;

/// What a feature, or a dependency's `features = [...]`, turns on.
#[derive(Debug, Clone)]
pub(crate) enum FeatureValue {
    /// A feature of the same package.
    Feature(FeatureIx),
    /// An optional dependency, by its name in the manifest.
    Dependency(DependencyNameIx),
    /// A feature of a dependency.
    DependencyFeature {
        /// Name of the dependency in the manifest.
        dependency: DependencyNameIx,
        /// The text behind the slash.
        feature: String,
        /// `name?/feature`: only if something else turns the dependency on.
        weak: bool,
        /// The feature of the same package that cargo also turns on with a strong `name/feature`, where one exists.
        same_named_feature: Option<FeatureIx>,
        /// Declared dependencies of that name with the value in terms of what they lead to.
        enables: Vec<(Link, FeatureValue)>,
    },
    /// A name that the package does not declare. Cargo refuses such a workspace, so it turns on nothing.
    Unknown,
}

/// Parses one value in terms of `package`'s table. [`FeatureValue::DependencyFeature::enables`] is filled in later.
pub(crate) fn parse_feature_value(text: &str, package: &Package) -> FeatureValue {
    if let Some((dependency, feature)) = text.split_once('/') {
        let (dependency, weak) = match dependency.strip_suffix('?') {
            Some(dependency) => (dependency, true),
            None => (dependency, false),
        };
        let Some(name) = package.dependency_name_ix(dependency) else { return FeatureValue::Unknown };
        return FeatureValue::DependencyFeature {
            dependency: name,
            feature: feature.to_owned(),
            weak,
            same_named_feature: package.feature_ix(dependency),
            enables: Vec::new(),
        };
    }
    match text.strip_prefix("dep:") {
        Some(dependency) => {
            package.dependency_name_ix(dependency).map_or(FeatureValue::Unknown, FeatureValue::Dependency)
        }
        None => package.feature_ix(text).map_or(FeatureValue::Unknown, FeatureValue::Feature),
    }
}
