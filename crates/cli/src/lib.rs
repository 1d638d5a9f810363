//! The command line of cratewright: the only crate of the workspace that reads files, runs programs and prints.
//!
//! [`main`] is the binary. [`workspace`] loads the input of the resolver, [`oracle`] asks cargo for its unit graphs,
//! and [`verify`] compares them with ours; these modules are public for the tests.
#![warn(missing_docs)]

mod args;
mod cache;
mod cargo;
mod check;
mod checkout;
mod compared;
mod conflicts;
mod contents;
mod disk;
pub mod exit;
mod flags;
mod generate;
mod graph;
mod homes;
mod impact;
mod init;
mod library;
mod nix;
mod options;
pub mod oracle;
mod origins;
mod output;
mod overrides;
mod paths;
mod plan;
mod prefetched;
mod progress;
mod replacement;
mod report;
mod repository;
mod rustc;
mod sbom;
mod selections;
mod snapshot;
mod sources;
mod systems;
mod timings;
pub mod verify;
mod why;
pub mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::{Args, Command};
pub use crate::options::LoadOptions;
use crate::report::Report;
pub use cratewright_sources::diagnostic::Diagnostic;

/// Runs the program with these arguments, of which the first is the name of the program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::of(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Clap returns help and version as errors with exit code 0. A reader that has gone is not a failure.
            let is_lost = error.print().is_err_and(|error| report::is_lost(&error));
            return ExitCode::from(if is_lost || error.use_stderr() { exit::ERROR } else { exit::SUCCESS });
        }
    };
    let report = Report::new(&args.common);
    let result = match &args.command {
        Command::Init(command) => init::run(command, &report),
        Command::Generate(command) => generate::run(command, &report),
        Command::Check(command) => check::run(command, &report),
        Command::Verify(command) => verify::run(command, &report),
        Command::Sources(command) => sources::run(command, &report),
        Command::Overrides(command) => overrides::run(command, &report),
        Command::Sbom(command) => sbom::run(command, &report),
        Command::Impact(command) => impact::run(command, &report),
        Command::Cache(command) => cache::run(command, &report),
        Command::Graph(command) => graph::run(command, &report),
        Command::Snapshot(command) => generate::run_with_snapshot(command, &report),
        Command::Why(command) => why::run(command, &report),
    };
    let code = result.unwrap_or_else(|failure| {
        report.failure(&conflicts::all(failure, &args.command.place()));
        exit::ERROR
    });
    ExitCode::from(if report.is_lost() { exit::ERROR } else { code })
}
