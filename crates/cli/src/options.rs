//! Options of the command line that are recorded in `Cargo.nix`.

use std::path::{Path, PathBuf};

use cratewright_staleness::{Record, Section, recorded};
use cratewright_workspace::Cross;
use serde_json::Value;

use crate::disk::read_text;
use crate::progress::Progress;

/// Which workspace to load, and how.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `Cargo.toml` of the workspace or a member; by default the first one found from the current directory upwards.
    pub manifest_path: Option<PathBuf>,
    /// Target triples or Nix systems; if empty, those that the workspace configures, else
    /// [`DEFAULT_TARGETS`](crate::workspace::DEFAULT_TARGETS).
    pub targets: Vec<String>,
    /// Cross builds; if empty, those that the workspace configures.
    pub cross: Vec<Cross>,
    /// Run cargo without accessing the network.
    pub offline: bool,
    /// Fail if `Cargo.lock` would have to change.
    pub locked: bool,
    /// Directory with the packages that Nix has fetched in cargo's place.
    pub prefetched: Option<PathBuf>,
    /// How much of cargo's progress is shown.
    pub progress: Progress,
}

impl LoadOptions {
    /// Takes the platforms that a `Cargo.nix` was generated for, if none are given.
    pub(crate) fn use_recorded(&mut self, cargo_nix: &Path) {
        let record = || read_text(cargo_nix).ok().and_then(|text| recorded(&text).ok()?.ok());
        if self.targets.is_empty()
            && self.cross.is_empty()
            && let Some(record) = record()
        {
            let options = Options::recorded(&record);
            (self.targets, self.cross) = (options.targets, options.cross);
        }
    }
}

/// The options that are recorded in `Cargo.nix`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) targets: Vec<String>,
    pub(crate) cross: Vec<Cross>,
    /// Path of the file relative to the workspace root, if it is not `Cargo.nix` in the root.
    pub(crate) output: Option<String>,
    /// Path of the workspace root relative to the directory of a file outside of it, as it contains the root's name.
    pub(crate) root: Option<String>,
    /// Digest of the library, if it is embedded in the file.
    pub(crate) library: Option<String>,
    /// Digest of the snapshot that is written with the file, if one is.
    pub(crate) snapshot: Option<String>,
}

/// Key of the snapshot's digest.
const SNAPSHOT: &str = "(build-graph)";

impl Options {
    /// Digest of the snapshot that a `Cargo.nix` was written with.
    pub(crate) fn recorded_snapshot(record: &Record) -> Option<String> {
        record.options().get(SNAPSHOT).and_then(Value::as_str).map(str::to_owned)
    }

    /// The options recorded in a `Cargo.nix`, without paths and digests.
    pub(crate) fn recorded(record: &Record) -> Self {
        let section = record.options();
        let list = |key: &str| {
            let items = section.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let cross = list("--cross").iter().filter_map(|pair| pair.parse().ok()).collect();
        Options { targets: list("--target"), cross, ..Options::default() }
    }

    pub(crate) fn section(&self) -> Section {
        let pairs: Vec<String> = self.cross.iter().map(ToString::to_string).collect();
        let lists =
            [("--target", &self.targets), ("--cross", &pairs)].map(|(key, list)| (key, Value::from(list.clone())));
        let texts = [
            ("--output", &self.output),
            ("(root)", &self.root),
            ("(library)", &self.library),
            (SNAPSHOT, &self.snapshot),
        ];
        let texts = texts.map(|(key, text)| (key, text.clone().map_or(Value::Null, Value::from)));
        let all = lists.into_iter().chain(texts);
        let said = all.filter(|(_, value)| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        said.map(|(key, value)| (key.to_owned(), value)).collect()
    }
}
