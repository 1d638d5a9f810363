//! Questions that are asked again have the same answers exactly if no file changed that they are about.

use std::sync::Mutex;

use super::*;

type Memory = BTreeMap<String, String>;

const MANIFEST: &str = "[package]\nname = \"a\"\nversion = \"1.0.0\"\n";

fn workspace() -> Memory {
    let files = [
        ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
        (".cargo/config.toml", "[source.crates-io]\nreplace-with = \"vendored\"\n"),
        ("crates/a/Cargo.toml", MANIFEST),
        ("crates/a/src/lib.rs", ""),
        ("crates/a/src/other.rs", ""),
        ("crates/target/debug/x", ""),
        ("crates/README.md", ""),
        ("vendor/syn/Cargo.toml", "[package]\nname = \"syn\"\n"),
        ("vendor/syn/.cargo-checksum.json", "{}"),
        ("vendor/syn/src/lib.rs", ""),
    ];
    files.map(|(path, text)| (path.to_owned(), text.to_owned())).into()
}

fn path(text: &str) -> WsPath {
    WsPath::new(text).unwrap()
}

/// Sections for a few questions of each kind.
fn asked(files: &Memory) -> BTreeMap<String, Section> {
    let observer = Observer::new(files);
    observer.manifest(&WsPath::ROOT).unwrap();
    observer.manifest(&path("crates/a")).unwrap();
    assert!(observer.manifest(&path("crates/gone")).unwrap().is_none());
    let config = path(".cargo/config.toml");
    observer.config(&config).unwrap();
    observer.vendored(&config, &path("vendor"));
    observer.directories(&path("crates"), "*", &[path("crates/target"), path("elsewhere")]).unwrap();
    observer.package_files(&path("crates/a"), true, Some("2021"));
    observer.exists(&path("crates/above.toml"));
    observer.into_sections()
}

fn again(files: &Memory, recorded: &BTreeMap<String, Section>) -> BTreeMap<String, Section> {
    let observer = Observer::new(files);
    for (name, section) in recorded {
        observer.ask_again(name, section, false).unwrap();
    }
    observer.into_sections()
}

#[test]
fn answers_are_recorded() {
    let sections = asked(&workspace());
    let directories = &sections[&format!("{DIRECTORIES}crates/*")];
    let of: Vec<(&str, &Value)> = directories.iter().map(|(name, answer)| (name.as_str(), answer)).collect();
    assert_eq!(of, [("crates/a", &Value::from(true)), ("crates/target", &Value::from(EXCLUDED))]);
    let missing: Vec<&String> = sections[PATHS].keys().collect();
    assert_eq!(missing, ["crates/above.toml", "crates/gone/Cargo.toml"]);
    assert_eq!(sections["crates/a/Cargo.toml"][FILES], serde_json::json!(["src/lib.rs"]));
}

#[test]
fn changes_of_what_was_asked_have_other_answers() {
    let recorded = asked(&workspace());
    assert_eq!(again(&workspace(), &recorded), recorded);
    let changes: [(&str, Option<&str>); 15] = [
        ("Cargo.toml", Some("[workspace]\nmembers = [\"crates/a\"]\n")),
        ("Cargo.toml", None),
        (".cargo/config.toml", Some("")),
        ("crates/a/Cargo.toml", Some("[package]\nname = \"b\"\nversion = \"1.0.0\"\n")),
        ("crates/a/src/lib.rs", None),
        ("crates/a/src/main.rs", Some("")),
        ("crates/a/src/bin/one.rs", Some("")),
        ("crates/a/src/bin/two/main.rs", Some("")),
        ("crates/a/build.rs", Some("")),
        ("crates/new/README.md", Some("")),
        ("crates/above.toml", Some("")),
        ("crates/gone/Cargo.toml", Some("")),
        ("vendor/syn/.cargo-checksum.json", Some("{ }")),
        ("vendor/syn/build.rs", Some("")),
        ("vendor/new/Cargo.toml", Some("")),
    ];
    for (file, text) in changes {
        let mut files = workspace();
        match text {
            Some(text) => drop(files.insert(file.to_owned(), text.to_owned())),
            None => drop(files.remove(file)),
        }
        assert_ne!(again(&files, &recorded), recorded, "{file}: {text:?}");
    }
}

