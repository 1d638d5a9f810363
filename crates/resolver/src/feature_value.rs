//! Values of a `[features]` table, as [`crate::Package::parse_feature_value`] parses them.

use crate::link::{DependencyNameIx, FeatureIx, Link};

/// A feature or dependency that a feature, or a dependency's `features = [...]`, enables.
#[derive(Debug, Clone)]
pub(crate) enum FeatureValue {
    /// A feature of the same package.
    Feature(FeatureIx),
    /// An optional dependency, by its key in the manifest.
    Dependency(DependencyNameIx),
    /// A feature of a dependency.
    DependencyFeature {
        /// Key of the dependency in the manifest.
        dependency: DependencyNameIx,
        /// The name after the slash.
        feature: String,
        /// Whether it is `name?/feature`, which does not enable the dependency.
        weak: bool,
        /// The feature of the same package that cargo also enables for a strong `name/feature`, if there is one.
        same_named_feature: Option<FeatureIx>,
        /// The dependencies with that key, each with the value in terms of its package's features.
        enables: Vec<(Link, FeatureValue)>,
    },
    /// A name that the package does not define. It enables nothing; cargo rejects such a workspace.
    Unknown,
}

impl FeatureValue {
    /// The feature of the same package, if the value is one.
    pub(crate) fn as_feature(&self) -> Option<FeatureIx> {
        match self {
            FeatureValue::Feature(feature) => Some(*feature),
            _ => None,
        }
    }
}
