//! Reads logs of Nix with `--log-format internal-json`.
//!
//! Messages say that the build of a derivation starts or stops, but not when. So each line needs a time: either the
//! reader takes the time when it arrives, while Nix runs, or the line begins with one. CI systems add such times to
//! their logs, and so does `ts` of moreutils. There is no other source: `nix log` has no times, the store knows in
//! seconds when an output was registered but not when its build started, and `nix build --json` has `startTime` and
//! `stopTime` only of the derivations on the command line, since Nix 2.13.

use std::collections::{BTreeMap, BTreeSet};

use cratewright_sources::diagnostic::{Diagnostic, Position};
use serde::Deserialize;

use super::{Measurement, Subject, invalid};

const MARK: &str = "@nix ";

/// `actBuild` of Nix.
const BUILD: u64 = 105;

const DAY: f64 = 86_400.0;

const HOW_TO_STAMP: &str = "pipe Nix's output into `cratewright impact --timings -`, or have its lines stamped as they \
    come: `nix build --log-format internal-json 2>&1 | ts '%.s' > build.log`";

/// Reads a log line by line.
#[derive(Debug, Clone, Default)]
pub struct NixLog {
    file: String,
    n_lines: usize,
    n_messages: usize,
    clock: Clock,
    running: BTreeMap<u64, (String, f64)>,
    built: BTreeMap<String, f64>,
    failed: BTreeSet<String>,
}

/// A derivation that was built.
#[derive(Debug, Clone, PartialEq)]
pub struct NixBuild {
    /// Its store path, which ends in `.drv`.
    pub derivation: String,
    /// The build time.
    pub seconds: f64,
}

#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
enum Message {
    Start {
        id: u64,
        #[serde(rename = "type")]
        kind: u64,
        #[serde(default)]
        fields: Vec<serde_json::Value>,
    },
    Stop {
        id: u64,
    },
    Msg {
        level: u64,
        msg: String,
    },
    #[serde(other)]
    Other,
}

impl NixLog {
    /// An empty log. `file` is its name in messages.
    pub fn new(file: &str) -> Self {
        NixLog { file: file.to_owned(), ..NixLog::default() }
    }

    /// Reads a line. `arrival` is its time in seconds since an arbitrary moment; a time in front of the line takes
    /// precedence. Lines that are not messages of Nix are skipped.
    pub fn line(&mut self, line: &str, arrival: Option<f64>) -> Result<(), Diagnostic> {
        self.n_lines += 1;
        let Some(at) = line.find("@nix {") else { return Ok(()) };
        self.n_messages += 1;
        let (stamp, message) = (&line[..at], &line[at + MARK.len()..]);
        let error = |message: String, byte: usize| {
            let column = Position::of(line, byte).column;
            invalid(&self.file, message, Some(Position { line: self.n_lines, column }))
        };
        let message: Message = serde_json::from_str(message).map_err(|found| {
            let byte = at + MARK.len() + found.column().saturating_sub(1);
            let expected = "expected a message of `--log-format internal-json`";
            error(format!("the message cannot be read, {expected}: {found}"), byte)
                .help("remove the line if the log was cut there, or pass another log")
        })?;
        let is_of_builds = match &message {
            Message::Start { kind, .. } => *kind == BUILD,
            Message::Stop { id } => self.running.contains_key(id),
            Message::Msg { level, msg } => {
                if *level == 0 {
                    self.failed.extend(derivations_in(msg));
                }
                false
            }
            Message::Other => false,
        };
        if !is_of_builds {
            return Ok(());
        }
        let no_time =
            || error("a build starts or stops on this line, but the line has no time".to_owned(), 0).help(HOW_TO_STAMP);
        let now = self.clock.read(stamp).or(arrival).ok_or_else(no_time)?;
        match message {
            Message::Start { id, fields, .. } => {
                let Some(derivation) = fields.first().and_then(|field| field.as_str()) else {
                    let message = "the message about the start of a build has no derivation path in `fields`";
                    return Err(error(message.to_owned(), at).help("pass the log of another version of Nix"));
                };
                self.running.insert(id, (derivation.to_owned(), now));
            }
            Message::Stop { id } => {
                if let Some((derivation, start)) = self.running.remove(&id) {
                    self.built.insert(derivation, f64::max(now - start, 0.0));
                }
            }
            Message::Msg { .. } | Message::Other => {}
        }
        Ok(())
    }

