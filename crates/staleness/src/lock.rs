//! The packages of `Cargo.lock`: a line each.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::thread;

use cratewright_sources::digest::sha256;
use serde::Deserialize;
use serde_json::Value;

use crate::inputs::{LOCK, MovedKey, Section};

/// Hexadecimal digits of a checksum that are recorded, to be recognized, and as many of its digest: enough that no two
/// checksums of one package ever share them.
const DIGITS: usize = 8;

/// Between what is recorded of a package. Neither sources nor names have it.
const SEPARATOR: &str = ", ";

/// Stands for the checksum of a package of the workspace.
const LOCAL: &str = "local";

/// How a lock calls crates.io.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Versions of the format that say so; older ones have no such key.
const VERSIONS: [u32; 2] = [3, 4];

#[derive(Deserialize)]
struct Lock<'a> {
    version: Option<u32>,
    #[serde(borrow, default)]
    package: Vec<Package<'a>>,
    /// Checksums of version 1.
    #[serde(default)]
    metadata: HashMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow, default)]
    patch: Patches<'a>,
}

/// `[[patch.unused]]`
#[derive(Default, Deserialize)]
struct Patches<'a> {
    #[serde(borrow, default)]
    unused: Vec<Package<'a>>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    source: Option<Cow<'a, str>>,
    checksum: Option<Cow<'a, str>>,
    replace: Option<Cow<'a, str>>,
    #[serde(default)]
    dependencies: Vec<Cow<'a, str>>,
}

/// `name version` to checksum and dependencies, with the source in the key where that is neither crates.io nor the
/// workspace, or where both have the package. Which version of the format the lock is written in does not count.
///
/// The cargo-lock crate would check more, and take three times as long, of which `check` has no use: cargo has written
/// the file, and [`crate::Inputs`] only asks whether it is the same.
pub(crate) fn lock_section(text: &str) -> Result<Section, String> {
    let lock = parse(text)?;
    if let Some(version) = lock.version.filter(|version| !VERSIONS.contains(version)) {
        return Err(format!("it has version {version} of the format, which is not known"));
    }
    let packages: Vec<&Package<'_>> = lock.package.iter().collect();
    let mut by_name: ByName<'_, '_> = HashMap::with_capacity(packages.len());
    for package in &packages {
        by_name.entry(&package.name).or_default().push(package);
    }
    let facts = |package: &Package<'_>| {
        let dependencies = package.dependencies.iter();
        let mut dependencies: Vec<Cow<'_, str>> =
            dependencies.map(|dependency| resolved(dependency, &by_name)).collect();
        dependencies.sort_unstable();
        let older = || lock.metadata.get(&Cow::from(older_key(package)));
        let checksum = package.checksum.as_ref().or_else(older).filter(|checksum| *checksum != "<none>");
        let mut facts = match (&package.source, checksum) {
            (None, _) => LOCAL.to_owned(),
            (Some(_), None) => "none".to_owned(),
            (Some(_), Some(checksum)) => {
                let digits = checksum.get(..DIGITS).unwrap_or(checksum);
                format!("{digits}{}", &sha256(checksum.as_bytes())[..DIGITS])
            }
        };
        let replaced = package.replace.iter().map(|replace| Cow::from(format!("replaced by {replace}")));
        for dependency in replaced.chain(dependencies) {
            facts.push_str(SEPARATOR);
            facts.push_str(&dependency);
        }
        Value::from(facts)
    };
    let mut section = Section::new();
    for package in packages {
        if section.insert(key(package, &by_name), facts(package)).is_some() {
            return Err(format!("it lists package `{} {}` twice", package.name, package.version));
        }
    }
    // Without them cargo would want to write the lock anew.
    for Package { name, version, source, .. } in &lock.patch.unused {
        let source = source.as_deref().unwrap_or("local");
        section.insert(format!("{name} {version} ({source}) in [[patch.unused]]"), Value::from(""));
    }
    Ok(section)
}

/// Parses both halves of the list of packages at once, which is most of what `check` has to do.
fn parse(text: &str) -> Result<Lock<'_>, String> {
    const PACKAGE: &str = "\n[[package]]";
    let parse = |part| toml::from_str::<Lock<'_>>(part).map_err(|error| error.to_string());
    let middle = (text.len() / 2..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let Some(at) = text[middle..].find(PACKAGE).map(|at| middle + at) else { return parse(text) };
    let (first, second) = thread::scope(|scope| {
        let second = scope.spawn(|| parse(&text[at..]));
        (parse(&text[..at]), second.join().expect("parsing does not panic"))
    });
    // What is wrong is said with the line that it has in the whole file.
    let (Ok(mut first), Ok(second)) = (first, second) else { return parse(text) };
    first.package.extend(second.package);
    first.metadata.extend(second.metadata);
    first.patch.unused.extend(second.patch.unused);
    Ok(first)
}

