//! The workspace and the `Cargo.nix` that a command is about.

use std::path::{Path, PathBuf};

use crate::args::Command;
use crate::args::cache::{self, Cache};
use crate::options::Options;
use crate::paths::quoted;

/// A workspace and its `Cargo.nix`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Path of Cargo.nix, instead of the one next to Cargo.lock
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

impl PlaceArgs {
    /// The command line of `cratewright generate` or `snapshot` for this place, with options that are recorded in
    /// `Cargo.nix`.
    pub(crate) fn command_line(&self, command: &str, root: &Path, options: &Options) -> String {
        let mut line = format!("cratewright {command}");
        let mut add = |flag: &str, value: &dyn std::fmt::Display| line.push_str(&format!(" {flag} {value}"));
        if let Some(path) = &self.manifest_path {
            add("--manifest-path", &quoted(path));
        }
        for target in &options.targets {
            add("--target", target);
        }
        for cross in &options.cross {
            add("--cross", cross);
        }
        let is_default = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == root.join("Cargo.nix"));
        if let Some(path) = self.output.as_ref().filter(|path| !is_default(path)) {
            add("-o", &quoted(path));
        }
        line
    }
}

impl Command {
    /// The place that the arguments of the command name.
    pub(crate) fn place(&self) -> PlaceArgs {
        let (manifest_path, output) = match self {
            Command::Generate(generate) => return generate.place.clone(),
            Command::Snapshot(snapshot) => return snapshot.generate.place.clone(),
            Command::Check(check) => return check.place.clone(),
            Command::Init(init) => (&init.manifest_path, &None),
            Command::Verify(verify) => (&verify.manifest_path, &None),
            Command::Sources(sources) => (&sources.manifest_path, &None),
            Command::Sbom(sbom) => (&sbom.manifest_path, &None),
            Command::Overrides(overrides) => (&overrides.manifest_path, &overrides.file.cargo_nix),
            Command::Impact(impact) => (&impact.plan.manifest_path, &impact.plan.cargo_nix),
            Command::Graph(graph) => (&graph.plan.manifest_path, &graph.plan.cargo_nix),
            Command::Why(why) => (&why.plan.manifest_path, &why.plan.cargo_nix),
            Command::Cache(cache) => {
                let (Cache::Status(cache::Status { crates, .. })
                | Cache::Push(cache::Push { crates, .. })
                | Cache::Plan(cache::Plan { crates, .. })) = cache;
                (&crates.manifest_path, &crates.file.cargo_nix)
            }
        };
        PlaceArgs { manifest_path: manifest_path.clone(), output: output.clone() }
    }
}
