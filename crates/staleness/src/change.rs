//! Differences between a record and the current answers.

use serde_json::Value;

use crate::section::{DIRECTORIES, PATHS, spaced};

/// Name of the lock file.
pub const LOCK: &str = "Cargo.lock";

/// A question whose answer is not the recorded one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, relative to the workspace root, or `cratewright generate` for options.
    pub file: String,
    /// The full key in the file, the package for `Cargo.lock`, or empty if the whole file changed.
    pub key: String,
    /// Recorded value; `None` if the key is new.
    pub old: Option<Value>,
    /// Current value; `None` if the key was removed.
    pub new: Option<Value>,
}

impl Change {
    /// A line for messages: file, key, old and new value.
    pub fn describe(&self) -> String {
        let Change { file, key, old, new } = self;
        let shown = |value: &Value| match value {
            Value::String(text) if file == LOCK => text.clone(),
            value => spaced(value),
        };
        if let Some(pattern) = key.strip_prefix(DIRECTORIES) {
            let verb = if new.is_some() { "is a new directory" } else { "was a directory" };
            return format!("{file}: it {verb} that `{pattern}` matches");
        }
        match (old, new) {
            _ if key == PATHS && *new == Some(Value::Bool(true)) => format!("{file}: it did not exist before"),
            _ if key == PATHS || key.is_empty() => format!("{file}: it no longer exists"),
            (Some(Value::Array(old)), Some(Value::Array(new))) if !differences(old, new).is_empty() => {
                format!("{file}: {key}: {}", differences(old, new).join("; "))
            }
            (Some(old), Some(new)) if file == LOCK => format!("{file}: {key} {} -> {}", shown(old), shown(new)),
            (Some(old), Some(new)) => format!("{file}: {key}: {} -> {}", shown(old), shown(new)),
            (None, Some(new)) if file == LOCK => format!("{file}: {key} {} is new", shown(new)),
            (Some(old), None) if file == LOCK => format!("{file}: {key} {} was removed", shown(old)),
            (None, Some(new)) => format!("{file}: {key} is new: {}", shown(new)),
            (Some(old), None) => format!("{file}: {key} was removed; it was {}", shown(old)),
            (None, None) => format!("{file}: {key}"),
        }
    }
}

/// Items that only one of the lists has; empty if only the order differs.
fn differences(old: &[Value], new: &[Value]) -> Vec<String> {
    let items = |verb: &str, of: &[Value], other: &[Value]| {
        let items: Vec<String> = of.iter().filter(|item| !other.contains(item)).map(spaced).collect();
        (!items.is_empty()).then(|| format!("{verb} {}", items.join(", ")))
    };
    [items("added", new, old), items("removed", old, new)].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described(file: &str, key: &str, old: Option<Value>, new: Option<Value>) -> String {
        Change { file: file.to_owned(), key: key.to_owned(), old, new }.describe()
    }

    #[test]
    fn values_are_shown_as_json_and_versions_of_the_lock_file_plainly() {
        let (old, new) = (Some(json!("1.0")), Some(json!("2.0")));
        let of = |old: &Option<Value>, new: &Option<Value>| {
            ["Cargo.toml", LOCK].map(|file| described(file, "syn", old.clone(), new.clone()))
        };
        assert_eq!(of(&old, &new), [r#"Cargo.toml: syn: "1.0" -> "2.0""#, "Cargo.lock: syn 1.0 -> 2.0"]);
        assert_eq!(of(&None, &new), [r#"Cargo.toml: syn is new: "2.0""#, "Cargo.lock: syn 2.0 is new"]);
        assert_eq!(
            of(&old, &None),
            [r#"Cargo.toml: syn was removed; it was "1.0""#, "Cargo.lock: syn 1.0 was removed"]
        );
        assert_eq!(of(&None, &None), ["Cargo.toml: syn", "Cargo.lock: syn"]);
        assert_eq!(described(LOCK, "syn", old, Some(json!(["2.0"]))), r#"Cargo.lock: syn 1.0 -> ["2.0"]"#);
    }

    #[test]
    fn lists_are_compared_by_their_items() {
        let of = |old, new| described("Cargo.toml", "members", Some(old), Some(new));
        assert_eq!(of(json!(["a", "b"]), json!(["b"])), r#"Cargo.toml: members: removed "a""#);
        assert_eq!(of(json!(["a"]), json!(["c", "b"])), r#"Cargo.toml: members: added "c", "b"; removed "a""#);
        assert_eq!(of(json!(["a", "b"]), json!(["b", "a"])), r#"Cargo.toml: members: ["a", "b"] -> ["b", "a"]"#);
        assert_eq!(of(json!(["a"]), json!("a")), r#"Cargo.toml: members: ["a"] -> "a""#);
    }

    #[test]
    fn files_and_directories_come_and_go() {
        assert_eq!(described("a.rs", PATHS, None, Some(json!(true))), "a.rs: it did not exist before");
        assert_eq!(described("a.rs", PATHS, Some(json!(true)), Some(json!(false))), "a.rs: it no longer exists");
        assert_eq!(described("a.rs", "", Some(json!(true)), Some(json!(true))), "a.rs: it no longer exists");
        let pattern = format!("{DIRECTORIES}crates/*");
        let of = |new| described("crates/a", &pattern, None, new);
        assert_eq!(of(Some(json!(true))), "crates/a: it is a new directory that `crates/*` matches");
        assert_eq!(of(None), "crates/a: it was a directory that `crates/*` matches");
    }
}
