//! The scanner of Rust sources: it ends for every text, and the glance that spares most files from being parsed leaves
//! out nothing. A line that no glance can leave out is put behind the text; what was found before must still be all.
#![no_main]

use std::collections::BTreeMap;

use cratewright_sources::path::WsPath;
use cratewright_sources::reads::{PackageFiles, Reads, reads};
use libfuzzer_sys::fuzz_target;

const SURE: &str = "\nconst SURE: &str = include_str!(\"../../sure.txt\");\n";

fn scan(source: &str, is_script: bool) -> Reads {
    let file = if is_script { "a/build.rs" } else { "a/src/lib.rs" };
    let mut files: BTreeMap<String, String> = ["sure.txt", "data/x.txt", "x.rs", "README.md", "a/tests/y.txt"]
        .map(|path| (path.to_owned(), "text".to_owned()))
        .into();
    files.insert("a/Cargo.toml".to_owned(), String::new());
    files.insert(file.to_owned(), source.to_owned());
    let path = |path| WsPath::new(path).expect("a plain path");
    let package = PackageFiles {
        directory: path("a"),
        roots: if is_script { Vec::new() } else { vec![path(file)] },
        build_script: is_script.then(|| path(file)),
        ..PackageFiles::default()
    };
    reads(&files, &package)
}

fuzz_target!(|source: &str| {
    scan(source, true);
    let mut found = scan(source, false);
    let mut sure = scan(&format!("{source}{SURE}"), false);
    // Otherwise the text ends within a comment, a string or brackets.
    if sure.paths.remove("sure.txt") {
        // Absolute paths are only found in code as rustfmt writes it.
        let relative = |reads: &mut Reads| reads.unresolved.retain(|read| !read.what.contains("has an absolute path"));
        relative(&mut found);
        relative(&mut sure);
        assert_eq!(found, sure);
    }
});
