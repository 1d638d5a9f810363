//! Nix's `--log-format internal-json`.
//!
//! A message says that a build starts or stops, and which derivation is built; none says when. So the lines must have
//! been stamped as they came: by the reader, if it reads while Nix runs, or by a time in front of each line. CI systems
//! write such times in front of what they log, and so does `ts` of moreutils. Nothing else would do: `nix log` has no
//! times, the store knows when an output was registered, in seconds, and not when its build began, and `nix build --json`
//! has `startTime` and `stopTime` of the derivations alone that it was asked for, since Nix 2.13.

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
    /// Its store path.
    pub derivation: String,
    /// How long it took.
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
    /// Nothing has been read yet; messages call the log `file`.
    pub fn new(file: &str) -> Self {
        NixLog { file: file.to_owned(), ..NixLog::default() }
    }

    /// Reads a line. `arrival` is when it came, in seconds from any moment; a time in front of the line itself is taken
    /// before it. Lines that are no messages of Nix are skipped.
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
            let expected = "expected one of Nix's `--log-format internal-json`";
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
            || error("a build starts or stops here, and the line has no time".to_owned(), 0).help(HOW_TO_STAMP);
        let now = self.clock.read(stamp).or(arrival).ok_or_else(no_time)?;
        match message {
            Message::Start { id, fields, .. } => {
                let Some(derivation) = fields.first().and_then(|field| field.as_str()) else {
                    let message = "the message says that a build starts, expected the derivation's path in `fields`";
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

    /// What a line says went wrong, as Nix would print it on a terminal.
    pub fn error(line: &str) -> Option<String> {
        let (_, message) = line.split_once(MARK)?;
        match serde_json::from_str(message).ok()? {
            Message::Msg { level: 0, msg } => Some(msg),
            _ => None,
        }
    }

    /// All that was built, by path. Builds that failed or did not end are left out.
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
    /// As a measurement of what the caller knows the derivation to be: ids by store path. Of others, Nix's name of it.
    pub fn measurement(&self, ids: &BTreeMap<String, String>) -> Measurement {
        let subject = match ids.get(&self.derivation) {
            Some(id) => Subject::Id(id.clone()),
            None => Subject::NixName(name_of(&self.derivation).to_owned()),
        };
        Measurement { subject, seconds: self.seconds }
    }
}

/// Of `/nix/store/<hash>-rust_serde-1.0.228.drv`: `rust_serde-1.0.228`.
fn name_of(derivation: &str) -> &str {
    let file = derivation.rsplit('/').next().unwrap_or_default().trim_end_matches(".drv");
    file.split_once('-').map_or(file, |(_, name)| name)
}

/// Paths of derivations that an error of Nix quotes, `builder for '/nix/store/....drv' failed`. It quotes those that
/// were not begun as well, which makes no difference.
fn derivations_in(message: &str) -> impl Iterator<Item = String> {
    let parts = message.split(|c: char| c.is_whitespace() || "'\"\u{1b};,".contains(c));
    // What is left of a colour: `[35;1m/nix/store/...`, of which the first part is away already.
    let paths = parts.filter_map(|part| part.find('/').map(|at| &part[at..]));
    paths.filter(|path| path.ends_with(".drv")).map(str::to_owned)
}

/// Times in front of lines.
#[derive(Debug, Clone, Default)]
struct Clock {
    days: f64,
    last: Option<f64>,
}

impl Clock {
    /// Seconds from any moment: of a number of seconds, such as `[1700000000.25]`, or of a time of day anywhere in the
    /// stamp, as in `2025-11-29T14:00:01.5Z` and `Nov 29 14:00:01`. Of days, only that one follows the other.
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

/// The first `HOURS:MINUTES:SECONDS` of a text, in seconds.
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
