//! Views: the keys of a TOML file that matter. Both this module and `view.nix` take them from
//! `nix-lib/record/views.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::section::Section;

/// The list of keys to read from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// For a `Cargo.toml`.
    Manifest,
    /// For a file of cargo's configuration.
    Config,
}

#[derive(Deserialize)]
struct Views {
    present: Vec<String>,
    inherited: Vec<String>,
    older: BTreeMap<String, String>,
    manifest: Pattern,
    config: Pattern,
    files: BTreeMap<String, Vec<String>>,
}

/// The part of a value that matters.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pattern {
    /// The whole value, normalized.
    Form(Form),
    /// These keys of a table, or of each table in a list.
    Tables(Vec<String>),
    /// A pattern for each key of a table; `*` stands for any key.
    Keys(BTreeMap<String, Pattern>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    Value,
    Set,
    Dependency,
}

static VIEWS: LazyLock<Views> = LazyLock::new(|| {
    let text = include_str!("../nix-lib/record/views.toml");
    toml::from_str(text).expect("the file is part of this program")
});

/// Patterns of a question about files, in which `*` stands for any characters.
pub(crate) fn file_patterns(question: &str) -> Option<&'static [String]> {
    VIEWS.files.get(question).map(Vec::as_slice)
}

/// All keys of a file that matter. `is_inherited` tells whether a package inherits a key of the workspace.
pub(crate) fn section(view: View, file: &Map<String, Value>, is_inherited: impl Fn(&str) -> bool) -> Section {
    let pattern = match view {
        View::Manifest => &VIEWS.manifest,
        View::Config => &VIEWS.config,
    };
    let mut section = Section::new();
    if let Pattern::Keys(keys) = pattern {
        look_into(keys, "", file, &mut section);
    }
    let present = VIEWS.present.iter().filter(|key| file.contains_key(*key));
    section.extend(present.map(|key| (key.clone(), Map::new().into())));
    section.retain(|key, _| !VIEWS.inherited.iter().any(|table| key.starts_with(table)) || is_inherited(key));
    section
}

fn look_into(patterns: &BTreeMap<String, Pattern>, prefix: &str, table: &Map<String, Value>, section: &mut Section) {
    let name = |key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    if let Some(any) = patterns.get("*") {
        for (key, value) in table {
            take(any, &name(key), value, section);
        }
        return;
    }
    for (key, pattern) in patterns {
        let older = || VIEWS.older.get(key).and_then(|older| table.get(older));
        if let Some(value) = table.get(key).or_else(older) {
            take(pattern, &name(key), value, section);
        }
    }
}

fn take(pattern: &Pattern, key: &str, value: &Value, section: &mut Section) {
    match (pattern, value) {
        (Pattern::Keys(keys), Value::Object(table)) => look_into(keys, key, table, section),
        (Pattern::Tables(keys), Value::Array(items)) => {
            let mut by_name: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
            for item in items {
                let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
                by_name.entry(name).or_default().push(keys_of(item, keys));
            }
            section.extend(by_name.into_iter().map(|(name, mut items)| {
                // Cargo rejects duplicates; none of them may be lost here.
                let value = if items.len() == 1 { items.remove(0) } else { items.into() };
                (format!("{key}.{name}"), value)
            }));
        }
        (Pattern::Tables(keys), value) => drop(section.insert(key.to_owned(), keys_of(value, keys))),
        (Pattern::Form(Form::Set), value) => drop(section.insert(key.to_owned(), set(value))),
        (Pattern::Form(Form::Dependency), value) => drop(section.insert(key.to_owned(), dependency(value))),
        // The whole value matters, or it is not the expected table.
        (_, value) => drop(section.insert(key.to_owned(), value.clone())),
    }
}

