//! Everything that a `Cargo.nix` is made from, as lines of text: what is recorded in it, and compared with what is there
//! now.
//!
//! Only what can change the file is taken, and brought to one form, so that comments, the order of keys, or another way to
//! write the same do not count. `nix-lib/inputs` reads the same in Nix, to the byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cratewright_sources::reads::{Reads, reads};
use cratewright_sources::tree::{Tree, within};
use serde_json::Value;

use crate::lock::lock_section;
use crate::stamp::conflict_marker;
use crate::workspace::{InputError, Package, manifests, read};

/// Values by key, of one file.
pub type Section = BTreeMap<String, Value>;

/// Name of the section for what was said on the command line.
pub const OPTIONS: &str = "cratewright generate";

/// Sections by file, seen from the workspace root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// Lines of each section, `key = JSON`, in order of the keys.
    sections: BTreeMap<String, String>,
    /// By directory of a package: what its sources read outside of it. What is certain is in the sections, too.
    reads: BTreeMap<String, Reads>,
}

/// Which files are looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Manifests, the lock, and Rust sources for what they read outside of their packages.
    Everywhere,
    /// Manifests and the lock.
    Manifests,
}

/// Key of what the sources of a package read outside of it.
const READS: &str = "(reads)";

/// One key whose value is not what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedKey {
    /// The file, seen from the workspace root, or [`OPTIONS`].
    pub file: String,
    /// The key, from the top of the file; a package for `Cargo.lock`.
    pub key: String,
    /// Value at the time of generation; nothing where the key is new.
    pub old: Option<Value>,
    /// Value now; nothing where the key is gone.
    pub new: Option<Value>,
}

const BEGIN: &str = "  inputs = {\n";
const END: &str = "  };\n";

impl Inputs {
    /// Reads the manifests of the workspace, the names of files that are targets, and the lock; and the sources, where
    /// those are to be looked into.
    ///
    /// # Errors
    /// When something is missing or cannot be read that cargo, too, would not do without.
    pub fn read(tree: &(dyn Tree + Sync), look: Look) -> Result<Self, InputError> {
        let (lock, manifests) = thread::scope(|scope| {
            let lock = scope.spawn(|| read_lock(tree));
            let manifests = manifests(tree).map(|(sections, packages)| match look {
                Look::Everywhere => (sections, reads_of(tree, packages)),
                Look::Manifests => (sections, BTreeMap::new()),
            });
            (lock.join().expect("reading a lock does not panic"), manifests)
        });
        let (mut sections, reads) = manifests?;
        sections.insert(LOCK.to_owned(), lock?);
        for (directory, reads) in reads.iter().filter(|(_, reads)| !reads.paths.is_empty()) {
            let section = sections.entry(within(directory, "Cargo.toml")).or_default();
            section.insert(READS.to_owned(), reads.paths.iter().cloned().collect());
        }
        let sections = sections.into_iter().map(|(file, section)| (file, lines(&section))).collect();
        Ok(Inputs { sections, reads })
    }

    /// What the sources of each package read outside of it, by directory of the package. Empty where sources were not
    /// looked into.
    pub fn reads(&self) -> &BTreeMap<String, Reads> {
        &self.reads
    }

    /// The same, with what was recorded of the sources, where they were not looked into.
    #[must_use]
    pub fn with_reads_of(mut self, recorded: &Inputs) -> Self {
        for (file, lines) in &mut self.sections {
            let old = recorded.sections.get(file).filter(|old| old.contains(READS)).map(|old| parse(old));
            if let Some(reads) = old.and_then(|mut old| old.remove(READS)) {
                let mut section = parse(lines);
                section.insert(READS.to_owned(), reads);
                *lines = self::lines(&section);
            }
        }
        self
    }

    /// The same, with what was said on the command line.
    #[must_use]
    pub fn with_options(mut self, options: &Section) -> Self {
        if !options.is_empty() {
            self.sections.insert(OPTIONS.to_owned(), lines(options));
        }
        self
    }

    /// Lines of each section by file: what `Cargo.nix` has as `inputs`.
    pub fn sections(&self) -> &BTreeMap<String, String> {
        &self.sections
    }

