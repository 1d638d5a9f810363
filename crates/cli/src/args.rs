//! Command line arguments. Names and meanings are cargo's where cargo has them.

pub(crate) mod cache;
pub(crate) mod graph;
pub(crate) mod impact;
pub(crate) mod init;
pub(crate) mod nix;
pub(crate) mod plan;
pub(crate) mod snapshot;
pub(crate) mod why;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, ColorChoice, Parser, Subcommand};
use cratewright_resolver::{DEFAULT_PROFILE, UserIntent};

use cratewright_workspace::Cross;

use crate::args::nix::FileArgs;

/// Cargo's colours for help.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Writes a Cargo workspace as one Cargo.nix of per-crate buildRustCrate derivations
#[derive(Debug, Parser)]
#[command(name = "cratewright", version, styles = STYLES, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const COMMON: &str = "Common options";

#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Print no summary
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = COMMON)]
    pub(crate) quiet: bool,
    /// Say how long each step takes
    #[arg(long, short, global = true, action = ArgAction::Count, help_heading = COMMON)]
    pub(crate) verbose: u8,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = COMMON)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write Cargo.nix, and a flake that builds the workspace with it
    Init(init::Init),
    /// Write Cargo.nix
    Generate(Generate),
    /// Check whether Cargo.nix is up to date; offline, without running cargo
    Check(Check),
    /// Compare what is resolved here with cargo's own unit graphs
    Verify(Verify),
    /// List where every package comes from, and which files outside of it a build reads
    Sources(Sources),
    /// List crates that meet something that is not Rust, and which overrides cover them
    Overrides(Overrides),
    /// Print what the output of a member is made of, as CycloneDX
    Sbom(Sbom),
    /// Show what a change builds again, and why, before anything is built
    Impact(impact::Impact),
    /// Look for crates in a binary cache, push them to it, and see what a build would fetch
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Draw the graph of what Nix builds, or a part of it
    Graph(graph::Graph),
    /// Write what is built as a file to commit and to review: build-graph.toml
    Snapshot(snapshot::Snapshot),
    /// Say why a crate is built, why several times, and what would have to go for it to vanish
    Why(why::Why),
}

const EXIT_CODES: &str = "\
Exit codes: 0 fresh or written, 1 stale or not matching, 2 usage or input error.";

const GENERATE_EXAMPLES: &str = "\
Examples:
  cratewright generate                          write Cargo.nix beside Cargo.lock
  cratewright generate --locked                 the same, failing if Cargo.lock would change
  cratewright generate --target x86_64-linux --target aarch64-unknown-linux-musl
                                                only for these platforms
  cratewright generate --stdout | diff Cargo.nix -
                                                look without writing";

