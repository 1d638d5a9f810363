//! Command line arguments. Names and meanings are cargo's where cargo has them.

pub(crate) mod cache;
mod foreign;
pub(crate) mod graph;
pub(crate) mod impact;
pub(crate) mod init;
pub(crate) mod nix;
pub(crate) mod place;
pub(crate) mod plan;
pub(crate) mod snapshot;
pub(crate) mod why;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ColorChoice, Parser, Subcommand};
use cratewright_resolver::{DEFAULT_PROFILE, UserIntent};

use cratewright_workspace::Cross;

use crate::args::nix::FileArgs;
use crate::args::place::PlaceArgs;
use crate::options::LoadOptions;
use crate::progress::Progress;

/// Cargo's colours for help.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Generate one Cargo.nix for a Cargo workspace, with a buildRustCrate derivation for each crate
#[derive(Debug, Parser)]
#[command(name = "cratewright", version, styles = STYLES, after_help = EXIT_CODES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// Parses the arguments, of which the first is the name of the program.
    ///
    /// # Errors
    /// If they are wrong, or ask for help or the version.
    pub(crate) fn of(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        Args::try_parse_from(&arguments).map_err(|error| foreign::explained(error, &arguments))
    }
}

const COMMON: &str = "Common options";

#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// Do not print the summary
    #[arg(long, short, global = true, conflicts_with = "verbose", help_heading = COMMON)]
    pub(crate) quiet: bool,
    /// Print how long each step takes
    // Cargo takes the flag several times.
    #[arg(long, short, global = true, overrides_with = "verbose", help_heading = COMMON)]
    pub(crate) verbose: bool,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = COMMON)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write Cargo.nix and a flake that builds the workspace with it
    Init(init::Init),
    /// Write Cargo.nix
    Generate(Generate),
    /// Check whether Cargo.nix is up to date, offline and without running cargo
    Check(Check),
    /// Compare the unit graphs of cratewright with cargo's own
    Verify(Verify),
    /// List the source of each package, and the files outside of it that its build reads
    Sources(Sources),
    /// List crates that need native libraries or tools, and the overrides that cover them
    Overrides(Overrides),
    /// Print the software bill of materials of a member, in CycloneDX format
    Sbom(Sbom),
    /// Show which crates a change rebuilds, and why, before anything is built
    Impact(impact::Impact),
    /// Check a binary cache for crates, push crates to it, and show what a build would fetch
    #[command(subcommand)]
    Cache(cache::Cache),
    /// Draw the graph of derivations that Nix builds, or a part of it
    Graph(graph::Graph),
    /// Write build-graph.toml, which lists what is built, to commit and review
    Snapshot(snapshot::Snapshot),
    /// Explain why a crate is built, why it is built several times, and how to get rid of it
    Why(why::Why),
}

const EXIT_CODES: &str = "\
Exit codes: 0 fresh or written, 1 stale or not matching, 2 usage or input error.";

const GENERATE_EXAMPLES: &str = "\
Examples:
  cratewright generate                          write Cargo.nix next to Cargo.lock
  cratewright generate --locked                 the same, but fail if Cargo.lock would change
  cratewright generate --target x86_64-linux --target aarch64-unknown-linux-musl
                                                only for these platforms
  cratewright generate --stdout | diff Cargo.nix -
                                                show the difference without writing";

/// Write Cargo.nix
#[derive(Debug, clap::Args)]
#[command(after_help = GENERATE_EXAMPLES, args = foreign::options())]
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
    /// Read packages from a directory that `tools.nix` has made
    #[arg(long, value_name = "PATH", hide = true, requires = "locked")]
    pub(crate) prefetched: Option<PathBuf>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  cratewright check                             exit code 0 if Cargo.nix is fresh, 1 if it is stale
  cratewright check -o nix/Cargo.nix            a Cargo.nix in another directory";

/// Check whether Cargo.nix is up to date
#[derive(Debug, clap::Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Regenerate in memory, with cargo but without network access, and print the difference
    #[arg(long, conflicts_with = "format")]
    pub(crate) full: bool,
    /// Check only the manifests and the lock file, for a directory without Rust sources
    ///
    /// The files that sources read outside of their packages are assumed to be those recorded in Cargo.nix.
    #[arg(long, conflicts_with = "full")]
    pub(crate) manifests_only: bool,
    /// Check only build-graph.toml: whether it was written with Cargo.nix, and whether it is within the limits
    #[arg(long, conflicts_with_all = ["full", "manifests_only"])]
    pub(crate) build_graph: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const VERIFY_EXAMPLES: &str = "\
Compares `cargo build` and `cargo test` of each member, then of the whole workspace, on each platform.
Cargo prints unit graphs only with RUSTC_BOOTSTRAP=1, which is set for that call alone; nothing is built.

Examples:
  cratewright verify                            exit code 0 if all units are equal, 1 if not
  cratewright verify -p app --purpose test      only `cargo test -p app`
  cratewright verify --target x86_64-pc-windows-msvc --format json";

