//! `build-graph.toml`: a list of what is built, to commit and review.
//!
//! The file has no hashes, no paths and nothing specific to a machine. It is sorted, with one line for each fact that
//! can change independently. Facts that hold on all platforms are in tables `all`, others in a table for each set of
//! platforms. Lines do not refer to other crates by number or version, so an update of a crate changes only its own line
//! and the lines of crates that it adds or removes.
//!
//! The file is valid TOML, written by our own code for its layout. [`Snapshot::parse`] reads only the part that
//! `cratewright check` needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::GENERATED;
use cratewright_workspace::Limits;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::limits::{Breach, Evaluation, Unused, evaluate, number_of};
use crate::measures::{VersionOrder, all_of_member, cone, largest_closure, longest_chain, members, packages};
use crate::model::{Derivation, DerivationGraph, Side};

/// Version of the format, incremented whenever the same graphs give other bytes.
const FORMAT: u32 = 1;

/// The name of the file, next to `Cargo.nix`.
pub const FILE: &str = "build-graph.toml";

/// The part of a committed snapshot about limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether a breach makes `check` fail.
    pub is_enforced: bool,
    /// Limits that are exceeded.
    pub breaches: Vec<Breach>,
    /// Entries of the limits that have no effect.
    pub unused: Vec<Unused>,
    /// The platforms in the snapshot.
    pub platforms: Vec<String>,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Parsed {
    limits: ParsedLimits,
    platforms: BTreeMap<String, IgnoredAny>,
    #[serde(default)]
    breaches: Vec<Breach>,
    #[serde(default)]
    unused: Vec<Unused>,
}

#[derive(Deserialize)]
struct ParsedLimits {
    enforce: bool,
}

impl Snapshot {
    /// Parses a snapshot. `file` is its name in messages.
    pub fn parse(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let regenerate = "regenerate it with `cratewright snapshot`";
        let invalid = |error: &toml::de::Error| {
            let (code, expected) = ("invalid-snapshot", "a snapshot of a build graph");
            Diagnostic::toml(code, expected, file, text, error.message(), error.span()).help(regenerate)
        };
        let Format { format } = toml::from_str(text).map_err(|error| invalid(&error))?;
        if format != FORMAT {
            let message = format!("the file has format {format}; this version of Cratewright reads {FORMAT}");
            return Err(Diagnostic::new("invalid-snapshot", message).at(file).help(regenerate));
        }
        let Parsed { limits, platforms, breaches, unused } = toml::from_str(text).map_err(|error| invalid(&error))?;
        let platforms = platforms.into_keys().collect();
        Ok(Snapshot { is_enforced: limits.enforce, breaches, unused, platforms })
    }
}

/// The text of the snapshot for the graphs of some platforms.
pub fn snapshot(graphs: &[DerivationGraph], limits: &Limits) -> String {
    let mut graphs: Vec<&DerivationGraph> = graphs.iter().collect();
    graphs.sort_by_key(|graph| &graph.platform);
    let evaluation = {
        let sorted: Vec<DerivationGraph> = graphs.iter().map(|&graph| graph.clone()).collect();
        evaluate(&sorted, limits)
    };
    let mut text = format!("{GENERATED}. Do not edit: run `cratewright snapshot`.\n\nformat = {FORMAT}\n");
    for graph in &graphs {
        write_totals(&mut text, graph);
    }
    write_limits(&mut text, limits, &evaluation);
    write_table(&mut text, "members", &by_platforms(&graphs, member_lines));
    write_table(&mut text, "duplicates", &by_platforms(&graphs, duplicate_lines));
    write_table(&mut text, "crates", &by_platforms(&graphs, crate_lines));
    text
}

/// Appends a line to a text, which cannot fail.
macro_rules! line {
    ($text:expr, $($arguments:tt)*) => {{
        let _ = writeln!($text, $($arguments)*);
    }};
}

fn write_totals(text: &mut String, graph: &DerivationGraph) {
    let (packages, chain) = (packages(graph), longest_chain(graph));
    let n_members = graph.crates().filter(|(_, derivation)| derivation.is_member).count();
    let n_crates = graph.crates().count();
    let repeated = packages.values().flat_map(BTreeMap::values).filter(|builds| builds.len() > 1);
    line!(text, "\n[platforms.{}]", key(&graph.platform));
    line!(text, "crates = {n_crates}");
    line!(text, "members = {n_members}");
    line!(text, "dependencies = {}", n_crates - n_members);
    line!(text, "test-suites = {}", graph.tests().count());
    line!(text, "packages-in-several-versions = {}", packages.values().filter(|versions| versions.len() > 1).count());
    line!(text, "versions-built-several-times = {}", repeated.count());
    line!(text, "longest-chain = {}", chain.len());
    let names: Vec<&str> = chain.iter().map(|&ix| graph.derivations[ix].name.as_str()).collect();
    line!(text, "chain = {}", string(&names.join(" -> ")));
}

