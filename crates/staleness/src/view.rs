//! Views: what of a TOML file counts. `nix-lib/record/views.toml` lists it, for this and for `view.nix`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::section::Section;

/// What of a TOML file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Of a `Cargo.toml`.
    Manifest,
    /// Of a file of cargo's configuration.
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

/// What of a value counts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pattern {
    /// It counts, in the form of that name.
    Form(Form),
    /// It is a table, or a list of tables, of which these keys count.
    Tables(Vec<String>),
    /// It is a table, of which these keys are looked into; `*` is any.
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
    let text = include_str!("../../../nix-lib/record/views.toml");
    toml::from_str(text).expect("the file is part of this program")
});

/// Names of the questions for files that count by being there, with their patterns: names, in which `*` is any.
pub(crate) fn file_patterns(question: &str) -> Option<&'static [String]> {
    VIEWS.files.get(question).map(Vec::as_slice)
}

/// Everything of a file that counts, a key a line. `is_inherited` says of keys of a workspace whether a package takes them.
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
                // Of several, which cargo refuses, none may be overlooked.
                let value = if items.len() == 1 { items.remove(0) } else { items.into() };
                (format!("{key}.{name}"), value)
            }));
        }
        (Pattern::Tables(keys), value) => drop(section.insert(key.to_owned(), keys_of(value, keys))),
        (Pattern::Form(Form::Set), value) => drop(section.insert(key.to_owned(), set(value))),
        (Pattern::Form(Form::Dependency), value) => drop(section.insert(key.to_owned(), dependency(value))),
        // A table was expected, or anything goes.
        (_, value) => drop(section.insert(key.to_owned(), value.clone())),
    }
}

fn keys_of(table: &Value, keys: &[String]) -> Value {
    let Value::Object(table) = table else { return table.clone() };
    table.iter().filter(|(key, _)| keys.contains(key)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// `name = "1"` is `name = { version = "1" }`, and lists of features have no order.
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

/// A list of texts in byte order, each once; other values as they are.
fn set(value: &Value) -> Value {
    let Some(mut items) = value.as_array().filter(|items| items.iter().all(Value::is_string)).cloned() else {
        return value.clone();
    };
    items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
    items.dedup();
    items.into()
}
