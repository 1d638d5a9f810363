//! Arguments of `cratewright init`.

use std::path::PathBuf;

use crate::args::Format;

const EXAMPLES: &str = "\
Existing files are not changed; what has to be added to them is printed. Cargo.lock must exist and be up to date.

Examples:
  cratewright init                              write Cargo.nix, its library, flake.nix, and workflows if there is a .github
  cratewright init --dry-run                    print the names of the files that would be written
  cratewright init --flake flake-parts --cratewright git+https://git.example/cratewright";

/// Write Cargo.nix and a flake that builds the workspace with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Kind of flake
    ///
    /// Default: plain. If there is a flake.nix, what to add to it is printed in its style.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) flake: Option<FlakeKind>,
    /// Cratewright, as an input of the flake: the URL of a flake, or a directory
    ///
    /// Default: the clone that this program was built from.
    #[arg(long, value_name = "URL")]
    pub(crate) cratewright: Option<String>,
    /// Print the names of the files that would be written, without writing them
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FlakeKind {
    /// A flake with the outputs of `lib.perSystem`
    Plain,
    /// A flake with the module for flake-parts
    FlakeParts,
    /// No flake, only Cargo.nix
    None,
}
