//! Arguments of `cratewright graph`.

use std::path::PathBuf;

use cratewright_graph::draw::DEFAULT_DEPTH;

use crate::args::plan::PlanArgs;

const EXAMPLES: &str = "\
Arrows lead from a crate to what it depends on. Parts can be combined: what is drawn is in all of them.

Examples:
  cratewright graph --format html -o graph.html
                                                a page of everything, which works from the file
  cratewright graph --around openssl-sys --format svg -o openssl.svg
  cratewright graph --members --format mermaid  for a README
  cratewright graph --changed --format svg -o changed.svg
                                                what is built again since the branch left the default branch
  cratewright graph --duplicates | dot -Tpng -o duplicates.png";

/// Draw the graph of what Nix builds, or a part of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Draw a crate with what depends on it and what it depends on: a name, or name@version
    #[arg(long, value_name = "CRATE")]
    pub(crate) around: Option<String>,
    /// How far to go from that crate, in both directions
    #[arg(long, value_name = "N", default_value_t = DEFAULT_DEPTH, requires = "around")]
    pub(crate) depth: usize,
    /// Draw members and their tests alone; an arrow stands for a path through other crates as well
    #[arg(long)]
    pub(crate) members: bool,
    /// Draw packages that are built several times, and what leads to them
    #[arg(long)]
    pub(crate) duplicates: bool,
    /// Draw what is built again since a revision
    #[arg(long)]
    pub(crate) changed: bool,
    /// Revision to compare with: `--changed` draws only what is built again, otherwise it is highlighted
    ///
    /// Default for `--changed`: where HEAD left the default branch (`git merge-base`).
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// How to write it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Dot)]
    pub(crate) format: GraphFormat,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphFormat {
    /// For Graphviz
    Dot,
    /// For programs
    Json,
    /// For Markdown
    Mermaid,
    /// A picture
    Svg,
    /// A page with search, details and a treemap, of all platforms
    Html,
}
