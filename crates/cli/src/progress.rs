//! Progress messages, on a terminal or with `-v`.
//!
//! Cargo and rustup print status lines that start with a verb, and cargo draws a progress bar. Both are shown as they
//! come; all other output is kept, so that an error can quote it.

use std::fmt::{Arguments, Display};
use std::io::{IsTerminal, Read, Write};
use std::process::Command;

use anstyle::{AnsiColor, Style};

/// How much progress is shown. The default is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether to show a line that is overwritten by the next one.
    is_terminal: bool,
    /// Whether steps are listed.
    is_verbose: bool,
}

const GREEN: Style = AnsiColor::Green.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Moves to the first column and clears the line.
const ERASE: &str = "\r\x1b[K";

/// Width of the verb in cargo's status lines.
const VERB: usize = 12;

impl Progress {
    /// The progress for the options of the command line.
    pub(crate) fn new(is_quiet: bool, is_verbose: bool) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Progress { is_terminal: !is_quiet && !is_dumb && std::io::stderr().is_terminal(), is_verbose }
    }

    /// Whether steps are listed.
    pub(crate) fn is_verbose(self) -> bool {
        self.is_verbose
    }

    /// Whether anything is shown at all.
    pub(crate) fn is_shown(self) -> bool {
        self.is_terminal || self.is_verbose
    }

    /// Shows a step with `-v`.
    pub(crate) fn detail(self, verb: &str, text: impl Display) {
        if self.is_verbose {
            self.clear();
            show(format_args!("{CYAN}{verb:>VERB$}{CYAN:#} {text}"));
        }
    }

    /// Shows the current progress in place of the previous one.
    pub(crate) fn so_far(self, verb: &str, text: impl Display) {
        if self.is_terminal {
            self.write(&format!("{verb:>VERB$} {text}"));
        }
    }

    /// Shows what is waited for.
    pub(crate) fn wait(self, verb: &str, text: impl Display) {
        if self.is_verbose {
            self.detail(verb, text);
        } else {
            self.so_far(verb, text);
        }
    }

    /// Removes the line of [`Progress::so_far`].
    pub(crate) fn clear(self) {
        if self.is_terminal {
            self.write("");
        }
    }

    fn write(self, text: &str) {
        // Progress that cannot be shown is not an error.
        let _ = std::io::stderr().lock().write_all(format!("{ERASE}{text}").as_bytes());
    }

    /// Makes cargo draw its progress bar, although it does not write to a terminal.
    pub(crate) fn ask_for_bar(self, command: &mut Command) {
        if self.is_terminal {
            command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
        }
    }

    /// Shows the status lines of a program while it runs. Returns all other output: warnings and errors.
    pub(crate) fn follow(self, output: impl Read) -> Vec<u8> {
        let (mut kept, mut line) = (Vec::new(), Vec::new());
        for byte in std::io::BufReader::new(output).bytes().map_while(Result::ok) {
            line.push(byte);
            if byte == b'\n' || byte == b'\r' {
                self.printed(&std::mem::take(&mut line), &mut kept);
            }
        }
        self.printed(&line, &mut kept);
        self.clear();
        kept
    }

    fn printed(self, line: &[u8], kept: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        // Cargo erases its progress bar before it prints a line.
        let text = text.trim_start_matches("\x1b[K");
        let is_bar = text.ends_with('\r');
        match status(text.trim_end()) {
            Some((verb, rest)) if is_bar => self.so_far(verb, rest),
            Some((verb, rest)) => {
                self.clear();
                show(format_args!("{GREEN}{verb:>VERB$}{GREEN:#} {rest}"));
            }
            None if is_bar => {}
            None => kept.extend_from_slice(text.as_bytes()),
        }
    }
}

/// Shows a line; progress that cannot be shown is not an error.
fn show(text: Arguments<'_>) {
    let _ = anstream::stderr().write_fmt(format_args!("{text}\n"));
}

/// Splits a status line of cargo, or an `info: ` line of rustup, into its verb and the rest.
fn status(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("info: ") {
        return Some(("rustup", rest));
    }
    let (verb, rest) = (line.get(..VERB)?, line.get(VERB..)?.strip_prefix(' ')?);
    let word = verb.trim_start();
    (word.starts_with(|c: char| c.is_ascii_uppercase()) && word.bytes().all(|c| c.is_ascii_alphabetic()))
        .then_some((word, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_shown_and_errors_are_kept() {
        let printed = "    Updating crates.io index\n    Blocking waiting for file lock on package cache\n\
                       warning: unused key\n Downloading [==>  ] 1/9\r\x1b[K  Downloaded a v1.0.0\n\
                       info: downloading component 'cargo'\nerror: no matching package named `x` found\n\
                       location searched: crates.io index\n\nCaused by:\n  failed to select a version\n";
        let kept = Progress::default().follow(printed.as_bytes());
        assert_eq!(
            String::from_utf8(kept).unwrap(),
            "warning: unused key\nerror: no matching package named `x` found\nlocation searched: crates.io index\n\n\
             Caused by:\n  failed to select a version\n"
        );
    }
}
