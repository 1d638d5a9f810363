//! The Nix code that is the same for every workspace.
//!
//! It stands in one file beside `Cargo.nix`, at a path that several share, or within; `nix-lib/library/default.nix` is the
//! same, from the files of this repository.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

use crate::overrides::OVERRIDES;

macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../nix-lib/library/", $name, ".nix")))),*]
    };
}

/// Parts by name of their file in `nix-lib/library`, by which they know each other, in the order of the files.
pub const PARTS: [(&str, &str); 25] = parts![
    "build-script",
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
    "image",
    "kept",
    "linker-flags",
    "local-source",
    "lto-flags",
    "manifest",
    "meta",
    "override-layers",
    "profile-variables",
    "rustc",
    "sbom",
    "units",
    "workspace",
];

/// Parts that nothing needs where members are not resolved for their tests: `checks` then has no check to make.
const OF_TESTS: [&str; 2] = ["check-kinds", "check-script"];

/// The body of the file that `Cargo.nix` imports.
pub static LIBRARY: LazyLock<String> = LazyLock::new(|| {
    let comment =
        "# What every Cargo.nix is given to: Nix code that is the same for all workspaces, and needs nixpkgs alone.\n";
    let all = OVERRIDES.iter().map(|one| one.name).collect();
    format!("{comment}let\n{}in\nlibrary.workspace library\n", bindings(true, &all))
});

/// `library = { ... };`, with these overrides of ours. Code stands as it is in its file, so that a line of one is a line
/// of the other.
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
#[expect(clippy::disallowed_methods, reason = "it lists the directory that the text was made of")]
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