    /// What a `Cargo.nix` records. Nothing if it has no whole record.
    pub fn recorded(cargo_nix: &str) -> Option<Self> {
        let begin = cargo_nix.find(&format!("\n{BEGIN}"))? + 1 + BEGIN.len();
        let mut lines = cargo_nix[begin..].lines();
        let mut sections = BTreeMap::new();
        loop {
            let line = lines.next()?;
            if line == END.trim_end_matches('\n') {
                return Some(Inputs { sections, ..Inputs::default() });
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

    /// Directories of manifests, and whether each is a member's; that of the root is empty.
    pub fn packages(&self) -> impl Iterator<Item = (&str, bool)> {
        self.sections.iter().filter_map(|(file, lines)| {
            let directory = file.strip_suffix("Cargo.toml")?;
            Some((directory.strip_suffix('/').unwrap_or(directory), lines.contains("(is a member) = true\n")))
        })
    }

    /// Value of a key of a file.
    pub fn value(&self, file: &str, key: &str) -> Option<Value> {
        self.sections.get(file).filter(|lines| lines.contains(key)).and_then(|lines| parse(lines).remove(key))
    }

    /// Options of the recorded command.
    pub fn options(&self) -> Section {
        self.sections.get(OPTIONS).map(|lines| parse(lines)).unwrap_or_default()
    }

    /// What is not as it was recorded, in order of files and keys.
    pub fn moved_since(&self, recorded: &Inputs) -> Vec<MovedKey> {
        let files: BTreeSet<&String> = self.sections.keys().chain(recorded.sections.keys()).collect();
        let mut moved = Vec::new();
        for file in files {
            let (old, new) = (recorded.sections.get(file), self.sections.get(file));
            if old != new {
                let sections = [old, new].map(|lines| lines.map(|lines| parse(lines)).unwrap_or_default());
                compare(file, &sections[0], &sections[1], &mut moved);
            }
        }
        moved
    }
}

/// Sources may nest as deeply as [`cratewright_sources::reads::DEEPEST`]. Only what is used of it is ever there.
const STACK: usize = 256 << 20;

/// More threads than that wait for the disk.
const MOST: usize = 8;

/// Looks through the packages' sources, on several processors.
fn reads_of(tree: &(dyn Tree + Sync), packages: Vec<Package>) -> BTreeMap<String, Reads> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some(package) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut reads = reads(tree, &package.files);
            if package.is_settled {
                reads.doubts.clear();
            }
            found.push((package.files.directory.clone(), reads));
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(packages.len()).min(MOST);
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let threads: Vec<_> = (0..threads).filter_map(|index| spawn(index).ok()).collect();
        // Where the system gives no such thread, this one has to do.
        let own = if threads.is_empty() { work() } else { Vec::new() };
        let found = threads.into_iter().map(|thread| thread.join().expect("looking through sources does not panic"));
        found.flatten().chain(own).collect()
    })
}

pub(crate) const LOCK: &str = "Cargo.lock";

fn read_lock(tree: &dyn Tree) -> Result<Section, InputError> {
    let text = read(tree, LOCK)?.ok_or(InputError::NoLock)?;
    lock_section(&text).map_err(|message| match conflict_marker(&text) {
        Some(line) => InputError::Conflict { file: LOCK.to_owned(), line },
        None => InputError::InvalidLock { message },
    })
}

/// Key of a table for those of its keys that are inherited and say nothing else, as most of a large workspace are.
const INHERITED: &str = ".(workspace)";

/// Keys that are inherited, `key.workspace = true`, stand together in one line for each table.
fn lines(section: &Section) -> String {
    let inherited = Value::from_iter([("workspace", true)]);
    let mut together: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for (key, value) in section {
        match key.rsplit_once('.') {
            Some((table, name)) if *value == inherited => {
                together.entry(format!("{table}{INHERITED}")).or_default().push(name);
            }
            _ => drop(lines.insert(key.clone(), canonical(value))),
        }
    }
    lines.extend(together.into_iter().map(|(key, names)| (key, canonical(&names.into()))));
    lines.iter().fold(String::new(), |mut text, (key, value)| {
        let _ = writeln!(text, "{key} = {value}");
        text
    })
}

/// JSON without spaces, as Nix's `toJSON` writes it.
fn canonical(value: &Value) -> String {
    json(value, ",", ":")
}

/// JSON with spaces after commas and colons, as people write it.
fn spaced(value: &Value) -> String {
    json(value, ", ", ": ")
}

