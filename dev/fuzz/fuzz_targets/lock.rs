//! Our reader of `Cargo.lock` and the crate `cargo-lock` find the same packages in every lock that both accept, and ours
//! accepts what the other accepts.
#![no_main]

use std::str::FromStr;

use cargo_lock::ResolveVersion;
use cratewright_staleness::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let ours = Lock::parse(text);
    let Ok(theirs) = cargo_lock::Lockfile::from_str(text) else { return };
    let ours = match ours {
        Ok(ours) => ours,
        // Cargo refuses a key `version` below 3; older lock files have no such key.
        Err(_) if matches!(theirs.version, ResolveVersion::V1 | ResolveVersion::V2) => return,
        Err(error) => panic!("cargo-lock reads it: {error}"),
    };
    let mut found: Vec<(String, String)> =
        ours.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let mut expected: Vec<(String, String)> =
        theirs.packages.iter().map(|package| (package.name.to_string(), package.version.to_string())).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
});
