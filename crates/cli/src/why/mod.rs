//! `cratewright why`: why a crate is built, why it is built several times, and how to get rid of it.

mod answer;
mod context;
mod feature;
mod krate;
mod list;
mod manifests;
mod text;

use std::time::Instant;

use cratewright_sources::diagnostic::Diagnostic;
use serde::Serialize;

use crate::args::Format;
use crate::args::why::Why;
use crate::exit;
use crate::plan::{self, Plan};
use crate::report::Report;
use crate::timings::timings;
use crate::why::context::Context;
use crate::workspace;

pub(crate) fn run(command: &Why, report: &Report) -> Result<u8, Diagnostic> {
    let (found, load, options) = plan::place(&command.plan, report)?;
    let workspace = workspace::load_found_for(report, &load, &found)?;
    let start = Instant::now();
    let plan = Plan::without_reads(&workspace, &options)?;
    let graph = plan.graph(&command.plan.profile, command.plan.platform.as_deref())?;
    report.took("Resolved", &graph.platform, start);
    let timings = timings(&[], command.plan.timings_file.as_deref(), found.1.root(), &[], report)?;
    let seconds = timings.map(|timings| timings.seconds(&graph));
    let start = Instant::now();
    let text = answer(&Context::new(&workspace, &graph, &plan.packages()), command, seconds.as_deref())?;
    report.took("Explained", command.krate.as_deref().unwrap_or("duplicates"), start);
    report.data(&text)?;
    // The process ends here; freeing a large graph would only delay that.
    std::mem::forget(workspace);
    Ok(exit::SUCCESS)
}

fn answer(context: &Context<'_>, command: &Why, seconds: Option<&[Option<f64>]>) -> Result<String, Diagnostic> {
    let Some(spec) = &command.krate else {
        let answer = list::answer(context, seconds);
        return Ok(printed(command.format, &answer, || text::duplicates(&answer)));
    };
    let found = krate::find(context, spec)?;
    let from = command.from.as_deref().map(|from| context.workspace.member(from)).transpose()?;
    let from = from.map(|member| context.workspace.packages[member].name.as_str());
    // A limit of 0 means no limit.
    let limit = if command.limit == 0 { usize::MAX } else { command.limit };
    let mut answer = krate::answer(context, spec, &found, from, limit);
    if let Some(feature) = &command.feature {
        answer.feature = Some(feature::answer(context, &answer, &found.packages, feature, limit)?);
    }
    Ok(printed(command.format, &answer, || text::answer(&answer)))
}

fn printed(format: Format, answer: &impl Serialize, text: impl Fn() -> String) -> String {
    match format {
        Format::Json => format!("{:#}\n", serde_json::json!(answer)),
        Format::Text => text(),
    }
}
