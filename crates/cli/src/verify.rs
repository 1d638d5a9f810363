//! `cratewright verify`: compares our unit graphs with cargo's.
//!
//! [`verify`] is public for the tests, which break the resolver to prove that the comparison finds it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use cratewright_resolver::{
    CompileKind, DEFAULT_PROFILE, Difference, PackageIx, Pair, RootFeatures, Selection, TargetFacts, TargetKey,
    UnitTable, UserIntent, differences, table_of,
};
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Format, Verify};
use crate::exit;
use crate::oracle::Oracle;
use crate::progress::Progress;
use crate::report::Report;
use crate::workspace::{self, Workspace};
use cratewright_sources::diagnostic::Diagnostic;

/// One selection on one pair of platforms.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The selection, as arguments of cargo: `build -p app`, `test --workspace`.
    pub selection: String,
    /// Triple of cargo's host.
    pub host: String,
    /// Triple of cargo's target.
    pub target: String,
    /// Number of cargo's units: a library, binary, build script or the tests of a package, for host or target.
    pub units: usize,
    /// Units that differ.
    pub differences: Vec<Reported>,
}

/// A unit that differs.
#[derive(Debug, Serialize)]
pub struct Reported {
    /// Name and version of the package.
    pub package: String,
    /// `lib`, `bin NAME`, `build script` or `tests`.
    pub unit: String,
    /// `host` or `target`.
    pub role: &'static str,
    /// Packages from a selected one down to the unit's.
    pub path: Vec<String>,
    /// Cargo's units; more than one if cargo builds the unit several times.
    pub cargo: Vec<Facts>,
    /// Our units.
    pub cratewright: Vec<Facts>,
}

/// The facts about a unit that are compared.
#[derive(Debug, Serialize)]
pub struct Facts {
    /// Enabled features.
    pub features: Vec<String>,
    /// `extern name = package`, with `(host)` if the dependency is built for the host.
    pub dependencies: Vec<String>,
    /// The resolved settings of the profile.
    pub profile: String,
}

pub(crate) fn run(command: &Verify, report: &Report) -> Result<u8, Diagnostic> {
    let load = command.load.locked(command.manifest_path.as_deref(), report.progress());
    let workspace = workspace::load_for(report, &load)?;
    let options = VerifyOptions {
        profile: command.profile.clone(),
        members: command.package.clone(),
        intent: command.purpose,
        progress: report.progress(),
    };
    let rows = verify(&workspace, &options)?;
    let wrong: usize = rows.iter().map(|row| row.differences.len()).sum();
    match command.format {
        Format::Text => report.data(&text(&rows))?,
        Format::Json => {
            let json = serde_json::to_string_pretty(&rows).expect("strings and numbers are JSON");
            report.data(&(json + "\n"))?;
        }
    }
    let units: usize = rows.iter().map(|row| row.units).sum();
    if wrong == 0 {
        report.status("Verified", format_args!("{units} units in {} graphs: all equal to cargo's", rows.len()));
        return Ok(exit::SUCCESS);
    }
    report.finding(
        "not equal",
        format_args!("{wrong} of {units} units differ from cargo's"),
        &[],
        "report it with the output of `cratewright verify --format json`, and do not use Cargo.nix until it is fixed",
    );
    Ok(exit::STALE)
}

/// What to compare.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// Name of the profile.
    pub profile: String,
    /// Names of members; if empty, each member and the whole workspace.
    pub members: Vec<String>,
    /// Build or test; `None` for both.
    pub intent: Option<UserIntent>,
    /// The progress to show.
    pub progress: Progress,
}

impl VerifyOptions {
    /// Compares everything for a profile.
    pub fn all(profile: &str) -> Self {
        VerifyOptions { profile: profile.to_owned(), members: Vec::new(), intent: None, progress: Progress::default() }
    }
}

