//! Everything that is printed. Data goes to standard output, everything else to standard error.

use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use clap::ColorChoice;

use crate::args::Common;
use crate::failure::Failure;
use crate::progress::Progress;

/// Prints as loud as it was asked to.
#[derive(Debug)]
pub(crate) struct Report {
    quiet: bool,
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
        Report { quiet: common.quiet, progress: Progress::new(common.quiet, common.verbose > 0) }
    }

    /// A summary line in cargo's manner: a right-aligned verb, then what it did.
    pub(crate) fn status(&self, verb: &str, text: impl Display) {
        if !self.quiet {
            eprintln!("{GREEN}{verb:>12}{GREEN:#} {text}");
        }
    }

    /// The same for what only `-v` shows.
    pub(crate) fn detail(&self, verb: &str, text: impl Display) {
        self.progress.detail(verb, text);
    }

    /// What is shown while something is waited for.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// Something that the user may not have meant.
    pub(crate) fn warning(&self, text: impl Display) {
        if !self.quiet {
            eprintln!("{YELLOW}warning{YELLOW:#}: {text}");
        }
    }

    /// The result itself, byte for byte. Whoever stops reading early has had enough.
    pub(crate) fn data(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(Failure::io("write", Path::new("standard output"), &error))
            }
            _ => Ok(()),
        }
    }

    /// A finding that is no error of usage: what is stale or does not match, and why.
    pub(crate) fn finding(&self, label: &str, text: impl Display, reasons: &[String], help: &str) {
        eprintln!("{RED}{label}{RED:#}: {text}");
        for reason in reasons {
            eprintln!("  {reason}");
        }
        eprintln!("  {CYAN}help{CYAN:#}: {help}");
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        eprintln!("{RED}error[{}]{RED:#}: {}", failure.code, indented(&failure.message));
        for (label, text) in &failure.notes {
            eprintln!("  {label}: {}", indented(text));
        }
        if let Some(help) = &failure.help {
            eprintln!("  {CYAN}help{CYAN:#}: {}", indented(help));
        }
    }
}

/// Further lines of a text stand below its first.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ").replace("    \n", "\n")
}