fn write_limits(text: &mut String, limits: &Limits, evaluation: &Evaluation) {
    line!(text, "\n[limits]\nenforce = {}", limits.is_enforced());
    let ceiling = |value: usize, limit: usize| format!("{{ value = {value}, limit = {limit} }}");
    for measured in evaluation.measured.iter().filter(|measured| measured.member.is_none()) {
        line!(text, "{} = {}", measured.key, ceiling(measured.value, measured.limit));
    }
    let patterns = [
        ("accepted-duplicates", limits.accepted_duplicates.iter().map(ToString::to_string).collect::<BTreeSet<_>>()),
        ("banned", limits.banned.iter().map(ToString::to_string).collect()),
        ("banned-features", limits.banned_features.iter().map(ToString::to_string).collect()),
    ];
    for (name, patterns) in patterns.iter().filter(|(_, patterns)| !patterns.is_empty()) {
        line!(text, "{name} = {}", list(patterns.iter().map(String::as_str)));
    }
    for table in ["cone", "closure"] {
        let entries: Vec<_> = evaluation.measured.iter().filter(|measured| measured.key == table).collect();
        if !entries.is_empty() {
            line!(text, "\n[limits.{table}]");
        }
        for measured in entries {
            let member = measured.member.as_deref().unwrap_or_default();
            line!(text, "{} = {}", key(member), ceiling(measured.value, measured.limit));
        }
    }
    if !limits.forbidden_dependencies.is_empty() {
        line!(text, "\n[limits.forbidden-dependencies]");
    }
    for (member, patterns) in &limits.forbidden_dependencies {
        let patterns: BTreeSet<String> = patterns.iter().map(ToString::to_string).collect();
        line!(text, "{} = {}", key(member), list(patterns.iter().map(String::as_str)));
    }
    for Breach { code, message, platforms, paths } in &evaluation.breaches {
        line!(text, "\n[[breaches]]\ncode = {}\nmessage = {}", string(code.name()), string(message));
        line!(text, "platforms = {}", list(platforms.iter().map(String::as_str)));
        let paths: Vec<String> = paths.iter().map(|path| string(&path.join(" -> "))).collect();
        match paths.as_slice() {
            [] => {}
            [path] => line!(text, "paths = [{path}]"),
            paths => line!(text, "paths = [\n  {},\n]", paths.join(",\n  ")),
        }
    }
    for Unused { key, entry, reason } in &evaluation.unused {
        line!(text, "\n[[unused]]\nkey = {}\nentry = {}", string(key), string(entry));
        line!(text, "reason = {}", string(reason));
    }
}

/// A line of a table: its sort key, its TOML key, and its TOML value.
type Line<'g> = ((&'g str, Option<VersionOrder<'g>>, String), String, String);

/// The lines of each set of platforms, in order.
type Tables<'g> = BTreeMap<(PlatformSet, String), Vec<Line<'g>>>;

/// The kind of a set of platforms; the set of all platforms sorts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PlatformSet {
    All,
    Some,
}

/// Groups the lines of all platforms by the set of platforms that have them.
fn by_platforms<'g>(
    graphs: &[&'g DerivationGraph],
    lines_of: impl Fn(&'g DerivationGraph) -> Vec<Line<'g>>,
) -> Tables<'g> {
    let mut platforms: BTreeMap<Line, Vec<&str>> = BTreeMap::new();
    for graph in graphs {
        for line in lines_of(graph) {
            platforms.entry(line).or_default().push(&graph.platform);
        }
    }
    let mut tables = Tables::new();
    for (line, platforms) in platforms {
        let set = match platforms.len() == graphs.len() {
            true => (PlatformSet::All, "all".to_owned()),
            false => (PlatformSet::Some, platforms.join(", ")),
        };
        tables.entry(set).or_default().push(line);
    }
    tables
}

fn write_table(text: &mut String, name: &str, tables: &Tables) {
    for ((_, platforms), lines) in tables {
        line!(text, "\n[{name}.{}]", key(platforms));
        for (_, key, value) in lines {
            line!(text, "{key} = {value}");
        }
    }
}

fn member_lines<'g>(graph: &'g DerivationGraph) -> Vec<Line<'g>> {
    let line = |(name, builds): (&'g str, Vec<usize>)| {
        let closure = largest_closure(graph, &builds).map_or(0, |(_, size)| size);
        let cone = cone(graph, &all_of_member(graph, name));
        let value = format!("{{ closure = {closure}, cone = {}, test-suites = {} }}", cone.n_crates, cone.n_tests);
        ((name, None, String::new()), key(name), value)
    };
    members(graph).into_iter().map(line).collect()
}

/// Packages that are built several times: their versions, and how often each is built.
fn duplicate_lines<'g>(graph: &'g DerivationGraph) -> Vec<Line<'g>> {
    let repeated =
        packages(graph).into_iter().filter(|(_, versions)| versions.values().map(Vec::len).sum::<usize>() > 1);
    let line = |(name, versions): (&'g str, BTreeMap<VersionOrder, Vec<usize>>)| {
        let versions = versions.iter().map(|(version, builds)| match builds.len() {
            1 => version.text().to_owned(),
            count => format!("{} in {}", version.text(), number_of(count, "build")),
        });
        let versions: Vec<String> = versions.collect();
        ((name, None, String::new()), key(name), list(versions.iter().map(String::as_str)))
    };
    repeated.map(line).collect()
}

/// Every crate with its features.
fn crate_lines<'g>(graph: &'g DerivationGraph) -> Vec<Line<'g>> {
    let line = |(_, derivation): (usize, &'g Derivation)| {
        let side = match derivation.side {
            Side::Target => "",
            Side::Host => " (host)",
            Side::Test => " (for tests)",
        };
        let named = format!("{}{side}", derivation.key);
        let order = (derivation.name.as_str(), Some(VersionOrder::new(&derivation.version)), named.clone());
        (order, key(&named), string(&derivation.features.join(" ")))
    };
    graph.crates().map(line).collect()
}

/// A TOML key, quoted if necessary.
fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { string(name) }
}

/// A basic TOML string.
fn string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    format!("[{}]", texts.map(string).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
