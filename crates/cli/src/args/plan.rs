//! Arguments of all commands that show the graph of derivations.

use std::path::PathBuf;

use cratewright_resolver::DEFAULT_PROFILE;

use crate::args::Load;

/// The graph to show.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlanArgs {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Path of Cargo.nix
    ///
    /// Default: the one in the workspace root.
    #[arg(long, value_name = "PATH")]
    pub(crate) cargo_nix: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Profile that the crates are built with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Platform to report on, as target triple or Nix system
    ///
    /// Default: the platform of this machine.
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
