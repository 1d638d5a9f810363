//! Workspaces that pages speak of.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{self, fixture, run, write};

/// What Nix code of pages needs of `example`.
const SETTINGS: &str = "\
[workspace.metadata.cratewright]
cross = [{ host = \"x86_64-linux\", target = \"aarch64-linux\" }]
variants.loud = { members = [\"app\"], features = [\"loud\", \"fast\"] }
";

/// A workspace in a repository of git.
pub(crate) struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    /// `hello`, which README begins with, or a fixture by its name. Nothing was generated in `hello`.
    pub(crate) fn named(name: &str) -> Self {
        let place = Place { directory: tempfile::tempdir().unwrap() };
        if name == "hello" {
            let more = "[dependencies]\ngreeting = { path = \"greeting\" }\n[workspace]\nexclude = [\"greeting\"]\n";
            place.package("", "hello", more);
            place.write("src/main.rs", "fn main() {\n    println!(\"{}\", greeting::greeting());\n}\n");
            place.package("greeting", "greeting", "");
            place.write("greeting/src/lib.rs", "pub fn greeting() -> &'static str {\n    \"Hello, world!\"\n}\n");
            place.lock();
        } else {
            support::copy_tree(&fixture(name), place.root());
            support::library_elsewhere(place.root(), "");
        }
        place.commit();
        place
    }

    /// All that the Nix code and the settings of pages name.
    pub(crate) fn example() -> Self {
        let place = Place { directory: tempfile::tempdir().unwrap() };
        let members = ["app", "plain", "whole", "web-front", "event-store"];
        let workspace =
            format!("[workspace]\nresolver = \"3\"\nmembers = {members:?}\n[profile.dist]\ninherits = \"release\"\n");
        place.package("", "hello", &(workspace + SETTINGS));
        place.write("src/main.rs", "fn main() {}\n");
        for member in members {
            let features = "[features]\ndefault = []\nloud = []\nfast = []\n";
            place.package(member, member, features);
            place.write(&format!("{member}/src/main.rs"), "fn main() {}\n");
        }
        for (path, text) in
            [("web-front/src/bin/store-admin.rs", "fn main() {}\n"), ("proto/api.proto", ""), ("sql/a", "")]
        {
            place.write(path, text);
        }
        place.lock();
        run(support::cratewright().args(["generate", "--quiet", "--offline"]).current_dir(place.root()));
        place.commit();
        place
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Does something while a file has more text at its end, in the place of `SETTINGS`.
    pub(crate) fn with<T>(&self, path: &str, more: &str, action: impl FnOnce() -> T) -> T {
        let file = self.root().join(path);
        let before = fs::read_to_string(&file).ok();
        self.write(path, &(before.as_deref().unwrap_or_default().replace(SETTINGS, "") + more));
        let result = action();
        match before {
            Some(text) => fs::write(file, text).unwrap(),
            None => fs::remove_file(file).unwrap(),
        }
        result
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.root().join(path), text);
    }

    fn package(&self, directory: &str, name: &str, more: &str) {
        let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write(&self.root().join(directory).join("Cargo.toml"), &(head + more));
    }

    fn lock(&self) {
        run(Command::new("cargo").args(["generate-lockfile", "--quiet", "--offline"]).current_dir(self.root()));
    }

    fn commit(&self) {
        let git = |arguments: &[&str]| {
            let who = ["-c", "user.name=reader", "-c", "user.email=reader"];
            run(Command::new("git").args(who).args(arguments).current_dir(self.root()));
        };
        git(&["init", "--quiet", "--initial-branch", "main"]);
        git(&["add", "--all"]);
        git(&["commit", "--quiet", "--message", "Begin"]);
    }
}
