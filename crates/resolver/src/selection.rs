//! What is asked for, as on cargo's command line.

use crate::link::PackageIx;
use crate::package_graph::PackageGraph;
use crate::profile::DEFAULT_PROFILE;

/// `cargo build` or `cargo test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserIntent {
    /// Libraries and binaries; no dev-dependencies.
    Build,
    /// Test targets as well, with dev-dependencies.
    Test,
}

/// Features that the selected members are built with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootFeatures {
    /// `--all-features`
    All,
    /// `--features a,b`, with or without `--no-default-features`.
    Named {
        /// Features by name, of all members that have one of that name; `member/feature` is one of that member alone.
        names: Vec<String>,
        /// Whether `default` is on.
        default: bool,
    },
}

impl RootFeatures {
    /// What cargo builds when nothing is said.
    pub fn default_features() -> Self {
        RootFeatures::Named { names: Vec::new(), default: true }
    }
}

/// Members, intent, features and profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// `-p` for each of them, or `--workspace`.
    pub members: Vec<PackageIx>,
    /// Build or test.
    pub intent: UserIntent,
    /// Features of the members.
    pub features: RootFeatures,
    /// Name of the profile.
    pub profile: String,
    /// Name of the declared variant, where it is not the default build.
    pub variant: Option<String>,
}

impl Selection {
    /// `cargo build --release -p member`, run in the member's directory.
    pub fn build(member: PackageIx) -> Self {
        Selection {
            members: vec![member],
            intent: UserIntent::Build,
            features: RootFeatures::default_features(),
            profile: DEFAULT_PROFILE.to_owned(),
            variant: None,
        }
    }

    /// `cargo test --release -p member`, run in the member's directory.
    pub fn test(member: PackageIx) -> Self {
        Selection { intent: UserIntent::Test, ..Selection::build(member) }
    }

    /// The features asked of a member by name, sorted, `default` for default features: what crate2nix calls
    /// `rootFeatures`.
    pub fn requested_features(&self, packages: &PackageGraph, member: PackageIx) -> Vec<String> {
        let package = &packages[member];
        let mut requested = match &self.features {
            RootFeatures::All => package.feature_names().map(str::to_owned).collect(),
            RootFeatures::Named { names, .. } => {
                names.iter().filter(|name| package.has_feature(name)).cloned().collect::<Vec<_>>()
            }
        };
        if !matches!(self.features, RootFeatures::Named { default: false, .. }) {
            requested.push("default".to_owned());
        }
        requested.sort();
        requested.dedup();
        requested
    }
}
