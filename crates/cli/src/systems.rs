//! Nix systems and their target triples.

use cratewright_sources::near::{is_misspelt, near_names};

/// Nix systems and their target triples (nixpkgs `lib/systems`).
const SYSTEMS: [(&str, &str); 7] = [
    ("aarch64-darwin", "aarch64-apple-darwin"),
    ("aarch64-linux", "aarch64-unknown-linux-gnu"),
    ("armv7l-linux", "armv7-unknown-linux-gnueabihf"),
    ("i686-linux", "i686-unknown-linux-gnu"),
    ("riscv64-linux", "riscv64gc-unknown-linux-gnu"),
    ("x86_64-darwin", "x86_64-apple-darwin"),
    ("x86_64-linux", "x86_64-unknown-linux-gnu"),
];

/// The triple of a Nix system; triples are returned unchanged.
pub(crate) fn triple(target: &str) -> String {
    SYSTEMS.iter().find(|(system, _)| *system == target).map_or(target, |(_, triple)| triple).to_owned()
}

/// The Nix system with this triple.
pub(crate) fn system(triple: &str) -> Option<&'static str> {
    SYSTEMS.iter().find(|(_, known)| *known == triple).map(|(system, _)| *system)
}

/// The names that are most similar to an unknown target: Nix systems if it has at most two parts, as they do, or is a
/// misspelling of one that is no longer than it, otherwise triples.
pub(crate) fn near_targets<'a>(target: &str, triples: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let systems = SYSTEMS.iter().map(|(system, _)| *system);
    let is_system = |system: &&str| target.len() <= system.len() && is_misspelt(target, system);
    let systems = systems.filter(|system| target.matches('-').count() <= 1 || is_system(system));
    match near_names(target, systems) {
        none if none.is_empty() => near_names(target, triples),
        near => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_systems_are_recognized() {
        let triples = ["aarch64-apple-darwin", "x86_64-linux-android", "x86_64-unknown-linux-gnu"];
        let near = |target: &str| near_targets(target, triples)[0];
        assert_eq!(["x86-linux", "x86_64-linxu", "x64-linux"].map(near), ["x86_64-linux"; 3]);
        assert_eq!(near("x86-64-linux"), "x86_64-linux");
        assert_eq!(["arm64-darwin", "aarch64-macos"].map(near), ["aarch64-darwin"; 2]);
        let of_linux = near_targets("linux", triples);
        assert!(of_linux.contains(&"x86_64-linux") && of_linux.contains(&"aarch64-linux"), "{of_linux:?}");
        assert_eq!(near("x86_64-linux-gnu"), "x86_64-unknown-linux-gnu");
        assert_eq!(near_targets("z80-cpm", triples), [] as [&str; 0]);
    }
}
