//! `Cargo.lock` and its section of a record, with one line per package.

use std::collections::{BTreeMap, HashMap};
use std::thread;

use cratewright_sources::diagnostic::{Diagnostic, Position, conflict_marker};
use cratewright_sources::digest::sha256;
use serde::Deserialize;
use serde_json::Value;

use crate::change::{Change, LOCK};
use crate::section::Section;

/// Number of recorded hexadecimal digits of a checksum, and of the digest of the checksum: enough to tell apart all
/// checksums of a package.
const DIGITS: usize = 8;

/// Separates the facts about a package. It occurs in no source and no name.
const SEPARATOR: &str = ", ";

/// Source id of crates.io in a lock file.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Format versions that are written in the file; older ones have no such key.
const VERSIONS: [u32; 2] = [3, 4];

/// A lock file in any version of the format.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Lock {
    version: Option<u32>,
    /// The packages, in the order of the file.
    #[serde(default, rename = "package")]
    pub packages: Vec<LockedPackage>,
    /// Checksums in format version 1.
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    patch: Patches,
}

/// The table `[[patch.unused]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
struct Patches {
    #[serde(default)]
    unused: Vec<LockedPackage>,
}

/// An entry of `[[package]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct LockedPackage {
    /// Package name.
    pub name: String,
    /// Full version.
    pub version: String,
    /// Source id; `None` for path dependencies and members.
    pub source: Option<String>,
    /// SHA-256 of the packed crate in lower-case hexadecimal.
    pub checksum: Option<String>,
    replace: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl Lock {
    /// Parses a lock file.
    ///
    /// The cargo-lock crate checks more and takes three times as long; `check` only needs to know whether the file,
    /// which cargo has written, is the same.
    ///
    /// # Errors
    /// If it is not valid TOML or not a lock file of a supported version.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let help = "restore it from version control, or create a new one with `cargo generate-lockfile`";
        let invalid = |error: toml::de::Error| {
            let failure = Diagnostic::toml("invalid-lock-file", "a lock", LOCK, text, error.message(), error.span());
            if conflict_marker(text).is_some() { failure } else { failure.help(help) }
        };
        let lock = parse(text).map_err(invalid)?;
        if let Some(version) = lock.version.filter(|version| !VERSIONS.contains(version)) {
            let message = format!("version {version} of the format of `{LOCK}` is not supported");
            let position = text.find("version").map(|at| Position::of(text, at));
            return Err(Diagnostic::new("invalid-lock-file", message).at(LOCK).position(position).help(help));
        }
        Ok(lock)
    }

    /// SHA-256 of a package, which older versions of the format store in `[metadata]`.
    pub fn checksum<'a>(&'a self, package: &'a LockedPackage) -> Option<&'a str> {
        let LockedPackage { name, version, source, checksum, .. } = package;
        let older =
            || self.metadata.get(&format!("checksum {name} {version} ({})", source.as_deref().unwrap_or_default()));
        checksum.as_ref().or_else(older).map(String::as_str).filter(|checksum| *checksum != "<none>")
    }

    /// Maps `name version` to checksum and dependencies. The key includes the source unless it is crates.io or a
    /// directory. `nix-lib/record/lock.nix` computes the same.
    pub(crate) fn section(&self) -> Section {
        let mut by_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for package in &self.packages {
            by_key.entry(package.key()).or_default().push(self.facts(package).into());
        }
        // Without these entries cargo would rewrite the lock file.
        for package in &self.patch.unused {
            by_key.entry(format!("{} in [[patch.unused]]", package.key())).or_default().push("".into());
        }
        let value = |mut facts: Vec<Value>| if facts.len() == 1 { facts.remove(0) } else { facts.into() };
        by_key.into_iter().map(|(key, facts)| (key, value(facts))).collect()
    }

    fn facts(&self, package: &LockedPackage) -> String {
        let mut dependencies: Vec<String> = package.dependencies.iter().map(|name| short(name)).collect();
        dependencies.sort_unstable();
        let mut facts = match (&package.source, self.checksum(package)) {
            (None, _) => "local".to_owned(),
            (Some(_), None) => "none".to_owned(),
            (Some(_), Some(checksum)) => {
                let digits = checksum.get(..DIGITS).unwrap_or(checksum);
                format!("{digits}{}", &sha256(checksum.as_bytes())[..DIGITS])
            }
        };
        let replaced = package.replace.iter().map(|replace| format!("replaced by {replace}"));
        for fact in replaced.chain(dependencies) {
            facts.push_str(SEPARATOR);
            facts.push_str(&fact);
        }
        facts
    }
}

