//! Arguments of `cratewright cache`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use cratewright_resolver::DEFAULT_PROFILE;

use crate::args::Format;
use crate::args::nix::FileArgs;

/// Look for crates in a binary cache, push them to it, and see what a build would fetch
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Say which crates a binary cache has, and which it lacks
    Status(Status),
    /// Push the crates that a binary cache lacks
    Push(Push),
    /// Say what a build would fetch and what it would build, before it starts
    Plan(Plan),
}

/// Which crates.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CrateArgs {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Profile that crates are built with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE, conflicts_with = "expr")]
    pub(crate) profile: String,
}

const STATUS_EXAMPLES: &str = "\
Examples:
  cratewright cache status --store https://team.example.org
  cratewright cache status --store https://team.example.org --store https://nixos.example.org --deny-missing
                                                exit with 1 if a crate is in neither of them
  cratewright cache status --store file:///var/cache/nix --format json | jq -r '.missing[].path'";

/// Say which crates a binary cache has, and which it lacks
#[derive(Debug, clap::Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) crates: CrateArgs,
    /// Store to ask, as Nix names it; may be repeated, and then each crate may be in any of them
    #[arg(long, value_name = "URL", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) store: Vec<String>,
    /// Ask for test suites of members as well, and for the crates that they need
    #[arg(long)]
    pub(crate) tests: bool,
    /// Exit with 1 if a crate is missing
    #[arg(long)]
    pub(crate) deny_missing: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const PUSH_EXAMPLES: &str = "\
Crates are pushed that are built here: `nix-build Cargo.nix -A cacheRoots` builds all of them.

Examples:
  cratewright cache push --to file:///var/cache/nix --key /run/secrets/cache-key
  cratewright cache push --to 's3://cache?region=eu-west-1' --tests
  cratewright cache push --to https://team.example.org --command 'cachix push team'";

/// Push the crates that a binary cache lacks
#[derive(Debug, clap::Args)]
#[command(after_help = PUSH_EXAMPLES)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) crates: CrateArgs,
    /// Store to push to, as Nix names it
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) to: String,
    /// File with the secret key to sign with
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub(crate) key: Option<PathBuf>,
    /// Shell command that pushes instead of `nix copy`
    ///
    /// It gets store paths on standard input, one a line, and in OUT_PATHS, as a `post-build-hook` does.
    #[arg(long, value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) command: Option<String>,
    /// Push test suites of members as well, and the crates that they need
    #[arg(long)]
    pub(crate) tests: bool,
    /// Push what crates are built with as well: the compiler, libraries and the like
    #[arg(long)]
    pub(crate) toolchain: bool,
}

const PLAN_EXAMPLES: &str = "\
Examples:
  cratewright cache plan                        the root package, or all members
  cratewright cache plan -A tests.all           an attribute of Cargo.nix
  cratewright cache plan --store https://team.example.org --format json";

/// Say what a build would fetch and what it would build, before it starts
#[derive(Debug, clap::Args)]
#[command(after_help = PLAN_EXAMPLES)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) crates: CrateArgs,
    /// Attribute of Cargo.nix to build
    ///
    /// Default: `rootCrate.build`, else `allWorkspaceMembers`.
    #[arg(long, short = 'A', value_name = "ATTRIBUTE")]
    pub(crate) attr: Option<String>,
    /// Store to fetch from, in place of the substituters in Nix's configuration; may be repeated
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) store: Vec<String>,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}
