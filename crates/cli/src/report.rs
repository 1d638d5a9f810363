//! Everything that is printed. Data goes to standard output, everything else to standard error.

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

/// Prints as loud as it was asked to.
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
            progress: Progress::new(common.quiet, common.verbose > 0),
            is_lost: AtomicBool::new(false),
        }
    }

    /// Whether a message could not be written, for another reason than that its reader has gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    /// A line on standard error. A full disk there is no reason to stop in the middle of the work.
    fn line(&self, text: Arguments<'_>) {
        let written = anstream::stderr().write_fmt(format_args!("{text}\n"));
        if written.is_err_and(|error| is_lost(&error)) {
            self.is_lost.store(true, Ordering::Relaxed);
        }
    }

    /// A summary line in cargo's manner: a right-aligned verb, then what it did.
    pub(crate) fn status(&self, verb: &str, text: impl Display) {
        if !self.quiet {
            self.line(format_args!("{GREEN}{verb:>12}{GREEN:#} {text}"));
        }
    }

    /// Whether more is shown than the summary.
    pub(crate) fn is_verbose(&self) -> bool {
        self.progress.is_verbose()
    }

    /// The same for what only `-v` shows.
    pub(crate) fn detail(&self, verb: &str, text: impl Display) {
        self.progress.detail(verb, text);
    }

    /// What is shown while something is waited for.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// How long a step took, which only `-v` shows.
    pub(crate) fn took(&self, verb: &str, what: impl Display, since: Instant) {
        self.detail(verb, format_args!("{what} in {}", seconds(since)));
    }

    /// Something that the user may not have meant.
    pub(crate) fn warning(&self, text: impl Display) {
        if !self.quiet {
            self.line(format_args!("{YELLOW}warning{YELLOW:#}: {text}"));
        }
    }

    /// The result itself, byte for byte. Whoever stops reading early has had enough.
    pub(crate) fn data(&self, text: &str) -> Result<(), Diagnostic> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if is_lost(&error) => Err(Diagnostic::io("write", Path::new("standard output"), &error)),
            _ => Ok(()),
        }
    }

    /// A finding that is no error of usage: what is stale or does not match, and why.
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

/// Whether nobody gets what could not be written, though somebody waits for it.
pub(crate) fn is_lost(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::BrokenPipe
}

/// Time since then, as cargo prints it.
pub(crate) fn seconds(since: Instant) -> String {
    format!("{:.2}s", since.elapsed().as_secs_f64())
}

/// Further lines of a text stand below its first.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ").replace("    \n", "\n")
}
