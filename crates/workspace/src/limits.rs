//! `[workspace.metadata.cratewright.limits]`: what the build graph may come to.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use semver::{Version, VersionReq};
use serde::Deserialize;

/// Ceilings and bans for what is built. Counts are of crate derivations, on the platform that has most of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// How many crates there may be.
    pub crates: Option<usize>,
    /// How many packages may be built in several versions, besides those accepted.
    pub duplicates: Option<usize>,
    /// Versions that do not count as duplicates.
    pub accepted_duplicates: Vec<PackagePattern>,
    /// How many crates the longest chain of dependencies may have.
    pub depth: Option<usize>,
    /// By member: how many crates may be built again if it changes, itself among them.
    pub cone: BTreeMap<String, usize>,
    /// By member: how many crates it may consist of, itself among them.
    pub closure: BTreeMap<String, usize>,
    /// Packages that must not be built.
    pub banned: Vec<PackagePattern>,
    /// Features that must not be on.
    pub banned_features: Vec<FeaturePattern>,
    /// By member: packages that it must not depend on, directly or not.
    pub forbidden_dependencies: BTreeMap<String, Vec<PackagePattern>>,
    /// Whether a breach makes `check` fail; it does if nothing is said.
    pub enforce: Option<bool>,
}

impl Limits {
    /// Names of the keys, for messages.
    pub const KEYS: &str = "`crates`, `duplicates`, `accepted-duplicates`, `depth`, `cone`, `closure`, `banned`, \
        `banned-features`, `forbidden-dependencies` and `enforce`";

    /// Whether a breach makes `check` fail, or is only reported.
    pub fn is_enforced(&self) -> bool {
        self.enforce != Some(false)
    }
}

/// A package in any version, or in those that a requirement allows: `openssl-sys`, `time@0.1`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PackagePattern {
    /// Name of the package.
    pub name: String,
    /// As in the manifest of a dependent: `0.1`, `=1.0.3`, `>=2, <2.4`.
    pub requirement: Option<VersionReq>,
}

/// A feature of a package: `tokio/full`, `syn@1/extra-traits`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FeaturePattern {
    /// The package.
    pub package: PackagePattern,
    /// Name of the feature.
    pub feature: String,
}

impl PackagePattern {
    /// Whether a version of a package is meant. A version that is no semantic one fits no requirement.
    pub fn matches(&self, name: &str, version: &str) -> bool {
        let fits =
            |requirement: &VersionReq| Version::parse(version).is_ok_and(|version| requirement.matches(&version));
        self.name == name && self.requirement.as_ref().is_none_or(fits)
    }
}

impl FromStr for PackagePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, requirement) = match text.split_once('@') {
            Some((name, requirement)) => (name, Some(requirement)),
            None => (text, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return Err(format!("`{text}` is not a package, write for example `openssl-sys` or `time@0.1`"));
        }
        let parse = |requirement: &str| {
            VersionReq::parse(requirement)
                .map_err(|error| format!("`{text}` has an invalid version requirement: {error}"))
        };
        Ok(PackagePattern { name: name.to_owned(), requirement: requirement.map(parse).transpose()? })
    }
}

impl FromStr for FeaturePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('/') {
            Some((package, feature)) if !feature.is_empty() => {
                Ok(FeaturePattern { package: package.parse()?, feature: feature.to_owned() })
            }
            _ => Err(format!("`{text}` is not a feature of a package, write for example `tokio/full`")),
        }
    }
}

impl TryFrom<String> for PackagePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for FeaturePattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for PackagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.requirement {
            // A caret is what a manifest means without one.
            Some(requirement) => write!(f, "{}@{}", self.name, requirement.to_string().trim_start_matches('^')),
            None => f.write_str(&self.name),
        }
    }
}

impl fmt::Display for FeaturePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.package, self.feature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_without_a_version_means_all_of_them() {
        let pattern: PackagePattern = "openssl-sys".parse().unwrap();
        assert!(pattern.matches("openssl-sys", "0.9.100"));
        assert!(pattern.matches("openssl-sys", "0.9.100-rc.1"));
        assert!(!pattern.matches("openssl", "0.9.100"));
    }

    #[test]
    fn a_version_is_a_requirement_as_in_a_manifest() {
        let check = |pattern: &str, version: &str| pattern.parse::<PackagePattern>().unwrap().matches("time", version);
        assert!(check("time@0.1", "0.1.45"));
        assert!(!check("time@0.1", "0.3.1"));
        assert!(check("time@=0.1.45", "0.1.45+build"));
        assert!(!check("time@=0.1.45", "0.1.46"));
        assert!(check("time@>=0.1, <0.3", "0.2.0"));
        assert!(!check("time@0.1", "not-a-version"));
    }

    #[test]
    fn patterns_are_shown_as_they_are_written() {
        for text in ["openssl-sys", "time@0.1", "time@=0.1.45", "time@>=0.1, <0.3", "time@*"] {
            assert_eq!(text.parse::<PackagePattern>().unwrap().to_string(), text);
        }
        for text in ["tokio/full", "syn@1/extra-traits"] {
            assert_eq!(text.parse::<FeaturePattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_patterns_say_what_to_write() {
        let package = |text: &str| text.parse::<PackagePattern>().unwrap_err();
        assert_eq!(package(""), "`` is not a package, write for example `openssl-sys` or `time@0.1`");
        assert_eq!(package("time 0.1"), "`time 0.1` is not a package, write for example `openssl-sys` or `time@0.1`");
        let invalid = "`time@new` has an invalid version requirement: unexpected character 'n' while parsing major version number";
        assert_eq!(package("time@new"), invalid);
        let feature = |text: &str| text.parse::<FeaturePattern>().unwrap_err();
        assert_eq!(feature("tokio"), "`tokio` is not a feature of a package, write for example `tokio/full`");
        assert_eq!(feature("tokio/"), "`tokio/` is not a feature of a package, write for example `tokio/full`");
    }
}
