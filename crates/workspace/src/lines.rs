//! The lines on which a manifest declares its dependencies and features, for messages.
//!
//! [`crate::Manifest`] interprets them. This parser accepts every valid TOML file, also the manifests that cargo writes
//! for a registry.

use std::ops::Range;

use cratewright_sources::diagnostic::Position;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A manifest with the positions of its declarations.
#[derive(Debug)]
pub struct ManifestLines {
    text: String,
    dependencies: Vec<Entry>,
    inheritable: Vec<Entry>,
    features: Vec<Entry>,
}

/// A declaration and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Line number of its start, from 1.
    pub number: usize,
    /// The declaration as written, joined to one line.
    pub text: String,
    /// Whether it has `workspace = true`.
    pub is_inherited: bool,
}

/// A key of a table with its value.
#[derive(Debug)]
struct Entry {
    /// Key of the table; `platform` is the key below `target`, if the table is there.
    table: String,
    platform: Option<String>,
    name: String,
    span: Range<usize>,
    /// Spans of the keys and values below it, unless it is an inline table.
    spread: Option<Vec<Range<usize>>>,
    is_inherited: bool,
}

impl ManifestLines {
    /// Parses a manifest; `None` if it is not valid TOML.
    pub fn parse(text: String) -> Option<Self> {
        let read = DeTable::parse(&text).ok()?;
        let manifest = read.get_ref();
        let mut dependencies = Vec::new();
        let mut add = |tables: &DeTable<'_>, platform: Option<&str>| {
            // Cargo also accepts the older names with underscores.
            for key in
                ["dependencies", "build-dependencies", "dev-dependencies", "build_dependencies", "dev_dependencies"]
            {
                let table = inner(tables, key).into_iter();
                dependencies.extend(table.flat_map(|table| entries(&text, table, &key.replace('_', "-"), platform)));
            }
        };
        add(manifest, None);
        for (platform, tables) in inner(manifest, "target").into_iter().flatten() {
            if let Some(tables) = table_of(tables) {
                add(tables, Some(platform.get_ref()));
            }
        }
        let workspace = inner(manifest, "workspace").and_then(|workspace| inner(workspace, "dependencies"));
        let inheritable = workspace.into_iter().flat_map(|table| entries(&text, table, "dependencies", None)).collect();
        let features = inner(manifest, "features").into_iter();
        let features = features.flat_map(|table| entries(&text, table, "features", None)).collect();
        Some(ManifestLines { dependencies, inheritable, features, text })
    }

    /// The declaration of a dependency in a table such as `build-dependencies`: for all platforms, or in a table below
    /// `target` whose key satisfies `is_platform`.
    pub fn dependency(&self, table: &str, is_platform: Option<&dyn Fn(&str) -> bool>, name: &str) -> Option<Line> {
        let is_it = |entry: &&Entry| {
            let is_here = match (&entry.platform, is_platform) {
                (None, None) => true,
                (Some(platform), Some(is_platform)) => is_platform(platform),
                _ => false,
            };
            is_here && entry.table == table && entry.name == name
        };
        self.dependencies.iter().find(is_it).map(|entry| self.line(entry))
    }

    /// The declaration of a dependency in `[workspace.dependencies]`.
    pub fn workspace_dependency(&self, name: &str) -> Option<Line> {
        self.inheritable.iter().find(|entry| entry.name == name).map(|entry| self.line(entry))
    }

    /// The declaration of a feature; `None` for the implicit feature of an optional dependency.
    pub fn feature(&self, name: &str) -> Option<Line> {
        self.features.iter().find(|entry| entry.name == name).map(|entry| self.line(entry))
    }

    fn line(&self, entry: &Entry) -> Line {
        let text = match &entry.spread {
            None => self.text[entry.span.clone()].to_owned(),
            // The declaration has a header of its own or dotted keys.
            Some(values) => {
                let (begin, end) = line_around(&self.text, entry.span.start);
                let header = self.text[begin..end].split('#').next().unwrap_or_default().trim();
                let values = values.iter().map(|span| {
                    let (begin, _) = line_around(&self.text, span.start);
                    self.text[begin..span.end].trim().to_owned()
                });
                let values = values.collect::<Vec<_>>().join(", ");
                if header.starts_with('[') { format!("{header} {values}") } else { values }
            }
        };
        let number = Position::of(&self.text, entry.span.start).line;
        Line { number, text: on_one_line(&text), is_inherited: entry.is_inherited }
    }
}

