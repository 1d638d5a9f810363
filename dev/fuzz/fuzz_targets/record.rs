//! A `Cargo.nix` that somebody edited: its header and record are read or refused, and a record that is read can be
//! replayed, or cannot with an error.
#![no_main]

use std::collections::BTreeMap;

use cratewright_staleness::{Record, Sources, recorded, stamped};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = recorded(text);
    let whole = stamped(text);
    let parsed = Record::parse(&whole);
    assert!(matches!(recorded(&whole), Ok(Ok(_)) | Err(_)) || parsed.is_none());
    let Some(record) = parsed else { return };
    let files = BTreeMap::from([
        ("Cargo.lock".to_owned(), "version = 4\n".to_owned()),
        ("Cargo.toml".to_owned(), "[package]\nname = \"a\"\nversion = \"0.1.0\"\n".to_owned()),
        ("src/lib.rs".to_owned(), "include_str!(\"../README.md\");".to_owned()),
    ]);
    for sources in [Sources::Scan, Sources::AsRecorded] {
        if let Ok(now) = record.replay(&files, sources) {
            record.changes(&now).iter().for_each(|change| drop(change.describe()));
        }
    }
});
