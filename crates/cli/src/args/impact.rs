//! Arguments of `cratewright impact`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::args::plan::PlanArgs;

const EXAMPLES: &str = "\
Crates and test suites are counted as Nix has them: a derivation each. Nothing is built, and Nix is not asked but with
`--nix`. Files that git ignores do not count.

Examples:
  cratewright impact                            since the current branch left the default branch
  cratewright impact --since v1.2.0             since a tag, a branch or a commit
  cratewright impact --bump serde               if another version of a crate comes
  cratewright impact --edit crates/core/src/lib.rs
  cratewright impact --feature app/tls          if a member gets a feature more
  cratewright impact --format markdown          a comment for a pull request
  nix build --log-format internal-json 2>&1 | cratewright impact --timings -
                                                the same in seconds, from then on";

/// Show what a change builds again, and why, before anything is built
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Impact {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Revision to compare the working tree with
    ///
    /// Default: where HEAD left the default branch (`git merge-base`). Not together with `--bump`, `--edit` and `--feature`.
    #[arg(long, value_name = "REV", conflicts_with_all = ["bump", "edit", "feature"])]
    pub(crate) since: Option<String>,
    /// Crate to assume another version of; may be repeated
    ///
    /// A name, or name@version where there are several. The dependencies of the crate are taken to stay as they are.
    #[arg(long, value_name = "CRATE")]
    pub(crate) bump: Vec<String>,
    /// File that is edited; may be repeated
    ///
    /// What the file says is taken to stay as it is where it decides what else is built: dependencies in a Cargo.toml, say.
    #[arg(long, value_name = "PATH")]
    pub(crate) edit: Vec<PathBuf>,
    /// Feature of a member to enable in addition; may be repeated
    #[arg(long, value_name = "MEMBER/FEATURE")]
    pub(crate) feature: Vec<String>,
    /// Ask Nix as well, which evaluates both sides for that platform; exit with 1 if the answers differ
    ///
    /// Cargo.nix must be up to date on both sides. Not together with `--edit` and `--feature`.
    #[arg(long, conflicts_with_all = ["edit", "feature"])]
    pub(crate) nix: bool,
    /// nixpkgs for `--nix`, in place of the one in NIX_PATH
    #[arg(long, value_name = "PATH", requires = "nix")]
    pub(crate) nixpkgs: Option<PathBuf>,
    /// Log to learn from what crates take: Nix's with `--log-format internal-json`, or the report of `cargo build --timings`
    ///
    /// `-` is standard input, whose lines are stamped as they come. A directory is one with cargo's report. What is learnt
    /// is remembered, so that the log is needed once. May be repeated.
    #[arg(long, value_name = "LOG|DIR")]
    pub(crate) timings: Vec<PathBuf>,
    /// Number of parallel jobs for the estimated time
    ///
    /// Default: as many as this machine has cores.
    #[arg(long, short, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// How to print the result
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ImpactFormat::Text)]
    pub(crate) format: ImpactFormat,
    /// Name everything that is built
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ImpactFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// For a pull request
    Markdown,
    /// A picture of what is built
    Svg,
}
