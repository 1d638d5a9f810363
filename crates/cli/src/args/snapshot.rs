//! Arguments of `cratewright snapshot`.

use crate::args::Generate;

const EXAMPLES: &str = "\
From then on, `cratewright generate` also writes this file, and `cratewright check` also checks it. To stop using it,
remove it and run `cratewright generate`.

Examples:
  cratewright snapshot                          write build-graph.toml next to Cargo.nix
  cratewright snapshot --stdout                 print it without writing";

/// Write build-graph.toml, which lists what is built, to commit and review
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    pub(crate) generate: Generate,
}
