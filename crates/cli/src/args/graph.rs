//! Arguments of `cratewright graph`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use cratewright_graph::draw::{DEFAULT_DEPTH, Format};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::listed;

use crate::args::number;
use crate::args::plan::PlanArgs;

const EXAMPLES: &str = "\
Arrows point from a crate to its dependencies. Options that select a part of the graph can be combined; only what all of
them select is drawn.

Examples:
  cratewright graph --format html -o graph.html
                                                a page with the whole graph, which needs no server
  cratewright graph --around openssl-sys --format svg -o openssl.svg
  cratewright graph --members --format mermaid  for a README
  cratewright graph --changed --format svg -o changed.svg
                                                what is rebuilt since HEAD left the default branch
  cratewright graph --duplicates | dot -Tpng -o duplicates.png";

/// Draw the graph of derivations that Nix builds, or a part of it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) plan: PlanArgs,
    /// Draw only this crate with its dependents and dependencies: a name, name@version, or an id
    #[arg(long, value_name = "CRATE")]
    pub(crate) around: Option<String>,
    /// Number of steps to go from that crate, in both directions
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = number)]
    #[arg(default_value_t = DEFAULT_DEPTH, requires = "around")]
    pub(crate) depth: usize,
    /// Draw only members and their tests; an arrow may stand for a path through other crates
    #[arg(long)]
    pub(crate) members: bool,
    /// Draw only packages that are built several times, and the paths to them
    #[arg(long)]
    pub(crate) duplicates: bool,
    /// Draw only what is rebuilt since a revision
    #[arg(long)]
    pub(crate) changed: bool,
    /// Revision to compare with; without `--changed`, what is rebuilt is highlighted
    ///
    /// Default for `--changed`: the commit where HEAD left the default branch (`git merge-base`).
    #[arg(long, value_name = "REV")]
    pub(crate) since: Option<String>,
    /// Output format [default: as the file name of `--output` says, or dot]
    #[arg(long, value_parser = named_format(), value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Write to a file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

impl Graph {
    /// The format that was asked for, or that the file name says.
    ///
    /// # Errors
    /// If no format has the extension of the file, such as that of another kind of image.
    pub(crate) fn format(&self) -> Result<Format, Diagnostic> {
        if let Some(format) = self.format {
            return Ok(format);
        }
        let extension = self.output.as_deref().and_then(Path::extension).map(OsStr::to_ascii_lowercase);
        let Some(extension) = extension.as_deref().map(OsStr::to_string_lossy) else { return Ok(Format::Dot) };
        let named = FORMATS.iter().find(|named| named.extensions.contains(&&*extension));
        named.map(|named| named.format).ok_or_else(|| {
            let usual: Vec<String> = FORMATS.iter().map(|named| format!(".{}", named.extensions[0])).collect();
            Diagnostic::new("unknown-extension", format!("no format has files that end in `.{extension}`"))
                .help(format!("end the name in {}, or choose one with `--format`", listed(&usual, "or")))
        })
    }
}

/// A format as it is named on the command line.
struct Named {
    format: Format,
    name: &'static str,
    /// Extensions of its files, the usual one first.
    extensions: &'static [&'static str],
    help: &'static str,
}

const FORMATS: [Named; 5] = [
    Named { format: Format::Dot, name: "dot", extensions: &["dot", "gv"], help: "Graphviz" },
    Named { format: Format::Json, name: "json", extensions: &["json"], help: "Machine-readable" },
    Named { format: Format::Mermaid, name: "mermaid", extensions: &["mmd"], help: "A diagram for Markdown" },
    Named { format: Format::Svg, name: "svg", extensions: &["svg"], help: "An image" },
    Named {
        format: Format::Html,
        name: "html",
        extensions: &["html"],
        help: "A page for all platforms, with search, details and a treemap",
    },
];

fn named_format() -> impl TypedValueParser<Value = Format> {
    let names = FORMATS.iter().map(|named| PossibleValue::new(named.name).help(named.help));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).map(|name| {
        let named = FORMATS.iter().find(|named| named.name == name);
        named.expect("only these names are accepted").format
    })
}