impl LockedPackage {
    /// Whether it is from crates.io.
    pub fn is_crates_io(&self) -> bool {
        self.source.as_deref() == Some(CRATES_IO)
    }

    fn key(&self) -> String {
        let LockedPackage { name, version, source, .. } = self;
        match source.as_deref() {
            None | Some(CRATES_IO) => format!("{name} {version}"),
            Some(source) => format!("{name} {version} ({source})"),
        }
    }
}

/// A dependency without its source, which format version 1 always writes.
fn short(dependency: &str) -> String {
    dependency.replace(&format!(" ({CRATES_IO})"), "")
}

/// Parses both halves of the list of packages in parallel, because parsing takes most of the time of `check`.
fn parse(text: &str) -> Result<Lock, toml::de::Error> {
    const PACKAGE: &str = "\n[[package]]";
    let middle = (text.len() / 2..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let Some(at) = text[middle..].find(PACKAGE).map(|at| middle + at) else { return toml::from_str(text) };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| toml::from_str::<Lock>(&text[at..]));
        (toml::from_str::<Lock>(&text[..at]), second.join().expect("parsing does not panic"))
    });
    // Only parsing the whole file gives the error with the right line.
    let (Ok(mut first), Ok(second)) = (first, second) else { return toml::from_str(text) };
    first.packages.extend(second.packages);
    first.metadata.extend(second.metadata);
    first.patch.unused.extend(second.patch.unused);
    Ok(first)
}

/// Changes of the packages with one name.
#[derive(Default)]
struct OfName {
    gone: Vec<String>,
    come: Vec<String>,
    others: Vec<Change>,
}

/// Turns changes of keys into changes of packages: another version, a new or removed package, or a change within a
/// version.
pub(crate) fn as_versions(changes: Vec<Change>) -> Vec<Change> {
    let mut by_name: BTreeMap<String, OfName> = BTreeMap::new();
    for Change { key, old, new, .. } in changes {
        let (name, version) = key.split_once(' ').map_or((key.as_str(), ""), |parts| parts);
        let of_name = by_name.entry(name.to_owned()).or_default();
        match (&old, &new) {
            (Some(old), Some(new)) => of_name.others.extend(within_version(&key, old, new)),
            (Some(_), None) => of_name.gone.push(version.to_owned()),
            _ => of_name.come.push(version.to_owned()),
        }
    }
    let mut named = Vec::new();
    for (key, OfName { gone, come, others }) in by_name {
        for ix in 0..gone.len().max(come.len()) {
            let version = |list: &[String]| list.get(ix).map(|version| Value::from(version.as_str()));
            let file = LOCK.to_owned();
            named.push(Change { file, key: key.clone(), old: version(&gone), new: version(&come) });
        }
        named.extend(others);
    }
    named
}