#[test]
fn other_changes_have_the_same_answers() {
    let recorded = asked(&workspace());
    let changes = [
        ("crates/a/Cargo.toml", "# A comment.\n[package]\nversion = \"1.0.0\"\nname = \"a\"\n"),
        ("crates/a/src/lib.rs", "pub fn f() {}"),
        ("crates/a/src/other/mod.rs", ""),
        ("crates/a/src/bin/.hidden.rs", ""),
        ("crates/a/src/bin/readme.md", ""),
        ("crates/target/release/x", ""),
        ("crates/file.rs", ""),
        ("vendor/file", ""),
        ("unrelated/Cargo.toml", MANIFEST),
    ];
    for (file, text) in changes {
        let mut files = workspace();
        files.insert(file.to_owned(), text.to_owned());
        assert_eq!(again(&files, &recorded), recorded, "{file}");
    }
    let mut files = workspace();
    files.remove("crates/target/debug/x");
    assert_eq!(again(&files, &recorded), recorded, "whether an excluded directory exists");
}

#[test]
fn inherited_keys_and_missing_configuration_are_recorded() {
    let root = "[workspace]\n[workspace.package]\nversion = \"1.0.0\"\nedition = \"2024\"\n".to_owned();
    let files = Memory::from([("Cargo.toml".to_owned(), root)]);
    let observer = Observer::new(&files);
    let manifest = observer.manifest(&WsPath::ROOT).unwrap().unwrap();
    observer.inherited(&manifest, &BTreeSet::from(["workspace.package.version".to_owned()]));
    assert!(observer.config(&path(".cargo/config.toml")).unwrap().is_none());
    let sections = observer.into_sections();
    let keys: Vec<&String> = sections["Cargo.toml"].keys().collect();
    assert_eq!(keys, ["workspace", "workspace.package.version"]);
    assert_eq!(sections[".cargo/config.toml"], Section::new());
}

#[test]
fn the_first_edition_has_more_files() {
    let files = workspace();
    let keys = |edition| {
        let observer = Observer::new(&files);
        observer.package_files(&path("crates/a"), false, edition);
        observer.into_sections().remove("crates/a/Cargo.toml").unwrap().into_keys().collect::<Vec<_>>()
    };
    assert_eq!(keys(Some("2018")), [FILES_OF_DEPENDENCY]);
    assert_eq!([keys(None), keys(Some("2015"))], [const { [FILES_OF_DEPENDENCY, FILES_OF_FIRST_EDITION] }; 2]);
}

#[test]
fn a_directory_is_not_a_missing_manifest() {
    let mut files = workspace();
    files.insert("crates/b/Cargo.toml/file".to_owned(), String::new());
    assert_eq!(Observer::new(&files).manifest(&path("crates/b")).unwrap_err().code, "io");
}

/// A lock file that is changed after it was read.
struct Changing(Mutex<Vec<&'static str>>);

impl Files for Changing {
    fn text(&self, path: &WsPath) -> Result<Option<String>, String> {
        assert_eq!(path.as_str(), LOCK);
        Ok(self.0.lock().unwrap().pop().map(str::to_owned))
    }

    fn kind(&self, _: &WsPath) -> Option<Kind> {
        None
    }

    fn names(&self, _: &WsPath) -> Vec<(String, Kind)> {
        Vec::new()
    }
}

#[test]
fn the_lock_file_is_the_one_that_was_read_first() {
    let files = Changing(Mutex::new(vec!["[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n", ""]));
    let observer = Observer::new(&files);
    observer.read_lock().unwrap();
    assert_eq!([observer.lock().unwrap(), observer.lock().unwrap()], [Lock::default(), Lock::default()]);
    let code = |files: &Memory| Observer::new(files).lock().map_err(|failure| failure.code);
    assert_eq!(code(&workspace()), Err(Diagnostic::no_lock_file().code));
}
