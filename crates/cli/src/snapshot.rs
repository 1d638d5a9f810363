//! The snapshot of the build graph: `build-graph.toml` next to `Cargo.nix`.
//!
//! `Cargo.nix` records its digest, so `check` needs only one comparison to know whether it is up to date, and the
//! snapshot itself, which people review, contains no digest.

use std::path::{Path, PathBuf};

use cratewright_graph::{Breach, SNAPSHOT_FILE, Snapshot};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::digest::sha256;
use cratewright_staleness::{Reason, Record, SnapshotState, recorded};

use crate::disk::{read_bytes, read_text};
use crate::options::Options;
use crate::output;
use crate::paths::relative;
use crate::report::Report;

/// The place of the snapshot of one `Cargo.nix`. The file need not exist.
#[derive(Debug)]
pub(crate) struct SnapshotPlace {
    pub(crate) path: PathBuf,
    /// The path relative to the workspace root.
    pub(crate) shown: String,
}

impl SnapshotPlace {
    pub(crate) fn new(root: &Path, cargo_nix: &Path) -> Result<Self, Diagnostic> {
        let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
        let path = output::real_directory(cargo_nix)?.join(SNAPSHOT_FILE);
        Ok(SnapshotPlace { shown: relative(&root, &path).to_string(), path })
    }

    /// Whether the snapshot exists. A file that cratewright did not generate does not count.
    pub(crate) fn is_there(&self) -> bool {
        output::is_generated(&self.path)
    }

    /// The text of the snapshot, if it exists.
    pub(crate) fn text(&self) -> Option<String> {
        let bytes = read_bytes(&self.path).ok().filter(|bytes| output::has_mark(bytes))?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What is wrong with the snapshot, given the digest in `Cargo.nix`.
    pub(crate) fn reason(&self, recorded: Option<&str>) -> Option<Reason> {
        let there = self.text();
        let is = |text: &str, recorded: &str| digest(text) == recorded;
        let state = match (recorded, &there) {
            (None, None) => return None,
            (Some(_), None) => SnapshotState::Missing,
            (None, Some(_)) => SnapshotState::Unknown,
            (Some(recorded), Some(there)) if is(there, recorded) => return None,
            (Some(recorded), Some(there)) if is(&there.replace("\r\n", "\n"), recorded) => SnapshotState::LineEnds,
            (Some(_), Some(_)) => SnapshotState::Changed,
        };
        Some(Reason::Snapshot { file: self.shown.clone(), state })
    }

    /// The file, if it is below the workspace root: as an output, it is not an input of any package.
    pub(crate) fn output(&self) -> Option<String> {
        Some(self.shown.clone()).filter(|shown| !shown.starts_with("../"))
    }

    /// Warns of exceeded limits, and of entries without effect.
    pub(crate) fn warn(&self, report: &Report) -> Result<(), Diagnostic> {
        let Some(snapshot) = self.parsed()? else { return Ok(()) };
        for breach in &snapshot.breaches {
            report.warning(lines(breach, &snapshot).join("\n  "));
        }
        snapshot.unused.iter().for_each(|unused| report.warning(unused.message()));
        Ok(())
    }

    /// The parsed snapshot; `None` if it does not exist.
    pub(crate) fn parsed(&self) -> Result<Option<Snapshot>, Diagnostic> {
        let file = output::shown(&self.path);
        self.text().map(|text| Snapshot::parse(&file, &text)).transpose()
    }
}

/// Whether a `Cargo.nix` was generated with a snapshot.
pub(crate) fn is_recorded(cargo_nix: &Path) -> bool {
    let record = read_text(cargo_nix).ok().and_then(|text| recorded(&text).ok()?.ok());
    record.is_some_and(|record| Options::recorded_snapshot(&record).is_some())
}

/// Whether limits were configured when a `Cargo.nix` was generated.
pub(crate) fn has_limits(record: &Record) -> bool {
    record.value("Cargo.toml", "workspace.metadata.cratewright.limits").is_some()
}

/// The digest of a snapshot that `Cargo.nix` records.
pub(crate) fn digest(text: &str) -> String {
    sha256(text.as_bytes())[..16].to_owned()
}

/// Lines that describe a breach: the message, followed by the paths that cause it.
pub(crate) fn lines(breach: &Breach, snapshot: &Snapshot) -> Vec<String> {
    let on = match breach.platforms.len() {
        all if all == snapshot.platforms.len() => String::new(),
        _ => format!(", on {}", breach.platforms.join(", ")),
    };
    let mut lines = vec![format!("{}: {}{on}", breach.code.name(), breach.message)];
    lines.extend(breach.paths.iter().map(|path| format!("  {}", path.join(" -> "))));
    lines
}
