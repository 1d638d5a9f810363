//! Which sources cargo's configuration puts in the place of others (cargo's book, "Source Replacement").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::config::CargoConfig;

/// `[source.<name>]`; paths are seen from the workspace root.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ConfiguredSource {
    replace_with: Option<String>,
    /// A directory of `cargo vendor`.
    pub directory: Option<String>,
    /// A directory of packed crates.
    pub local_registry: Option<String>,
    registry: Option<String>,
    /// URL of a repository.
    pub git: Option<String>,
    branch: Option<String>,
    tag: Option<String>,
    rev: Option<String>,
}

/// All of `[source]`.
#[derive(Debug, Clone)]
pub struct SourceReplacement(BTreeMap<String, ConfiguredSource>);

impl SourceReplacement {
    /// Reads it out of the configuration.
    pub fn new(config: &CargoConfig) -> Self {
        // Cargo has read it, or refuses it.
        let source =
            |(name, value): (&String, &Value)| Some((name.clone(), ConfiguredSource::deserialize(value).ok()?));
        SourceReplacement(config.tables("source").filter_map(source).collect())
    }

    /// What stands at the end of `replace-with` for a source as `Cargo.lock` has it; nothing if it is not replaced.
    pub fn of(&self, source_id: &str, is_crates_io: bool) -> Option<&ConfiguredSource> {
        let is_it =
            |name: &str, source: &ConfiguredSource| source.is(source_id) || (is_crates_io && name == "crates-io");
        let (_, mut at) = self.0.iter().find(|(name, source)| is_it(name, source))?;
        at.replace_with.as_ref()?;
        // Longer chains are circles.
        for _ in 0..self.0.len() {
            let Some(next) = &at.replace_with else { return Some(at) };
            at = self.0.get(next)?;
        }
        None
    }
}

impl ConfiguredSource {
    /// Whether it is the definition of a source, given as `Cargo.lock` has it.
    fn is(&self, id: &str) -> bool {
        let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
        if let Some(git) = id.strip_prefix("git+") {
            let place = git.rsplit_once('#').map_or(git, |(place, _)| place);
            let (url, reference) = place.split_once('?').unwrap_or((place, ""));
            let own = [("branch", &self.branch), ("tag", &self.tag), ("rev", &self.rev)];
            let own = own.into_iter().find_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
            return self.git.as_ref().is_some_and(|git| plain(git) == plain(url))
                && own.unwrap_or_default() == reference;
        }
        let id = id.strip_prefix("registry+").unwrap_or(id);
        self.registry.as_ref().is_some_and(|registry| plain(registry) == plain(id))
    }
}
