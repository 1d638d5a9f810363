//! `[workspace.metadata.cratewright]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr;

use cratewright_resolver::{
    DEFAULT_PROFILE, PackageGraph, PackageIx, Purpose, ResolverBehavior, RootFeatures, Selection,
};
use serde::Deserialize;

use crate::failure::Failure;

/// The table. Unknown keys are errors: a misspelt one would else mean nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// Platforms, as target triples or Nix systems.
    pub(crate) targets: Option<Vec<String>>,
    /// Builds on one platform for another.
    #[serde(default)]
    pub(crate) cross: Vec<Cross>,
    /// Patterns of files that no package is built from.
    #[serde(default)]
    exclude_sources: Vec<String>,
    #[serde(default)]
    pub(crate) feature_unification: FeatureUnification,
    /// Where the Nix code is that is the same for all: `beside`, `embedded` or a path.
    pub(crate) library: Option<String>,
    /// Whether members are resolved for their tests as well; they are if nothing is said.
    tests: Option<bool>,
    #[serde(default)]
    variants: BTreeMap<String, Variant>,
}

/// A pair of two platforms, as target triples or Nix systems.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// Where it is compiled.
    pub host: String,
    /// Where it runs.
    pub target: String,
}

/// `HOST:TARGET`; neither triples nor Nix systems hold a colon.
impl FromStr for Cross {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some((host, target)) if !host.is_empty() && !target.is_empty() => {
                Ok(Cross { host: host.to_owned(), target: target.to_owned() })
            }
            _ => Err("expected HOST:TARGET, for example x86_64-linux:wasm32-unknown-unknown"),
        }
    }
}

impl fmt::Display for Cross {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.target)
    }
}

/// Which members are resolved together. The words are those of cargo's `resolver.feature-unification`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FeatureUnification {
    /// Each member as `cargo build -p member`.
    Package,
    /// All members as `cargo build --workspace`: one build of every crate they share.
    #[default]
    Workspace,
}

impl fmt::Display for FeatureUnification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FeatureUnification::Package => "package",
            FeatureUnification::Workspace => "workspace",
        })
    }
}

/// Other features than the default ones, in cargo's words.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Variant {
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    all_features: bool,
    #[serde(default)]
    no_default_features: bool,
    /// Members that have it; else all that declare the features.
    members: Option<Vec<String>>,
}

impl Config {
    /// Reads the table out of `workspace_metadata`.
    pub(crate) fn parse(metadata: &serde_json::Value, root: &Path) -> Result<Self, Failure> {
        let Some(table) = metadata.get("cratewright") else { return Ok(Config::default()) };
        let config: Config = serde_json::from_value(table.clone()).map_err(|error| {
            Failure::new("invalid-metadata", format!("`workspace.metadata.cratewright` cannot be read: {error}"))
                .note("at", root.join("Cargo.toml").display().to_string())
                .help(
                    "its keys are `targets`, `cross`, `feature-unification`, `library`, `variants`, `tests` and `exclude-sources`",
                )
        })?;
        if config.targets.as_ref().is_some_and(Vec::is_empty) {
            return Err(Failure::new("invalid-metadata", "`workspace.metadata.cratewright.targets` lists no platform")
                .note("at", root.join("Cargo.toml").display().to_string())
                .help("write for example `targets = [\"x86_64-linux\", \"aarch64-darwin\"]`, or leave it out"));
        }
        Ok(config)
    }

    /// Patterns of `exclude-sources`, without what makes no difference.
    pub(crate) fn exclude_sources(&self, root: &Path) -> Result<Vec<String>, Failure> {
        let pattern = |pattern: &String| pattern.trim_end_matches('/').to_owned();
        let patterns: Vec<String> = self.exclude_sources.iter().map(pattern).collect();
        match patterns.iter().find(|pattern| pattern.is_empty() || pattern.contains(['!', '[', ']', '\\'])) {
            None => Ok(patterns),
            Some(pattern) => {
                let message =
                    format!("`workspace.metadata.cratewright.exclude-sources` has a pattern that is none, `{pattern}`");
                Err(Failure::new("invalid-metadata", message)
                    .note("at", root.join("Cargo.toml").display().to_string())
                    .help("write a name such as `*.snap`, or a path from the workspace root; `*`, `?` and `**` stand for others"))
            }
        }
    }

