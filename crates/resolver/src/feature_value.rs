//! Values of a `[features]` table, parsed once: [`crate::Package::parse_feature_value`] does.

use crate::link::{DependencyNameIx, FeatureIx, Link};

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

impl FeatureValue {
    /// The feature of the same package, if it is one.
    pub(crate) fn as_feature(&self) -> Option<FeatureIx> {
        match self {
            FeatureValue::Feature(feature) => Some(*feature),
            _ => None,
        }
    }
}
