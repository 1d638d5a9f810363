//! `cratewright sbom`: the software bill of materials of a member.

use std::collections::BTreeSet;
use std::path::Path;

use cratewright_renderer::{About, BuildGraph, sbom};
use cratewright_resolver::{PackageIx, Pair, Selection};
use serde::Deserialize;

use crate::args::Sbom;
use crate::cargo;
use crate::disk::require_text;
use crate::exit;
use crate::generate::inputs;
use crate::options::LoadOptions;
use crate::output::{self, follow_links};
use crate::report::Report;
use crate::systems::triple;
use crate::workspace::{self, Workspace, find_manifest};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{choices, listed};

pub(crate) fn run(command: &Sbom, report: &Report) -> Result<u8, Diagnostic> {
    // Opening `/dev/stdout` by name would truncate a file that standard output is redirected to.
    let output = command.output.as_deref().filter(|path| *path != Path::new("/dev/stdout")).map(follow_links);
    if let Some(path) = &output {
        output::check_aside(path)?;
    }
    if let (Some(graph), Some(manifests)) = (&command.graph, &command.manifests) {
        let text = sbom(&written_graph(graph, manifests)?, env!("CARGO_PKG_VERSION"));
        match output {
            None => report.data(&text)?,
            Some(path) => {
                output::check_no_input(&path, &[graph.clone(), manifests.clone()])?;
                output::replace(&path, &text)?;
            }
        }
        return Ok(exit::SUCCESS);
    }
    let manifest = find_manifest(command.manifest_path.as_deref())?;
    let [host, target] = match (&command.cross, &command.target) {
        (Some(cross), _) => [triple(&cross.host), triple(&cross.target)],
        (None, Some(target)) => [triple(target), triple(target)],
        (None, None) => {
            let host = cargo::host(&output::directory(&manifest))?;
            [host.clone(), host]
        }
    };
    let workspace = workspace::load_for(
        report,
        &LoadOptions {
            manifest_path: Some(manifest.clone()),
            targets: vec![target.clone()],
            cross: command.cross.iter().cloned().collect(),
            offline: command.offline,
            locked: true,
            progress: report.progress(),
            ..LoadOptions::default()
        },
    )?;
    let is_asked =
        |pair: &&Pair| [pair.host, pair.target].map(|ix| &workspace.platforms[ix].triple) == [&host, &target];
    let pair = *workspace.pairs.iter().find(is_asked).expect("what was asked for was loaded");
    let member = member(&workspace, command, &manifest)?;
    let selection = selection(&workspace, member, command.variant.as_deref())?;
    let graph = workspace.resolve_on(selection, pair);
    let features = selection.requested_features(&workspace.packages, member);
    let name = &workspace.packages[member].name;
    let graph = BuildGraph::of_member(&workspace.packages, &graph, member, &features).ok_or_else(|| {
        let message =
            format!("package `{name}` has neither a library nor a binary whose required features are enabled");
        Diagnostic::new("nothing-to-build", message)
            .at(workspace.packages[member].manifest_path.clone())
            .help("choose another member with `-p`, or a variant that enables them with `--variant`")
    })?;
    let text = sbom(&graph, env!("CARGO_PKG_VERSION"));
    match output {
        None => report.data(&text)?,
        Some(path) => {
            let (record, reads) = workspace.record.clone().with_reads(&workspace.disk);
            output::check_no_input(&path, &inputs(&workspace, &record, &reads))?;
            output::replace(&path, &text)?;
            report.status("Wrote", format_args!("{}, the SBOM of `{name}` for {target}", output::shown(&path)));
        }
    }
    Ok(exit::SUCCESS)
}

/// The build that `Cargo.nix` describes in `file`, completed with data from the manifests.
fn written_graph(file: &Path, manifests: &Path) -> Result<BuildGraph, Diagnostic> {
    let graph = BuildGraph::parse(&require_text(file)?);
    let mut graph = graph.map_err(|failure| failure.at(file.display().to_string()))?;
    graph.read_manifests(|package, name| -> Result<About, Diagnostic> {
        let path = manifests.join(name);
        let text = require_text(&path).map_err(|failure| failure.note("package", package))?;
        let manifest: Manifest = toml::from_str(&text).map_err(|error| {
            Diagnostic::new("invalid-manifest", format!("`{}` cannot be read: {}", path.display(), error.message()))
                .note("package", package)
                .help("put the `Cargo.toml` of the packed crate there")
        })?;
        Ok(manifest.package)
    })?;
    Ok(graph)
}

/// A manifest.
#[derive(Deserialize)]
struct Manifest {
    /// `project` is the name in old manifests.
    #[serde(alias = "project")]
    package: About,
}

/// The selected member: the given one, that of the manifest, or the only one.
fn member(workspace: &Workspace, command: &Sbom, manifest: &Path) -> Result<PackageIx, Diagnostic> {
    if let Some(name) = &command.package {
        return workspace.member(name);
    }
    let Workspace { packages, root, .. } = workspace;
    let is_here = |member: &PackageIx| Path::new(&packages[*member].manifest_path) == manifest;
    let one = match packages.members[..] {
        [only] => Some(only),
        _ => packages.members.iter().copied().find(is_here),
    };
    one.ok_or_else(|| {
        let names: Vec<String> =
            packages.members.iter().map(|&member| format!("`{}`", packages[member].name)).collect();
        Diagnostic::new("unnamed-member", "the workspace has several members, and none was selected")
            .at(root.join("Cargo.toml").display().to_string())
            .help(format!("select one with `-p`: {}", names.join(", ")))
    })
}

/// The selection of `Cargo.nix` for the member: its default build or a variant.
fn selection<'a>(
    workspace: &'a Workspace,
    member: PackageIx,
    variant: Option<&str>,
) -> Result<&'a Selection, Diagnostic> {
    let has_member = |selection: &&Selection| selection.members.contains(&member);
    let mut selections = workspace.selections.iter().filter(has_member);
    if let Some(selection) = selections.find(|selection| selection.variant.as_deref() == variant) {
        return Ok(selection);
    }
    let declared = workspace.selections.iter().filter(has_member).filter_map(|selection| selection.variant.as_deref());
    let declared: BTreeSet<&str> = declared.collect();
    let name = &workspace.packages[member].name;
    let message = format!("member `{name}` has no variant `{}`", variant.unwrap_or_default());
    let failure =
        Diagnostic::new("unknown-variant", message).at(workspace.root.join("Cargo.toml").display().to_string());
    let name_of = |member: &PackageIx| workspace.packages[*member].name.as_str();
    let of_others = workspace.selections.iter().filter(|selection| selection.variant.as_deref() == variant);
    let others: BTreeSet<&str> = of_others.flat_map(|selection| selection.members.iter().map(name_of)).collect();
    if !others.is_empty() {
        let others: Vec<&str> = others.into_iter().collect();
        return Err(failure.help(format!(
            "only {} {} this variant: choose another member with `-p`, or leave out `--variant`",
            listed(&others, "and"),
            if others.len() == 1 { "has" } else { "have" }
        )));
    }
    Err(match declared.is_empty() {
        true => failure.help("declare it under `[workspace.metadata.cratewright.variants]`, or leave out `--variant`"),
        false => {
            let declared: Vec<&str> = declared.into_iter().collect();
            failure.help(format!("{}; or leave out `--variant`", choices(&declared)))
        }
    })
}
