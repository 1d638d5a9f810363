//! Arguments of `cratewright init`.

use std::path::PathBuf;

use crate::args::Format;

const EXAMPLES: &str = "\
No file that exists is changed; what has to be added to one is printed. Cargo.lock must be there, and up to date.

Examples:
  cratewright init                              Cargo.nix and its library, flake.nix, and workflows where there is a .github
  cratewright init --dry-run                    look without writing
  cratewright init --flake flake-parts --cratewright git+https://git.example/cratewright";

/// Write Cargo.nix, and a flake that builds the workspace with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Kind of flake
    ///
    /// Default: plain. Where there is a flake.nix, what to add to it is printed in the style that it has.
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) flake: Option<FlakeKind>,
    /// Where the flake takes Cratewright from: the URL of a flake, or a directory
    ///
    /// Default: the clone that this program was built from.
    #[arg(long, value_name = "URL")]
    pub(crate) cratewright: Option<String>,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// How to print what is left to do
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FlakeKind {
    /// Outputs by `lib.perSystem`
    Plain,
    /// A module of flake-parts
    FlakeParts,
    /// No flake: Cargo.nix alone
    None,
}