fn keys_of(table: &Value, keys: &[String]) -> Value {
    let Value::Object(table) = table else { return table.clone() };
    table.iter().filter(|(key, _)| keys.contains(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// `name = "1"` is the same as `name = { version = "1" }`, and the order of features does not matter.
fn dependency(value: &Value) -> Value {
    match value {
        Value::String(version) => Map::from_iter([("version".to_owned(), Value::from(version.as_str()))]).into(),
        Value::Object(table) => {
            let normal = |(key, value): (&String, &Value)| {
                (key.clone(), if key == "features" { set(value) } else { value.clone() })
            };
            table.iter().map(normal).collect()
        }
        other => other.clone(),
    }
}

/// Sorts and deduplicates a list of strings; other values are unchanged.
fn set(value: &Value) -> Value {
    let Some(mut items) = value.as_array().filter(|items| items.iter().all(Value::is_string)).cloned() else {
        return value.clone();
    };
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    items.dedup();
    items.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(view: View, text: &str, inherited: &[&str]) -> Vec<String> {
        let table: Map<String, Value> = toml::from_str(text).unwrap();
        let section = section(view, &table, |key| inherited.contains(&key));
        section.iter().map(|(key, value)| format!("{key} = {value}")).collect()
    }

    #[test]
    fn only_keys_that_matter_are_taken() {
        let manifest = "[package]\nname = \"a\"\nkeywords = [\"b\"]\n[package.metadata.other]\nc = 1\n\
                        [package.metadata.cratewright]\nd = 2\n[workspace]\n[profile.release]\nlto = true\n";
        assert_eq!(
            keys(View::Manifest, manifest, &[]),
            [
                "package.metadata.cratewright.d = 2",
                "package.name = \"a\"",
                "profile.release.lto = true",
                "workspace = {}"
            ]
        );
        let config = "[build]\nrustflags = [\"-C\"]\njobs = 1\n[source.vendored]\ndirectory = \"vendor\"\n";
        assert_eq!(
            keys(View::Config, config, &[]),
            ["build.rustflags = [\"-C\"]", "source.vendored = {\"directory\":\"vendor\"}"]
        );
    }

    #[test]
    fn equivalent_notations_are_equal() {
        let dependencies = [
            "[dependencies]\nsyn = \"1\"\n[dev-dependencies]\nquote = { version = \"1\", features = [\"b\", \"a\"] }\n",
            "[dependencies.syn]\nversion = \"1\"\n[dev_dependencies]\nquote = { features = [\"a\", \"b\", \"a\"], version = \"1\" }\n",
        ];
        let [one, other] = dependencies.map(|text| keys(View::Manifest, text, &[]));
        assert_eq!(one, other);
        assert_eq!(one[0], "dependencies.syn = {\"version\":\"1\"}");
        let features = ["[features]\na = [\"b\", \"c\"]\n", "[features]\na = [\"c\", \"b\"]\n"];
        let [one, other] = features.map(|text| keys(View::Manifest, text, &[]));
        assert_eq!(one, other);
        let lists =
            ["[features]\na = [\"b\"]\n", "[features]\na = [\"c\"]\n", "[features]\na = [1]\n", "[features]\na = 1\n"];
        let all: std::collections::BTreeSet<_> = lists.map(|text| keys(View::Manifest, text, &[])).into();
        assert_eq!(all.len(), lists.len(), "{all:?}");
    }

    #[test]
    fn targets_are_taken_by_name() {
        let bins = "[lib]\npath = \"a.rs\"\nbench = true\n[[bin]]\nname = \"one\"\npath = \"b.rs\"\n[[bin]]\nname = \"two\"\n\
                    doc = false\n[[bin]]\nname = \"two\"\n";
        assert_eq!(
            keys(View::Manifest, bins, &[]),
            [
                "bin.one = {\"name\":\"one\",\"path\":\"b.rs\"}",
                "bin.two = [{\"name\":\"two\"},{\"name\":\"two\"}]",
                "lib = {\"path\":\"a.rs\"}"
            ]
        );
    }

    #[test]
    fn keys_of_the_workspace_matter_if_a_package_inherits_them() {
        let root = "[workspace.package]\nversion = \"1\"\nedition = \"2024\"\n[workspace.dependencies]\nsyn = \"1\"\n";
        assert_eq!(
            keys(View::Manifest, root, &["workspace.package.version"]),
            ["workspace = {}", "workspace.package.version = \"1\""]
        );
        assert_eq!(keys(View::Manifest, root, &["workspace.dependencies.syn"]).len(), 2);
    }
}
