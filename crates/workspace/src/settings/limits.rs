//! The table `[workspace.metadata.cratewright.limits]`: limits on the build graph.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use cratewright_sources::diagnostic::Diagnostic;
use semver::{Version, VersionReq};

use super::keys::{
    ACCEPTED_DUPLICATES, BANNED, BANNED_FEATURES, CLOSURE, CONE, CRATES, DEPTH, DUPLICATES, ENFORCE,
    FORBIDDEN_DEPENDENCIES,
};
use super::section::{Invalid, Read, Section, Written};

/// Limits and bans. A count is the number of crate derivations on the platform with the most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of crates.
    pub crates: Option<usize>,
    /// Maximum number of packages that are built in several versions, apart from accepted ones.
    pub duplicates: Option<usize>,
    /// Versions that do not count as duplicates.
    pub accepted_duplicates: Vec<PackagePattern>,
    /// Maximum number of crates in the longest chain of dependencies.
    pub depth: Option<usize>,
    /// Maximum number of crates that are rebuilt if a member changes, including itself, by member.
    pub cone: BTreeMap<String, usize>,
    /// Maximum number of crates that a member consists of, including itself, by member.
    pub closure: BTreeMap<String, usize>,
    /// Packages that must not be built.
    pub banned: Vec<PackagePattern>,
    /// Features that must not be enabled.
    pub banned_features: Vec<FeaturePattern>,
    /// Packages that a member must not depend on, directly or indirectly, by member.
    pub forbidden_dependencies: BTreeMap<String, Vec<PackagePattern>>,
    /// Whether a violation makes `check` fail; true by default.
    pub enforce: Option<bool>,
}

impl Limits {
    pub(super) fn read(section: &Section<'_>) -> Result<Self, Diagnostic> {
        Ok(Limits {
            crates: section.read(&CRATES)?,
            duplicates: section.read(&DUPLICATES)?,
            accepted_duplicates: section.read(&ACCEPTED_DUPLICATES)?.unwrap_or_default(),
            depth: section.read(&DEPTH)?,
            cone: section.read(&CONE)?.unwrap_or_default(),
            closure: section.read(&CLOSURE)?.unwrap_or_default(),
            banned: section.read(&BANNED)?.unwrap_or_default(),
            banned_features: section.read(&BANNED_FEATURES)?.unwrap_or_default(),
            forbidden_dependencies: section.read(&FORBIDDEN_DEPENDENCIES)?.unwrap_or_default(),
            enforce: section.read(&ENFORCE)?,
        })
    }

    /// Whether a violation makes `check` fail instead of being only reported.
    pub fn is_enforced(&self) -> bool {
        self.enforce != Some(false)
    }
}

/// A package in any version, or in the versions that match a requirement: `openssl-sys`, `time@0.1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagePattern {
    /// Package name.
    pub name: String,
    /// A requirement as in a manifest: `0.1`, `=1.0.3`, `>=2, <2.4`.
    pub requirement: Option<VersionReq>,
}

/// A feature of a package: `tokio/full`, `syn@1/extra-traits`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeaturePattern {
    /// The package.
    pub package: PackagePattern,
    /// Feature name.
    pub feature: String,
}

impl PackagePattern {
    /// Whether the pattern matches a version of a package. A version that is not valid SemVer matches no requirement.
    pub fn matches(&self, name: &str, version: &str) -> bool {
        let fits =
            |requirement: &VersionReq| Version::parse(version).is_ok_and(|version| requirement.matches(&version));
        self.name == name && self.requirement.as_ref().is_none_or(fits)
    }
}

/// The error says what is wrong with the text: `is not a package`.
impl FromStr for PackagePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, requirement) = match text.split_once('@') {
            Some((name, requirement)) => (name, Some(requirement)),
            None => (text, None),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_') {
            return Err("is not a package".to_owned());
        }
        let parse = |requirement: &str| {
            VersionReq::parse(requirement).map_err(|error| format!("has an invalid version requirement: {error}"))
        };
        Ok(PackagePattern { name: name.to_owned(), requirement: requirement.map(parse).transpose()? })
    }
}

/// The error says what is wrong with the text: `is not a feature of a package`.
impl FromStr for FeaturePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.rsplit_once('/') {
            Some((package, feature)) if !feature.is_empty() => {
                Ok(FeaturePattern { package: package.parse()?, feature: feature.to_owned() })
            }
            _ => Err("is not a feature of a package".to_owned()),
        }
    }
}

impl Read for PackagePattern {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        String::read(value, text)?.parse().map_err(|reason: String| Invalid::new(value, reason))
    }
}

impl Read for FeaturePattern {
    fn read(value: &Written<'_>, text: &str) -> Result<Self, Invalid> {
        String::read(value, text)?.parse().map_err(|reason: String| Invalid::new(value, reason))
    }
}

impl fmt::Display for PackagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.requirement {
            // A requirement without an operator is a caret requirement.
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
    fn pattern_without_a_version_matches_all_versions() {
        let pattern: PackagePattern = "openssl-sys".parse().unwrap();
        assert!(pattern.matches("openssl-sys", "0.9.100"));
        assert!(pattern.matches("openssl-sys", "0.9.100-rc.1"));
        assert!(!pattern.matches("openssl", "0.9.100"));
    }

    #[test]
    fn version_is_a_requirement_as_in_a_manifest() {
        let check = |pattern: &str, version: &str| pattern.parse::<PackagePattern>().unwrap().matches("time", version);
        assert!(check("time@0.1", "0.1.45"));
        assert!(!check("time@0.1", "0.3.1"));
        assert!(check("time@=0.1.45", "0.1.45+build"));
        assert!(!check("time@=0.1.45", "0.1.46"));
        assert!(check("time@>=0.1, <0.3", "0.2.0"));
        assert!(!check("time@0.1", "not-a-version"));
    }

    #[test]
    fn patterns_are_displayed_as_written() {
        for text in ["openssl-sys", "time@0.1", "time@=0.1.45", "time@>=0.1, <0.3", "time@*"] {
            assert_eq!(text.parse::<PackagePattern>().unwrap().to_string(), text);
        }
        for text in ["tokio/full", "syn@1/extra-traits"] {
            assert_eq!(text.parse::<FeaturePattern>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn invalid_patterns_say_what_is_wrong() {
        let package = |text: &str| text.parse::<PackagePattern>().unwrap_err();
        assert_eq!(package(""), "is not a package");
        assert_eq!(package("time 0.1"), "is not a package");
        let invalid = "has an invalid version requirement: unexpected character 'n' while parsing major version number";
        assert_eq!(package("time@new"), invalid);
        let feature = |text: &str| text.parse::<FeaturePattern>().unwrap_err();
        assert_eq!(feature("tokio"), "is not a feature of a package");
        assert_eq!(feature("tokio/"), "is not a feature of a package");
    }
}
