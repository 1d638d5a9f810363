//! Stores in directories of this machine. Nix would create a store that does not exist, so it is only asked about those
//! that do.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cratewright_sources::diagnostic::Diagnostic;

use crate::paths::quoted;

/// Paths that every store of a kind has.
const CACHE: &str = "nix-cache-info";
const DATABASE: &str = "nix/var/nix/db";

/// Whether a store may have paths: it has none if it is an empty directory.
///
/// # Errors
/// If the URL leads to a place on this machine where there is no store.
pub(super) fn has_paths(store: &str) -> Result<bool, Diagnostic> {
    let Some((directory, marker)) = directory_of(store) else { return Ok(true) };
    if directory.join(marker).exists() {
        return Ok(true);
    }
    let shown = directory.display();
    let no_store = |why: String| no_store(store, &why);
    match fs::read_dir(&directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(false),
        Ok(false) => Err(no_store(format!("`{shown}` has other files, but no `{marker}`"))
            .help("correct the path; a new cache needs an empty directory")),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_store(format!("`{shown}` does not exist"))
            .help(format!("correct the path, or make a new cache with `{}`", push_to(&directory)))),
        Err(error) => Err(no_store(format!("cannot read `{shown}`: {error}")).help("correct the path")),
    }
}

/// Fails if a push would make a local store, as Nix does for a path where there is none. A path that is not a `file://`
/// URL is most likely meant to be a binary cache.
///
/// # Errors
/// If the target is a local store that does not exist.
pub(super) fn check_target(store: &str) -> Result<(), Diagnostic> {
    match directory_of(store) {
        Some((directory, DATABASE)) if !directory.join(DATABASE).exists() => {
            Err(no_store(store, &format!("there is no local store in `{}`", directory.display())).help(format!(
                "a path without `file://` is a local store, not a binary cache; for a cache, run `{}`",
                push_to(&directory)
            )))
        }
        _ => Ok(()),
    }
}

fn no_store(store: &str, why: &str) -> Diagnostic {
    Diagnostic::new("store-unreachable", format!("`{store}` is not a Nix store: {why}"))
}

/// The command that makes a binary cache in a directory.
fn push_to(directory: &Path) -> String {
    let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    format!("cratewright cache push --to file://{}", quoted(&absolute))
}

/// Whether a store would be made in a directory of this machine that does not exist.
pub(super) fn is_new(store: &str) -> bool {
    directory_of(store).is_some_and(|(directory, _)| !directory.exists())
}

/// The directory of a store, and a path in it that every store of this kind has. `None` if the URL does not lead to a
/// directory.
fn directory_of(store: &str) -> Option<(PathBuf, &'static str)> {
    let (address, parameters) = store.split_once('?').unwrap_or((store, ""));
    // Versions of Nix differ in whether they decode it.
    if store.contains('%') {
        return None;
    }
    if let Some(cache) = address.strip_prefix("file://") {
        return Some((PathBuf::from(cache), CACHE));
    }
    let root = match address {
        "local" => parameters.split('&').find_map(|parameter| parameter.strip_prefix("root="))?,
        path if path.contains('/') && !path.contains("://") => path,
        _ => return None,
    };
    Some((PathBuf::from(root), DATABASE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_of_stores_are_known() {
        let directory = |store: &str| directory_of(store).map(|(directory, _)| directory.display().to_string());
        assert_eq!(directory("file:///var/cache/nix?compression=zstd").as_deref(), Some("/var/cache/nix"));
        assert_eq!(directory("/mnt").as_deref(), Some("/mnt"));
        assert_eq!(directory("./mnt?read-only=true").as_deref(), Some("./mnt"));
        assert_eq!(directory("local?state=/s&root=/mnt").as_deref(), Some("/mnt"));
        for other in
            ["auto", "daemon", "local", "https://example.org/a", "s3://bucket?region=x", "ssh://host", "file:///a%20b"]
        {
            assert_eq!(directory(other), None, "{other}");
        }
    }

    #[test]
    fn only_stores_and_empty_directories_are_accepted() {
        let scratch = tempfile::tempdir().unwrap();
        let path = |name: &str| scratch.path().join(name);
        let urls = |name: &str| [format!("file://{}", path(name).display()), path(name).display().to_string()];
        fs::write(path("file"), "").unwrap();
        for directory in ["empty", "other/files", "cache", "root/nix/var/nix/db"] {
            fs::create_dir_all(path(directory)).unwrap();
        }
        fs::write(path("cache/nix-cache-info"), "").unwrap();
        assert!(has_paths(&urls("cache")[0]).unwrap());
        assert!(has_paths(&urls("root")[1]).unwrap());
        for empty in urls("empty") {
            assert!(!has_paths(&empty).unwrap());
        }
        let push = format!("`cratewright cache push --to file://{}`", path("nowhere").display());
        for (name, says) in [("nowhere", push.as_str()), ("other", "empty directory"), ("file", "correct the path")] {
            for url in urls(name) {
                let failure = has_paths(&url).unwrap_err();
                assert_eq!(failure.code, "store-unreachable", "{url}");
                assert!(failure.help.unwrap().contains(says), "{url}");
            }
        }
        for name in ["nowhere", "empty", "other"] {
            let [cache, store] = urls(name);
            check_target(&cache).unwrap();
            let help = check_target(&store).unwrap_err().help.unwrap();
            assert!(help.ends_with(&format!("run `cratewright cache push --to {cache}`")), "{help}");
        }
        check_target(&urls("root")[1]).unwrap();
        assert!(urls("nowhere").iter().all(|url| is_new(url)));
        assert!(urls("empty").iter().all(|url| !is_new(url)));
        assert!(!path("nowhere").exists());
    }
}