    /// The error message in a line, as Nix would print it on a terminal.
    pub fn error(line: &str) -> Option<String> {
        let (_, message) = line.split_once(MARK)?;
        match serde_json::from_str(message).ok()? {
            Message::Msg { level: 0, msg } => Some(msg),
            _ => None,
        }
    }

    /// All builds by path, without those that failed or did not end.
    pub fn finish(self) -> Result<Vec<NixBuild>, Diagnostic> {
        if self.n_messages == 0 {
            let message = "no line has a message of Nix, expected `@nix {\"action\":...}`";
            let position = Some(Position { line: 1, column: 1 });
            let help = "pass a log of `nix build --log-format internal-json`, or `cargo-timing.html` of \
                `cargo build --timings`";
            return Err(invalid(&self.file, message, position).help(help));
        }
        let built = self.built.into_iter().filter(|(derivation, _)| !self.failed.contains(derivation));
        Ok(built.map(|(derivation, seconds)| NixBuild { derivation, seconds }).collect())
    }
}

impl NixBuild {
    /// The measurement of this build. `ids` has the ids of known derivations by store path; others are identified by
    /// name.
    pub fn measurement(&self, ids: &BTreeMap<String, String>) -> Measurement {
        let subject = match ids.get(&self.derivation) {
            Some(id) => Subject::Id(id.clone()),
            None => Subject::NixName(name_of(&self.derivation).to_owned()),
        };
        Measurement { subject, seconds: self.seconds }
    }
}

/// The name in a store path: `rust_serde-1.0.228` in `/nix/store/<hash>-rust_serde-1.0.228.drv`.
fn name_of(derivation: &str) -> &str {
    let file = derivation.rsplit('/').next().unwrap_or_default().trim_end_matches(".drv");
    file.split_once('-').map_or(file, |(_, name)| name)
}

/// Paths of derivations in an error of Nix, such as `builder for '/nix/store/....drv' failed`. They include derivations
/// that were not started, which makes no difference.
fn derivations_in(message: &str) -> impl Iterator<Item = String> {
    let parts = message.split(|c: char| c.is_whitespace() || "'\"\u{1b};,".contains(c));
    // A path may follow the rest of a colour code, as in `[35;1m/nix/store/...`.
    let paths = parts.filter_map(|part| part.find('/').map(|at| &part[at..]));
    paths.filter(|path| path.ends_with(".drv")).map(str::to_owned)
}

/// Reads times in front of lines.
#[derive(Debug, Clone, Default)]
struct Clock {
    days: f64,
    last: Option<f64>,
}

impl Clock {
    /// Seconds since an arbitrary moment, from a number of seconds such as `[1700000000.25]`, or from a time of day
    /// anywhere in the stamp, as in `2025-11-29T14:00:01.5Z` and `Nov 29 14:00:01`. Dates are ignored: an earlier time
    /// is on the next day.
    fn read(&mut self, stamp: &str) -> Option<f64> {
        let is_around = |c: char| c.is_whitespace() || "[](){}|".contains(c);
        if let Ok(seconds) = stamp.trim_matches(is_around).parse::<f64>() {
            return seconds.is_finite().then_some(seconds);
        }
        let time = time_of_day(stamp)?;
        if self.last.is_some_and(|last| time < last - DAY / 2.0) {
            self.days += 1.0;
        }
        self.last = Some(time);
        Some(self.days * DAY + time)
    }
}

/// The first `HOURS:MINUTES:SECONDS` in a text, in seconds.
fn time_of_day(text: &str) -> Option<f64> {
    let runs = text.split(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.'));
    runs.filter_map(|run| {
        let mut parts = run.splitn(3, ':');
        let mut whole = |digits: usize| -> Option<f64> {
            let part = parts.next()?;
            let is_whole = part.len() == digits && part.bytes().all(|c| c.is_ascii_digit());
            if is_whole { part.parse().ok() } else { None }
        };
        let (hours, minutes) = (whole(2)?, whole(2)?);
        let seconds: f64 = parts.next()?.parse().ok()?;
        Some(hours * 3600.0 + minutes * 60.0 + seconds)
    })
    .next()
}
