//! Arguments of all commands that show the graph of derivations.

use std::path::PathBuf;

use cratewright_resolver::DEFAULT_PROFILE;
use cratewright_workspace::Cross;

/// The graph to show.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlanArgs {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Path of Cargo.nix
    ///
    /// Default: the one in the workspace root, which need not exist.
    #[arg(long, value_name = "PATH")]
    pub(crate) cargo_nix: Option<PathBuf>,
    /// Platform to resolve for, as target triple or Nix system; may be repeated
    ///
    /// Default: the platforms that Cargo.nix was generated for; without Cargo.nix, those that `cratewright generate`
    /// would choose.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Vec<String>,
    /// Cross build to resolve for in addition; may be repeated
    ///
    /// Default: those that Cargo.nix was generated for; without Cargo.nix or with `--target`, `cross` in
    /// [workspace.metadata.cratewright], else none.
    #[arg(long, value_name = "HOST:TARGET")]
    pub(crate) cross: Vec<Cross>,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Profile that the crates are built with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Platform to report on, as target triple or Nix system
    ///
    /// Default: the platform of this machine, else the first one of Cargo.nix.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// File where build times are remembered
    ///
    /// Default: target/cratewright-timings.json in the workspace root.
    #[arg(long, value_name = "PATH")]
    pub(crate) timings_file: Option<PathBuf>,
    /// Accepted for scripts; Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
}
