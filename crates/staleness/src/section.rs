//! Sections of a record: questions with their answers, and their form as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

/// Answers by question, for one file.
pub type Section = BTreeMap<String, Value>;

/// Section for paths whose existence was asked.
pub(crate) const PATHS: &str = "(paths)";

/// Prefix of the section for directories that match a pattern.
pub(crate) const DIRECTORIES: &str = "(directories) ";

/// Suffix of a table's name in a line that lists its inherited keys. It shortens the records of large workspaces.
const INHERITED: &str = ".(workspace)";

/// The lines of a section. Inherited keys, `key.workspace = true`, share one line per table.
pub(crate) fn lines(section: &Section) -> String {
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

/// JSON with spaces after commas and colons, for messages.
pub(crate) fn spaced(value: &Value) -> String {
    json(value, ", ", ": ")
}

/// JSON with keys in byte order, independent of serde_json's `preserve_order` feature.
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

/// Parses the lines of a section. Keys may contain ` = ` (`target.cfg(target_os = "linux").dependencies.libc`), so the
/// separator is the first one followed by valid JSON.
pub(crate) fn parse(lines: &str) -> Section {
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

/// A quote that would otherwise form an escape sequence with the next characters.
const QUOTE: &str = "${\"'\"}";

/// Decodes a line of an indented Nix string, as the renderer writes it.
pub(crate) fn unescape(line: &str) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn section(entries: &[(&str, Value)]) -> Section {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    #[test]
    fn a_section_is_read_as_it_was_written() {
        let inherited = json!({ "workspace": true });
        let section = section(&[
            ("package.name", json!("a = \"b\"")),
            ("package.edition", inherited.clone()),
            ("package.version", inherited.clone()),
            ("dependencies.syn", json!({ "workspace": true, "features": ["b", "a"] })),
            ("target.cfg(target_os = \"linux\").dependencies.libc", json!({ "version": "1" })),
            ("(files)", json!(["src/lib.rs"])),
            ("workspace", json!({})),
        ]);
        let text = lines(&section);
        assert_eq!(parse(&text), section);
        // Keys are sorted, inherited ones share a line.
        let first: Vec<&str> = text.lines().map(|line| line.split(" = ").next().unwrap()).collect();
        let sorted = ["(files)", "dependencies.syn", "package.(workspace)", "package.name", "target.cfg(target_os"];
        assert_eq!(first, [&sorted[..], &["workspace"]].concat());
        assert!(text.contains("package.(workspace) = [\"edition\",\"version\"]\n"), "{text}");
        assert!(text.contains("dependencies.syn = {\"features\":[\"b\",\"a\"],\"workspace\":true}\n"), "{text}");
    }

    #[test]
    fn messages_have_spaces_in_lists_and_tables() {
        assert_eq!(spaced(&json!({ "b": [1, "c, d"], "a": {} })), r#"{"a": {}, "b": [1, "c, d"]}"#);
    }

    #[test]
    fn escapes_of_indented_strings_are_decoded() {
        let lines =
            [("it's", "it's"), ("'''", "''"), ("''${x}", "${x}"), ("a$b", "a$b"), ("${\"'\"}''${", "'${"), ("", "")];
        for (escaped, plain) in lines {
            assert_eq!(unescape(escaped), plain, "{escaped}");
        }
    }
}