/// Keys are in byte order, whatever order this build of serde_json keeps.
fn json(value: &Value, comma: &str, colon: &str) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| json(item, comma, colon)).collect();
            format!("[{}]", items.join(comma))
        }
        Value::Object(table) => {
            let mut entries: Vec<(&String, &Value)> = table.iter().collect();
            entries.sort_by_key(|&(key, _)| key);
            let entry = |(key, value): (&String, &Value)| {
                format!("{}{colon}{}", Value::from(key.as_str()), json(value, comma, colon))
            };
            format!("{{{}}}", entries.into_iter().map(entry).collect::<Vec<_>>().join(comma))
        }
        value => value.to_string(),
    }
}

/// Keys may hold ` = ` themselves (`target.cfg(target_os = "linux").dependencies.libc`); what follows the right one is JSON.
fn parse(lines: &str) -> Section {
    let line = |line: &str| {
        line.match_indices(" = ").find_map(|(at, separator)| {
            let value = serde_json::from_str(&line[at + separator.len()..]).ok()?;
            Some((line[..at].to_owned(), value))
        })
    };
    let single = |(key, value): (String, Value)| match (key.strip_suffix(INHERITED), &value) {
        (Some(table), Value::Array(names)) => {
            let key = |name: &Value| format!("{table}.{}", name.as_str().unwrap_or_default());
            names.iter().map(|name| (key(name), Value::from_iter([("workspace", true)]))).collect()
        }
        _ => vec![(key, value)],
    };
    lines.lines().filter_map(line).flat_map(single).collect()
}

fn compare(file: &str, old: &Section, new: &Section, moved: &mut Vec<MovedKey>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let first = moved.len();
    for key in keys {
        compare_values(file, key, old.get(key), new.get(key), moved);
    }
    if file == LOCK {
        let found = moved.split_off(first);
        moved.extend(crate::lock::as_versions(found));
    }
}

/// Goes down into tables, so that what is named is the key that was touched.
fn compare_values(file: &str, key: &str, old: Option<&Value>, new: Option<&Value>, moved: &mut Vec<MovedKey>) {
    if old == new {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (old, new) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for below in keys {
            compare_values(file, &format!("{key}.{below}"), old.get(below), new.get(below), moved);
        }
        return;
    }
    let (file, key) = (file.to_owned(), key.to_owned());
    moved.push(MovedKey { file, key, old: old.cloned(), new: new.cloned() });
}

/// A quote that what follows would make part of an escape sequence.
const QUOTE: &str = "${\"'\"}";

/// A line of an indented string of Nix, as the renderer writes it.
fn unescape(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['\'', '$']) {
        text.push_str(&rest[..at]);
        let sequences = [("'''", "''"), ("''${", "${"), (QUOTE, "'")];
        let found = sequences.into_iter().find(|(escaped, _)| rest[at..].starts_with(escaped));
        let (escaped, plain) = found.unwrap_or((&rest[at..=at], &rest[at..=at]));
        text.push_str(plain);
        rest = &rest[at + escaped.len()..];
    }
    text + rest
}

/// What one list has and another has not; empty where they differ in order alone.
fn differences(old: &[Value], new: &[Value]) -> Vec<String> {
    let items = |verb: &str, of: &[Value], other: &[Value]| {
        let items: Vec<String> = of.iter().filter(|item| !other.contains(item)).map(spaced).collect();
        (!items.is_empty()).then(|| format!("{verb} {}", items.join(", ")))
    };
    [items("added", new, old), items("removed", old, new)].into_iter().flatten().collect()
}

impl MovedKey {
    /// One line for a person: file, key, old and new value.
    pub fn describe(&self) -> String {
        let MovedKey { file, key, old, new } = self;
        let shown = |value: &Value| match value {
            Value::String(text) if file == LOCK => text.clone(),
            value => spaced(value),
        };
        match (old, new) {
            (Some(Value::Array(old)), Some(Value::Array(new))) if !differences(old, new).is_empty() => {
                format!("{file}: {key}: {}", differences(old, new).join("; "))
            }
            (Some(old), Some(new)) if file == LOCK => format!("{file}: {key} {} -> {}", shown(old), shown(new)),
            (Some(old), Some(new)) => format!("{file}: {key}: {} -> {}", shown(old), shown(new)),
            (None, Some(new)) if file == LOCK => format!("{file}: {key} {} is new", shown(new)),
            (Some(old), None) if file == LOCK => format!("{file}: {key} {} is gone", shown(old)),
            (None, Some(new)) => format!("{file}: {key} is new: {}", shown(new)),
            (Some(old), None) => format!("{file}: {key} is gone; it was {}", shown(old)),
            (None, None) => format!("{file}: {key}"),
        }
    }
}