/// Compares our unit graphs with cargo's: build and test of each member and of the whole workspace, on each pair.
///
/// # Errors
/// When cargo fails, or the workspace has no such profile or member.
pub fn verify(workspace: &Workspace, options: &VerifyOptions) -> Result<Vec<Row>, Diagnostic> {
    workspace.check_profile(&options.profile)?;
    let selections = selections(workspace, options)?;
    let graphs = workspace.resolve(&selections);
    let oracle = Oracle::new(&workspace.root)?.for_threads(&workspace.root, options.progress);
    oracle.prepare(workspace)?;
    // The order is pair by pair, so that cargo runs rustc only for the first graph of each pair.
    let each: Vec<(usize, usize)> = (0..workspace.pairs.len())
        .flat_map(|pair| (0..selections.len()).map(move |selection| (selection, pair)))
        .collect();
    let (start, done) = (Instant::now(), AtomicUsize::new(0));
    let so_far = |done: usize| {
        let seconds = start.elapsed().as_secs_f64();
        options.progress.so_far("Verifying", format_args!("{done} of {} graphs in {seconds:.1}s", each.len()));
    };
    so_far(0);
    let rows = each
        .par_iter()
        .map(|&(selection, pair)| {
            let begin = Instant::now();
            let cargo = oracle.table(workspace, &selections[selection], workspace.pairs[pair])?;
            let ours = table_of(&workspace.packages, &graphs[selection][pair]);
            let row = row(workspace, &selections[selection], workspace.pairs[pair], &cargo, &ours);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let (graph, seconds) = (format!("{} on {}", row.selection, pair_name(&row)), begin.elapsed().as_secs_f64());
            options.progress.detail("Compared", format_args!("{done} of {}, {graph}, in {seconds:.2}s", each.len()));
            so_far(done);
            Ok(((selection, pair), row))
        })
        .collect::<Result<BTreeMap<_, _>, Diagnostic>>();
    options.progress.clear();
    rows.map(|rows| rows.into_values().collect())
}

/// The selections to compare: build and test of each member, of all members together, and the others in `Cargo.nix`.
fn selections(workspace: &Workspace, options: &VerifyOptions) -> Result<Vec<Selection>, Diagnostic> {
    let all = &workspace.packages.members;
    let members = options.members.iter().map(|name| workspace.member(name)).collect::<Result<Vec<_>, _>>()?;
    let is_asked = |member: &PackageIx| members.is_empty() || members.contains(member);
    let mut builds: Vec<Selection> = all.iter().copied().filter(is_asked).map(Selection::build).collect();
    if let (true, true, Some(one)) = (members.is_empty(), all.len() > 1, builds.first()) {
        builds.push(Selection { members: all.clone(), ..one.clone() });
    }
    let variants = workspace.selections.iter().filter(|selection| selection.variant.is_some());
    builds.extend(variants.filter(|variant| variant.members.iter().any(is_asked)).cloned());
    let intents = [UserIntent::Build, UserIntent::Test].into_iter();
    let intents: Vec<UserIntent> = intents.filter(|intent| options.intent.is_none_or(|only| only == *intent)).collect();
    let with = |build: Selection| {
        let of = |&intent: &UserIntent| Selection { intent, profile: options.profile.clone(), ..build.clone() };
        intents.iter().map(of).collect::<Vec<_>>()
    };
    Ok(builds.into_iter().flat_map(with).collect())
}

fn row(workspace: &Workspace, selection: &Selection, pair: Pair, cargo: &UnitTable, ours: &UnitTable) -> Row {
    let intent = match selection.intent {
        UserIntent::Build => "build",
        UserIntent::Test => "test",
    };
    let mut what = if selection.members.len() > 1 && selection.members.len() == workspace.packages.members.len() {
        "--workspace".to_owned()
    } else {
        let names = selection.members.iter().map(|&member| format!("-p {}", workspace.packages[member].name));
        names.collect::<Vec<_>>().join(" ")
    };
    match &selection.features {
        RootFeatures::All => what.push_str(" --all-features"),
        RootFeatures::Named { names, default } => {
            if !default {
                what.push_str(" --no-default-features");
            }
            if !names.is_empty() {
                what.push_str(&format!(" --features {}", names.join(",")));
            }
        }
    }
    let roots: Vec<String> = selection.members.iter().map(|&member| workspace.packages[member].display()).collect();
    let profile = match selection.profile.as_str() {
        DEFAULT_PROFILE => "--release".to_owned(),
        profile => format!("--profile {profile}"),
    };
    Row {
        selection: format!("{intent} {profile} {what}"),
        host: workspace.platforms[pair.host].triple.clone(),
        target: workspace.platforms[pair.target].triple.clone(),
        units: cargo.len(),
        differences: differences(cargo, ours)
            .into_iter()
            .map(|difference| reported(&roots, cargo, ours, difference))
            .collect(),
    }
}

