//! Edits of files other than manifests: files of targets, and replacements of files and directories by other kinds.

use super::edits::{Edit, append, delete, edit, invalid, silent, write};

/// Files that are added and removed.
pub(crate) fn files() -> Vec<Edit> {
    vec![
        write("{dir}src/bin/extra.rs", "fn main() {}\n", &["{member}", "(files)", "src/bin/extra.rs"]),
        write("{dir}src/bin/nested/main.rs", "fn main() {}\n", &["{member}", "(files)", "src/bin/nested/main.rs"]),
        write("{dir}build.rs", "fn main() {}\n", &["{member}", "(files)", "build.rs"]),
        write("{dir}README.md", "# Read me\n", &["{member}", "(files)", "README.md"]),
        write("{dir}src/bin/.hidden.rs", "fn main() {}\n", &[]),
        write("{dir}src/bin/notes/notes.txt", "", &[]),
        write("{dir}tests/it.rs", "", &["{member}", "(files)", "tests/it.rs"]),
        write("{dir}tests/more/main.rs", "", &["tests/more/main.rs"]),
        write("{dir}tests/more/helper.rs", "", &[]),
        edit("a test without a harness", &["{member}", "test.it"], |scratch| {
            scratch.write("{dir}tests/it.rs", "fn main() {}\n");
            scratch.write("{member}", &(scratch.read("{member}") + "\n[[test]]\nname = \"it\"\nharness = false\n"));
        }),
        edit("build.rs as an example", &["{member}"], |scratch| {
            scratch.write("{dir}build.rs", "fn main() {}\n");
            scratch.edit("{member}", |document| document["package"]["build"] = toml_edit::value(false));
            let example = "\n[[example]]\nname = \"it\"\npath = \"build.rs\"\n";
            scratch.write("{member}", &(scratch.read("{member}") + example));
        }),
        edit("links to files, where directories are looked for", &[], |scratch| {
            for link in ["crates/notes.md", "notes.md", "{dir}src/bin/notes.md"] {
                let target = scratch.root().join("Cargo.toml");
                scratch.link(target.to_str().unwrap(), link);
            }
        }),
        edit("a link that leads nowhere", &[], |scratch| {
            scratch.link("nowhere", "{dir}src/bin/notes");
        }),
        write("{dir}benches/it.rs", "", &["benches/it.rs"]),
        write("{dir}examples/it.rs", "fn main() {}\n", &["examples/it.rs"]),
        write("docs/notes.md", "", &[]),
        write("LICENSE", "", &[]),
        append("{dir}src/lib.rs", "\n// nothing\n", &[]),
        append("{dir}src/main.rs", "\nfn unused() {}\n", &["(files)"]),
        delete("{dir}src/main.rs", &[]),
        delete("{dir}src/lib.rs", &[]),
        edit("another member by a glob", &["crates/extra"], |scratch| {
            let manifest = "[package]\nname = \"extra\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
            scratch.write("crates/extra/Cargo.toml", manifest);
            scratch.write("crates/extra/src/lib.rs", "");
        }),
        write("crates/empty/notes.txt", "", &[]),
        write("crates/notes.txt", "", &[]),
        invalid(delete("{member}", &[])),
    ]
}

/// Directories instead of files, and the reverse.
pub(crate) fn kinds() -> Vec<Edit> {
    let directory = |file: &'static str, inside: &'static str| {
        let name = format!("a directory {file} with {inside:?}");
        silent(edit(&name, &["{member}"], move |scratch| {
            scratch.remove(file);
            scratch.directory(file);
            if !inside.is_empty() {
                scratch.write(&format!("{file}/{inside}"), "fn main() {}\n");
            }
        }))
    };
    let file = |place: &'static str| {
        edit(&format!("a file in the place of {place}"), &[], move |scratch| {
            scratch.remove(place);
            scratch.write(place, "");
        })
    };
    vec![
        directory("{dir}src/lib.rs", ""),
        directory("{dir}src/lib.rs", "main.rs"),
        directory("{dir}src/main.rs", ""),
        directory("{dir}src/main.rs", "main.rs"),
        directory("{dir}src/bin/x.rs", ""),
        directory("{dir}src/bin/x.rs", "main.rs"),
        directory("{dir}src/bin/x", "main.rs/notes.txt"),
        directory("{dir}tests/it.rs", ""),
        directory("{dir}tests/it.rs", "main.rs"),
        directory("{dir}examples/it.rs", ""),
        directory("{dir}benches/it.rs", "main.rs"),
        directory("{dir}build.rs", ""),
        directory("{dir}README.md", ""),
        directory("{dir}README", ""),
        invalid(directory("{member}", "")),
        invalid(directory("Cargo.toml", "")),
        invalid(directory(".cargo/config.toml", "")),
        invalid(directory(".cargo/config", "")),
        invalid(directory("crates/extra/Cargo.toml", "")),
        file("{dir}src"),
        file("{dir}src/bin"),
        file("{dir}tests"),
        file("{dir}examples"),
        file(".cargo"),
        file("crates"),
        edit("a file in the place of a member", &[], |scratch| {
            // The root itself is never replaced.
            let member = scratch.fill("{dir}");
            if let Some(member) = member.strip_suffix('/') {
                scratch.remove(member);
                scratch.write(member, "");
            }
        }),
    ]
}
