//! Edits of `Cargo.lock`.

use super::edits::{Edit, append, delete, directory_for, invalid, map, replace, unreadable};

pub(crate) fn lock() -> Vec<Edit> {
    vec![
        append("Cargo.lock", "\n# a comment\n", &[]),
        replace("Cargo.lock", "version = 4", "version = 3", &[]),
        unreadable(replace("Cargo.lock", "version = 4", "version = 5", &["Cargo.lock"])),
        map("another checksum", "Cargo.lock", &["Cargo.lock"], |text| {
            text.replacen("checksum = \"", "checksum = \"0", 1)
        }),
        map("digits of a checksum", "Cargo.lock", &["Cargo.lock", ": checksum ", " -> 0000"], |text| {
            match text.find("checksum = \"") {
                Some(at) => format!("{}0000{}", &text[..at + 12], &text[at + 16..]),
                None => text.to_owned(),
            }
        }),
        map("no checksum", "Cargo.lock", &["Cargo.lock"], |text| {
            text.lines().filter(|line| !line.starts_with("checksum")).map(|line| format!("{line}\n")).collect()
        }),
        map("another version of a package", "Cargo.lock", &["Cargo.lock"], |text| {
            text.replacen("name = \"libc\"\nversion = \"0.2.", "name = \"libc\"\nversion = \"0.2.9", 1)
        }),
        map("another source", "Cargo.lock", &["Cargo.lock"], |text| {
            text.replacen("source = \"registry+https://github.com/", "source = \"registry+https://example.invalid/", 1)
        }),
        map("a dependency less", "Cargo.lock", &["Cargo.lock", ": dependencies: removed \"cfg-if\""], |text| {
            text.replacen(" \"cfg-if\",\n", "", 1)
        }),
        map("a package less", "Cargo.lock", &["Cargo.lock"], |text| match text.rfind("\n[[package]]") {
            Some(at) => text[..at].to_owned(),
            None => text.to_owned(),
        }),
        invalid(map("half a lock", "Cargo.lock", &[], |text| text[..text.len() / 2].to_owned())),
        map("a package twice", "Cargo.lock", &["Cargo.lock"], |text| {
            // An earlier edit may have removed all packages.
            let last = text.rfind("\n[[package]]").map_or("", |at| &text[at..]);
            format!("{text}{last}")
        }),
        unreadable(append(
            "Cargo.lock",
            "\n<<<<<<< HEAD\n=======\n>>>>>>> other\n",
            &["conflict marker", "Cargo.lock"],
        )),
        unreadable(delete("Cargo.lock", &["Cargo.lock"])),
        unreadable(directory_for("Cargo.lock")),
    ]
}
