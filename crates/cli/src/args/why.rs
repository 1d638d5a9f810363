//! Arguments of `cratewright why`.

use crate::args::plan::PlanArgs;
use crate::args::{Format, number};

const EXAMPLES: &str = "\
CRATE is a name, NAME@VERSION (the first numbers are enough), or an id that cratewright or `cargo pkgid` prints. Paths
start at members; each step shows the line of the manifest that asks for it. Only what is in Cargo.nix counts: the
members with their variants and their tests.

Examples:
  cratewright why syn                           paths from members to it, and how to get rid of it
  cratewright why syn@1 --from app              one version, for one member
  cratewright why 'build.\"syn@2.0.1\"'           one build, by its id in the output of `--format json`
  cratewright why tokio --feature full          which features and lines enable it
  cratewright why --duplicates                  packages that are built several times, most expensive first";

/// Explain why a crate is built, why it is built several times, and how to get rid of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Why {
    /// Crate to explain
    #[arg(value_name = "CRATE", required_unless_present = "duplicates")]
    pub(crate) krate: Option<String>,
    /// Member at which paths start
    ///
    /// Default: each member.
    #[arg(long, value_name = "MEMBER", conflicts_with = "duplicates")]
    pub(crate) from: Option<String>,
    /// Feature of the crate to explain
    #[arg(long, value_name = "FEATURE", conflicts_with = "duplicates")]
    pub(crate) feature: Option<String>,
    /// List packages that are built several times
    #[arg(long, conflicts_with = "krate")]
    pub(crate) duplicates: bool,
    /// Number of paths or chains to show; 0 for all
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    #[arg(default_value_t = 3, conflicts_with = "duplicates")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}
