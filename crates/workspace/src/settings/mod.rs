//! Cratewright's settings in manifests: the tables `[workspace.metadata.cratewright]` and
//! `[package.metadata.cratewright]`.

mod keys;
mod limits;
mod package;
mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cratewright_sources::diagnostic::{Diagnostic, Position};
use cratewright_staleness::TomlFile;
use toml::de::DeTable;

pub use self::keys::{Key, LIBRARY};
pub use self::limits::{FeaturePattern, Limits, PackagePattern};
pub(crate) use self::package::extra_sources;
pub use self::section::{Placed, may_have_unread_table};

use self::keys::{
    ALL_FEATURES, CROSS, EXCLUDE_SOURCES, FEATURE_UNIFICATION, FEATURES, LIMITS, MEMBERS, NO_DEFAULT_FEATURES,
    OF_LIMITS, OF_VARIANT, OF_WORKSPACE, TARGETS, TESTS, VARIANTS,
};
use self::section::{Invalid, Read, Section, Written, full_list, list, table};

/// The settings of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    targets: Option<Vec<Placed<String>>>,
    /// Pairs of platforms to cross-compile for.
    pub cross: Vec<Placed<Cross>>,
    exclude_sources: Vec<String>,
    /// How features of the members are unified.
    pub feature_unification: FeatureUnification,
    /// Location of the library of common Nix code: `beside`, `embedded` or a path.
    pub library: Option<Placed<String>>,
    /// Limits on the build graph.
    pub limits: Limits,
    tests: Option<bool>,
    /// Additional feature sets, by name.
    pub variants: BTreeMap<String, Placed<Variant>>,
}

/// Build and host platform of a cross build, as target triples or Nix systems.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
#[derive(Debug, Clone, Default)]
pub struct Variant {
    /// Value of `--features`.
    pub features: Vec<Placed<String>>,
    /// Value of `--all-features`.
    pub all_features: bool,
    /// Value of `--no-default-features`.
    pub no_default_features: bool,
    /// Members that have the variant; by default all that declare the features.
    pub members: Option<Vec<Placed<String>>>,
}

impl Settings {
    /// Reads the table of the root manifest.
    pub(crate) fn parse(root: &TomlFile) -> Result<Self, Diagnostic> {
        let Ok(document) = DeTable::parse(&root.text) else { return Ok(Settings::default()) };
        Section::check_top(root, document.get_ref(), &OF_WORKSPACE)?;
        let Some(workspace) = document.get_ref().get("workspace") else { return Ok(Settings::default()) };
        let Some(section) = Section::find(root, workspace, &OF_WORKSPACE)? else { return Ok(Settings::default()) };
        let limits = section.inner(&LIMITS, &OF_LIMITS)?;
        let variants = section.tables(&VARIANTS, &OF_VARIANT)?.into_iter();
        let variant = |(name, (position, section))| {
            let value = Variant::read(&section)?;
            if !value.selects_features() {
                let error = section.incomplete(position, "selects no features, so it would be the default");
                return Err(error.help(format!("{}, or remove the variant", FEATURES.help())));
            }
            Ok((name, Placed { value, position }))
        };
        Ok(Settings {
            targets: section.read_with(&TARGETS, full_list)?,
            cross: section.read(&CROSS)?.unwrap_or_default(),
            exclude_sources: section
                .read_with(&EXCLUDE_SOURCES, |value, text| list(value, text, pattern))?
                .unwrap_or_default(),
            feature_unification: section.read(&FEATURE_UNIFICATION)?.unwrap_or_default(),
            library: section.read(&LIBRARY)?,
            limits: limits.map(|section| Limits::read(&section)).transpose()?.unwrap_or_default(),
            tests: section.read(&TESTS)?,
            variants: variants.map(variant).collect::<Result<_, Diagnostic>>()?,
        })
    }

    /// Values of `targets`, as target triples or Nix systems.
    pub fn targets(&self) -> Option<Vec<String>> {
        let targets = self.targets.as_ref()?.iter();
        Some(targets.map(|target| target.value.clone()).collect())
    }

    /// Position of the first value of `targets` or `cross` that names a platform.
    pub fn position_of(&self, is_it: impl Fn(&str) -> bool) -> Option<Position> {
        let target = self.targets.iter().flatten().find(|target| is_it(&target.value));
        let cross = self.cross.iter().find(|pair| is_it(&pair.value.host) || is_it(&pair.value.target));
        target.map(|target| target.position).or(cross.map(|pair| pair.position))
    }

    /// Patterns of files that are excluded from the sources of all packages, without trailing slashes.
    pub fn exclude_sources(&self) -> &[String] {
        &self.exclude_sources
    }

    /// Whether dev-dependencies of members are resolved as well; true by default.
    pub fn has_tests(&self) -> bool {
        self.tests != Some(false)
    }
}

impl Variant {
    fn selects_features(&self) -> bool {
        !self.features.is_empty() || self.all_features || self.no_default_features
    }

    fn read(section: &Section<'_>) -> Result<Self, Diagnostic> {
        Ok(Variant {
            features: section.read(&FEATURES)?.unwrap_or_default(),
            all_features: section.read(&ALL_FEATURES)?.unwrap_or_default(),
            no_default_features: section.read(&NO_DEFAULT_FEATURES)?.unwrap_or_default(),
            members: section.read_with(&MEMBERS, full_list)?,
        })
    }
}

impl Read for Cross {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        let table = table(value)?;
        match (table.get("host"), table.get("target")) {
            (Some(host), Some(target)) if table.len() == 2 => {
                Ok(Cross { host: String::read(host, text)?, target: String::read(target, text)? })
            }
            _ => Err(Invalid::new(value, "does not have exactly the keys `host` and `target`")),
        }
    }
}

impl Read for FeatureUnification {
    fn read(value: &Written<'_>, _: &str) -> Result<Self, Invalid> {
        match value.get_ref().as_str() {
            Some("package") => Ok(FeatureUnification::Package),
            Some("workspace") => Ok(FeatureUnification::Workspace),
            _ => Err(Invalid::new(value, "is neither `\"workspace\"` nor `\"package\"`")),
        }
    }
}

/// A pattern of `exclude-sources`, without trailing slashes.
fn pattern(value: &Written<'_>, text: &str) -> Result<String, Invalid> {
    let pattern = String::read(value, text)?;
    let pattern = pattern.trim_end_matches('/');
    if pattern.is_empty() {
        return Err(Invalid::new(value, "is empty"));
    }
    if pattern.split('/').any(|part| part == "." || part == "..") {
        return Err(Invalid::new(value, "has the part `.` or `..`, so it matches no file"));
    }
    match pattern.chars().find(|c| ['!', '[', ']', '\\'].contains(c)) {
        Some(c) => Err(Invalid::new(value, format!("has the character `{c}`"))),
        None => Ok(pattern.to_owned()),
    }
}