fn entries(text: &str, table: &DeTable<'_>, key: &str, platform: Option<&str>) -> Vec<Entry> {
    let entry = |(name, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
        let below = table_of(value);
        let is_inline = text[value.span()].starts_with('{');
        let spread = below.filter(|_| !is_inline).map(|below| {
            let mut spans: Vec<_> = below.iter().map(|(key, value)| key.span().start..value.span().end).collect();
            spans.sort_unstable_by_key(|span| span.start);
            spans
        });
        let workspace = below.and_then(|below| below.get("workspace"));
        Entry {
            table: key.to_owned(),
            platform: platform.map(str::to_owned),
            name: name.get_ref().to_string(),
            span: name.span().start..value.span().end,
            spread,
            is_inherited: workspace.is_some_and(|value| matches!(value.get_ref(), DeValue::Boolean(true))),
        }
    };
    table.iter().map(entry).collect()
}

fn line_around(text: &str, at: usize) -> (usize, usize) {
    let begin = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    (begin, end)
}

fn table_of<'a, 'b>(value: &'b Spanned<DeValue<'a>>) -> Option<&'b DeTable<'a>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

fn inner<'a, 'b>(table: &'b DeTable<'a>, key: &str) -> Option<&'b DeTable<'a>> {
    table_of(table.get(key)?)
}

fn on_one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().starts_with('#')).collect();
    let words = lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    words.replace("[ ", "[").replace(", ]", "]").replace(" ]", "]")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"[package]
name = "app"

[dependencies]
plain = "1"
inline = { version = "2", features = ["a", "b"] } # why
dotted.workspace = true
dotted.features = ["x"]
list = { workspace = true, features = [
  "one",
  # not this
  "two",
] }

[dependencies.header]
version = "3"
optional = true

[target.'cfg(unix)'.build-dependencies.below]
path = "../below"

[dev_dependencies]
old = "1"

[workspace.dependencies]
dotted = "4"

[features]
fast = ["dep:header", "dotted/x"]
"#;

    #[track_caller]
    fn check(line: Option<Line>, number: usize, text: &str, is_inherited: bool) {
        assert_eq!(line, Some(Line { number, text: text.to_owned(), is_inherited }));
    }

    #[test]
    fn every_form_of_declaration_has_its_line() {
        let lines = ManifestLines::parse(MANIFEST.to_owned()).unwrap();
        let normal = |name| lines.dependency("dependencies", None, name);
        check(normal("plain"), 5, "plain = \"1\"", false);
        check(normal("inline"), 6, "inline = { version = \"2\", features = [\"a\", \"b\"] }", false);
        check(normal("dotted"), 7, "dotted.workspace = true, dotted.features = [\"x\"]", true);
        check(normal("list"), 9, "list = { workspace = true, features = [\"one\", \"two\"] }", true);
        check(normal("header"), 15, "[dependencies.header] version = \"3\", optional = true", false);
        let is_unix = |key: &str| key == "cfg(unix)";
        let below = lines.dependency("build-dependencies", Some(&is_unix), "below");
        check(below, 19, "[target.'cfg(unix)'.build-dependencies.below] path = \"../below\"", false);
        check(lines.dependency("dev-dependencies", None, "old"), 23, "old = \"1\"", false);
        check(lines.workspace_dependency("dotted"), 26, "dotted = \"4\"", false);
        check(lines.feature("fast"), 29, "fast = [\"dep:header\", \"dotted/x\"]", false);
    }

    #[test]
    fn declarations_in_other_tables_are_not_found() {
        let lines = ManifestLines::parse(MANIFEST.to_owned()).unwrap();
        assert_eq!(lines.dependency("build-dependencies", None, "below"), None);
        assert_eq!(lines.dependency("build-dependencies", Some(&|key| key == "cfg(windows)"), "below"), None);
        assert_eq!(lines.dependency("dependencies", None, "old"), None);
        assert_eq!(lines.feature("slow"), None);
        assert!(ManifestLines::parse("[dependencies".to_owned()).is_none());
    }
}
