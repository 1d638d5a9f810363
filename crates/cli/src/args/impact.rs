//! Arguments of `cratewright impact`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::args::plan::PlanArgs;

const EXAMPLES: &str = "\
Each crate and each test suite counts as one derivation, as in Nix. Nothing is built, and Nix is run only with `--nix`.
Files that git ignores do not count.

Examples:
  cratewright impact                            since HEAD left the default branch
  cratewright impact --since v1.2.0             since a tag, a branch or a commit
  cratewright impact --bump serde               with another version of a crate
  cratewright impact --edit crates/core/src/lib.rs
  cratewright impact --feature app/tls          with one more feature of a member
  cratewright impact --format markdown          a comment for a pull request
  nix build --log-format internal-json 2>&1 | cratewright impact --timings -
                                                read how long crates take; from then on, show seconds";

/// Show which crates a change rebuilds, and why, before anything is built
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Impact {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Revision to compare the working tree with
    ///
    /// Default: the commit where HEAD left the default branch (`git merge-base`). Cannot be combined with `--bump`,
    /// `--edit` and `--feature`.
    #[arg(long, value_name = "REV", conflicts_with_all = ["bump", "edit", "feature"])]
    pub(crate) since: Option<String>,
    /// Assume another version of this crate; may be repeated
    ///
    /// A name, name@version, or a package id. The dependencies of the crate are assumed not to change.
    #[arg(long, value_name = "CRATE")]
    pub(crate) bump: Vec<String>,
    /// Assume that this file is edited; may be repeated
    ///
    /// The edit is assumed not to change which crates are built, as new dependencies in a Cargo.toml would.
    #[arg(long, value_name = "PATH")]
    pub(crate) edit: Vec<PathBuf>,
    /// Assume that this feature of a member is also enabled; may be repeated
    #[arg(long, value_name = "MEMBER/FEATURE")]
    pub(crate) feature: Vec<String>,
    /// Also let Nix evaluate both sides for the platform; exit with code 1 if the answers differ
    ///
    /// Cargo.nix must be up to date on both sides. Cannot be combined with `--edit` and `--feature`.
    #[arg(long, conflicts_with_all = ["edit", "feature"])]
    pub(crate) nix: bool,
    /// Path to nixpkgs for `--nix`, instead of the one in NIX_PATH
    #[arg(long, value_name = "PATH", requires = "nix")]
    pub(crate) nixpkgs: Option<PathBuf>,
    /// Build log to read the build times of crates from; may be repeated
    ///
    /// A log of Nix with `--log-format internal-json`, or the report of `cargo build --timings` or its directory. `-`
    /// is standard input, where the time counts at which a line arrives. Build times are remembered: a log is needed
    /// once.
    #[arg(long, value_name = "LOG|DIR")]
    pub(crate) timings: Vec<PathBuf>,
    /// Number of parallel jobs for the estimated time
    ///
    /// Default: the number of cores of this machine.
    #[arg(long, short, value_name = "N", allow_negative_numbers = true, value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ImpactFormat::Text)]
    pub(crate) format: ImpactFormat,
    /// List everything that is rebuilt
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ImpactFormat {
    /// Human-readable
    Text,
    /// Machine-readable
    Json,
    /// A comment for a pull request
    Markdown,
    /// An image of what is rebuilt
    Svg,
}

fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse().map_err(|_| "expected a number, at least 1")
}
