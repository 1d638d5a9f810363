//! Documents of `cratewright sbom`.

use serde_json::Value;

use super::git::Scratch;
use super::{cratewright, nix, stdout};

/// The text as Nix has it, where nothing says which version wrote `Cargo.nix`.
pub fn without_tool_version(text: &str, version: &str) -> String {
    let line = format!("\"type\": \"application\",\n          \"version\": \"{version}\"\n");
    assert_eq!(text.matches(&line).count(), 1, "{text}");
    text.replace(&line, "\"type\": \"application\"\n")
}

impl Scratch {
    /// The package URLs of the root package's document, sorted; the command and `Cargo.nix` must agree on all of it.
    pub fn package_urls(&self, name: &str) -> Vec<String> {
        let mut sbom = cratewright();
        let printed = stdout(self.environment(sbom.args(["sbom", "--offline"]).current_dir(self.path(name))));
        let evaluated = nix::eval_json(&format!(
            "(import {} {{ pkgs = import {} {{ }} // {{ writeText = _: text: text; }}; }}).rootCrate.sbom",
            self.path(name).join("Cargo.nix").display(),
            nix::stand_in().display(),
        ));
        assert_eq!(evaluated.as_str().unwrap(), without_tool_version(&printed, env!("CARGO_PKG_VERSION")));
        let document: Value = serde_json::from_str(&printed).unwrap();
        let components = document["components"].as_array().unwrap().iter();
        components.map(|component| component["purl"].as_str().unwrap().to_owned()).collect()
    }
}