/// Compare the unit graphs of cratewright with cargo's own
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct Verify {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Member to compare; may be repeated
    ///
    /// Default: each member, and the whole workspace.
    #[arg(long, short, value_name = "MEMBER")]
    pub(crate) package: Vec<String>,
    /// Compare only `cargo build` or only `cargo test`
    ///
    /// Default: both.
    #[arg(long, value_name = "PURPOSE", value_parser = purposes())]
    pub(crate) purpose: Option<UserIntent>,
    /// Profile of the units to compare
    #[arg(long, value_name = "NAME", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

fn purposes() -> impl TypedValueParser<Value = UserIntent> {
    PossibleValuesParser::new(["build", "test"])
        .map(|purpose| if purpose == "test" { UserIntent::Test } else { UserIntent::Build })
}

const SOURCES_EXAMPLES: &str = "\
Lists the packages in Cargo.nix: those that a member needs on at least one of the platforms.

Examples:
  cratewright sources                           one line for each package
  cratewright sources --format json | jq '.packages[] | select(.fetcher == \"fetchgit\")'";

/// List the source of each package, and the files outside of it that its build reads
#[derive(Debug, clap::Args)]
#[command(after_help = SOURCES_EXAMPLES)]
pub(crate) struct Sources {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    /// Accepted for scripts; Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const OVERRIDES_EXAMPLES: &str = "\
Lists the crates in Cargo.nix that have `links`, and those whose build scripts use cc, cmake, pkg-config, bindgen or
similar crates. Nix evaluates Cargo.nix to find the overrides: those of nixpkgs, those that come with Cargo.nix, and
yours if `--expr` shows how you import Cargo.nix.

Examples:
  cratewright overrides                         with nixpkgs from NIX_PATH
  cratewright overrides --nixpkgs ../nixpkgs --deny-uncovered
  cratewright overrides --expr 'import ./nix/crates.nix'";

/// List crates that need native libraries or tools, and the overrides that cover them
#[derive(Debug, clap::Args)]
#[command(after_help = OVERRIDES_EXAMPLES)]
pub(crate) struct Overrides {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) load: Load,
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Exit with code 1 if a crate is not covered
    #[arg(long)]
    pub(crate) deny_uncovered: bool,
    /// Accepted for scripts; Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// Output format
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub(crate) format: Format,
}

const SBOM_EXAMPLES: &str = "\
Lists the packages in the unit graph of `cargo build --release` for the member on that platform. Packages that are linked
have the scope `required`; packages that only run during the build have the scope `excluded`.

Examples:
  cratewright sbom                              the package in the current directory, for this machine
  cratewright sbom -p app --target aarch64-linux --output app.cdx.json
  cratewright sbom -p app | jq -r '.components[] | select(.scope == \"required\").purl'";

/// Options that select a build of a workspace.
const OF_WORKSPACE: [&str; 6] = ["manifest_path", "package", "variant", "target", "cross", "offline"];

/// Print the software bill of materials of a member, in CycloneDX format
#[derive(Debug, clap::Args)]
#[command(after_help = SBOM_EXAMPLES)]
pub(crate) struct Sbom {
    /// Path to the Cargo.toml of the workspace or of any member
    #[arg(long, value_name = "PATH")]
    pub(crate) manifest_path: Option<PathBuf>,
    /// Member to describe
    ///
    /// Default: the package of the manifest, or the only member.
    #[arg(long, short, value_name = "MEMBER")]
    pub(crate) package: Option<String>,
    /// Variant in [workspace.metadata.cratewright.variants], instead of the default features
    #[arg(long, value_name = "NAME")]
    pub(crate) variant: Option<String>,
    /// Platform to build on and for, as target triple or Nix system
    ///
    /// Default: the host of rustc.
    #[arg(long, value_name = "TARGET", conflicts_with = "cross")]
    pub(crate) target: Option<String>,
    /// Cross build: the platform to build on, and the platform to build for
    #[arg(long, value_name = "HOST:TARGET")]
    pub(crate) cross: Option<Cross>,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
    /// Accepted for scripts; Cargo.lock is never changed
    #[arg(long = "locked", hide = true)]
    _locked: bool,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
    /// Describe the build in this JSON file, as Cargo.nix does; needs no workspace, no cargo and no network access
    #[arg(long, value_name = "PATH", requires = "manifests", conflicts_with_all = OF_WORKSPACE, hide_short_help = true)]
    pub(crate) graph: Option<PathBuf>,
    /// Directory with the manifests that the JSON file refers to
    #[arg(long, value_name = "PATH", requires = "graph", hide_short_help = true)]
    pub(crate) manifests: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Human-readable
    Text,
    /// Machine-readable
    Json,
}

/// The platforms to resolve for, and how cargo is run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Load {
    /// Platform to resolve for, as target triple or Nix system; may be repeated
    ///
    /// Default: `targets` in [workspace.metadata.cratewright], else x86_64-linux, aarch64-linux, x86_64-darwin and
    /// aarch64-darwin.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Vec<String>,
    /// Cross build to resolve for in addition; may be repeated
    ///
    /// Default: `cross` in [workspace.metadata.cratewright], else none.
    #[arg(long, value_name = "HOST:TARGET")]
    pub(crate) cross: Vec<Cross>,
    /// Run cargo without accessing the network
    #[arg(long)]
    pub(crate) offline: bool,
}

impl Load {
    /// How to load a workspace for a command that never changes `Cargo.lock`.
    pub(crate) fn locked(&self, manifest_path: Option<&Path>, progress: Progress) -> LoadOptions {
        LoadOptions {
            manifest_path: manifest_path.map(Path::to_owned),
            targets: self.target.clone(),
            cross: self.cross.clone(),
            offline: self.offline,
            locked: true,
            progress,
            ..LoadOptions::default()
        }
    }
}

/// A number of steps or lines.
fn number(text: &str) -> Result<usize, &'static str> {
    text.parse().map_err(|_| "expected a number, 0 or more")
}
