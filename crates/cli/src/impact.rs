//! `cratewright impact`: what a change rebuilds.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;

use cratewright_graph::draw::{self, Format, View};
use cratewright_graph::{Cost, DerivationGraph, ImpactReport, Input, NixAnswer, find};
use cratewright_resolver::{PackageIx, RootFeatures};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::near::{choices, near_names};
use cratewright_sources::path::WsPath;

use crate::args::impact::{Impact, ImpactFormat};
use crate::check::require_fresh;
use crate::compared::{self, Compared};
use crate::contents::Edited;
use crate::exit;
use crate::options::Options;
use crate::paths::relative;
use crate::plan::{self, Plan};
use crate::report::Report;
use crate::timings::timings;
use crate::workspace::{self, Workspace};

mod nix;

pub(crate) fn run(command: &Impact, report: &Report) -> Result<u8, Diagnostic> {
    let profile = &command.plan.profile;
    let (found, load, options) = plan::place(&command.plan, report)?;
    let root = found.1.root().to_owned();
    let is_thought = !(command.bump.is_empty() && command.edit.is_empty() && command.feature.is_empty());
    let mut sides = match is_thought {
        true => hypothetical(command, workspace::load_found_for(report, &load, &found)?, &options)?,
        false => compared::since(profile, command.since.as_deref(), report, &load, &options, &found)?,
    };
    plan::put_first(&mut sides.after, command.plan.platform.as_deref())?;
    let before = sides.before.as_deref().unwrap_or_default();
    let impacts: Vec<_> = sides.after.iter().map(|after| compared::impact(before, after)).collect();
    for after in &sides.after {
        if !before.iter().any(|graph| graph.platform == after.platform) {
            sides.notes.push(format!("{} was not a platform of the workspace before", after.platform));
        }
    }
    let asked = match command.nix {
        false => None,
        true => {
            let exported = sides.exported.as_ref().map(|(root, _)| root.as_path());
            let roots = [exported.unwrap_or(&root), &root];
            let places = roots.map(|root| plan::cargo_nix(root, &options));
            require_fresh(&root, &places[1])?;
            if let Some(exported) = exported {
                require_fresh(exported, &places[0]).map_err(|failure| sides.in_revision(failure))?;
            }
            let platform = &sides.after[0].platform;
            let elsewhere = Some(platform.as_str()).filter(|platform| !plan::is_here(platform));
            let nixpkgs = command.nixpkgs.as_deref();
            let nix = nix::Nix { elsewhere, nixpkgs, profile, bumped: &command.bump };
            Some(nix.compare(&places, before, &impacts)?)
        }
    };
    let agrees = asked.as_ref().is_none_or(NixAnswer::agrees);
    let timings = timings(&command.timings, command.plan.timings_file.as_deref(), &root, &sides.after, report)?;
    let jobs = command.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    let seconds = timings.map(|timings| timings.seconds(&sides.after[0]));
    let cost = seconds.as_ref().map(|seconds| Cost::new(&impacts[0], seconds, jobs));
    let summary = ImpactReport { cost, change: sides.change, impacts, notes: sides.notes, nix: asked };
    report.data(&match command.format {
        ImpactFormat::Text => summary.text(command.all || report.is_verbose()),
        ImpactFormat::Json => summary.json(),
        ImpactFormat::Markdown => summary.markdown(),
        ImpactFormat::Svg => {
            let impact = summary.main();
            // The drawing shows the platform already.
            let answer = summary.answer().replace(&format!(" on {}", impact.after.platform), "");
            let title = format!("{answer}, {}", summary.change);
            let view = View::everything(impact.after).changed(&impact.changed).titled(title);
            let view = seconds.iter().fold(view, |view, seconds| view.with_seconds(seconds));
            let svg = draw::svg(&view);
            if let Some(hint) = draw::hint(&view, Format::Svg, &svg) {
                report.warning(hint);
            }
            svg
        }
    })?;
    Ok(if agrees { exit::SUCCESS } else { exit::STALE })
}

