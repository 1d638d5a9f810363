//! Which manifests a workspace has, found as cargo finds them, and which files are targets by their place.

use std::collections::{BTreeMap, BTreeSet};

use glob::{MatchOptions, Pattern};
use serde_json::{Map, Value};

use crate::inputs::Section;
use crate::manifest::{Manifest, PathBase, config_section};
use crate::stamp::conflict_marker;
use crate::tree::{Tree, join, parent, within};

/// What keeps the inputs from being read. Cargo refuses such a workspace too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A file cannot be read.
    #[error("cannot read `{file}`: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// The system's words.
        message: String,
    },
    /// A manifest or configuration is no TOML.
    #[error("`{file}` cannot be read: {message}")]
    InvalidToml {
        /// The file.
        file: String,
        /// The parser's report.
        message: String,
    },
    /// A merge was left unfinished.
    #[error("line {line} of `{file}` is a conflict marker of an unfinished merge")]
    Conflict {
        /// The file.
        file: String,
        /// Number of the line, from 1.
        line: usize,
    },
    /// There is no lock.
    #[error("`Cargo.lock` does not exist")]
    NoLock,
    /// The lock cannot be read.
    #[error("`Cargo.lock` cannot be read: {message}")]
    InvalidLock {
        /// The parser's report.
        message: String,
    },
    /// The root has no manifest.
    #[error("`Cargo.toml` does not exist")]
    NoManifest,
    /// `members` or a `path` leads to a directory without a manifest.
    #[error("`{file}` does not exist, to which `{key}` of `{from}` leads")]
    MissingManifest {
        /// The manifest that is not there.
        file: String,
        /// Manifest that names it.
        from: String,
        /// Where in it.
        key: String,
    },
    /// A manifest holds neither a package nor a workspace.
    #[error("`{file}` has neither `[package]` nor `[workspace]`")]
    Empty {
        /// The manifest.
        file: String,
    },
    /// A member takes a key from the workspace that is not there.
    #[error("`{file}` inherits `{key}`, which `[workspace]` has not")]
    NotInherited {
        /// The member's manifest.
        file: String,
        /// Full key in the root manifest.
        key: String,
    },
}

/// Sections of all manifests and of `.cargo/config.toml`, by path.
pub(crate) fn manifests(tree: &dyn Tree) -> Result<BTreeMap<String, Section>, InputError> {
    let mut finder = Finder { tree, manifests: BTreeMap::new(), members: BTreeSet::new() };
    let root = finder.load("")?.ok_or(InputError::NoManifest)?;
    finder.find_members(&root)?;
    finder.find_others(&root)?;
    finder.sections()
}

struct Finder<'a> {
    tree: &'a dyn Tree,
    /// By directory.
    manifests: BTreeMap<String, Manifest>,
    /// Directories of members.
    members: BTreeSet<String>,
}

impl Finder<'_> {
    fn load(&mut self, directory: &str) -> Result<Option<Manifest>, InputError> {
        if let Some(manifest) = self.manifests.get(directory) {
            return Ok(Some(manifest.clone()));
        }
        let file = within(directory, "Cargo.toml");
        let Some(text) = read(self.tree, &file)? else { return Ok(None) };
        let manifest = Manifest::parse(&text).map_err(|error| invalid(&file, &error))?;
        if manifest.package().is_none() && manifest.workspace().is_none() {
            return Err(InputError::Empty { file });
        }
        self.manifests.insert(directory.to_owned(), manifest.clone());
        Ok(Some(manifest))
    }

    /// Cargo's `find_path_deps` (`src/cargo/core/workspace.rs`): what `members` says, and what those depend on by path.
    fn find_members(&mut self, root: &Manifest) -> Result<(), InputError> {
        if root.package().is_some() {
            self.members.insert(String::new());
        }
        let Some(workspace) = root.workspace() else { return Ok(()) };
        let mut open: Vec<(String, String, String)> = Vec::new();
        for pattern in strings(workspace, "members") {
            for directory in expand(self.tree, &pattern) {
                open.push((directory, "Cargo.toml".to_owned(), format!("workspace.members = {pattern}")));
            }
        }
        if root.package().is_some() {
            self.members.remove("");
            open.push((String::new(), "Cargo.toml".to_owned(), "package".to_owned()));
        }
        while let Some((directory, from, key)) = open.pop() {
            if self.members.contains(&directory) || is_excluded(workspace, &directory) {
                continue;
            }
            let Some(manifest) = self.load(&directory)? else {
                return Err(InputError::MissingManifest { file: within(&directory, "Cargo.toml"), from, key });
            };
            if manifest.package().is_none() {
                continue;
            }
            self.members.insert(directory.clone());
            let [normal, dev] = manifest.paths(root);
            for (path, base) in normal.into_iter().chain(dev) {
                let from = within(&directory, "Cargo.toml");
                let base = if base == PathBase::Workspace { "" } else { &directory };
                // What leads out of the workspace is no member, and `generate` refuses it.
                if let Some(to) = join(base, &path) {
                    open.push((to, from, format!("path = \"{path}\"")));
                }
            }
        }
        Ok(())
    }

    /// Packages that are no members: path dependencies that are excluded, and patches. Their own dependencies for tests
    /// are never looked at.
    fn find_others(&mut self, root: &Manifest) -> Result<(), InputError> {
        let mut open: Vec<String> = root.patched_paths().iter().filter_map(|path| join("", path)).collect();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        open.extend(self.members.iter().cloned());
        while let Some(directory) = open.pop() {
            if !seen.insert(directory.clone()) {
                continue;
            }
            let Some(manifest) = self.load(&directory)? else { continue };
            let (own_root, base) = self.root_of(&directory, &manifest, root)?;
            let [normal, dev] = manifest.paths(&own_root);
            let dev = dev.into_iter().filter(|_| self.members.contains(&directory));
            for (path, relative_to) in normal.into_iter().chain(dev) {
                let from = if relative_to == PathBase::Workspace { &base } else { &directory };
                open.extend(join(from, &path));
            }
        }
        Ok(())
    }

    /// The workspace that a package inherits from, and its directory: that of the nearest `[workspace]` above for one that
    /// is no member.
    fn root_of(
        &mut self,
        directory: &str,
        manifest: &Manifest,
        root: &Manifest,
    ) -> Result<(Manifest, String), InputError> {
        if self.members.contains(directory) || manifest.inherits().is_empty() {
            return Ok((root.clone(), String::new()));
        }
        let mut at = directory.to_owned();
        loop {
            if let Some(found) = self.load(&at)?.filter(|found| found.workspace().is_some()) {
                return Ok((found, at));
            }
            if at.is_empty() {
                return Ok((root.clone(), at));
            }
            at = parent(&at).to_owned();
        }
    }

    fn sections(mut self) -> Result<BTreeMap<String, Section>, InputError> {
        let root = self.manifests.get("").cloned().unwrap_or_default();
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let all: Vec<(String, Manifest)> = self.manifests.clone().into_iter().collect();
        for (directory, manifest) in all {
            let file = within(&directory, "Cargo.toml");
            let (from, base) = self.root_of(&directory, &manifest, &root)?;
            for (table, key) in manifest.inherits() {
                let full = format!("workspace.{}.{key}", table.table());
                let Some(value) = from.workspace_value(table, &key) else {
                    return Err(InputError::NotInherited { file, key: full });
                };
                sections.entry(within(&base, "Cargo.toml")).or_default().insert(full, value);
            }
            let section = sections.entry(file).or_default();
            section.extend(manifest.section());
            if let Some(package) = manifest.package() {
                section.insert("(is a member)".to_owned(), self.members.contains(&directory).into());
                section.insert("(files)".to_owned(), files(self.tree, &directory, package).into());
            }
        }
        for file in [".cargo/config.toml", ".cargo/config"] {
            let Some(text) = read(self.tree, file)? else { continue };
            let section = config_section(&text).map_err(|error| invalid(file, &error))?;
            if !section.is_empty() {
                sections.insert(file.to_owned(), section);
            }
            break;
        }
        Ok(sections)
    }
}

