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
