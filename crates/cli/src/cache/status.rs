//! `cratewright cache status`: which crates of a workspace are in binary caches, and which are missing.

use std::collections::BTreeSet;
use std::fmt::Write;

use cratewright_sources::diagnostic::Diagnostic;
use serde_json::{Value, json};

use crate::args::Format;
use crate::args::cache::Status;
use crate::cache::roots::{self, Kind, Root};
use crate::cache::store;
use crate::cache::{count, each_once};
use crate::exit;
use crate::report::Report;

/// The derivations that should be in the stores, and the paths that are.
struct Found {
    roots: Vec<Root>,
    paths: BTreeSet<String>,
}

pub(super) fn run(command: &Status, report: &Report) -> Result<u8, Diagnostic> {
    let file = roots::file(&command.crates)?;
    let mut roots = roots::crates(&command.crates, &file, command.tests)?;
    roots.extend(roots::toolchain(&roots)?);
    let wanted = roots::paths(&roots);
    report.progress().so_far("Asking", format_args!("for {}", count(wanted.len(), "path")));
    let paths = store::found(&command.store, &wanted)?.into_iter().map(str::to_owned).collect();
    report.progress().clear();
    let found = Found { roots, paths };
    match command.format {
        Format::Text => report.data(&found.text(&command.store))?,
        Format::Json => report.data(&format!("{:#}\n", found.json(&command.store)))?,
    }
    // The toolchain often comes from another cache, so it is listed but is not an error.
    let is_missing = found.missing().any(|root| root.kind != Kind::Toolchain);
    Ok(if command.deny_missing && is_missing { exit::STALE } else { exit::SUCCESS })
}

impl Found {
    fn has(&self, root: &Root) -> bool {
        root.outputs.values().all(|path| self.paths.contains(path))
    }

    fn missing(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter().filter(|root| !self.has(root))
    }

    /// How many derivations of a kind are in the stores, and how many should be.
    fn counts(&self, kind: Kind) -> (usize, usize) {
        let of_kind = self.roots.iter().filter(|root| root.kind == kind);
        of_kind.fold((0, 0), |(there, all), root| (there + usize::from(self.has(root)), all + 1))
    }

    fn text(&self, stores: &[String]) -> String {
        let mut text = format!("{}\n", stores.join(", "));
        for kind in Kind::ALL {
            let (there, all) = self.counts(kind);
            if all > 0 {
                let _ = writeln!(text, "  {:<12} {there} of {all}", kind.title());
            }
        }
        for kind in Kind::ALL {
            let missing = self.missing().filter(|root| root.kind == kind);
            let names = each_once(missing.map(|root| self.shown(root)).collect());
            if !names.is_empty() {
                let _ = writeln!(text, "\nmissing {}:\n  {}", kind.title(), names.join("\n  "));
            }
        }
        text
    }

    /// The name of a derivation, with the missing outputs if others are in the stores.
    fn shown(&self, root: &Root) -> String {
        let missing: Vec<&str> = root
            .outputs
            .iter()
            .filter(|(_, path)| !self.paths.contains(*path))
            .map(|(name, _)| name.as_str())
            .collect();
        match missing.len() == root.outputs.len() {
            true => root.display(),
            false => format!("{} ({})", root.display(), missing.join(", ")),
        }
    }

    fn json(&self, stores: &[String]) -> Value {
        let counts: serde_json::Map<String, Value> = Kind::ALL
            .into_iter()
            .map(|kind| {
                let (there, all) = self.counts(kind);
                (kind.title().replace(' ', "-"), json!({ "present": there, "all": all }))
            })
            .collect();
        let missing: Vec<Value> = self
            .missing()
            .flat_map(|root| root.outputs.iter().map(move |(name, path)| (root, name, path)))
            .filter(|(_, _, path)| !self.paths.contains(*path))
            .map(|(root, output, path)| {
                json!({ "name": root.name, "version": root.version, "kind": root.kind, "output": output, "path": path,
                        "drvPath": root.drv_path })
            })
            .collect();
        json!({ "stores": stores, "counts": counts, "missing": missing })
    }
}
