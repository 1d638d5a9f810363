//! Edits of source files.

use super::edits::{Edit, edit, silent};

/// Sources that read files outside their package, or seem to.
pub(crate) fn sources() -> Vec<Edit> {
    let source = |name: &str, says: &[&str], file: &'static str, text: &'static str| {
        let edit = edit(name, says, move |scratch| {
            scratch.write("shared/text.txt", "shared");
            scratch.write("shared/code.rs", "mod below;");
            scratch.write("shared/below.rs", "");
            // Cargo marks its build directories with this file.
            scratch.write("{dir}src/out/CACHEDIR.TAG", "# This file is a cache directory tag created by cargo.\n");
            scratch.write(file, text);
        });
        Edit { in_sources: true, ..edit }
    };
    let manifest = "const A: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../shared/text.txt\"));";
    vec![
        silent(source(
            "a source that includes a file",
            &["{member}: (reads)", "shared/text.txt"],
            "{dir}src/extra.rs",
            manifest,
        )),
        silent(source(
            "a source that has a module elsewhere",
            &["(reads)", "shared/below.rs", "shared/code.rs"],
            "{dir}src/extra.rs",
            "#[path = \"../../shared/code.rs\"]\nmod code;",
        )),
        silent(source(
            "a source that embeds a folder",
            &["(reads)"],
            "{dir}src/extra.rs",
            "#[folder = \"../shared\"] struct A;",
        )),
        silent(source(
            "a source that includes a missing file",
            &[],
            "{dir}src/extra.rs",
            "include!(\"../../no/such.rs\");",
        )),
        source("a comment that names a file", &[], "{dir}src/extra.rs", "// include_str!(\"../../shared/text.txt\")"),
        source(
            "a test that includes a file",
            &[],
            "{dir}tests/extra.rs",
            "const A: &str = include_str!(\"../../shared/text.txt\");",
        ),
        silent(source(
            "a build script that reads a file",
            &["(files)"],
            "{dir}build.rs",
            "fn main() { println!(\"cargo::rerun-if-changed=../shared/text.txt\"); }",
        )),
        source(
            "build output of cargo next to the sources",
            &[],
            "{dir}src/out/debug/extra.rs",
            "const A: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/../shared/text.txt\"));",
        ),
        source("a source with a reference to its own files", &[], "{dir}src/extra.rs", "include!(\"../src/x.rs\");"),
    ]
}
