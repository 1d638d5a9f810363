//! The table `[workspace.metadata.cratewright]`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cratewright_sources::diagnostic::{Diagnostic, Position};
use cratewright_staleness::TomlFile;
use serde::Deserialize;
use toml::Spanned;

use crate::limits::Limits;

const KEYS: &str = "its keys are `targets`, `cross`, `feature-unification`, `library`, `limits`, `variants`, `tests` and \
    `exclude-sources`";

/// The table. Unknown keys are errors, because a misspelt key would have no effect.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    targets: Option<Spanned<Vec<String>>>,
    /// Pairs of platforms to cross-compile for.
    pub cross: Vec<Cross>,
    exclude_sources: Vec<Spanned<String>>,
    /// How features of the members are unified.
    pub feature_unification: FeatureUnification,
    /// Location of the library of common Nix code: `beside`, `embedded` or a path.
    pub library: Option<String>,
    /// Limits on the build graph.
    pub limits: Limits,
    tests: Option<bool>,
    /// Additional feature sets, by name.
    pub variants: BTreeMap<String, Variant>,
}

/// Build and host platform of a cross build, as target triples or Nix systems.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// The platform that compiles.
    pub host: String,
    /// The platform that runs the result.
    pub target: String,
}

/// Parses `HOST:TARGET`; target triples and Nix systems contain no colon.
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

/// How features of the members are unified. The values are those of cargo's `resolver.feature-unification`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureUnification {
    /// Each member is resolved alone, as in `cargo build -p member`.
    Package,
    /// All members are resolved together, as in `cargo build --workspace`: every shared crate is built once.
    #[default]
    Workspace,
}

impl FeatureUnification {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            FeatureUnification::Package => FeatureUnification::Workspace,
            FeatureUnification::Workspace => FeatureUnification::Package,
        }
    }
}

impl fmt::Display for FeatureUnification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FeatureUnification::Package => "package",
            FeatureUnification::Workspace => "workspace",
        })
    }
}

/// A feature set other than the default one, with cargo's options.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variant {
    /// Value of `--features`.
    pub features: Vec<String>,
    /// Value of `--all-features`.
    pub all_features: bool,
    /// Value of `--no-default-features`.
    pub no_default_features: bool,
    /// Members that have the variant; by default all that declare the features.
    pub members: Option<Vec<String>>,
}

/// The path in the root manifest to the table.
#[derive(Deserialize)]
struct Root {
    workspace: WithMetadata,
}

#[derive(Deserialize)]
struct WithMetadata {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    cratewright: Settings,
}

impl Settings {
    /// Reads the table of the root manifest.
    pub(crate) fn parse(root: &TomlFile) -> Result<Self, Diagnostic> {
        let table = root.table.get("workspace").and_then(|table| table.get("metadata")?.get("cratewright"));
        if table.is_none() {
            return Ok(Settings::default());
        }
        let invalid = |message: &str, span: Option<std::ops::Range<usize>>| {
            let message = format!("`workspace.metadata.cratewright` {message}");
            let position = span.map(|span| Position::of(&root.text, span.start));
            Diagnostic::new("invalid-metadata", message).at(root.file.as_str()).position(position)
        };
        let Root { workspace } = toml::from_str(&root.text).map_err(|error: toml::de::Error| {
            let limits = table.and_then(|table| table.get("limits"));
            let help = match limits.map(Limits::deserialize) {
                Some(Err(_)) => format!("the keys of `limits` are {}", Limits::KEYS),
                _ => KEYS.to_owned(),
            };
            invalid(&format!("cannot be read: {}", error.message()), error.span()).help(help)
        })?;
        let settings = workspace.metadata.cratewright;
        if let Some(targets) = settings.targets.as_ref().filter(|targets| targets.get_ref().is_empty()) {
            return Err(invalid("has an empty list of `targets`", Some(targets.span()))
                .help("write for example `targets = [\"x86_64-linux\", \"aarch64-darwin\"]`, or remove the key"));
        }
        let is_invalid = |pattern: &&Spanned<String>| {
            let pattern = pattern.get_ref().trim_end_matches('/');
            pattern.is_empty() || pattern.contains(['!', '[', ']', '\\'])
        };
        if let Some(pattern) = settings.exclude_sources.iter().find(is_invalid) {
            let message = format!("has an invalid pattern in `exclude-sources`, `{}`", pattern.get_ref());
            return Err(invalid(&message, Some(pattern.span())).help(
                "write a name such as `*.snap`, or a path relative to the workspace root; `*`, `?` and `**` are wildcards",
            ));
        }
        Ok(settings)
    }

    /// Values of `targets`, as target triples or Nix systems.
    pub fn targets(&self) -> Option<&[String]> {
        self.targets.as_ref().map(|targets| targets.get_ref().as_slice())
    }

    /// Patterns of files that are excluded from the sources of all packages, without trailing slashes.
    pub fn exclude_sources(&self) -> Vec<String> {
        self.exclude_sources.iter().map(|pattern| pattern.get_ref().trim_end_matches('/').to_owned()).collect()
    }

    /// Whether dev-dependencies of members are resolved as well; true by default.
    pub fn has_tests(&self) -> bool {
        self.tests != Some(false)
    }
}