    /// The same workspace with the other unification.
    pub(crate) fn unified_otherwise(&self) -> Self {
        let feature_unification = match self.feature_unification {
            FeatureUnification::Package => FeatureUnification::Workspace,
            FeatureUnification::Workspace => FeatureUnification::Package,
        };
        Config { feature_unification, ..self.clone() }
    }

    /// What `Cargo.nix` is made of: default builds, then variants.
    pub(crate) fn selections(&self, packages: &PackageGraph, root: &Path) -> Result<Vec<Selection>, Failure> {
        let mut selections = self.split(packages.members.clone(), RootFeatures::default_features(), None);
        for (name, variant) in &self.variants {
            let members = variant.members(name, packages, root)?;
            let together = self.feature_unification == FeatureUnification::Workspace && members.len() > 1;
            // `Workspace::members_with_features_old` in cargo's `src/cargo/core/workspace.rs`.
            if together && packages.resolver == ResolverBehavior::V1 && !variant.all_features {
                return Err(Failure::new(
                    "invalid-variant",
                    format!(
                        "variant `{name}`: under resolver 1, cargo cannot give features to several members at once"
                    ),
                )
                .note("at", root.join("Cargo.toml").display().to_string())
                .help("set `resolver = \"2\"`, write `feature-unification = \"package\"`, or name one member in `members`"));
            }
            let features = match variant.all_features {
                true => RootFeatures::All,
                false => RootFeatures::Named { names: variant.features.clone(), default: !variant.no_default_features },
            };
            selections.extend(self.split(members, features, Some(name.clone())));
        }
        if self.tests != Some(false) {
            let tests = self.split(packages.members.clone(), RootFeatures::default_features(), None);
            selections.extend(tests.into_iter().map(|selection| Selection { purpose: Purpose::Test, ..selection }));
        }
        Ok(selections)
    }

    /// Members together or each by itself.
    fn split(&self, members: Vec<PackageIx>, features: RootFeatures, variant: Option<String>) -> Vec<Selection> {
        let selection = |members| Selection {
            members,
            purpose: Purpose::Build,
            features: features.clone(),
            profile: DEFAULT_PROFILE.to_owned(),
            variant: variant.clone(),
        };
        match self.feature_unification {
            FeatureUnification::Package => members.into_iter().map(|member| selection(vec![member])).collect(),
            FeatureUnification::Workspace => vec![selection(members)],
        }
    }
}

impl Variant {
    fn members(&self, name: &str, packages: &PackageGraph, root: &Path) -> Result<Vec<PackageIx>, Failure> {
        let fail = |message: String, help: &str| {
            Failure::new("invalid-variant", format!("variant `{name}`: {message}"))
                .note("at", root.join("Cargo.toml").display().to_string())
                .help(help)
        };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(fail(
                "its name has other characters than letters, digits, `-` and `_`".to_owned(),
                "rename it",
            ));
        }
        if self.all_features && (self.no_default_features || !self.features.is_empty()) {
            return Err(fail("`all-features` goes with no other features".to_owned(), "leave one of them out"));
        }
        let has_all = |member: PackageIx| self.features.iter().all(|one| packages.graph[member].has_feature(one));
        let Some(names) = &self.members else {
            let members: Vec<_> = packages.members.iter().copied().filter(|&member| has_all(member)).collect();
            return match members.is_empty() {
                true => Err(fail(
                    format!("no member has the features {}", self.features.join(", ")),
                    "correct `features`, or name `members` to see which lack what",
                )),
                false => Ok(members),
            };
        };
        let mut members = Vec::new();
        for member in names {
            let found = packages.members.iter().copied().find(|&ix| packages.graph[ix].name == *member);
            let ix = found.ok_or_else(|| fail(format!("there is no member `{member}`"), "correct `members`"))?;
            let missing = self.features.iter().find(|one| !packages.graph[ix].has_feature(one));
            if let Some(missing) = missing {
                let message = format!("package `{}` has no feature `{missing}`", packages.graph[ix].display());
                return Err(fail(message, "correct `features` or `members`"));
            }
            members.push(ix);
        }
        Ok(members)
    }
}
