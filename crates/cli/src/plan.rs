//! What Nix builds of a workspace, as graphs of derivations, without Nix.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cratewright_graph::DerivationGraph;
use cratewright_renderer::{Contents, derivations, platforms};
use cratewright_resolver::PackageIx;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::{Record, recorded};

use crate::args::plan::PlanArgs;
use crate::contents::Edited;
use crate::disk::{Disk, read_text};
use crate::generate::{Prepared, Wanted, prepare};
use crate::options::{LoadOptions, Options};
use crate::output;
use crate::paths::{lexical, relative};
use crate::report::Report;
use crate::workspace::{self, Workspace, triple};

/// Where the workspace is, how it is loaded, and with which options of its `Cargo.nix`.
pub(crate) fn place(
    arguments: &PlanArgs,
    report: &Report,
) -> Result<((PathBuf, Disk), LoadOptions, Options), Diagnostic> {
    let found = workspace::find(arguments.manifest_path.as_deref())?;
    let mut load = LoadOptions {
        manifest_path: arguments.manifest_path.clone(),
        targets: arguments.load.target.clone(),
        cross: arguments.load.cross.clone(),
        offline: arguments.load.offline,
        locked: true,
        progress: report.progress(),
        ..LoadOptions::default()
    };
    let root = found.1.root();
    let output = arguments.cargo_nix.as_deref().map(|path| seen(root, path)).transpose()?;
    let options = Options { output: output.filter(|path| path != USUAL), ..Options::default() };
    let options = Options { output: options.output.clone(), ..recorded_options(&cargo_nix(root, &options), &load) };
    (load.targets, load.cross) = (options.targets.clone(), options.cross.clone());
    Ok((found, load, options))
}

/// The graphs of a workspace as it is.
pub(crate) fn load(
    arguments: &PlanArgs,
    report: &Report,
    load: &LoadOptions,
    options: &Options,
    found: &(PathBuf, Disk),
) -> Result<Vec<DerivationGraph>, Diagnostic> {
    let workspace = workspace::load_found_for(report, load, found)?;
    Plan::new(&workspace, options)?.graphs(&arguments.profile, &Edited::default())
}

/// What is said on the command line of all commands that tell of the graph, completed by what `Cargo.nix` was written with.
fn recorded_options(cargo_nix: &Path, load: &LoadOptions) -> Options {
    let mut options = Options { targets: load.targets.clone(), cross: load.cross.clone(), ..Options::default() };
    if options.targets.is_empty() && options.cross.is_empty() {
        let record: Option<Record> =
            read_text(cargo_nix).ok().and_then(|text| recorded(&text).ok()).and_then(Result::ok);
        options = record.map(|record| Options::recorded(&record)).unwrap_or_default();
    }
    options
}

/// Where `Cargo.nix` is if nothing else is said, seen from the workspace root.
const USUAL: &str = "Cargo.nix";

/// Where `Cargo.nix` is, or would be.
pub(crate) fn cargo_nix(root: &Path, options: &Options) -> PathBuf {
    lexical(root, options.output.as_deref().unwrap_or(USUAL))
}

/// A file of the command line, seen from the workspace root.
fn seen(root: &Path, path: &Path) -> Result<String, Diagnostic> {
    let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
    let path = output::follow_links(path);
    let directory = output::real_directory(&path)?;
    Ok(relative(&root, &directory.join(path.file_name().unwrap_or_default())).to_string())
}

/// A workspace, ready to be drawn.
pub(crate) struct Plan<'a> {
    workspace: &'a Workspace,
    prepared: Prepared,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(workspace: &'a Workspace, options: &Options) -> Result<Self, Diagnostic> {
        let prepared =
            prepare(workspace, options, &cargo_nix(&workspace.root, options), Wanted::Graphs { with_reads: true })?;
        Ok(Plan { workspace, prepared })
    }

    /// The same without files that sources read outside of their packages, which derivations then lack among their inputs.
    pub(crate) fn without_reads(workspace: &'a Workspace, options: &Options) -> Result<Self, Diagnostic> {
        let prepared =
            prepare(workspace, options, &cargo_nix(&workspace.root, options), Wanted::Graphs { with_reads: false })?;
        Ok(Plan { workspace, prepared })
    }

    /// The packages of derivations, by their keys.
    pub(crate) fn packages(&self) -> HashMap<&str, PackageIx> {
        self.prepared.merged.entries.iter().map(|entry| (entry.key.as_str(), entry.package)).collect()
    }

    /// The graphs of all pairs, in their order, with a profile.
    pub(crate) fn graphs(
        &self,
        profile: &str,
        contents: &(dyn Contents + Sync),
    ) -> Result<Vec<DerivationGraph>, Diagnostic> {
        self.workspace.check_profile(profile)?;
        let Prepared { graphs, merged, render, .. } = &self.prepared;
        Ok(derivations(self.workspace.resolved(graphs), merged, render, profile, contents, None))
    }

    /// The graph of a platform, or of this machine, alone.
    pub(crate) fn graph(&self, profile: &str, platform: Option<&str>) -> Result<DerivationGraph, Diagnostic> {
        self.workspace.check_profile(profile)?;
        let Prepared { graphs, merged, render, .. } = &self.prepared;
        let resolved = self.workspace.resolved(graphs);
        let pair = position(&platforms(resolved), platform)?;
        let mut graphs = derivations(resolved, merged, render, profile, &Edited::default(), Some(pair));
        Ok(graphs.remove(0))
    }
}

/// Puts the graph of a platform first: the one that was asked for, else that of this machine, if it is there.
pub(crate) fn put_first(graphs: &mut [DerivationGraph], platform: Option<&str>) -> Result<(), Diagnostic> {
    let platforms: Vec<String> = graphs.iter().map(|graph| graph.platform.clone()).collect();
    let found = position(&platforms, platform)?;
    graphs[..=found].rotate_right(1);
    Ok(())
}

/// Which of the platforms is asked for.
fn position(platforms: &[String], platform: Option<&str>) -> Result<usize, Diagnostic> {
    let wanted = platform.map(triple);
    let found = match &wanted {
        Some(wanted) => platforms.iter().position(|platform| platform == wanted),
        None => platforms.iter().position(|platform| is_here(platform)).or(Some(0)),
    };
    found.ok_or_else(|| {
        let known: Vec<String> = platforms.iter().map(|platform| format!("`{platform}`")).collect();
        let message = format!("`{}` is not among the platforms of the workspace", wanted.unwrap_or_default());
        Diagnostic::new("unknown-platform", message).help(format!("name one of {}", known.join(", ")))
    })
}

/// Whether it is the platform of this program, which tells architecture and system, not the C library.
pub(crate) fn is_here(platform: &str) -> bool {
    let system = match std::env::consts::OS {
        "macos" => "-apple-darwin",
        "linux" => "-linux-gnu",
        _ => return false,
    };
    platform.strip_suffix(system).is_some_and(|rest| rest.starts_with(std::env::consts::ARCH))
        && !platform.contains(" on ")
}