/// Write Cargo.nix
#[derive(Debug, clap::Args)]
#[command(after_help = GENERATE_EXAMPLES)]
pub(crate) struct Generate {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Fail if Cargo.lock would have to change
    #[arg(long)]
    pub(crate) locked: bool,
    /// Print to standard output instead of writing a file; Cargo.lock is not written either
    #[arg(long, conflicts_with = "output")]
    pub(crate) stdout: bool,
    /// Overwrite a file that cratewright did not generate
    #[arg(long)]
    pub(crate) force: bool,
    /// Take packages from a directory that `tools.nix` has made
    #[arg(long, value_name = "PATH", hide = true, requires = "locked")]
    pub(crate) prefetched: Option<PathBuf>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  cratewright check                             exit code 0 if Cargo.nix is fresh, 1 if it is stale
  cratewright check -o nix/Cargo.nix            a Cargo.nix in another place";

/// Check whether Cargo.nix is up to date
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Generate again in memory, with cargo but without network, and print the difference
    #[arg(long, conflicts_with = "format")]
    pub(crate) full: bool,
    /// Look at manifests and the lock alone, for a place that has no Rust sources
    ///
    /// What sources read outside of their packages is taken as it was when Cargo.nix was written.
    #[arg(long, conflicts_with = "full")]
    pub(crate) manifests_only: bool,
    /// Look at build-graph.toml alone: whether it was written with Cargo.nix, and whether the limits are kept
    #[arg(long, conflicts_with_all = ["full", "manifests_only"])]
    pub(crate) build_graph: bool,
    /// How to print the result
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const VERIFY_EXAMPLES: &str = "\
Each member is compared as `cargo build` and `cargo test` see it, then the whole workspace, on each platform.
Cargo prints unit graphs only with RUSTC_BOOTSTRAP=1, which is set for that call alone; nothing is built.

Examples:
  cratewright verify                            exit code 0 if all units are equal, 1 if not
  cratewright verify -p app --purpose test      only `cargo test -p app`
  cratewright verify --target x86_64-pc-windows-msvc --format json";

/// Compare what is resolved here with cargo's own unit graphs
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct Verify {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Member to compare; may be repeated
    ///
    /// Default: each of them, and the whole workspace.
    #[arg(long, short, value_name = "MEMBER")]
    pub(crate) package: Vec<String>,
    /// What cargo is asked for
    ///
    /// Default: both.
    #[arg(long, value_name = "PURPOSE", value_parser = purposes())]
    pub(crate) purpose: Option<UserIntent>,
    /// Profile to compare units with
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// How to print the result
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

fn purposes() -> impl TypedValueParser<Value = UserIntent> {
    PossibleValuesParser::new(["build", "test"])
        .map(|purpose| if purpose == "test" { UserIntent::Test } else { UserIntent::Build })
}

const SOURCES_EXAMPLES: &str = "\
Listed are the packages of Cargo.nix: those that a build of a member needs on one of the platforms.

Examples:
  cratewright sources                           a line for each package
  cratewright sources --format json | jq '.packages[] | select(.fetcher == \"fetchgit\")'";

/// List where every package comes from, and which files outside of it a build reads
#[derive(Debug, clap::Args)]
#[command(after_help = SOURCES_EXAMPLES)]
pub(crate) struct Sources {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Taken for the sake of scripts: Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// How to print the list
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const OVERRIDES_EXAMPLES: &str = "\
Listed are the crates of Cargo.nix with `links`, and those whose build scripts use cc, cmake, pkg-config, bindgen and the
like. Which overrides there are is asked of Nix, which evaluates Cargo.nix: nixpkgs' own, those that Cargo.nix carries,
and yours, if `--expr` says how you call it.

Examples:
  cratewright overrides                         with nixpkgs from NIX_PATH
  cratewright overrides --nixpkgs ../nixpkgs --deny-uncovered
  cratewright overrides --expr 'import ./nix/crates.nix'";

/// List crates that meet something that is not Rust, and which overrides cover them
#[derive(Debug, clap::Args)]
#[command(after_help = OVERRIDES_EXAMPLES)]
pub(crate) struct Overrides {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Exit with 1 if a crate is not covered
    #[arg(long)]
    pub(crate) deny_uncovered: bool,
    /// Taken for the sake of scripts: Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// How to print the list
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const SBOM_EXAMPLES: &str = "\
Listed are the packages of the unit graph: `cargo build --release` of the member on that platform. Those that are linked
have scope `required`, those that run while it is built `excluded`.

Examples:
  cratewright sbom                              of the package in the current directory, for this machine
  cratewright sbom -p app --target aarch64-linux --output app.cdx.json
  cratewright sbom -p app | jq -r '.components[] | select(.scope == \"required\").purl'";

/// What says which build of a workspace is described.
const OF_WORKSPACE: [&str; 6] = ["manifest_path", "package", "variant", "target", "cross", "offline"];

/// Print what the output of a member is made of, as CycloneDX
#[derive(Debug, clap::Args)]
#[command(after_help = SBOM_EXAMPLES)]
pub(crate) struct Sbom {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Member to describe
    ///
    /// Default: the package of the manifest, or the only member.
    #[arg(long, short, value_name = "MEMBER")]
    pub(crate) package: Option<String>,
    /// Variant of [workspace.metadata.cratewright.variants], in place of the default features
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Platform it is built on and for, as target triple or Nix system
    ///
    /// Default: that of rustc.
    #[arg(long, value_name = "TARGET", conflicts_with = "cross")]
    pub(crate) target: Option<String>,
    /// Platform it is built on, and another one that it is for
    #[arg(long, value_name = "HOST:TARGET")]
    pub(crate) cross: Option<Cross>,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Taken for the sake of scripts: Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Describe the build in this JSON file instead, as Cargo.nix does; needs no workspace, no cargo and no network
    #[arg(long, value_name = "PATH", requires = "manifests", conflicts_with_all = OF_WORKSPACE, hide_short_help = true)]
    pub(crate) graph: Option<PathBuf>,
    /// Directory of the manifests that the file names
    #[arg(long, value_name = "PATH", requires = "graph", hide_short_help = true)]
    pub(crate) manifests: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is resolved, and how cargo is run for it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Load {
    /// Platform to resolve for, as target triple or Nix system; may be repeated
    ///
    /// Default: `targets` in [workspace.metadata.cratewright], else x86_64-linux, aarch64-linux, x86_64-darwin and
    /// aarch64-darwin.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Vec<String>,
    /// Build on one platform for another, to resolve for as well; may be repeated
    ///
    /// Default: `cross` in [workspace.metadata.cratewright], else none.
    #[arg(long, value_name = "HOST:TARGET")]
    pub(crate) cross: Vec<Cross>,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Path to Cargo.toml, of the workspace or any of its members
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Path of Cargo.nix, instead of the one next to Cargo.lock
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}