type ByName<'a, 'b> = HashMap<&'b str, Vec<&'b Package<'a>>>;

fn key(package: &Package<'_>, by_name: &ByName<'_, '_>) -> String {
    let Package { name, version, source, .. } = package;
    let twin = |other: &&&Package<'_>| other.version == *version && other.source.as_deref() == Some(CRATES_IO);
    match source.as_deref() {
        Some(CRATES_IO) => format!("{name} {version}"),
        Some(source) => format!("{name} {version} ({source})"),
        None if by_name[&**name].iter().any(|other| twin(&other)) => format!("{name} {version} (local)"),
        None => format!("{name} {version}"),
    }
}

fn older_key(package: &Package<'_>) -> String {
    format!("checksum {} {} ({})", package.name, package.version, package.source.as_deref().unwrap_or_default())
}

/// The shortest words for the package that a dependency means, which it may have in more: `name`, `name version` where there are several, `name version (source)`
/// where there are several of one version.
fn resolved<'a>(dependency: &'a str, by_name: &ByName<'_, '_>) -> Cow<'a, str> {
    let mut words = dependency.splitn(3, ' ');
    let (name, version, source) = (words.next().unwrap_or_default(), words.next(), words.next());
    let source = source.map(|source| source.trim_matches(['(', ')']));
    let candidates = by_name.get(name).into_iter().flatten();
    let mut fitting = candidates.filter(|package| {
        version.is_none_or(|version| package.version == version)
            && source.is_none_or(|source| package.source.as_deref() == Some(source))
    });
    let Some(package) = fitting.next() else { return Cow::from(dependency) };
    let candidates = &by_name[name];
    let of_version = candidates.iter().filter(|other| other.version == package.version).count();
    match (candidates.len(), of_version) {
        (1, _) => Cow::from(name),
        (_, 1) => Cow::from(format!("{name} {}", package.version)),
        _ => Cow::from(key(package, by_name)),
    }
}

/// What moved of the packages of one name.
#[derive(Default)]
struct OfName {
    gone: Vec<String>,
    come: Vec<String>,
    others: Vec<MovedKey>,
}

/// What a reader wants to know: that a package went from one version to another, is new or gone, or what else of it moved
/// within a version.
pub(crate) fn as_versions(moved: Vec<MovedKey>) -> Vec<MovedKey> {
    let mut by_name: BTreeMap<String, OfName> = BTreeMap::new();
    for MovedKey { key, old, new, .. } in moved {
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
            named.push(MovedKey { file, key: key.clone(), old: version(&gone), new: version(&come) });
        }
        named.extend(others);
    }
    named
}

/// What moved of a package that has the same version as before: where it is from, its checksum, its dependencies.
fn within_version(package: &str, old: &Value, new: &Value) -> Vec<MovedKey> {
    let split = |value: &Value| {
        let mut facts = value.as_str().unwrap_or_default().split(SEPARATOR).map(str::to_owned);
        (facts.next().unwrap_or_default(), facts.map(Value::from).collect::<Vec<_>>())
    };
    let ((old_source, old_dependencies), (new_source, new_dependencies)) = (split(old), split(new));
    let key = |what: &str| format!("{package}: {what}");
    let is_of_source = old_source == LOCAL || new_source == LOCAL;
    let shown = |fact: &str| match fact {
        LOCAL => Value::from(fact),
        _ if is_of_source => Value::from("crates.io"),
        fact => Value::from(fact.get(..DIGITS).unwrap_or(fact)),
    };
    let mut moved = Vec::new();
    if old_source != new_source {
        let key = key(if is_of_source { "source" } else { "checksum" });
        let (old, new) = (Some(shown(&old_source)), Some(shown(&new_source)));
        moved.push(MovedKey { file: LOCK.to_owned(), key, old, new });
    }
    if old_dependencies != new_dependencies {
        let (old, new) = (Some(old_dependencies.into()), Some(new_dependencies.into()));
        moved.push(MovedKey { file: LOCK.to_owned(), key: key("dependencies"), old, new });
    }
    moved
}
