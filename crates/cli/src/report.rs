//! Prints everything: data to standard output, all else to standard error.

use std::fmt::{Arguments, Display};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

use crate::args::Common;
use crate::progress::Progress;
use cratewright_sources::diagnostic::Diagnostic;

/// Prints as much as `--quiet` and `--verbose` ask for.
#[derive(Debug)]
pub(crate) struct Report {
    quiet: bool,
    /// Whether a message could not be written.
    is_lost: AtomicBool,
    progress: Progress,
}

const GREEN: Style = AnsiColor::Green.on_default().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

impl Report {
    pub(crate) fn new(common: &Common) -> Self {
        let choice = match common.color {
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
            ColorChoice::Auto => anstream::ColorChoice::Auto,
        };
        choice.write_global();
        Report {
            quiet: common.quiet,
            progress: Progress::new(common.quiet, common.verbose),
            is_lost: AtomicBool::new(false),
        }
    }

    /// Whether a message could not be written, except because its reader has gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    /// Prints a line to standard error. A failure is only remembered, so that it does not interrupt the work.
    fn line(&self, text: Arguments<'_>) {
        let written = anstream::stderr().write_fmt(format_args!("{text}\n"));
        if written.is_err_and(|error| is_lost(&error)) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }

    /// Prints a status line in cargo's style: a right-aligned verb and a description.
    pub(crate) fn status(&self, verb: &str, text: impl Display) {
        if !self.quiet {
            self.line(format_args!("{GREEN}{verb:>12}{GREEN:#} {text}"));
        }
    }

    /// Whether more than the summary is printed.
    pub(crate) fn is_verbose(&self) -> bool {
        self.progress.is_verbose()
    }

    /// Prints a status line with `-v`.
    pub(crate) fn detail(&self, verb: &str, text: impl Display) {
        self.progress.detail(verb, text);
    }

    /// The progress to show.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// Prints how long a step took, with `-v`.
    pub(crate) fn took(&self, verb: &str, what: impl Display, since: Instant) {
        self.detail(verb, format_args!("{what} in {}", seconds(since)));
    }

    /// Prints a warning.
    pub(crate) fn warning(&self, text: impl Display) {
        if !self.quiet {
            self.line(format_args!("{YELLOW}warning{YELLOW:#}: {text}"));
        }
    }

    /// Prints the result to standard output, byte for byte. It is not an error if the reader stops early.
    pub(crate) fn data(&self, text: &str) -> Result<(), Diagnostic> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if is_lost(&error) => Err(Diagnostic::io("write", Path::new("standard output"), &error)),
            _ => Ok(()),
        }
    }

    /// Prints a finding that is not an error: what is stale or does not match, and why.
    pub(crate) fn finding(&self, label: &str, text: impl Display, reasons: &[String], help: &str) {
        self.line(format_args!("{RED}{label}{RED:#}: {text}"));
        for reason in reasons {
            self.line(format_args!("  {reason}"));
        }
        self.line(format_args!("  {CYAN}help{CYAN:#}: {help}"));
    }

    pub(crate) fn failure(&self, failure: &Diagnostic) {
        self.line(format_args!("{RED}error[{}]{RED:#}: {}", failure.code, indented(&failure.message)));
        if let Some(file) = &failure.file {
            let position = failure.position.map(|position| format!(":{position}")).unwrap_or_default();
            self.line(format_args!("  at: {file}{position}"));
        }
        for (label, text) in &failure.notes {
            self.line(format_args!("  {label}: {}", indented(text)));
        }
        if let Some(help) = &failure.help {
            self.line(format_args!("  {CYAN}help{CYAN:#}: {}", indented(help)));
        }
    }
}

/// Whether output is lost. A closed pipe does not count, as its reader has stopped on purpose.
pub(crate) fn is_lost(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::BrokenPipe
}

/// The time since an instant, in cargo's format.
pub(crate) fn seconds(since: Instant) -> String {
    format!("{:.2}s", since.elapsed().as_secs_f64())
}

/// Indents all lines of a text except for the first.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ").replace("    \n", "\n")
}
