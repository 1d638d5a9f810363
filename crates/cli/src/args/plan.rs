//! Arguments of all commands that tell of the graph of derivations.

use std::path::PathBuf;

use cratewright_resolver::DEFAULT_PROFILE;

use crate::args::Load;

/// Which graph.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlanArgs {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Cargo.nix, where it is not the one in the workspace root
    #[arg(long, value_name = "PATH")]
    pub(crate) cargo_nix: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Profile that crates are built with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Platform to report on, as target triple or Nix system
    ///
    /// Default: that of this machine.
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<String>,
    /// File in which timings are remembered
    ///
    /// Default: target/cratewright-timings.json in the workspace root.
    #[arg(long, value_name = "PATH")]
    pub(crate) timings_file: Option<PathBuf>,
    /// Taken for the sake of scripts: Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
}
