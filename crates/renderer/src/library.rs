//! The Nix code that is common to all workspaces.
//!
//! It is in a file next to `Cargo.nix`, at a path shared by several, or embedded in `Cargo.nix`.
//! `nix-lib/library/default.nix` is the same library, loaded from the files of this repository.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use crate::overrides::OVERRIDES;

macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../nix-lib/library/", $name, ".nix")))),*]
    };
}

/// Name and code of each file in `nix-lib/library`, in order of their names. The parts refer to each other by name.
pub const PARTS: [(&str, &str); 30] = parts![
    "arguments",
    "build-script",
    "builds",
    "cache-roots",
    "check-kinds",
    "check-script",
    "checks",
    "compilation",
    "default-profiles",
    "dev-shell",
    "entries",
    "environment-script",
    "environment",
    "fetch",
    "git-path",
    "image",
    "kept",
    "linker-flags",
    "local-source",
    "lto-flags",
    "manifest",
    "meta",
    "near-names",
    "override-layers",
    "profile-variables",
    "rustc",
    "sbom",
    "units",
    "version-requirement",
    "workspace",
];

/// Parts that are left out if members are not resolved for their tests, because `checks` then has no checks.
const OF_TESTS: [&str; 2] = ["check-kinds", "check-script"];

/// Body of the file that `Cargo.nix` imports.
pub static LIBRARY: LazyLock<String> = LazyLock::new(|| {
    let comment =
        "# The library that every Cargo.nix imports: Nix code common to all workspaces, which needs only nixpkgs.\n";
    let all = OVERRIDES.iter().map(|one| one.name).collect();
    format!("{comment}let\n{}in\nlibrary.workspace library\n", bindings(true, &all))
});

/// The binding `library = { ... };` with some of our overrides. Code is not indented again, so that its lines are those
/// of the files.
pub(crate) fn bindings(with_tests: bool, overrides: &BTreeSet<&str>) -> String {
    let mut text = "  library = {\n".to_owned();
    for (name, code) in PARTS.iter().filter(|(name, _)| with_tests || !OF_TESTS.contains(name)) {
        let _ = writeln!(text, "{name} =\n{code};");
    }
    text.push_str("own-overrides = {\n");
    for one in OVERRIDES.iter().filter(|one| overrides.contains(one.name)) {
        let _ = writeln!(text, "{} =\n{};", one.name, one.text);
    }
    text.push_str("};\n  };\n");
    text
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test lists the directory of the library's files")]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_part() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../nix-lib/library");
        let mut files: Vec<String> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "default.nix")
            .collect();
        files.sort();
        assert_eq!(files, PARTS.map(|(name, _)| format!("{name}.nix")));
    }
}
