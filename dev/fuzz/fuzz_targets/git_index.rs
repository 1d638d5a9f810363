//! An index of git is read or refused; each entry that is read was in it.
#![no_main]

use cratewright_sources::git_index;
use libfuzzer_sys::fuzz_target;

/// Stat data, object id and flags, which every entry has before its path.
const SHORTEST: usize = 62;

fuzz_target!(|index: &[u8]| {
    let Ok(entries) = git_index::parse(index) else { return };
    assert!(entries.len() <= index.len() / SHORTEST, "{} entries in {} bytes", entries.len(), index.len());
    for entry in entries {
        assert!(!entry.path.contains(&0));
        assert!(entry.path.is_empty() || index.windows(entry.path.len()).any(|window| window == entry.path));
    }
});
