//! Manifests, cargo's configuration and the lock of a workspace: reading them ends in a workspace or an error, and the
//! record of what was asked is fresh as long as nothing changes.
//!
//! Files are separated by lines that begin with `>>> ` and a path.
#![no_main]

use std::collections::BTreeMap;

use cratewright_staleness::{Observer, Record, Sources};
use cratewright_workspace::Workspace;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for part in format!("\n{text}").split("\n>>> ").skip(1) {
        let (path, contents) = part.split_once('\n').unwrap_or((part, ""));
        files.insert(path.to_owned(), contents.to_owned());
    }
    let observer = Observer::new(&files);
    if Workspace::discover(&observer).is_err() || observer.read_lock().is_err() {
        return;
    }
    let Ok(lock) = observer.lock() else { return };
    let (record, _) = Record::new(observer).with_lock(&lock).with_reads(&files);
    let now = record.replay(&files, Sources::Scan).unwrap_or_else(|error| panic!("it was read before: {error}"));
    assert_eq!(record, now, "{:?}", record.changes(&now));
});