/// Compares the workspace with itself after the changes that the command line assumes.
fn hypothetical(command: &Impact, mut workspace: Workspace, options: &Options) -> Result<Compared, Diagnostic> {
    let edited = command.edit.iter().map(|path| seen(&workspace, path)).collect::<Result<Vec<_>, _>>()?;
    let features = command.feature.iter().map(|one| feature(&workspace, one)).collect::<Result<Vec<_>, _>>()?;
    let contents = Edited(edited);
    let plan = Plan::new(&workspace, options)?;
    let before = plan.graphs(&command.plan.profile, &Edited::default())?;
    let mut after = match (&features[..], &contents.0[..]) {
        ([], []) => before.clone(),
        ([], _) => plan.graphs(&command.plan.profile, &contents)?,
        _ => {
            drop(plan);
            enable(&mut workspace, &features);
            Plan::new(&workspace, options)?.graphs(&command.plan.profile, &contents)?
        }
    };
    // Put the reported platform first, so that errors are about it.
    plan::put_first(&mut after, command.plan.platform.as_deref())?;
    let mut changes = Vec::new();
    for one in &command.bump {
        bump(&mut after, one)?;
        changes.push(format!("{one} is bumped"));
    }
    changes.extend(contents.0.iter().map(|file| format!("{file} is edited")));
    changes.extend(command.feature.iter().map(|feature| format!("{feature} is enabled")));
    let is_used = |file: &&WsPath| {
        let texts = after.iter().flat_map(|graph| &graph.derivations).flat_map(|one| one.inputs.values());
        texts.flat_map(|text| text.lines()).any(|line| line.split_once('\t').is_some_and(|(path, _)| *path == ***file))
    };
    let unused = contents.0.iter().filter(|file| !is_used(file));
    let new = contents.0.iter().filter(|file| !workspace.root.join(file.as_str()).exists());
    let new = new.map(|file| format!("{file} does not exist, and counts as a new file"));
    let notes = unused.map(|file| format!("no package is built from {file}")).chain(new).collect();
    Ok(Compared { before: Some(before), after, change: format!("if {}", changes.join(" and ")), notes, exported: None })
}

/// Adds features to the default builds of members and to their tests.
fn enable(workspace: &mut Workspace, features: &[(PackageIx, String)]) {
    for selection in workspace.selections.iter_mut().filter(|selection| selection.variant.is_none()) {
        for (member, name) in features.iter().filter(|(member, _)| selection.members.contains(member)) {
            let RootFeatures::Named { names, .. } = &mut selection.features else { continue };
            names.push(format!("{}/{name}", workspace.packages[*member].name));
        }
    }
}

/// A file from the command line, relative to the workspace root. The file need not exist yet.
fn seen(workspace: &Workspace, path: &Path) -> Result<WsPath, Diagnostic> {
    let absolute = std::path::absolute(path).map_err(|error| Diagnostic::io("find", path, &error))?;
    let directory = absolute.ancestors().skip(1).find_map(|above| Some((above, above.canonicalize().ok()?)));
    let absolute = match directory {
        Some((above, real)) => real.join(absolute.strip_prefix(above).unwrap_or(&absolute)),
        None => absolute,
    };
    if absolute.is_dir() {
        return Err(Diagnostic::new("not-a-file", format!("`{}` is a directory", path.display()))
            .help("name a file in it, which need not exist yet"));
    }
    let root = workspace.root.canonicalize().map_err(|error| Diagnostic::io("find", &workspace.root, &error))?;
    Ok(relative(&root, &absolute))
}

/// `member/feature`
fn feature(workspace: &Workspace, text: &str) -> Result<(PackageIx, String), Diagnostic> {
    let Some((member, name)) = text.rsplit_once('/').filter(|(_, name)| !name.is_empty()) else {
        return Err(Diagnostic::new("invalid-feature", format!("`{text}` is not a member and one of its features"))
            .help("write `--feature MEMBER/FEATURE`"));
    };
    let ix = workspace.member(member)?;
    let package = &workspace.packages[ix];
    if !package.has_feature(name) {
        let names: Vec<&str> = package.feature_names().collect();
        let help = match near_names(name, names.iter().copied()).first() {
            Some(near) => format!("did you mean `{member}/{near}`?"),
            None if names.is_empty() => "it has no features".to_owned(),
            None => choices(&names),
        };
        return Err(Diagnostic::new(
            "unknown-feature",
            format!("package `{}` has no feature `{name}`", package.display()),
        )
        .help(help));
    }
    Ok((ix, name.to_owned()))
}

/// Marks a crate as changed on each platform that has it.
fn bump(graphs: &mut [DerivationGraph], spec: &str) -> Result<(), Diagnostic> {
    let mut unknown = None;
    let mut is_found = false;
    for graph in graphs {
        match find(graph, spec) {
            Ok(found) => {
                is_found = true;
                // Another version has other files, from which the tests of a member are compiled as well.
                for ix in graph.same_packages(&found) {
                    graph.derivations[ix].inputs.entry(Input::Version).or_default().push_str(", bumped");
                }
            }
            Err(error) => drop(unknown.get_or_insert(error)),
        }
    }
    unknown.filter(|_| !is_found).map_or(Ok(()), Err)
}
