//! Documents of `cratewright sbom`, by the command and from `Cargo.nix`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::git::Scratch;
use super::{cratewright, nix, stdout, tree};

/// From `variant/member` or `member` to the document that its attribute `sbom` is, on platforms of nixpkgs. One
/// derivation does what all of them would do, on any platform.
pub fn documents(cargo_nix: &Path, platforms: &str) -> BTreeMap<String, String> {
    let expression = format!(
        "let
           native = import {stand_in} {{ }};
           pkgs = import {stand_in} {platforms} // {{
             inherit (native) fetchCrate fetchgit fetchurl;
             writeText = builtins.toFile;
             runCommand = name: _: script: {{ inherit name script; }};
           }};
           cratewright = {package};
           file = import {cargo_nix} {{ inherit pkgs cratewright; }};
           named = prefix: members: map (name: {{ name = prefix + name; inherit (members.${{name}}.sbom) script; }})
             (builtins.filter (name: (builtins.tryEval members.${{name}}.sbom).success) (builtins.attrNames members));
           all = named \"\" file.workspaceMembers ++ builtins.concatLists (
             map (variant: named (variant + \"/\") file.variants.${{variant}}) (builtins.attrNames file.variants)
           );
         in native.runCommand \"documents\" {{ nativeBuildInputs = [ cratewright ]; }} (
           native.lib.concatMapStrings ({{ name, script }}: \"(
             out=$out/${{name}}
             mkdir -p \\\"$(dirname \\\"$out\\\")\\\"
             out=$out.json
             cd \\\"$(mktemp -d)\\\"
             ${{script}}
           )\n\") all
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
    /// The package URLs of the root package's document, sorted; the command and `Cargo.nix` must agree on all of it.
    pub fn package_urls(&self, name: &str) -> Vec<String> {
        let mut sbom = cratewright();
        let printed = stdout(self.environment(sbom.args(["sbom", "--offline"]).current_dir(self.path(name))));
        assert_eq!(fs::read_to_string(self.build(name, "rootCrate.sbom")).unwrap(), printed);
        let document: Value = serde_json::from_str(&printed).unwrap();
        let components = document["components"].as_array().unwrap().iter();
        components.map(|component| component["purl"].as_str().unwrap().to_owned()).collect()
    }
}
