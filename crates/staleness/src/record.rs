//! The record of a `Cargo.nix`: the questions that were asked about the workspace and their answers, as text.
//!
//! Only questions that can change the file are asked, and answers are normalized, so that comments, the order of keys
//! and equivalent notations make no difference. `nix-lib/record` asks the same in Nix.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::files::Files;
use cratewright_sources::path::WsPath;
use cratewright_sources::reads::Reads;
use serde_json::Value;

use crate::change::{Change, LOCK};
use crate::lock::{Lock, as_versions};
use crate::observer::{FILES, Observer, lock_of};
use crate::section::{DIRECTORIES, PATHS, Section, lines, parse, unescape};
use crate::sources::reads_of;

/// Section of the command-line options.
pub const OPTIONS: &str = "cratewright generate";

/// Questions with their answers, in a section for each file relative to the workspace root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Lines `key = JSON` of each section, sorted by key.
    sections: BTreeMap<String, String>,
}

/// How [`Record::replay`] handles sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources {
    /// Scan them for files that they read outside of their packages.
    Scan,
    /// Assume that they read the recorded files.
    AsRecorded,
    /// As `AsRecorded`, and assume that unchanged files give the recorded answers: for a record made from the files
    /// that were read.
    AsRead,
}

/// Question for the files that a package's sources read outside of it.
const READS: &str = "(reads)";

const BEGIN: &str = "  inputs = {\n";
const END: &str = "  };\n";

impl Record {
    /// All questions so far, except those about the lock file: see [`Record::with_lock`].
    pub fn new(observer: Observer<'_>) -> Self {
        Record::of(observer.into_sections())
    }

    fn of(sections: BTreeMap<String, Section>) -> Self {
        Record { sections: sections.into_iter().map(|(name, section)| (name, lines(&section))).collect() }
    }

    /// The record in a `Cargo.nix`; `None` if it is missing or incomplete.
    pub fn parse(cargo_nix: &str) -> Option<Self> {
        let begin = cargo_nix.find(&format!("\n{BEGIN}"))? + 1 + BEGIN.len();
        let mut lines = cargo_nix[begin..].lines();
        let mut sections = BTreeMap::new();
        loop {
            let line = lines.next()?;
            if line == END.trim_end_matches('\n') {
                return Some(Record { sections });
            }
            let file = line.trim_start().strip_suffix(" = ''")?;
            let file: String = serde_json::from_str(&file.replace("\\${", "${")).ok()?;
            let mut text = String::new();
            loop {
                match lines.next()?.strip_prefix("    ")? {
                    "'';" => break,
                    line => {
                        text.push_str(&unescape(line.strip_prefix("  ")?));
                        text.push('\n');
                    }
                }
            }
            sections.insert(file, text);
        }
    }

    /// Asks the same questions again.
    ///
    /// # Errors
    /// If a file exists and cannot be read.
    pub fn replay(&self, files: &dyn Files, sources: Sources) -> Result<Self, Diagnostic> {
        let (lock, now) = thread::scope(|scope| {
            let is_known = sources == Sources::AsRead && files.is_as_read(&WsPath::ROOT.child(LOCK));
            let lock = (!is_known).then(|| scope.spawn(|| lock_of(files)));
            let now = self.ask_again(files, sources);
            (lock.map(|lock| lock.join().expect("reading a lock does not panic")), now)
        });
        let mut now = match lock {
            Some(lock) => now?.with_lock(&lock?),
            None => {
                let mut now = now?;
                now.sections.extend(self.sections.get(LOCK).map(|lock| (LOCK.to_owned(), lock.clone())));
                now
            }
        };
        now.sections.extend(self.sections.get(OPTIONS).map(|options| (OPTIONS.to_owned(), options.clone())));
        Ok(now)
    }

    fn ask_again(&self, files: &dyn Files, sources: Sources) -> Result<Self, Diagnostic> {
        let observer = Observer::new(files);
        for (name, text) in self.sections.iter().filter(|(name, _)| *name != LOCK && *name != OPTIONS) {
            observer.ask_again(name, &parse(text), sources == Sources::AsRead)?;
        }
        let mut sections = observer.into_sections();
        match sources {
            Sources::Scan => drop(add_reads(files, &mut sections)),
            Sources::AsRecorded | Sources::AsRead => {
                for (file, section) in &mut sections {
                    section.extend(self.value(file, READS).map(|reads| (READS.to_owned(), reads)));
                }
            }
        }
        Ok(Record::of(sections))
    }

    /// The record with another lock file.
    #[must_use]
    pub fn with_lock(mut self, lock: &Lock) -> Self {
        self.sections.insert(LOCK.to_owned(), lines(&lock.section()));
        self
    }

