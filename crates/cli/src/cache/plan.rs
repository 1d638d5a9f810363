//! `cratewright cache plan`: what a build would fetch and what it would build.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::process::Command;

use cratewright_sources::diagnostic::Diagnostic;
use serde::Serialize;

use crate::args::Format;
use crate::args::cache::Plan;
use crate::cache::roots::{self, Kind, Root, name_of};
use crate::cache::{count, each_once, local};
use crate::cargo;
use crate::exit;
use crate::nix;
use crate::report::Report;

/// The plan that Nix prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    /// Derivations to build.
    build: Vec<Step>,
    /// Store paths to fetch.
    fetch: Vec<Step>,
    /// Download size, as Nix prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<String>,
}

#[derive(Debug, Serialize)]
struct Step {
    name: String,
    /// `None` if it is neither a crate nor part of the toolchain of crates.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    path: String,
}

pub(super) fn run(command: &Plan, report: &Report) -> Result<u8, Diagnostic> {
    let file = roots::file(&command.crates)?;
    let attribute = match &command.attr {
        Some(attribute) => format!("file.{attribute}"),
        None => "(file.rootCrate.build or file.allWorkspaceMembers)".to_owned(),
    };
    // Only stores that exist are asked: Nix would create others.
    let mut stores = Vec::new();
    for store in &command.store {
        if local::has_paths(store)? {
            stores.push(store.as_str());
        }
    }
    let mut known = roots::crates(&command.crates, &file, true)?;
    known.extend(roots::toolchain(&known)?);
    let derivation: String = nix::instantiate(
        &format!("let file = {file}; in {attribute}.drvPath"),
        Diagnostic::new("evaluation-failed", "Nix cannot evaluate what is to be built").help(
            "pass another attribute of Cargo.nix with `-A`, such as `allWorkspaceMembers`, `tests.all` or `workspaceMembers.NAME.build`",
        ),
    )?;
    let said = dry_run(&derivation, (!command.store.is_empty()).then_some(stores.as_slice()))?;
    for line in said.lines() {
        // Nix warns of stores that do not answer, and goes on without them.
        if let Some(warning) = line.strip_prefix("warning: ") {
            report.warning(warning);
        }
    }
    let planned = planned(&said, &known);
    match command.format {
        Format::Text => report.data(&planned.text())?,
        Format::Json => {
            report.data(&format!("{}\n", serde_json::to_string_pretty(&planned).unwrap_or_default()))?;
        }
    }
    Ok(exit::SUCCESS)
}

/// The output of Nix for a build that it plans but does not start.
fn dry_run(derivation: &str, stores: Option<&[&str]>) -> Result<String, Diagnostic> {
    let mut command = Command::new("nix-store");
    command.args(["--realise", "--dry-run", derivation]);
    if let Some(stores) = stores {
        command.args(["--option", "substituters", &stores.join(" ")]);
    }
    let output = cargo::output(command)?;
    if output.status.success() {
        return Ok(cargo::stderr(&output));
    }
    Err(Diagnostic::new("store-unreachable", format!("Nix cannot plan the build of {}", name_of(derivation)))
        .note("Nix says", cargo::stderr(&output))
        .help("check the stores in Nix's configuration, or pass others with `--store URL`"))
}

fn planned(said: &str, known: &[Root]) -> Planned {
    let by_path: HashMap<&str, &Root> = known
        .iter()
        .flat_map(|root| root.outputs.values().chain([&root.drv_path]).map(move |path| (path.as_str(), root)))
        .collect();
    let (mut build, mut fetch, mut ignored, mut size) = (Vec::new(), Vec::new(), Vec::new(), None);
    let mut steps = &mut ignored;
    for line in said.lines() {
        let Some(path) = line.strip_prefix("  ").filter(|path| path.starts_with('/')) else {
            if line.contains("will be fetched") {
                size = line.split_once('(').and_then(|(_, rest)| Some(rest.split_once(')')?.0.to_owned()));
                steps = &mut fetch;
            } else if line.contains("will be built") {
                steps = &mut build;
            } else {
                steps = &mut ignored;
            }
            continue;
        };
        let root = by_path.get(path);
        steps.push(Step {
            name: root.map_or_else(|| name_of(path).trim_end_matches(".drv").to_owned(), |root| root.display()),
            kind: root.map(|root| root.kind),
            path: path.to_owned(),
        });
    }
    Planned { build, fetch, size }
}

impl Planned {
    fn text(&self) -> String {
        if self.build.is_empty() && self.fetch.is_empty() {
            return "nothing to build and nothing to fetch: the local store has everything\n".to_owned();
        }
        let size = self.size.as_ref().map(|size| format!(" ({size})")).unwrap_or_default();
        let mut text = String::new();
        for (what, steps, more) in [("built", &self.build, ""), ("fetched", &self.fetch, &*size)] {
            let _ = writeln!(text, "{what}: {}{more}", counts(steps));
        }
        for kind in Kind::ALL.into_iter().map(Some).chain([None]) {
            let names = self.build.iter().filter(|step| step.kind == kind).map(|step| step.name.clone());
            let names = each_once(names.collect());
            if !names.is_empty() {
                let title = kind.map_or("sources and others", Kind::title);
                let _ = writeln!(text, "\n{title} to build:\n  {}", names.join("\n  "));
            }
        }
        text
    }
}

/// `12 (2 members, 9 dependencies, 1 other)`
fn counts(steps: &[Step]) -> String {
    let mut by_kind: BTreeMap<Option<Kind>, usize> = BTreeMap::new();
    for step in steps {
        *by_kind.entry(step.kind).or_default() += 1;
    }
    if by_kind.is_empty() {
        return "nothing".to_owned();
    }
    let kinds = Kind::ALL.into_iter().map(Some).chain([None]);
    let parts = kinds.filter_map(|kind| {
        let number = *by_kind.get(&kind)?;
        Some(match kind {
            Some(Kind::Dependency) if number > 1 => format!("{number} dependencies"),
            Some(Kind::Toolchain) => format!("{number} of the toolchain"),
            kind => count(number, kind.map_or("other", Kind::noun)),
        })
    });
    format!("{} ({})", steps.len(), parts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_of_nix_is_grouped_by_kind() {
        let root = Root {
            name: "app".into(),
            version: "1.0.0".into(),
            kind: Kind::Member,
            drv_path: "/s/1-app.drv".into(),
            outputs: [("out".into(), "/s/2-app".into())].into(),
        };
        let said = "warning: something\nthese 2 derivations will be built:\n  /s/1-app.drv\n  /s/3-app-src.drv\n\
                    this path will be fetched (0.10 MiB download, 0.50 MiB unpacked):\n  /s/2-app\n";
        let planned = planned(said, &[root]);
        assert_eq!(
            planned.text(),
            "built: 2 (1 member, 1 other)\nfetched: 1 (1 member) (0.10 MiB download, 0.50 MiB unpacked)\n\n\
             members to build:\n  app 1.0.0\n\nsources and others to build:\n  app-src\n"
        );
    }
}
