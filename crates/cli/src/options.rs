//! What is said on the command line, and recorded in `Cargo.nix`.

use std::path::PathBuf;

use cratewright_staleness::{Record, Section};
use cratewright_workspace::Cross;
use serde_json::Value;

use crate::progress::Progress;

/// What to load, and how.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `Cargo.toml` of the workspace or a member; else searched for from the current directory upwards.
    pub manifest_path: Option<PathBuf>,
    /// Target triples or Nix systems; empty for what the workspace configures, else
    /// [`DEFAULT_TARGETS`](crate::workspace::DEFAULT_TARGETS).
    pub targets: Vec<String>,
    /// Pairs of two platforms; empty for what the workspace configures.
    pub cross: Vec<Cross>,
    /// Keep cargo off the network.
    pub offline: bool,
    /// Fail if `Cargo.lock` would have to change.
    pub locked: bool,
    /// Where Nix has laid out what cargo would fetch.
    pub prefetched: Option<PathBuf>,
    /// What is shown of cargo's work.
    pub progress: Progress,
}

/// What of the command line goes into `Cargo.nix`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) targets: Vec<String>,
    pub(crate) cross: Vec<Cross>,
    /// The file, seen from the workspace root, where it is not `Cargo.nix` there.
    pub(crate) output: Option<String>,
    /// The workspace root, seen from the directory of a file that lies outside of it: that has the name of the root in it.
    pub(crate) root: Option<String>,
    /// Digest of the library, where it is within the file.
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

    /// Those recorded in a `Cargo.nix`, but for places.
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