    /// The record with the files that sources read outside of their packages, and these by directory of the package.
    #[must_use]
    pub fn with_reads(mut self, files: &dyn Files) -> (Self, BTreeMap<WsPath, Reads>) {
        let sections = self.sections.iter().filter(|(file, _)| file.ends_with("Cargo.toml"));
        let mut sections: BTreeMap<String, Section> =
            sections.map(|(file, text)| (file.clone(), parse(text))).collect();
        let reads = add_reads(files, &mut sections);
        let changed = sections.into_iter().filter(|(_, section)| section.contains_key(READS));
        self.sections.extend(changed.map(|(file, section)| (file, lines(&section))));
        (self, reads)
    }

    /// The record with command-line options.
    #[must_use]
    pub fn with_options(mut self, options: &Section) -> Self {
        self.sections.remove(OPTIONS);
        if !options.is_empty() {
            self.sections.insert(OPTIONS.to_owned(), lines(options));
        }
        self
    }

    /// Lines of each section by file: the `inputs` of `Cargo.nix`.
    pub fn sections(&self) -> &BTreeMap<String, String> {
        &self.sections
    }

    /// Directories of manifests, with `true` for members.
    pub fn packages(&self) -> impl Iterator<Item = (WsPath, bool)> {
        self.sections.iter().filter_map(|(file, lines)| {
            let file = WsPath::new(file).filter(|file| file.name() == "Cargo.toml")?;
            Some((file.parent(), lines.starts_with(FILES) || lines.contains(&format!("\n{FILES}"))))
        })
    }

    /// Files that were read or whose existence matters.
    pub fn files(&self) -> Vec<WsPath> {
        let mut files = Vec::new();
        for (name, text) in &self.sections {
            let Some(file) = WsPath::new(name).filter(|_| name != OPTIONS && !name.starts_with('(')) else { continue };
            let section = parse(text);
            let lists = section.iter().filter(|(key, _)| key.starts_with("(files")).map(|(_, list)| list);
            let names = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
            files.extend(names.map(|name| file.parent().child(name)));
            files.push(file);
        }
        files
    }

    /// Recorded value of a key in a file.
    pub fn value(&self, file: &str, key: &str) -> Option<Value> {
        self.sections.get(file).filter(|lines| lines.contains(key)).and_then(|lines| parse(lines).remove(key))
    }

    /// Recorded command-line options.
    pub fn options(&self) -> Section {
        self.sections.get(OPTIONS).map(|lines| parse(lines)).unwrap_or_default()
    }

    /// All differences, sorted by file and key.
    pub fn changes(&self, now: &Record) -> Vec<Change> {
        let names: BTreeSet<&String> = self.sections.keys().chain(now.sections.keys()).collect();
        let mut changes = Vec::new();
        for name in names {
            let (old, new) = (self.sections.get(name), now.sections.get(name));
            if old != new {
                let [before, after] = [old, new].map(|lines| lines.map(|lines| parse(lines)).unwrap_or_default());
                compare(name, name != OPTIONS && old.is_some() && new.is_none(), &before, &after, &mut changes);
            }
        }
        changes
    }
}

/// Adds the files that sources read outside of their packages, and returns them by package.
fn add_reads(files: &dyn Files, sections: &mut BTreeMap<String, Section>) -> BTreeMap<WsPath, Reads> {
    let reads = reads_of(files, sections);
    for (package, reads) in reads.iter().filter(|(_, reads)| !reads.paths.is_empty()) {
        let section = sections.entry(package.child("Cargo.toml").to_string()).or_default();
        section.insert(READS.to_owned(), reads.paths.iter().map(WsPath::as_str).collect());
    }
    reads
}

fn compare(name: &str, is_gone: bool, old: &Section, new: &Section, changes: &mut Vec<Change>) {
    // In these sections each key is a path of its own.
    if name == PATHS || name.starts_with(DIRECTORIES) {
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let differing = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
        changes.extend(differing.map(|path| Change {
            file: path.clone(),
            key: name.to_owned(),
            old: old.get(path).cloned(),
            new: new.get(path).cloned(),
        }));
        return;
    }
    if is_gone {
        changes.push(Change { file: name.to_owned(), key: String::new(), old: None, new: None });
        return;
    }
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let first = changes.len();
    for key in keys {
        compare_values(name, key, old.get(key), new.get(key), changes);
    }
    if name == LOCK {
        let found = changes.split_off(first);
        changes.extend(as_versions(found));
    }
}

