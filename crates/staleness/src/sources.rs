//! Files that sources read outside of their packages, from a log of manifests.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cratewright_sources::files::Files;
use cratewright_sources::path::WsPath;
use cratewright_sources::reads::{OTHER_TARGETS, PackageFiles, Reads, reads};
use serde_json::Value;

use crate::change::LOCK;
use crate::section::Section;

/// Stack size in bytes of a scanning thread, for brackets nested as deep as [`cratewright_sources::reads::DEEPEST`].
/// Unused pages take no memory.
const STACK: usize = 256 << 20;

/// Maximum number of threads; more would only wait for the disk.
const MOST: usize = 8;

/// Scans the sources of all packages in a log on several threads.
pub(crate) fn reads_of(files: &dyn Files, log: &BTreeMap<String, Section>) -> BTreeMap<WsPath, Reads> {
    let packages = packages(files, log);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        while let Some((package, is_settled)) = packages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut reads = reads(files, package);
            if *is_settled {
                reads.unresolved.clear();
            }
            found.push((package.directory.clone(), reads));
        }
        found
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(packages.len()).min(MOST);
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        let threads: Vec<_> = (0..threads).filter_map(|index| spawn(index).ok()).collect();
        // If no thread can be started, this one does the work.
        let own = if threads.is_empty() { work() } else { Vec::new() };
        let found = threads.into_iter().map(|thread| thread.join().expect("scanning sources does not panic"));
        found.flatten().chain(own).collect()
    })
}

/// The packages, with `true` for those that declare `extra-sources`.
fn packages(files: &dyn Files, log: &BTreeMap<String, Section>) -> Vec<(PackageFiles, bool)> {
    let manifests = log.iter().filter(|(_, section)| section.contains_key("package.name"));
    let all: Vec<(WsPath, &Section)> =
        manifests.filter_map(|(file, section)| Some((WsPath::new(file)?.parent(), section))).collect();
    let package = |(directory, section): &(WsPath, &Section)| {
        let below = all.iter().filter(|(other, _)| directory.below(other).is_some());
        let mut apart: Vec<WsPath> = below.map(|(other, _)| other.clone()).collect();
        let of_other_targets = OTHER_TARGETS.map(|name| directory.child(name));
        apart.extend(of_other_targets.into_iter().filter(|path| files.kind(path).is_some()));
        if directory.is_root() {
            apart.extend([LOCK, "target"].map(|name| directory.child(name)));
        }
        let is_file = |path: &WsPath| files.is_file(path);
        let targets = section.iter().filter(|(key, _)| *key == "lib" || key.starts_with("bin."));
        let roots = targets.filter_map(|(_, target)| directory.join(target.get("path")?.as_str()?));
        let build_script = match section.get("package.build") {
            Some(Value::Bool(false)) => None,
            Some(Value::String(path)) => directory.join(path),
            _ => Some(directory.child("build.rs")),
        };
        let documents = [("readme", "CARGO_PKG_README"), ("license-file", "CARGO_PKG_LICENSE_FILE")];
        let documents = documents.into_iter().filter_map(|(key, variable)| {
            let path = match section.get(&format!("package.{key}"))? {
                Value::String(path) => directory.join(path),
                _ => inherited(log, directory, key),
            };
            path.filter(|path| directory.below(path).is_none()).map(|path| (variable, path))
        });
        let package = PackageFiles {
            directory: directory.clone(),
            roots: roots.filter(is_file).collect(),
            build_script: build_script.filter(is_file),
            apart,
            documents: documents.collect(),
        };
        (package, section.get("package.metadata.cratewright.extra-sources").is_some_and(Value::is_array))
    };
    all.iter().map(package).collect()
}

/// The value of a path key in the nearest `[workspace.package]` above that has it.
fn inherited(log: &BTreeMap<String, Section>, directory: &WsPath, key: &str) -> Option<WsPath> {
    let above = std::iter::successors(Some(directory.clone()), WsPath::above);
    above.into_iter().find_map(|at| {
        let section = log.get(at.child("Cargo.toml").as_str())?;
        at.join(section.get(&format!("workspace.package.{key}"))?.as_str()?)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn path(text: &str) -> WsPath {
        WsPath::new(text).unwrap()
    }

    fn section(entries: &[(&str, Value)]) -> Section {
        entries.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    #[test]
    fn packages_are_found_in_a_log_of_manifests() {
        let files = ["Cargo.lock", "tests/t.rs", "build.rs", "src/app.rs", "a/code/lib.rs", "a/make.rs", "a/target/x"];
        let files: BTreeMap<String, String> = files.map(|file| (file.to_owned(), String::new())).into();
        let root = [
            ("package.name", json!("root")),
            ("bin.app", json!({ "path": "src/app.rs" })),
            ("bin.gone", json!({ "path": "src/gone.rs" })),
            ("workspace.package.readme", json!("docs/README.md")),
            ("workspace.package.license-file", json!("a/LICENSE")),
            ("package.metadata.cratewright.extra-sources", json!(["x"])),
        ];
        let a = [
            ("package.name", json!("a")),
            ("package.build", json!("make.rs")),
            ("lib", json!({ "path": "code/lib.rs" })),
            ("package.readme", json!({ "workspace": true })),
            ("package.license-file", json!({ "workspace": true })),
        ];
        let b =
            [("package.name", json!("b")), ("package.build", json!(false)), ("package.readme", json!("../a/README"))];
        let log = BTreeMap::from([
            ("Cargo.toml".to_owned(), section(&root)),
            ("a/Cargo.toml".to_owned(), section(&a)),
            ("b/Cargo.toml".to_owned(), section(&b)),
            (".cargo/config.toml".to_owned(), section(&[("paths", json!([]))])),
        ]);
        let expected = [
            (
                PackageFiles {
                    directory: WsPath::ROOT,
                    roots: vec![path("src/app.rs")],
                    build_script: Some(path("build.rs")),
                    apart: ["a", "b", "tests", LOCK, "target"].map(path).into(),
                    documents: Vec::new(),
                },
                true,
            ),
            (
                PackageFiles {
                    directory: path("a"),
                    roots: vec![path("a/code/lib.rs")],
                    build_script: Some(path("a/make.rs")),
                    apart: Vec::new(),
                    // The license file is in the package.
                    documents: vec![("CARGO_PKG_README", path("docs/README.md"))],
                },
                false,
            ),
            (
                PackageFiles {
                    directory: path("b"),
                    roots: Vec::new(),
                    build_script: None,
                    apart: Vec::new(),
                    documents: vec![("CARGO_PKG_README", path("a/README"))],
                },
                false,
            ),
        ];
        let mut found = packages(&files, &log);
        found.sort_by(|(one, _), (other, _)| one.directory.cmp(&other.directory));
        assert_eq!(found, expected);
    }

    #[test]
    fn places_that_the_user_has_settled_are_not_reported() {
        let source = "macro_rules! text { ($name:literal) => { include_str!(concat!(\"../../\", $name)) }; }\n";
        let files = BTreeMap::from([("src/lib.rs".to_owned(), source.to_owned())]);
        let log = |settled: &[(&str, Value)]| {
            let of = [&[("package.name", json!("a")), ("lib", json!({ "path": "src/lib.rs" }))], settled].concat();
            BTreeMap::from([("Cargo.toml".to_owned(), section(&of))])
        };
        let unresolved = |log| reads_of(&files, &log)[&WsPath::ROOT].unresolved.len();
        assert_eq!(unresolved(log(&[])), 1);
        assert_eq!(unresolved(log(&[("package.metadata.cratewright.extra-sources", json!([]))])), 0);
    }
}
