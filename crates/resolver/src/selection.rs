//! The equivalent of cargo's command-line options.

use crate::link::PackageIx;
use crate::package_graph::PackageGraph;
use crate::profile::DEFAULT_PROFILE;

/// The command: `cargo build` or `cargo test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserIntent {
    /// Libraries and binaries, without dev-dependencies.
    Build,
    /// Tests as well, with dev-dependencies.
    Test,
}

/// The requested features of the selected members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootFeatures {
    /// As with `--all-features`.
    All,
    /// As with `--features a,b`, with or without `--no-default-features`.
    Named {
        /// Feature names, each for all members that have it; `member/feature` is for that member only.
        names: Vec<String>,
        /// Whether `default` is enabled.
        default: bool,
    },
}

impl RootFeatures {
    /// The default of cargo.
    pub fn default_features() -> Self {
        RootFeatures::Named { names: Vec::new(), default: true }
    }
}

/// A build of members with features in a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The members, as with `-p` or `--workspace`.
    pub members: Vec<PackageIx>,
    /// The command.
    pub intent: UserIntent,
    /// Requested features of the members.
    pub features: RootFeatures,
    /// Name of the profile.
    pub profile: String,
    /// Name of the declared variant; `None` for the default build.
    pub variant: Option<String>,
}

impl Selection {
    /// As `cargo build --release -p member` in the member's directory.
    pub fn build(member: PackageIx) -> Self {
        Selection {
            members: vec![member],
            intent: UserIntent::Build,
            features: RootFeatures::default_features(),
            profile: DEFAULT_PROFILE.to_owned(),
            variant: None,
        }
    }

    /// As `cargo test --release -p member` in the member's directory.
    pub fn test(member: PackageIx) -> Self {
        Selection { intent: UserIntent::Test, ..Selection::build(member) }
    }

    /// Sorted names of the requested features of a member, with `default` for default features: crate2nix's
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