/// Descends into tables, so that a change has the innermost key.
fn compare_values(file: &str, key: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for below in keys {
            compare_values(file, &format!("{key}.{below}"), old.get(below), new.get(below), changes);
        }
        return;
    }
    let (file, key) = (file.to_owned(), key.to_owned());
    changes.push(Change { file, key, old: old.cloned(), new: new.cloned() });
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(sections: &[(&str, &[(&str, Value)])]) -> Record {
        let section = |entries: &[(&str, Value)]| {
            entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect::<Section>()
        };
        Record::of(sections.iter().map(|(name, entries)| ((*name).to_owned(), section(entries))).collect())
    }

    /// The record as the renderer writes it.
    const TEXT: &str = "{\n  inputs = {\n    \"Cargo.toml\" = ''\n      package.name = \"it${\"'\"}s\"\n    '';\n    \
                        \"a\\${b}/Cargo.toml\" = ''\n      (files) = [\"src/lib.rs\"]\n    '';\n  };\n}\n";

    #[test]
    fn the_record_is_read_from_the_text_of_a_file() {
        let expected = record(&[
            ("Cargo.toml", &[("package.name", json!("it's"))]),
            ("a${b}/Cargo.toml", &[("(files)", json!(["src/lib.rs"]))]),
        ]);
        assert_eq!(Record::parse(TEXT), Some(expected));
        for at in 0..TEXT.len() - "  };\n}\n".len() {
            assert_eq!(Record::parse(&TEXT[..at]), None, "cut off at {at}");
        }
        assert_eq!(Record::parse(&TEXT.replace("      (files)", "    (files)")), None, "a line is not indented");
    }

    #[test]
    fn values_packages_and_files_are_found() {
        let record = Record::parse(TEXT).unwrap();
        assert_eq!(record.value("Cargo.toml", "package.name"), Some(json!("it's")));
        assert_eq!([record.value("Cargo.toml", "name"), record.value("Cargo.lock", "name")], [None, None]);
        let packages: Vec<(String, bool)> =
            record.packages().map(|(path, member)| (path.to_string(), member)).collect();
        assert_eq!(packages, [(String::new(), false), ("a${b}".to_owned(), true)]);
        let files: Vec<String> = record.files().iter().map(ToString::to_string).collect();
        assert_eq!(files, ["Cargo.toml", "a${b}/src/lib.rs", "a${b}/Cargo.toml"]);
    }

    #[test]
    fn changes_have_the_innermost_key() {
        let [paths, directories] = [PATHS.to_owned(), format!("{DIRECTORIES}crates/*")];
        let old = record(&[
            (&paths, &[("a.rs", json!(false)), ("b.rs", json!(false))]),
            (&directories, &[("crates/a", json!(true))]),
            ("Cargo.toml", &[("dependencies.syn", json!({ "version": "1", "optional": true })), ("lib", json!({}))]),
            ("gone/Cargo.toml", &[("package.name", json!("gone"))]),
            (LOCK, &[("syn 1.0.0", json!("00000000"))]),
            (OPTIONS, &[("--target", json!(["a"]))]),
        ]);
        let new = record(&[
            (&paths, &[("a.rs", json!(true)), ("b.rs", json!(false))]),
            (&directories, &[("crates/b", json!(true))]),
            ("Cargo.toml", &[("dependencies.syn", json!({ "version": "2", "optional": true })), ("lib", json!({}))]),
            (LOCK, &[("syn 2.0.0", json!("00000000"))]),
        ]);
        let lines: Vec<String> = old.changes(&new).iter().map(Change::describe).collect();
        assert_eq!(
            lines,
            [
                "crates/a: it was a directory that `crates/*` matches",
                "crates/b: it is a new directory that `crates/*` matches",
                "a.rs: it did not exist before",
                "Cargo.lock: syn 1.0.0 -> 2.0.0",
                "Cargo.toml: dependencies.syn.version: \"1\" -> \"2\"",
                "cratewright generate: --target was removed; it was [\"a\"]",
                "gone/Cargo.toml: it no longer exists",
            ]
        );
        assert_eq!(old.changes(&old), []);
    }

    #[test]
    fn options_and_lock_are_kept_apart_from_questions() {
        let files = BTreeMap::from([
            ("Cargo.toml".to_owned(), "[package]\nname = \"a\"\n".to_owned()),
            (LOCK.to_owned(), "version = 4\n".to_owned()),
        ]);
        let options = Section::from([("--target".to_owned(), json!(["a"]))]);
        let observer = Observer::new(&files);
        observer.manifest(&WsPath::ROOT).unwrap();
        let made = Record::new(observer).with_lock(&Lock::default()).with_options(&options);
        assert_eq!(made.options(), options);
        for sources in [Sources::Scan, Sources::AsRecorded, Sources::AsRead] {
            assert_eq!(made.replay(&files, sources).unwrap(), made, "{sources:?}");
        }
        assert_eq!(made.clone().with_options(&Section::new()).options(), Section::new());
        let without: BTreeMap<String, String> = files.into_iter().filter(|(file, _)| file != LOCK).collect();
        assert_eq!(made.replay(&without, Sources::Scan).unwrap_err().code, Diagnostic::no_lock_file().code);
    }
}
