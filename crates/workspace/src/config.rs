//! The workspace's `.cargo/config.toml` with the files that it includes (cargo's book, "Configuration").
//!
//! Files above the workspace root and in cargo's home belong to a machine, not to the workspace, and are ignored.

use std::collections::BTreeMap;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::path::WsPath;
use cratewright_staleness::Observer;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::manifest::{absolute_path, value_of};

type Table = Map<String, Value>;

/// All files, merged as cargo does. Paths are relative to the workspace root.
#[derive(Debug, Clone, Default)]
pub struct CargoConfig {
    table: Table,
    /// The main file.
    file: WsPath,
}

/// An environment variable that cargo sets for the programs it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentVariable {
    /// The value; a path is relative to the workspace root.
    pub value: String,
    /// Whether it replaces a variable that is already set.
    pub force: bool,
    /// Whether the value is a path.
    pub is_path: bool,
}

/// The value of a key of `[env]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Variable {
    Plain(String),
    Table {
        value: String,
        #[serde(default)]
        force: bool,
        #[serde(default)]
        relative: bool,
    },
}

impl CargoConfig {
    /// Reads the main file and the files that it includes; a file takes precedence over those it includes, and a later
    /// include over an earlier one. `.cargo/config` takes precedence over `.cargo/config.toml`.
    pub(crate) fn read(observer: &Observer<'_>) -> Result<Self, Diagnostic> {
        let [older, newer] = [".cargo/config", ".cargo/config.toml"].map(|name| WsPath::ROOT.child(name));
        let first = if observer.exists(&older) { older } else { newer };
        let mut open = vec![first.clone()];
        let mut files: Vec<(WsPath, Table)> = Vec::new();
        while let Some(file) = open.pop() {
            if files.iter().any(|(seen, _)| *seen == file) {
                continue;
            }
            let Some(read) = observer.config(&file)? else { continue };
            let mut table = read.table.clone();
            for include in texts(table.get("include")) {
                let key = format!("include = \"{include}\"");
                open.push(file.parent().join(&include).ok_or_else(|| absolute_path(&file, &key))?);
            }
            from_root(&mut table, &file)?;
            for directory in directories(&table) {
                observer.vendored(&file, &directory);
            }
            files.push((file, table));
        }
        let mut merged = Table::new();
        files.into_iter().rev().for_each(|(_, table)| merge(&mut merged, table));
        Ok(CargoConfig { table: merged, file: first })
    }

    /// Path of the main file, for messages.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The value of a key such as `build.rustflags`; names with dots are not supported.
    pub fn get(&self, key: &str) -> Option<&Value> {
        value_of(&self.table, key)
    }

    pub(crate) fn tables(&self, key: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.table.get(key).and_then(Value::as_object).into_iter().flatten()
    }

    /// The tables `[target.<name>]`.
    pub fn targets(&self) -> impl Iterator<Item = (&String, &Table)> {
        self.tables("target").filter_map(|(name, target)| Some((name, target.as_object()?)))
    }

    pub(crate) fn profiles(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.tables("profile")
    }

    /// Directories of packages that replace others: `paths` and `[patch]`.
    pub(crate) fn package_directories(&self) -> Result<Vec<WsPath>, Diagnostic> {
        let patches = self.tables("patch").filter_map(|(_, patches)| patches.as_object()).flatten();
        let patched = patches.filter_map(|(_, dependency)| dependency.get("path")?.as_str().map(str::to_owned));
        let paths = patched.chain(texts(self.table.get("paths")));
        let join =
            |path: String| WsPath::new(&path).ok_or_else(|| absolute_path(&self.file, &format!("path = \"{path}\"")));
        paths.map(join).collect()
    }

