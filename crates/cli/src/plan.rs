//! The graphs of derivations that Nix builds for a workspace, made without Nix.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cratewright_graph::DerivationGraph;
use cratewright_renderer::{Contents, derivations, platforms};
use cratewright_resolver::PackageIx;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::choices;

use crate::args::plan::PlanArgs;
use crate::contents::Edited;
use crate::disk::Disk;
use crate::generate::{Prepared, Wanted, prepare};
use crate::options::{LoadOptions, Options};
use crate::output;
use crate::paths::{lexical, relative};
use crate::report::Report;
use crate::systems::triple;
use crate::workspace::{self, Workspace};

/// The place of the workspace, how to load it, and the options of its `Cargo.nix`.
pub(crate) fn place(
    arguments: &PlanArgs,
    report: &Report,
) -> Result<((PathBuf, Disk), LoadOptions, Options), Diagnostic> {
    let found = workspace::find(arguments.manifest_path.as_deref())?;
    let mut load = LoadOptions {
        manifest_path: arguments.manifest_path.clone(),
        targets: arguments.target.clone(),
        cross: arguments.cross.clone(),
        offline: arguments.offline,
        locked: true,
        progress: report.progress(),
        ..LoadOptions::default()
    };
    let root = found.1.root();
    if let Some(path) = &arguments.cargo_nix {
        output::require_generated(path)?;
    }
    let output = arguments.cargo_nix.as_deref().map(|path| seen(root, path)).transpose()?;
    let options = Options { output: output.filter(|path| path != USUAL), ..Options::default() };
    load.use_recorded(&cargo_nix(root, &options));
    let options = Options { targets: load.targets.clone(), cross: load.cross.clone(), ..options };
    Ok((found, load, options))
}

/// The graphs of the current workspace.
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

/// Default path of `Cargo.nix`, relative to the workspace root.
const USUAL: &str = "Cargo.nix";

/// The path of `Cargo.nix`, which need not exist.
pub(crate) fn cargo_nix(root: &Path, options: &Options) -> PathBuf {
    lexical(root, options.output.as_deref().unwrap_or(USUAL))
}

/// A path from the command line, relative to the workspace root.
fn seen(root: &Path, path: &Path) -> Result<String, Diagnostic> {
    let root = root.canonicalize().map_err(|error| Diagnostic::io("find", root, &error))?;
    let path = output::follow_links(path);
    let directory = output::real_directory(&path)?;
    Ok(relative(&root, &directory.join(path.file_name().unwrap_or_default())).to_string())
}

/// A workspace, prepared to make graphs of derivations.
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

    /// The same without the files that sources read outside of their packages, which the inputs of derivations then
    /// lack.
    pub(crate) fn without_reads(workspace: &'a Workspace, options: &Options) -> Result<Self, Diagnostic> {
        let prepared =
            prepare(workspace, options, &cargo_nix(&workspace.root, options), Wanted::Graphs { with_reads: false })?;
        Ok(Plan { workspace, prepared })
    }

    /// The packages, by the keys of their derivations.
    pub(crate) fn packages(&self) -> HashMap<&str, PackageIx> {
        self.prepared.merged.entries.iter().map(|entry| (entry.key.as_str(), entry.package)).collect()
    }

    /// The graphs of all pairs in order, for a profile.
    pub(crate) fn graphs(
        &self,
        profile: &str,
        contents: &(dyn Contents + Sync),
    ) -> Result<Vec<DerivationGraph>, Diagnostic> {
        self.workspace.check_profile(profile)?;
        let Prepared { graphs, merged, render, .. } = &self.prepared;
        Ok(derivations(self.workspace.resolved(graphs), merged, render, profile, contents, None))
    }

    /// The graph of only one platform, by default that of this machine.
    pub(crate) fn graph(&self, profile: &str, platform: Option<&str>) -> Result<DerivationGraph, Diagnostic> {
        self.workspace.check_profile(profile)?;
        let Prepared { graphs, merged, render, .. } = &self.prepared;
        let resolved = self.workspace.resolved(graphs);
        let pair = position(&platforms(resolved), platform)?;
        let mut graphs = derivations(resolved, merged, render, profile, &Edited::default(), Some(pair));
        Ok(graphs.remove(0))
    }
}

/// Puts the graph of the given platform first, by default that of this machine if there is one.
pub(crate) fn put_first(graphs: &mut [DerivationGraph], platform: Option<&str>) -> Result<(), Diagnostic> {
    let platforms: Vec<String> = graphs.iter().map(|graph| graph.platform.clone()).collect();
    let found = position(&platforms, platform)?;
    graphs[..=found].rotate_right(1);
    Ok(())
}

/// The index of the given platform, by default of that of this machine.
fn position(platforms: &[String], platform: Option<&str>) -> Result<usize, Diagnostic> {
    let wanted = platform.map(triple);
    let found = match &wanted {
        Some(wanted) => platforms.iter().position(|platform| platform == wanted),
        None => platforms.iter().position(|platform| is_here(platform)).or(Some(0)),
    };
    found.ok_or_else(|| {
        let message = format!("`{}` is not a platform of the workspace", wanted.unwrap_or_default());
        Diagnostic::new("unknown-platform", message).help(choices(platforms))
    })
}

/// Whether a platform has the architecture and system of this program. The C library is not compared.
pub(crate) fn is_here(platform: &str) -> bool {
    let system = match std::env::consts::OS {
        "macos" => "-apple-darwin",
        "linux" => "-linux-gnu",
        _ => return false,
    };
    platform.strip_suffix(system).is_some_and(|rest| rest.starts_with(std::env::consts::ARCH))
        && !platform.contains(" on ")
}
