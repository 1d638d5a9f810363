//! Build times of crates, read from logs and remembered in a file.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Instant;

use cratewright_graph::{DerivationGraph, Measurement, NixLog, Timings, measurements};
use cratewright_sources::diagnostic::Diagnostic;

use crate::disk::read_text;
use crate::output;
use crate::report::Report;

/// Default path of the file, relative to the workspace root.
const REMEMBERED: &str = "target/cratewright-timings.json";

/// The remembered build times and those in the logs, which are added to the file. `None` if nothing was measured.
pub(crate) fn timings(
    logs: &[PathBuf],
    file: Option<&Path>,
    root: &Path,
    graphs: &[DerivationGraph],
    report: &Report,
) -> Result<Option<Timings>, Diagnostic> {
    let file = file.map_or_else(|| root.join(REMEMBERED), Path::to_owned);
    let remembered = match read_text(&file) {
        Ok(text) => Some(Timings::parse(&output::shown(&file), &text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Diagnostic::io("read", &file, &error)),
    };
    if logs.is_empty() {
        return Ok(remembered);
    }
    let mut timings = remembered.unwrap_or_default();
    let mut found = Vec::new();
    for log in logs {
        found.extend(if log == Path::new("-") { from_stdin(report)? } else { from_file(log)? });
    }
    if found.is_empty() {
        report.warning("the log has no builds and gives no build times: everything came from the store or a cache");
        return Ok(Some(timings));
    }
    let recorded = timings.record(graphs, &found);
    if recorded.n_derivations == 0 {
        let message = "the log has no build of a crate of this workspace";
        return Err(Diagnostic::new("invalid-timings", message)
            .at(logs[logs.len() - 1].display().to_string())
            .help("pass the log of a build in which crates were built, not taken from a store or cache"));
    }
    let directory = output::directory(&file);
    fs::create_dir_all(&directory).map_err(|error| Diagnostic::io("write", &directory, &error))?;
    output::replace(&file, &timings.to_json())?;
    let times = match recorded.n_derivations {
        1 => "the build time of 1 derivation".to_owned(),
        some => format!("the build times of {some} derivations"),
    };
    report.status("Remembered", format_args!("{times} in {}", output::shown(&file)));
    Ok(Some(timings))
}

/// Reads a log from standard input. Each line gets the time when it arrives, and errors of Nix in it are shown.
fn from_stdin(report: &Report) -> Result<Vec<Measurement>, Diagnostic> {
    let start = Instant::now();
    let mut log = NixLog::new("standard input");
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| Diagnostic::io("read", Path::new("standard input"), &error))?;
        log.line(&line, Some(start.elapsed().as_secs_f64()))?;
        if let Some(error) = NixLog::error(&line) {
            report.warning(anstream::adapter::strip_str(&error));
        }
    }
    Ok(log.finish()?.iter().map(|build| build.measurement(&Default::default())).collect())
}

fn from_file(log: &Path) -> Result<Vec<Measurement>, Diagnostic> {
    let reports = ["cargo-timing.html", "cargo-timings/cargo-timing.html"].map(|file| log.join(file));
    let log =
        if log.is_dir() { reports.iter().find(|report| report.is_file()).map_or(log, PathBuf::as_path) } else { log };
    let text = read_text(log).map_err(|error| {
        Diagnostic::io("read", log, &error).help("pass a log, or a directory that has cargo-timing.html")
    })?;
    measurements(&log.display().to_string(), &text)
}
