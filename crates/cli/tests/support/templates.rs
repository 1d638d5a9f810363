//! Scripts in the files of `templates`, which tests run as forges do.

use std::fs;

use super::repository;

/// The script of a template: the lines below the only line with `key`, which may be the first one of a step.
pub fn script(template: &str, key: &str) -> String {
    let text = fs::read_to_string(repository().join("templates").join(template)).unwrap();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_key = |line: &str| [line.trim(), line.trim().trim_start_matches("- ")].contains(&key);
    let mut lines = text.lines().skip_while(|line| !is_key(line));
    let at = indent(lines.next().unwrap_or_else(|| panic!("{template} has no {key}")));
    let script: Vec<&str> = lines.by_ref().take_while(|line| indent(line) > at).map(str::trim_start).collect();
    assert!(lines.all(|line| !is_key(line)), "{template} has more than one {key}");
    assert!(!script.join("").contains("${{"), "the script has an expression of the forge");
    script.join("\n")
}
