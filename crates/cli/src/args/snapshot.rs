//! Arguments of `cratewright snapshot`.

use crate::args::Generate;

const EXAMPLES: &str = "\
From then on `cratewright generate` writes the file as well, and `cratewright check` covers it. To go on without, remove
it and run `cratewright generate`.

Examples:
  cratewright snapshot                          write build-graph.toml next to Cargo.nix
  cratewright snapshot --stdout                 look without writing";

/// Write what is built as a file to commit and to review: build-graph.toml
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Snapshot {
    #[command(flatten)]
    pub(crate) generate: Generate,
}