    /// The variables of `[env]`.
    ///
    /// # Errors
    /// If a name or value is invalid, or a path leads out of the workspace.
    pub fn environment(&self) -> Result<BTreeMap<String, EnvironmentVariable>, Diagnostic> {
        let invalid = |name: &str, message: &str| {
            Diagnostic::new("invalid-cargo-config", format!("`env.{name}` {message}")).at(self.file())
        };
        let is_name = |name: &str| {
            !name.starts_with(|c: char| c.is_ascii_digit())
                && name.bytes().all(|c| c == b'_' || c.is_ascii_alphanumeric())
        };
        let variable = |(name, value): (&String, &Value)| {
            if !is_name(name) {
                return Err(invalid(name, "is not a valid name of an environment variable")
                    .help("use letters, digits and underscores"));
            }
            let variable = Variable::deserialize(value).map_err(|_| {
                invalid(name, "is neither a string nor a table with `value`").help("see `[env]` in cargo's book")
            })?;
            let (value, force, is_path) = match variable {
                Variable::Plain(value) => (value, false, false),
                Variable::Table { value, force, relative } => (value, force, relative),
            };
            let value = if is_path && value == "." { String::new() } else { value };
            if is_path && (value.starts_with("../") || value == ".." || value.starts_with('/')) {
                return Err(invalid(name, "is a path that leads out of the workspace")
                    .help("move the file into the workspace, or set the variable in an override of `\"*\"`"));
            }
            Ok((name.clone(), EnvironmentVariable { value, force, is_path }))
        };
        self.tables("env").map(variable).collect()
    }
}

/// A string or a list of strings, each of which may be the `path` of a table.
pub fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().flat_map(|item| texts(Some(item))).collect(),
        Some(Value::Object(table)) => texts(table.get("path")),
        _ => Vec::new(),
    }
}

/// Makes paths relative to the workspace root; in the file they are relative to the directory that contains `.cargo`.
fn from_root(table: &mut Table, file: &WsPath) -> Result<(), Diagnostic> {
    let base = file.parent().parent();
    for (_, variable) in table.get_mut("env").and_then(Value::as_object_mut).into_iter().flatten() {
        let is_path = variable.get("relative") == Some(&Value::Bool(true));
        if let Some(Value::String(value)) = variable.get_mut("value").filter(|_| is_path) {
            *value = base.join(value).map_or_else(|| value.clone(), |path| path.to_string());
        }
    }
    for (name, source) in table.get_mut("source").and_then(Value::as_object_mut).into_iter().flatten() {
        for key in ["directory", "local-registry"] {
            if let Some(Value::String(path)) = source.get_mut(key) {
                let key = format!("source.{name}.{key} = \"{path}\"");
                *path = base.join(path).ok_or_else(|| absolute_path(file, &key))?.to_string();
            }
        }
    }
    Ok(())
}

/// Directories of `cargo vendor`.
fn directories(table: &Table) -> Vec<WsPath> {
    let sources = table.get("source").and_then(Value::as_object).into_iter().flatten();
    sources.filter_map(|(_, source)| WsPath::new(source.get("directory")?.as_str()?)).collect()
}

/// Cargo's `ConfigValue::merge` (`src/cargo/util/context/mod.rs`): `upper` takes precedence, and its lists are
/// appended.
fn merge(lower: &mut Table, upper: Table) {
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Object(lower)), Value::Object(upper)) => merge(lower, upper),
            (Some(Value::Array(lower)), Value::Array(upper)) => lower.extend(upper),
            (_, value) => drop(lower.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(files: &[(&str, &str)]) -> CargoConfig {
        let files = files.iter().map(|&(file, text)| (file.to_owned(), text.to_owned())).collect::<BTreeMap<_, _>>();
        CargoConfig::read(&Observer::new(&files)).unwrap()
    }

    #[test]
    fn file_takes_precedence_over_its_includes() {
        let config = config(&[
            (
                ".cargo/config.toml",
                "include = ['a.toml', '../other/.cargo/b.toml']\n[build]\nrustflags = ['own']\n[env]\nA = 'own'",
            ),
            (".cargo/a.toml", "[build]\nrustflags = ['a']\n[env]\nA = 'a'\nB = 'a'"),
            (
                "other/.cargo/b.toml",
                "[build]\nrustflags = ['b']\n[env]\nB = { value = 'b', relative = true, force = true }",
            ),
        ]);
        assert_eq!(texts(config.get("build.rustflags")), ["a", "b", "own"]);
        let environment = config.environment().unwrap();
        let plain = EnvironmentVariable { value: "own".into(), force: false, is_path: false };
        assert_eq!(environment["A"], plain);
        assert_eq!(environment["B"], EnvironmentVariable { value: "other/b".into(), force: true, is_path: true });
    }

    #[test]
    fn invalid_environment_variable_is_an_error() {
        for text in ["[env]\n'A-B' = 'x'", "[env]\nA = 1", "[env]\nA = { value = '../x', relative = true }"] {
            let error = config(&[(".cargo/config.toml", text)]).environment().unwrap_err();
            assert_eq!(error.code, "invalid-cargo-config", "{text}");
        }
    }
}
