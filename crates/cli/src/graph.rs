//! `cratewright graph`: drawings of what Nix builds.

use std::path::Path;

use cratewright_graph::DerivationGraph;
use cratewright_graph::draw::{self, Format, View};
use cratewright_sources::diagnostic::Diagnostic;

use crate::args::graph::Graph;
use crate::compared::{self, Compared};
use crate::exit;
use crate::output;
use crate::plan;
use crate::report::Report;
use crate::timings::timings;

pub(crate) fn run(command: &Graph, report: &Report) -> Result<u8, Diagnostic> {
    let (found, load, options) = plan::place(&command.plan, report)?;
    let root = found.1.root().to_owned();
    let compared = match command.changed || command.since.is_some() {
        true => compared::since(&command.plan.profile, command.since.as_deref(), report, &load, &options, &found)?,
        false => Compared::unchanged(plan::load(&command.plan, report, &load, &options, &found)?),
    };
    let mut graphs = compared.after;
    plan::put_first(&mut graphs, command.plan.platform.as_deref())?;
    let timings = timings(&[], command.plan.timings_file.as_deref(), &root, &graphs, report)?;
    let views = graphs.iter().map(|graph| {
        let changed = compared.before.as_deref().map(|before| compared::impact(before, graph).changed);
        let mut view = view(command, graph, changed.as_deref())?;
        if let Some(timings) = &timings {
            view = view.with_seconds(&timings.seconds(graph));
        }
        Ok(view)
    });
    let format = command.format()?;
    // A page shows all platforms, and a crate need not be built on each of them.
    let views: Vec<View> = match format {
        Format::Html => {
            let (views, errors): (Vec<_>, Vec<_>) = views.partition(Result::is_ok);
            match (views.is_empty(), errors.into_iter().find_map(Result::err)) {
                (true, Some(error)) => return Err(error),
                _ => views.into_iter().flatten().collect(),
            }
        }
        _ => views.take(1).collect::<Result<_, Diagnostic>>()?,
    };
    if command.changed && views.iter().all(|view| view.shown().is_empty()) {
        report.warning(format_args!("the drawing is empty: nothing in it is built again {}", compared.change));
    }
    if command.duplicates && views.iter().all(|view| view.shown().is_empty()) {
        report.warning("the drawing is empty: no package is built several times");
    }
    let drawing = drawing(&views, format);
    if let Some(hint) = draw::hint(&views[0], format, &drawing) {
        report.warning(hint);
    }
    write(command.output.as_deref(), &drawing, report)?;
    Ok(exit::SUCCESS)
}

/// Writes a drawing to a file, which is replaced atomically, or to standard output.
fn write(path: Option<&Path>, drawing: &str, report: &Report) -> Result<(), Diagnostic> {
    match path {
        None => report.data(drawing),
        Some(path) => {
            output::check_aside(path)?;
            output::replace(path, drawing)?;
            report.status("Wrote", output::shown(path));
            Ok(())
        }
    }
}

fn view<'a>(command: &Graph, graph: &'a DerivationGraph, changed: Option<&[usize]>) -> Result<View<'a>, Diagnostic> {
    let mut view = View::everything(graph);
    if let Some(wanted) = &command.around {
        view = view.around(wanted, command.depth)?;
    }
    if command.members {
        view = view.members();
    }
    if command.duplicates {
        view = view.duplicates();
    }
    Ok(match changed {
        None => view,
        Some(changed) if command.changed => view.changed(changed),
        Some(changed) => view.highlight(changed),
    })
}

/// Draws in one of the formats: a page shows all views, other formats show the first.
fn drawing(views: &[View], format: Format) -> String {
    match format {
        Format::Dot => draw::dot(&views[0]),
        Format::Json => draw::json(&views[0]),
        Format::Mermaid => draw::mermaid(&views[0]),
        Format::Svg => draw::svg(&views[0]),
        Format::Html => draw::html(views),
    }
}
