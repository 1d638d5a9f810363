//! SBOMs, by the command `cratewright sbom` and from `Cargo.nix`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::git::Scratch;
use super::{cratewright, nix, stdout, tree};

/// Maps `pair/member` or `pair/variant/member` to the document of the attribute `sbom`. `platforms` has the arguments
/// of nixpkgs by number of the pair. A single derivation runs the commands of all documents, on any platform.
pub fn documents(cargo_nix: &Path, platforms: &BTreeMap<usize, String>) -> BTreeMap<String, String> {
    let pairs: String = platforms.iter().map(|(pair, platforms)| format!("\"{pair}\" = {platforms};")).collect();
    let expression = format!(
        "let
           native = import {stand_in} {{ }};
           inherit (native) lib;
           cratewright = {package};
           fileOn = platforms: import {cargo_nix} {{
             inherit cratewright;
             pkgs = import {stand_in} platforms // {{
               inherit (native) fetchCrate fetchgit fetchurl;
               writeText = builtins.toFile;
               runCommand = name: _: script: {{ inherit name script; }};
             }};
           }};
           named = prefix: members: map (name: {{ name = prefix + name; inherit (members.${{name}}.sbom) script; }})
             (lib.filter (name: (builtins.tryEval members.${{name}}.sbom).success) (lib.attrNames members));
           on = pair: platforms: let file = fileOn platforms; in named \"${{pair}}/\" file.workspaceMembers
             ++ lib.concatLists (lib.mapAttrsToList (variant: named \"${{pair}}/${{variant}}/\") file.variants);
         in native.runCommand \"documents\" {{ nativeBuildInputs = [ cratewright ]; }} (
           lib.concatMapStrings ({{ name, script }}: ''(
             out=$out/${{name}}.json
             mkdir -p \"$(dirname \"$out\")\"
             cd \"$(mktemp -d)\"
             ${{script}}
           )
           '') (lib.concatLists (lib.mapAttrsToList on {{ {pairs} }}))
         )",
        stand_in = nix::stand_in().display(),
        package = nix::package(),
        cargo_nix = cargo_nix.display(),
    );
    let built = nix::build_expression(&expression);
    let name = |path: &Path| path.strip_prefix(&built).unwrap().with_extension("").to_str().unwrap().to_owned();
    tree(&built).into_iter().map(|(path, text)| (name(&path), String::from_utf8(text).unwrap())).collect()
}

impl Scratch {
    /// The sorted package URLs in the root package's document, which must be the same from the command and from
    /// `Cargo.nix`.
    pub fn package_urls(&self, name: &str) -> Vec<String> {
        let mut sbom = cratewright();
        let printed = stdout(self.environment(sbom.args(["sbom", "--offline"]).current_dir(self.path(name))));
        assert_eq!(fs::read_to_string(self.build(name, "rootCrate.sbom")).unwrap(), printed);
        let document: Value = serde_json::from_str(&printed).unwrap();
        let components = document["components"].as_array().unwrap().iter();
        components.map(|component| component["purl"].as_str().unwrap().to_owned()).collect()
    }
}
