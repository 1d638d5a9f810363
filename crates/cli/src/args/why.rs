//! Arguments of `cratewright why`.

use crate::args::Format;
use crate::args::plan::PlanArgs;

const EXAMPLES: &str = "\
A crate is a name, NAME@VERSION, or the beginning of a package id. Ways begin at members; a line of a manifest stands for
each step. What is built is what Cargo.nix has: the members with their variants and their tests.

Examples:
  cratewright why syn                           ways from members to it, and what would have to go
  cratewright why syn@1 --from app              one version, for one member
  cratewright why tokio --feature full          which features and lines turn it on
  cratewright why --duplicates                  packages that are built several times, most expensive first";

/// Say why a crate is built, why several times, and what would have to go for it to vanish
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Why {
    /// Crate to explain
    #[arg(value_name = "CRATE", required_unless_present = "duplicates")]
    pub(crate) krate: Option<String>,
    /// Member that ways begin at
    ///
    /// Default: each of them.
    #[arg(long, value_name = "MEMBER", conflicts_with = "duplicates")]
    pub(crate) from: Option<String>,
    /// Feature of the crate, to say why it is on
    #[arg(long, value_name = "FEATURE", conflicts_with = "duplicates")]
    pub(crate) feature: Option<String>,
    /// List packages that are built several times
    #[arg(long, conflicts_with = "krate")]
    pub(crate) duplicates: bool,
    /// Number of ways or chains to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "duplicates")]
    pub(crate) limit: usize,
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// How to print the answer
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}
