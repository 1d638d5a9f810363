//! `cratewright sources`: the source of each package.

use std::collections::BTreeMap;
use std::fmt::Write;

use cratewright_renderer::{Origins, merge};
use cratewright_resolver::{Package, Source};
use cratewright_sources::path::WsPath;
use cratewright_sources::reads::{Reads, UnresolvedRead};
use serde::Serialize;

use crate::args::{Format, Sources};
use crate::exit;
use crate::generate::{built, extra_sources, unresolved};
use crate::options::Options;
use crate::origins::origins;
use crate::plan;
use crate::report::Report;
use crate::workspace::{self, Workspace};
use cratewright_sources::diagnostic::Diagnostic;

/// A package in the output.
#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    version: String,
    /// The source in `Cargo.lock`; `None` for local packages.
    source: Option<&'a str>,
    /// How Nix gets it: `fetchCrate`, `fetchurl`, `fetchgit`, or `path`.
    fetcher: &'static str,
    /// Where Nix gets it from: crates.io, `dl` of another registry, the URL of a repository, or a directory.
    from: String,
    /// The commit in a git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<&'a str>,
    /// Directory of the package in a git repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    dir: Option<&'a str>,
    /// Hash of the packed crate, or of the NAR of a repository; `None` for packages in the workspace.
    sha256: Option<&'a str>,
    /// Files and directories outside of the package that its build reads, relative to the workspace root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reads: Vec<String>,
    /// Places in its sources where it is not known which files they read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unsettled: Vec<String>,
}

pub(crate) fn run(command: &Sources, report: &Report) -> Result<u8, Diagnostic> {
    let found = workspace::find(command.manifest_path.as_deref())?;
    let mut load = command.load.locked(command.manifest_path.as_deref(), report.progress());
    load.use_recorded(&plan::cargo_nix(found.1.root(), &Options::default()));
    let workspace = workspace::load_found_for(report, &load, &found)?;
    let (_, reads) = workspace.record.clone().with_reads(&workspace.disk);
    let graphs = workspace.resolve(&workspace.selections);
    let merged = merge(workspace.resolved(&graphs))?;
    let packages = built(&workspace, &merged);
    let origins = origins(&packages)?;
    let mut extra = extra_sources(&workspace, &reads);
    let packages: Vec<Listed<'_>> = packages
        .iter()
        .map(|package| {
            let mut listed = listed(package, &origins);
            if let Source::Local { dir } = &package.source {
                listed.reads = extra.remove(dir).unwrap_or_default();
                listed.unsettled = unsettled(&workspace, &reads, dir);
            }
            listed
        })
        .collect();
    match command.format {
        Format::Json => {
            let value = serde_json::json!({ "packages": packages });
            report.data(&format!("{value:#}\n"))?;
        }
        Format::Text => report.data(&text(&packages))?,
    }
    Ok(exit::SUCCESS)
}

fn unsettled(workspace: &Workspace, reads: &BTreeMap<WsPath, Reads>, directory: &str) -> Vec<String> {
    let unresolved = reads.get(directory).into_iter().flat_map(|reads| unresolved(workspace, reads));
    unresolved.map(|UnresolvedRead { file, line, what, .. }| format!("{file}:{line}: {what}")).collect()
}

fn listed<'a>(package: &'a Package, origins: &'a Origins) -> Listed<'a> {
    let (mut rev, mut sha256, mut inner) = (None, None, None);
    let (fetcher, from) = match &package.source {
        Source::Local { dir } if dir.is_empty() => ("path", ".".to_owned()),
        Source::Local { dir } => ("path", dir.clone()),
        Source::Vendored { path, .. } => ("path", path.clone()),
        Source::CratesIo { checksum } => {
            sha256 = Some(checksum.as_str());
            ("fetchCrate", "crates.io".to_owned())
        }
        Source::Registry { index, checksum } => {
            sha256 = Some(checksum.as_str());
            let registry = origins.registries.iter().find(|registry| registry.index == *index);
            ("fetchurl", registry.map_or_else(|| index.clone(), |registry| registry.dl.clone()))
        }
        Source::Git { url, rev: commit, dir } => {
            rev = Some(commit.as_str());
            inner = Some(dir.as_str()).filter(|dir| !dir.is_empty());
            let repository = origins.repositories.iter().find(|one| one.url == *url && one.rev == *commit);
            sha256 = repository.map(|repository| repository.sha256.as_str());
            ("fetchgit", url.clone())
        }
    };
    Listed {
        name: &package.name,
        version: package.version.to_string(),
        source: package.source_id.as_deref(),
        fetcher,
        from,
        rev,
        dir: inner,
        sha256,
        reads: Vec::new(),
        unsettled: Vec::new(),
    }
}

/// One line per package, followed by a line for each file or directory outside of it that it reads.
fn text(packages: &[Listed<'_>]) -> String {
    let mut text = String::new();
    for package in packages {
        let Listed { name, version, fetcher, from, .. } = package;
        let _ = write!(text, "{name} {version}: {fetcher} {from}");
        for (label, value) in [("rev", package.rev), ("dir", package.dir), ("sha256", package.sha256)] {
            if let Some(value) = value {
                let _ = write!(text, " {label} {value}");
            }
        }
        text.push('\n');
        for path in &package.reads {
            let _ = writeln!(text, "  reads {path}");
        }
        for place in &package.unsettled {
            let _ = writeln!(text, "  unsettled {place}");
        }
    }
    text
}
