//! Arguments of `cratewright cache`.

use std::path::PathBuf;

use clap::Subcommand;
use clap::builder::NonEmptyStringValueParser;
use cratewright_resolver::DEFAULT_PROFILE;

use crate::args::Format;
use crate::args::nix::FileArgs;
use crate::paths::quoted;

/// Check a binary cache for crates, push crates to it, and show what a build would fetch
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// List the crates that a binary cache has and those that it lacks
    Status(Status),
    /// Push the crates that a binary cache lacks
    Push(Push),
    /// Show what a build would fetch and what it would build, before it starts
    Plan(Plan),
}

/// The crates of one `Cargo.nix`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CrateArgs {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Profile that the crates are built with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE, conflicts_with = "expr")]
    pub(crate) profile: String,
}

impl CrateArgs {
    /// The command that builds an attribute of the same `Cargo.nix` with the same arguments.
    pub(crate) fn nix_build(&self, attribute: &str) -> String {
        if let Some(expression) = &self.file.expr {
            return format!("nix-build -E {} -A {attribute}", quoted(expression));
        }
        let file = self.file.cargo_nix.as_deref().unwrap_or("Cargo.nix".as_ref());
        let mut command = format!("nix-build {} -A {attribute}", quoted(file));
        if self.profile != DEFAULT_PROFILE {
            command.push_str(&format!(" --argstr profile {}", quoted(&self.profile)));
        }
        if let Some(nixpkgs) = &self.file.nixpkgs {
            command.push_str(&format!(" -I nixpkgs={}", quoted(nixpkgs)));
        }
        command
    }
}

const STATUS_EXAMPLES: &str = "\
Examples:
  cratewright cache status --store https://team.example.org
  cratewright cache status --store https://team.example.org --store https://nixos.example.org --deny-missing
                                                exit with code 1 if a crate is in neither of them
  cratewright cache status --store file:///var/cache/nix --format json | jq -r '.missing[].path'";

/// List the crates that a binary cache has and those that it lacks
#[derive(Debug, clap::Args)]
#[command(after_help = STATUS_EXAMPLES)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) crates: CrateArgs,
    /// URL of the Nix store to check; may be repeated, then a crate may be in any of the stores
    #[arg(long, value_name = "URL", required = true, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) store: Vec<String>,
    /// Also check the test suites of members, and the crates that they need
    #[arg(long)]
    pub(crate) tests: bool,
    /// Exit with code 1 if a crate is missing
    #[arg(long)]
    pub(crate) deny_missing: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const PUSH_EXAMPLES: &str = "\
Pushes only crates that are built on this machine: `nix-build Cargo.nix -A cacheRoots` builds all of them.

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
    /// URL of the Nix store to push to
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) to: String,
    /// File with the secret key to sign with
    #[arg(long, value_name = "FILE", conflicts_with = "command")]
    pub(crate) key: Option<PathBuf>,
    /// Shell command to push with, instead of `nix copy`
    ///
    /// It gets the store paths on standard input, one per line, and in OUT_PATHS, like a `post-build-hook`.
    #[arg(long, value_name = "COMMAND", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) command: Option<String>,
    /// Also push the test suites of members, and the crates that they need
    #[arg(long)]
    pub(crate) tests: bool,
    /// Also push what the crates are built with, such as the compiler and libraries
    #[arg(long)]
    pub(crate) toolchain: bool,
}

const PLAN_EXAMPLES: &str = "\
Examples:
  cratewright cache plan                        the root package, or all members
  cratewright cache plan -A tests.all           one attribute of Cargo.nix
  cratewright cache plan --store https://team.example.org --format json";

/// Show what a build would fetch and what it would build, before it starts
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
    /// URL of a Nix store to fetch from, instead of the substituters in Nix's configuration; may be repeated
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) store: Vec<String>,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}