/// Files of a package that count by being there: targets that cargo finds by itself (`src/cargo/util/toml/targets.rs`), a
/// readme that it finds, and what `extra-sources` names.
fn files(tree: &dyn Tree, directory: &str, package: &Map<String, Value>) -> Vec<String> {
    let is_file = |name: &str| tree.is_file(&within(directory, name));
    let mut files: Vec<String> =
        ["build.rs", "src/lib.rs", "src/main.rs"].into_iter().filter(|name| is_file(name)).map(str::to_owned).collect();
    for (name, is_directory) in tree.entries(&within(directory, "src/bin")) {
        if is_directory && is_file(&format!("src/bin/{name}/main.rs")) {
            files.push(format!("src/bin/{name}/main.rs"));
        } else if !is_directory && name.ends_with(".rs") && !name.starts_with('.') {
            files.push(format!("src/bin/{name}"));
        }
    }
    if !package.contains_key("readme") {
        files.extend(["README.md", "README.txt", "README"].into_iter().find(|name| is_file(name)).map(str::to_owned));
    }
    files.sort_unstable();
    files
}

/// `exclude` holds for everything below, unless `members` names it.
fn is_excluded(workspace: &Map<String, Value>, directory: &str) -> bool {
    let lists = |key: &str| {
        strings(workspace, key)
            .iter()
            .filter_map(|path| join("", path))
            .any(|path| directory == path || directory.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/')))
    };
    lists("exclude") && !lists("members")
}

/// Directories that a pattern of `members` stands for.
fn expand(tree: &dyn Tree, pattern: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if !part.contains(['*', '?', '[']) {
            found = found.iter().filter_map(|directory| join(directory, part)).collect();
            continue;
        }
        found = found.iter().flat_map(|directory| matches(tree, directory, part)).collect();
    }
    // Cargo takes a pattern that stands for nothing as it is, and says that there is no such directory.
    if found.is_empty() { join("", pattern).into_iter().collect() } else { found }
}

fn matches(tree: &dyn Tree, directory: &str, part: &str) -> Vec<String> {
    let directories = |directory: &str| {
        let entries = tree.entries(directory).into_iter().filter(|(_, is_directory)| *is_directory);
        let mut names: Vec<String> = entries.map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    };
    if part == "**" {
        let below = directories(directory).into_iter().flat_map(|name| matches(tree, &within(directory, &name), part));
        return std::iter::once(directory.to_owned()).chain(below).collect();
    }
    let Ok(pattern) = Pattern::new(part) else { return Vec::new() };
    let names = directories(directory).into_iter().filter(|name| pattern.matches_with(name, MatchOptions::default()));
    names.map(|name| within(directory, &name)).collect()
}

fn strings(table: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = table.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn read(tree: &dyn Tree, file: &str) -> Result<Option<String>, InputError> {
    let text = tree.read(file).map_err(|message| InputError::Unreadable { file: file.to_owned(), message })?;
    match text.as_deref().and_then(conflict_marker) {
        Some(line) => Err(InputError::Conflict { file: file.to_owned(), line }),
        None => Ok(text),
    }
}

fn invalid(file: &str, error: &toml::de::Error) -> InputError {
    InputError::InvalidToml { file: file.to_owned(), message: error.to_string() }
}
