//! What is shown while something is waited for: on a terminal, or where `-v` asks for it.
//!
//! Cargo and rustup print what they do as lines with a verb, and cargo shows a bar that it writes over. Both are shown as
//! they come; the rest of what they print is kept, as an error quotes it.

use std::fmt::{Arguments, Display};
use std::io::{IsTerminal, Read, Write};
use std::process::Command;

use anstyle::{AnsiColor, Style};

/// How much is shown. Nothing by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whether a line may be shown that the next one takes the place of.
    is_terminal: bool,
    /// Whether steps are listed.
    is_verbose: bool,
}

const GREEN: Style = AnsiColor::Green.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Back to the first column, and nothing behind it.
const ERASE: &str = "\r\x1b[K";

/// Columns of the verb in cargo's lines.
const VERB: usize = 12;

impl Progress {
    /// For what was asked for on the command line.
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

    /// A step that only `-v` shows.
    pub(crate) fn detail(self, verb: &str, text: impl Display) {
        if self.is_verbose {
            self.clear();
            show(format_args!("{CYAN}{verb:>VERB$}{CYAN:#} {text}"));
        }
    }

    /// How far it is, in place of what was said last.
    pub(crate) fn so_far(self, verb: &str, text: impl Display) {
        if self.is_terminal {
            self.write(&format!("{verb:>VERB$} {text}"));
        }
    }

    /// Takes away what [`Progress::so_far`] said.
    pub(crate) fn clear(self) {
        if self.is_terminal {
            self.write("");
        }
    }

    fn write(self, text: &str) {
        // What cannot be shown is no reason to stop.
        let _ = std::io::stderr().lock().write_all(format!("{ERASE}{text}").as_bytes());
    }

    /// Has cargo draw its bar, which it does by itself only where it writes to a terminal.
    pub(crate) fn ask_for_bar(self, command: &mut Command) {
        if self.is_terminal {
            command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "80");
        }
    }

    /// Shows what a program prints while it runs. Gives back what is not shown: warnings and errors.
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
        // Before a line that stays, cargo erases its bar.
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

/// What cannot be shown is no reason to stop.
fn show(text: Arguments<'_>) {
    let _ = anstream::stderr().write_fmt(format_args!("{text}\n"));
}

/// The verb of a line of cargo's that says what it does, and the rest; the same of rustup's `info: `.
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
    fn what_cargo_does_is_shown_and_what_is_wrong_is_kept() {
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
