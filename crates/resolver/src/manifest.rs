//! The few keys of the root manifest that `cargo metadata` does not print.

use std::collections::BTreeMap;

use cargo_util_schemas::manifest::{TomlLints, TomlProfile};
use serde::Deserialize;

use crate::error::ResolveError;
use crate::member_manifest::lint_flags;
use crate::profile::Profiles;

/// Rules of feature resolution, from `resolver = "..."` or the edition.
///
/// Resolver 3 differs from 2 only in how versions are picked, which `Cargo.lock` has settled already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResolverBehavior {
    /// One feature set per package: build-, dev-dependencies and inactive platforms all add to it.
    V1,
    /// Host features apart, dev-dependencies only for tests, inactive platforms ignored.
    V2,
}

/// The root manifest's `resolver` keys and profiles.
#[derive(Debug, Clone)]
pub struct WorkspaceManifest {
    explicit: Option<ResolverBehavior>,
    /// `[profile]`
    pub profiles: Profiles,
    /// `[workspace.lints]`, as flags for rustc.
    pub lints: Vec<String>,
}

#[derive(Deserialize)]
struct RawManifest {
    workspace: Option<RawTable>,
    package: Option<RawTable>,
    #[serde(default)]
    profile: BTreeMap<String, TomlProfile>,
}

#[derive(Deserialize)]
struct RawTable {
    resolver: Option<String>,
    lints: Option<TomlLints>,
}

impl WorkspaceManifest {
    /// Reads the text of the workspace root's `Cargo.toml`, and `[profile]` of cargo's configuration, which counts more.
    ///
    /// # Errors
    /// When the text is no TOML, the resolver is none that cargo knows, or a profile inherits from none or from itself.
    pub fn parse(text: &str, config_profiles: &toml::Table) -> Result<Self, ResolveError> {
        let mut raw: RawManifest =
            toml::from_str(text).map_err(|error| ResolveError::InvalidManifest { message: error.to_string() })?;
        // Cargo's `merge_config_profiles` (`src/cargo/core/profiles.rs`).
        for (name, table) in config_profiles {
            let invalid = |error: toml::de::Error| ResolveError::InvalidProfile {
                profile: name.clone(),
                message: error.message().to_owned(),
            };
            let table: TomlProfile = table.clone().try_into().map_err(invalid)?;
            raw.profile.entry(name.clone()).or_default().merge(&table);
        }
        let (resolver, lints) = raw.workspace.map(|table| (table.resolver, table.lints)).unwrap_or_default();
        let resolver = resolver.or(raw.package.and_then(|table| table.resolver));
        let lints = lints.as_ref().map(lint_flags).unwrap_or_default();
        let explicit = match resolver.as_deref() {
            None => None,
            Some("1") => Some(ResolverBehavior::V1),
            Some("2" | "3") => Some(ResolverBehavior::V2),
            Some(other) => return Err(ResolveError::UnknownResolver { resolver: other.to_owned() }),
        };
        Ok(WorkspaceManifest { explicit, profiles: Profiles::new(raw.profile)?, lints })
    }

    /// The behaviour in force: the key, else what the root package's edition implies, else 1 (virtual workspaces).
    ///
    /// Source: <https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions>.
    pub fn resolver(&self, root_edition: Option<&str>) -> ResolverBehavior {
        self.explicit.unwrap_or(match root_edition {
            None | Some("2015" | "2018") => ResolverBehavior::V1,
            Some(_) => ResolverBehavior::V2,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WorkspaceManifest, ResolveError> {
        WorkspaceManifest::parse(text, &toml::Table::new())
    }

    #[track_caller]
    fn check(text: &str, root_edition: Option<&str>, expected: ResolverBehavior) {
        assert_eq!(parse(text).unwrap().resolver(root_edition), expected);
    }

    #[test]
    fn resolver_comes_from_key_then_edition_then_one() {
        check("[workspace]\nresolver = '2'", None, ResolverBehavior::V2);
        check("[workspace]\nresolver = '3'", Some("2015"), ResolverBehavior::V2);
        check("[package]\nname = 'a'\nresolver = '1'", Some("2024"), ResolverBehavior::V1);
        check("[package]\nname = 'a'", Some("2018"), ResolverBehavior::V1);
        check("[package]\nname = 'a'", Some("2021"), ResolverBehavior::V2);
        check("[workspace]\nmembers = []", None, ResolverBehavior::V1);
    }

    #[test]
    fn unknown_resolver_is_refused() {
        let error = parse("[workspace]\nresolver = '9'").unwrap_err();
        assert!(matches!(error, ResolveError::UnknownResolver { resolver } if resolver == "9"));
    }
}
