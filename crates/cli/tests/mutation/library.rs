//! Edits of the library beside `Cargo.nix`.

use std::fs;

use cratewright_staleness::stamped;

use crate::edits::{Edit, Scratch, edit, set};

/// The library beside `Cargo.nix`.
pub(crate) const LIBRARY: &str = "cratewright.nix";

/// Of the file beside Cargo.nix, where there is one, and of what the manifest says of it.
pub(crate) fn library() -> Vec<Edit> {
    let edit_library = |name: &str, says: &str, change: fn(&Scratch, String)| {
        let mut edit = edit(&format!("the library: {name}"), &[], move |scratch| {
            if scratch.path(LIBRARY).exists() {
                change(scratch, scratch.read(LIBRARY));
            }
        });
        edit.says_if_stale = vec![format!("{LIBRARY}: {says}")];
        edit
    };
    vec![
        edit_library("a line more", "it was changed by hand", |scratch, text| {
            scratch.write(LIBRARY, &format!("{text}# more\n"));
        }),
        edit_library("half of it", "it was changed by hand", |scratch, text| {
            scratch.write(LIBRARY, &text[..text.len() / 2]);
        }),
        edit_library("none", "it does not exist", |scratch, _| fs::remove_file(scratch.path(LIBRARY)).unwrap()),
        edit_library("of another version", "it is that of another version", |scratch, _| {
            scratch.write(LIBRARY, &stamped("{ }\n"));
        }),
        edit_library("somebody else's", "the file was not generated", |scratch, _| scratch.write(LIBRARY, "{ }\n")),
        set("Cargo.toml", "workspace.metadata.cratewright.library", "\"beside\""),
        set("Cargo.toml", "workspace.metadata.cratewright.library", "\"embedded\""),
        set("Cargo.toml", "workspace.metadata.cratewright.library", "\"nix/library.nix\""),
        set("Cargo.toml", "workspace.metadata.cratewright.library", "\"nowhere\""),
        set("Cargo.toml", "workspace.metadata.cratewright.library", "\"/absolute.nix\""),
    ]
}