fn reported(roots: &[String], cargo: &UnitTable, ours: &UnitTable, difference: Difference) -> Reported {
    let table = if difference.cargo.is_empty() { ours } else { cargo };
    let facts = |list: Vec<TargetFacts>| {
        let plain = |facts: TargetFacts| Facts {
            features: facts.features.into_iter().collect(),
            dependencies: facts.dependencies.into_iter().collect(),
            profile: facts.profile,
        };
        list.into_iter().map(plain).collect()
    };
    Reported {
        path: path_to(roots, table, &difference.key),
        package: difference.key.package,
        unit: difference.key.target,
        role: role(difference.key.kind),
        cargo: facts(difference.cargo),
        cratewright: facts(difference.ours),
    }
}

fn role(kind: CompileKind) -> &'static str {
    match kind {
        CompileKind::Host => "host",
        CompileKind::Target => "target",
    }
}

/// The shortest chain of packages from a root to a row, by the dependencies in the table.
fn path_to(roots: &[String], table: &UnitTable, to: &TargetKey) -> Vec<String> {
    let mut below: BTreeMap<(&str, CompileKind), Vec<(&str, CompileKind)>> = BTreeMap::new();
    for (key, facts) in table {
        let list = below.entry((&key.package, key.kind)).or_default();
        for line in facts.iter().flat_map(|facts| &facts.dependencies) {
            let package = line.split_once(" = ").map_or(line.as_str(), |(_, package)| package);
            list.push(match package.strip_suffix(" (host)") {
                Some(package) => (package, CompileKind::Host),
                None => (package, CompileKind::Target),
            });
        }
    }
    let start =
        roots.iter().flat_map(|root| [(root.as_str(), CompileKind::Target), (root.as_str(), CompileKind::Host)]);
    let mut came_from: BTreeMap<(&str, CompileKind), Option<(&str, CompileKind)>> =
        start.clone().map(|node| (node, None)).collect();
    let mut queue: VecDeque<(&str, CompileKind)> = start.collect();
    while let Some(node) = queue.pop_front() {
        if node == (to.package.as_str(), to.kind) {
            let mut path = Vec::new();
            let mut at = Some(node);
            while let Some((package, kind)) = at {
                path.push(if kind == CompileKind::Host { format!("{package} (host)") } else { package.to_owned() });
                at = came_from.get(&(package, kind)).copied().flatten();
            }
            path.reverse();
            return path;
        }
        for &next in below.get(&node).into_iter().flatten() {
            came_from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                Some(node)
            });
        }
    }
    Vec::new()
}

/// A table with a line per selection and a column per pair, followed by the differences.
fn text(rows: &[Row]) -> String {
    let pairs: Vec<String> = rows.iter().map(pair_name).fold(Vec::new(), |mut pairs, pair| {
        if !pairs.contains(&pair) {
            pairs.push(pair);
        }
        pairs
    });
    let width = rows.iter().map(|row| row.selection.len()).max().unwrap_or_default();
    let mut text = format!("{:width$}", "units");
    for pair in &pairs {
        text += &format!("  {pair}");
    }
    for line in rows.chunks(pairs.len()) {
        text += &format!("\n{:width$}", line[0].selection);
        for (row, pair) in line.iter().zip(&pairs) {
            let cell = match row.differences.len() {
                0 => format!("{} equal", row.units),
                wrong => format!("{wrong} of {} differ", row.units),
            };
            text += &format!("  {cell:width$}", width = pair.len());
        }
        text.truncate(text.trim_end().len());
    }
    text.push('\n');
    for row in rows {
        for difference in &row.differences {
            text += &format!(
                "\ncargo {} on {}: {} ({}, {})\n  path: {}\n",
                row.selection,
                pair_name(row),
                difference.package,
                difference.unit,
                difference.role,
                difference.path.join(" -> ")
            );
            for (name, list) in [("cargo", &difference.cargo), ("cratewright", &difference.cratewright)] {
                if list.is_empty() {
                    text += &format!("  {name}: no such unit\n");
                }
                for facts in list {
                    text += &format!("  {name}: features [{}]\n", facts.features.join(", "));
                    text += &format!("    dependencies [{}]\n", facts.dependencies.join(", "));
                    text += &format!("    profile {}\n", facts.profile);
                }
            }
        }
    }
    text
}

fn pair_name(row: &Row) -> String {
    if row.host == row.target { row.target.clone() } else { format!("{} on {}", row.target, row.host) }
}
