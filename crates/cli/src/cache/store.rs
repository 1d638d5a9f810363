//! Asks Nix stores which paths they have.

use std::collections::BTreeSet;
use std::thread;

use cratewright_sources::diagnostic::Diagnostic;
use serde_json::Value;

use crate::cache::local;
use crate::cargo;
use crate::nix;

/// Nix asks a store for one path at a time, so several processes ask in parallel.
const PROCESSES: usize = 8;
/// Minimum number of paths for a process of their own.
const AT_LEAST: usize = 25;
/// Maximum number of paths in a command line.
const AT_MOST: usize = 500;

/// The paths that at least one of the stores has.
pub(super) fn found<'a>(stores: &[String], paths: &BTreeSet<&'a str>) -> Result<BTreeSet<&'a str>, Diagnostic> {
    let mut found = BTreeSet::new();
    for store in stores {
        if !local::has_paths(store)? {
            continue;
        }
        let wanted: Vec<&str> = paths.difference(&found).copied().collect();
        let size = wanted.len().div_ceil(PROCESSES).clamp(AT_LEAST, AT_MOST);
        let answers = thread::scope(|scope| {
            let asked: Vec<_> = wanted.chunks(size).map(|chunk| scope.spawn(|| answer(Some(store), chunk))).collect();
            asked.into_iter().map(|one| one.join().expect("asking does not panic")).collect::<Result<Vec<_>, _>>()
        })?;
        found.extend(answers.into_iter().flatten());
    }
    Ok(found)
}

/// The paths that the local store has.
pub(super) fn built<'a>(paths: &BTreeSet<&'a str>) -> Result<BTreeSet<&'a str>, Diagnostic> {
    let paths: Vec<&str> = paths.iter().copied().collect();
    let all = paths.chunks(AT_MOST).map(|chunk| answer(None, chunk));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn answer<'a>(store: Option<&str>, paths: &[&'a str]) -> Result<Vec<&'a str>, Diagnostic> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let mut command = nix::command("path-info");
    command.arg("--json").args(store.map(|store| ["--store", store]).into_iter().flatten()).args(paths);
    // Nix remembers missing paths for an hour, in a database that several processes cannot write at once.
    let memory =
        tempfile::tempdir().map_err(|error| Diagnostic::io("write", "a temporary directory".as_ref(), &error))?;
    command.env("XDG_CACHE_HOME", memory.path());
    let output = cargo::output(command)?;
    let shown = store.unwrap_or("the local store");
    let failed = |why: String| {
        Diagnostic::new("store-unreachable", format!("cannot ask `{shown}` which paths it has"))
            .note("Nix says", why)
            .help("check the address with `nix store ping --store URL`")
    };
    if !output.status.success() {
        return Err(failed(cargo::stderr(&output)));
    }
    let said: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let known = valid(&said).ok_or_else(|| failed(String::from_utf8_lossy(&output.stdout).into_owned()))?;
    Ok(paths.iter().copied().filter(|path| known.contains(path)).collect())
}

/// Valid paths in the output of `nix path-info --json`, which is a list up to Nix 2.18 and an object since then.
fn valid(said: &Value) -> Option<BTreeSet<&str>> {
    match said {
        Value::Array(list) => {
            let valid = list.iter().filter(|one| one.get("valid") != Some(&Value::Bool(false)));
            valid.map(|one| one.get("path")?.as_str()).collect()
        }
        Value::Object(object) => {
            Some(object.iter().filter(|(_, info)| !info.is_null()).map(|(path, _)| path.as_str()).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_layouts_of_path_info_are_read() {
        let old = json!([{ "path": "/s/a", "narSize": 1 }, { "path": "/s/b", "valid": false }]);
        let new = json!({ "/s/a": { "narSize": 1 }, "/s/b": null });
        for said in [old, new] {
            assert_eq!(valid(&said), Some(BTreeSet::from(["/s/a"])));
        }
        assert_eq!(valid(&json!("a")), None);
    }
}
