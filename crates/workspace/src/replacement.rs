//! Source replacement in cargo's configuration (cargo's book, "Source Replacement").

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::config::CargoConfig;

/// The table `[source.<name>]`; paths are relative to the workspace root.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ConfiguredSource {
    replace_with: Option<String>,
    /// A directory of `cargo vendor`.
    pub directory: Option<String>,
    /// A directory of packed crates.
    pub local_registry: Option<String>,
    registry: Option<String>,
    /// URL of a git repository.
    pub git: Option<String>,
    branch: Option<String>,
    tag: Option<String>,
    rev: Option<String>,
}

/// All tables of `[source]`.
#[derive(Debug, Clone)]
pub struct SourceReplacement(BTreeMap<String, ConfiguredSource>);

impl SourceReplacement {
    /// Reads the tables of the configuration.
    pub fn new(config: &CargoConfig) -> Self {
        // Cargo reports an invalid table.
        let source =
            |(name, value): (&String, &Value)| Some((name.clone(), ConfiguredSource::deserialize(value).ok()?));
        SourceReplacement(config.tables("source").filter_map(source).collect())
    }

    /// The last source in the chain of `replace-with`, given a source id of `Cargo.lock`; `None` if it is not replaced.
    pub fn of(&self, source_id: &str, is_crates_io: bool) -> Option<&ConfiguredSource> {
        let (first, end) = self.chain(source_id, is_crates_io)?;
        if first == end { None } else { self.0.get(end) }
    }

    /// A table `[source.<name>]` that makes cargo take a source from the source `by`, to be added to this
    /// configuration; `None` if files of the workspace already replace it. The source id is as in `Cargo.lock`, but
    /// without escapes.
    pub fn redirect(
        &self,
        source_id: &str,
        is_crates_io: bool,
        by: &str,
    ) -> Option<(String, BTreeMap<&'static str, String>)> {
        let mut table = BTreeMap::from([("replace-with", by.to_owned())]);
        let name = match self.chain(source_id, is_crates_io) {
            Some((_, end)) if self.0.get(end).is_some_and(ConfiguredSource::is_local) => return None,
            Some((_, end)) => end.to_owned(),
            None if is_crates_io => "crates-io".to_owned(),
            None => {
                table.extend(definition(source_id));
                place(source_id).to_owned()
            }
        };
        Some((name, table))
    }

    /// Names of the source itself and of the last one in its chain of `replace-with`; `None` if the configuration does
    /// not define it.
    fn chain(&self, source_id: &str, is_crates_io: bool) -> Option<(&str, &str)> {
        let is_it =
            |name: &str, source: &ConfiguredSource| source.is(source_id) || (is_crates_io && name == "crates-io");
        let (first, source) = self.0.iter().find(|(name, source)| is_it(name, source))?;
        let (mut end, mut at) = (first, source);
        // A longer chain is a cycle.
        for _ in 0..self.0.len() {
            let Some(next) = &at.replace_with else { return Some((first, end)) };
            (end, at) = self.0.get_key_value(next)?;
        }
        None
    }
}

/// A source id without the commit.
fn place(id: &str) -> &str {
    if id.starts_with("git+") { id.rsplit_once('#').map_or(id, |(place, _)| place) } else { id }
}

/// The keys of `[source.<name>]` that define a source.
fn definition(id: &str) -> Vec<(&'static str, String)> {
    let Some(git) = place(id).strip_prefix("git+") else {
        return vec![("registry", id.strip_prefix("registry+").unwrap_or(id).to_owned())];
    };
    let (url, reference) = git.split_once('?').unwrap_or((git, ""));
    let references = ["branch", "tag", "rev"].into_iter().filter_map(|key| {
        let value = reference.strip_prefix(key)?.strip_prefix('=')?;
        Some((key, value.to_owned()))
    });
    [("git", url.to_owned())].into_iter().chain(references).collect()
}

impl ConfiguredSource {
    /// Whether it is a directory of `cargo vendor` or of packed crates.
    fn is_local(&self) -> bool {
        self.directory.is_some() || self.local_registry.is_some()
    }

    /// Whether it defines the source with this id of `Cargo.lock`.
    fn is(&self, id: &str) -> bool {
        let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
        if let Some(git) = place(id).strip_prefix("git+") {
            let (url, reference) = git.split_once('?').unwrap_or((git, ""));
            let own = [("branch", &self.branch), ("tag", &self.tag), ("rev", &self.rev)];
            let own = own.into_iter().find_map(|(key, value)| Some(format!("{key}={}", value.as_ref()?)));
            return self.git.as_ref().is_some_and(|git| plain(git) == plain(url))
                && own.unwrap_or_default() == reference;
        }
        let id = id.strip_prefix("registry+").unwrap_or(id);
        self.registry.as_ref().is_some_and(|registry| plain(registry) == plain(id))
    }
}

#[cfg(test)]
mod tests {
    use cratewright_staleness::Observer;

    use super::*;

    const GIT: &str = "git+https://example.org/x?branch=a/b#0123";

    fn redirected(config: &str, id: &str) -> Option<(String, String)> {
        let files = BTreeMap::from([(".cargo/config.toml".to_owned(), config.to_owned())]);
        let config = CargoConfig::read(&Observer::new(&files)).unwrap();
        let (name, table) = SourceReplacement::new(&config).redirect(id, id == "crates.io", "nix")?;
        assert_eq!(table["replace-with"], "nix");
        let keys = table.into_iter().filter(|(key, _)| *key != "replace-with");
        Some((name, keys.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")))
    }

    #[track_caller]
    fn check(config: &str, id: &str, name: &str, keys: &str) {
        assert_eq!(redirected(config, id), Some((name.to_owned(), keys.to_owned())));
    }

    #[test]
    fn redirect_keeps_existing_replacements() {
        check("", "crates.io", "crates-io", "");
        check("", GIT, "git+https://example.org/x?branch=a/b", "branch=a/b git=https://example.org/x");
        check("", "git+https://example.org/x#0123", "git+https://example.org/x", "git=https://example.org/x");
        check("", "registry+https://example.org/i", "registry+https://example.org/i", "registry=https://example.org/i");
        check(
            "",
            "sparse+https://example.org/i/",
            "sparse+https://example.org/i/",
            "registry=sparse+https://example.org/i/",
        );
        let known = "[source.known]\ngit = 'https://example.org/x'\nbranch = 'a/b'";
        check(known, GIT, "known", "");
        let mirror = "[source.crates-io]\nreplace-with = 'mirror'\n[source.mirror]\nregistry = 'https://example.org/i'";
        check(mirror, "crates.io", "mirror", "");
        for local in ["directory = 'vendor'", "local-registry = 'packed'"] {
            let config = format!("[source.crates-io]\nreplace-with = 'here'\n[source.here]\n{local}");
            assert_eq!(redirected(&config, "crates.io"), None);
            assert!(redirected(&config, GIT).is_some());
        }
    }
}