/// Changes of a package with an unchanged version: its source, checksum or dependencies.
fn within_version(package: &str, old: &Value, new: &Value) -> Vec<Change> {
    let (Some(before), Some(after)) = (old.as_str(), new.as_str()) else {
        let key = format!("{package}: packages of that name and version");
        return vec![Change { file: LOCK.to_owned(), key, old: Some(old.clone()), new: Some(new.clone()) }];
    };
    let split = |text: &str| {
        let mut facts = text.split(SEPARATOR).map(str::to_owned);
        (facts.next().unwrap_or_default(), facts.map(Value::from).collect::<Vec<_>>())
    };
    let ((old_source, old_dependencies), (new_source, new_dependencies)) = (split(before), split(after));
    let is_of_source = [&old_source, &new_source].into_iter().any(|fact| fact == "local");
    let shown = |fact: &str| match fact {
        _ if is_of_source && fact != "local" => Value::from("crates.io"),
        fact => Value::from(fact.get(..DIGITS).unwrap_or(fact)),
    };
    let change = |what: &str, old, new| Change {
        file: LOCK.to_owned(),
        key: format!("{package}: {what}"),
        old: Some(old),
        new: Some(new),
    };
    let mut changes = Vec::new();
    if old_source != new_source {
        let what = if is_of_source { "source" } else { "checksum" };
        changes.push(change(what, shown(&old_source), shown(&new_source)));
    }
    if old_dependencies != new_dependencies {
        changes.push(change("dependencies", old_dependencies.into(), new_dependencies.into()));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines about what moved from one list of packages to another.
    fn moved(before: &str, after: &str) -> Vec<String> {
        let section = |packages: &str| Lock::parse(&format!("version = 4\n{packages}")).unwrap().section();
        let (old, new) = (section(before), section(after));
        let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let of = |key: &String| {
            let (old, new) = (old.get(key).cloned(), new.get(key).cloned());
            (old != new).then(|| Change { file: LOCK.to_owned(), key: key.clone(), old, new })
        };
        as_versions(keys.into_iter().filter_map(of).collect()).iter().map(Change::describe).collect()
    }

    fn package(name: &str, version: &str, rest: &str) -> String {
        format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}\n")
    }

    fn of_crates_io(name: &str, version: &str, checksum: &str) -> String {
        package(name, version, &format!("source = \"{CRATES_IO}\"\nchecksum = \"{checksum}\""))
    }

    #[test]
    fn versions_come_and_go_by_name() {
        let [one, two, three] = ["1.0.0", "2.0.0", "3.0.0"].map(|version| of_crates_io("syn", version, "c0ffee00"));
        assert_eq!(moved(&one, &two), ["Cargo.lock: syn 1.0.0 -> 2.0.0"]);
        assert_eq!(moved(&one, ""), ["Cargo.lock: syn 1.0.0 was removed"]);
        assert_eq!(moved("", &one), ["Cargo.lock: syn 1.0.0 is new"]);
        assert_eq!(moved(&one, &(two + &three)), ["Cargo.lock: syn 1.0.0 -> 2.0.0", "Cargo.lock: syn 3.0.0 is new"]);
        assert_eq!(moved(&one, &one), [] as [&str; 0]);
    }

    #[test]
    fn source_checksum_and_dependencies_change_within_a_version() {
        let [a, b] = ["aaaaaaaa1", "bbbbbbbb1"].map(|checksum| of_crates_io("syn", "1.0.0", checksum));
        assert_eq!(moved(&a, &b), ["Cargo.lock: syn 1.0.0: checksum aaaaaaaa -> bbbbbbbb"]);
        // The recorded digits are those of the beginning and of a digest of the whole.
        assert_eq!(moved(&a, &a.replace("aaaaaaaa1", "aaaaaaaa2")).len(), 1);
        assert_eq!(moved(&a, &package("syn", "1.0.0", "")), ["Cargo.lock: syn 1.0.0: source crates.io -> local"]);
        let git = package("syn", "1.0.0", "source = \"git+https://example.org/syn#0123\"");
        assert_eq!(
            moved(&a, &git),
            ["Cargo.lock: syn 1.0.0 -> 1.0.0 (git+https://example.org/syn#0123)"],
            "another source is another key"
        );
        let [with, without] = [format!("{a}dependencies = [\"quote 1.0.0 ({CRATES_IO})\"]\n"), a];
        assert_eq!(moved(&without, &with), [r#"Cargo.lock: syn 1.0.0: dependencies: added "quote 1.0.0""#]);
    }

    #[test]
    fn unused_patches_and_replaced_packages_are_recorded() {
        let unused = "\n[[patch.unused]]\nname = \"syn\"\nversion = \"9.0.0\"\n";
        assert_eq!(moved("", unused), ["Cargo.lock: syn 9.0.0 in [[patch.unused]] is new"]);
        let package = of_crates_io("syn", "1.0.0", "aaaaaaaa");
        let replaced = format!("{package}replace = \"syn 1.0.0\"\n");
        assert_eq!(
            moved(&package, &replaced),
            [r#"Cargo.lock: syn 1.0.0: dependencies: added "replaced by syn 1.0.0""#]
        );
    }

    #[test]
    fn only_one_registry_is_crates_io() {
        let text = of_crates_io("syn", "1.0.0", "aaaaaaaa")
            + &package("other", "1.0.0", "source = \"registry+https://example.org/index\"")
            + &package("local", "1.0.0", "");
        let lock = Lock::parse(&text).unwrap();
        let of: Vec<bool> = lock.packages.iter().map(LockedPackage::is_crates_io).collect();
        assert_eq!(of, [true, false, false]);
    }
}
