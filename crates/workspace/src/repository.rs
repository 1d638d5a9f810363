//! Packages of a git repository, found as cargo finds them in its checkouts.

use cratewright_sources::files::{Files, Kind};
use cratewright_sources::path::WsPath;
use toml::{Table, Value};

use crate::discover::find_root;

/// A package of a repository.
#[derive(Debug, Clone)]
pub struct RepositoryPackage {
    /// Its directory, relative to the top of the repository.
    pub directory: WsPath,
    manifest: Table,
}

impl RepositoryPackage {
    /// All packages of the repository whose top is the root of `files`, in the order of cargo's `walk`
    /// (`src/cargo/sources/path.rs`). Invalid manifests are skipped.
    pub fn all(files: &dyn Files) -> Vec<Self> {
        let mut found = Vec::new();
        let mut open = vec![WsPath::ROOT];
        while let Some(directory) = open.pop() {
            let text = files.text(&directory.child("Cargo.toml")).ok().flatten();
            let has_manifest = text.is_some();
            let manifest = text.and_then(|text| text.parse::<Table>().ok());
            let manifest = manifest.filter(|manifest| manifest.contains_key("package"));
            found.extend(manifest.map(|manifest| RepositoryPackage { directory: directory.clone(), manifest }));
            let mut below: Vec<String> = files
                .names(&directory)
                .into_iter()
                .filter(|(name, kind)| *kind == Kind::Directory && !name.starts_with('.'))
                .map(|(name, _)| name)
                .filter(|name| !(has_manifest && name == "target"))
                .collect();
            below.sort_unstable_by(|a, b| b.cmp(a));
            open.extend(below.iter().map(|name| directory.child(name)));
        }
        found
    }

    /// Whether it has this name and version; an inherited version matches any.
    pub fn is(&self, name: &str, version: &str) -> bool {
        let text = |key: &str| self.manifest["package"].get(key).map(|value| value.as_str().unwrap_or(version));
        text("name") == Some(name) && text("version").unwrap_or("0.0.0") == version
    }

    /// Its manifest for a copy in another place, with `package.workspace` pointing to its workspace below `top`, the
    /// repository's directory; `None` if it belongs to no workspace.
    pub fn manifest_elsewhere(&self, files: &dyn Files, top: &str) -> Option<String> {
        let root = find_root(files, &self.directory).ok().filter(|root| *root != self.directory)?;
        let mut manifest = self.manifest.clone();
        let package = manifest.get_mut("package")?.as_table_mut()?;
        package.insert("workspace".to_owned(), Value::String(format!("{top}/{root}")));
        Some(manifest.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn packages_are_found_with_their_workspace() {
        let files: BTreeMap<String, String> = [
            ("Cargo.toml", "[workspace]\nexclude = ['own']"),
            ("b/Cargo.toml", "[package]\nname = 'b'\nversion.workspace = true"),
            ("a/inner/Cargo.toml", "[package]\nname = 'a'\nversion = '1.0.0'"),
            ("own/Cargo.toml", "[package]\nname = 'own'"),
            (".hidden/Cargo.toml", "[package]\nname = 'hidden'"),
            ("b/target/Cargo.toml", "[package]\nname = 'built'"),
            ("broken/Cargo.toml", "[package"),
        ]
        .map(|(file, text)| (file.to_owned(), text.to_owned()))
        .into();
        let all = RepositoryPackage::all(&files);
        let directories: Vec<&str> = all.iter().map(|package| package.directory.as_str()).collect();
        assert_eq!(directories, ["a/inner", "b", "own"]);
        let [a, b, own] = all.try_into().unwrap();
        assert!(a.is("a", "1.0.0") && !a.is("a", "1.0.1") && !a.is("b", "1.0.0"));
        assert!(b.is("b", "7.0.0") && own.is("own", "0.0.0"));
        let manifest = b.manifest_elsewhere(&files, "/top").unwrap().parse::<Table>().unwrap();
        assert_eq!(manifest["package"]["workspace"].as_str(), Some("/top/"));
        assert_eq!(own.manifest_elsewhere(&files, "/top"), None);
    }
}
