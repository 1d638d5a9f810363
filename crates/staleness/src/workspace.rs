//! Which manifests a workspace has, found as cargo finds them, and which files are targets by their place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use cratewright_sources::digest::sha256;
use cratewright_sources::reads::PackageFiles;
use cratewright_sources::tree::{Tree, above, is_outside, join, parent, within};
use glob::{MatchOptions, Pattern};
use serde_json::{Map, Value};

use crate::inputs::{LOCK, Section};
use crate::manifest::{Config, Inherited, Manifest, PathBase, absolute_path};
use crate::stamp::conflict_marker;

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
    /// A list of paths in the root manifest holds something else, or a pattern that is none.
    #[error("`{key}` of `Cargo.toml` {message}")]
    InvalidList {
        /// The list.
        key: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The path of a package, of a target, or of another file that counts is absolute.
    #[error("`{key}` of `{from}` is absolute, and would lead elsewhere on another machine")]
    Absolute {
        /// Manifest that has it.
        from: String,
        /// Where in it.
        key: String,
    },
    /// A member is a workspace of its own.
    #[error("`{file}` is a member and has a `[workspace]` of its own")]
    NestedWorkspace {
        /// The member's manifest.
        file: String,
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

/// A package, and whether it says itself what it reads outside.
pub(crate) struct Package {
    pub(crate) files: PackageFiles,
    pub(crate) is_settled: bool,
}

/// Sections of all manifests and of `.cargo/config.toml`, by path, and the packages.
pub(crate) fn manifests(tree: &dyn Tree) -> Result<(BTreeMap<String, Section>, Vec<Package>), InputError> {
    let mut finder = Finder { tree, manifests: BTreeMap::new(), members: BTreeSet::new() };
    let root = finder.load("")?.ok_or(InputError::NoManifest)?;
    let configs = configs(tree)?;
    let patched = configs.values().flat_map(|config| &config.paths).cloned();
    finder.find_members(&root)?;
    finder.find_others(&root, patched.collect())?;
    let packages = finder.packages()?;
    let mut sections = finder.sections()?;
    for (from, section) in &sections {
        if let Some(key) = absolute_path(section) {
            return Err(InputError::Absolute { from: from.clone(), key });
        }
    }
    let configs = configs.into_iter().filter(|(_, config)| !config.section.is_empty());
    sections.extend(configs.map(|(file, config)| (file, config.section)));
    Ok((sections, packages))
}

/// Cargo's configuration in the root (of two names the older one counts), with what it includes.
fn configs(tree: &dyn Tree) -> Result<BTreeMap<String, Config>, InputError> {
    let mut configs = BTreeMap::new();
    let first = [".cargo/config", ".cargo/config.toml"].into_iter().find(|file| tree.is_file(file));
    let mut open: Vec<String> = first.map(str::to_owned).into_iter().collect();
    while let Some(file) = open.pop() {
        let Some(text) = read(tree, &file)?.filter(|_| !configs.contains_key(&file)) else { continue };
        let mut config = Config::parse(&text).map_err(|error| invalid(&file, &text, &error))?;
        // Paths are seen from the directory that holds `.cargo`.
        for (key, path) in &config.directories {
            let absolute = || InputError::Absolute { from: file.clone(), key: format!("{key} = \"{path}\"") };
            let directory = join(parent(parent(&file)), path).ok_or_else(absolute)?;
            if key.ends_with(".directory") {
                let digest = sha256(vendored(tree, &directory).as_bytes());
                config.section.insert(format!("(packages in {directory})"), digest[..16].into());
            }
        }
        for include in &config.include {
            let absolute = || InputError::Absolute { from: file.clone(), key: format!("include = \"{include}\"") };
            open.push(join(parent(&file), include).ok_or_else(absolute)?);
        }
        configs.insert(file, config);
    }
    Ok(configs)
}

/// What counts of the packages in a directory of `cargo vendor`: a line each. Their other files are what the list of
/// checksums says, or cargo refuses them.
fn vendored(tree: &dyn Tree, directory: &str) -> String {
    let mut names: Vec<String> = tree.entries(directory).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let package = |name: &String| {
        let file = |file: &str| within(&within(directory, name), file);
        let manifest = tree.read(&file("Cargo.toml")).ok()??;
        let checksums = tree.read(&file(".cargo-checksum.json")).ok()?.unwrap_or_default();
        let has = |name: &'static str| if tree.is_file(&file(name)) { name } else { "-" };
        let digests = [manifest, checksums].map(|text| sha256(text.as_bytes())).join(" ");
        Some(format!("{name} {digests} {} {}\n", has("build.rs"), has("src/lib.rs")))
    };
    names.iter().filter_map(package).collect()
}

struct Finder<'a> {
    tree: &'a dyn Tree,
    /// By directory.
    manifests: BTreeMap<String, Rc<Manifest>>,
    /// Directories of members.
    members: BTreeSet<String>,
}

impl Finder<'_> {
    fn load(&mut self, directory: &str) -> Result<Option<Rc<Manifest>>, InputError> {
        if let Some(manifest) = self.manifests.get(directory) {
            return Ok(Some(manifest.clone()));
        }
        let file = within(directory, "Cargo.toml");
        let Some(text) = read(self.tree, &file)? else { return Ok(None) };
        let manifest = Rc::new(Manifest::parse(&text).map_err(|error| invalid(&file, &text, &error))?);
        if manifest.package().is_none() && manifest.workspace().is_none() {
            return Err(InputError::Empty { file });
        }
        self.manifests.insert(directory.to_owned(), manifest.clone());
        Ok(Some(manifest))
    }

    /// Cargo's `find_path_deps` (`src/cargo/core/workspace.rs`): what `members` says, and what those depend on by path.
    fn find_members(&mut self, root: &Manifest) -> Result<(), InputError> {
        let Some(workspace) = root.workspace() else {
            self.members.insert(String::new());
            return Ok(());
        };
        for (name, key) in [("members", MEMBERS), ("exclude", "workspace.exclude")] {
            let list = workspace.get(name);
            if list.is_some_and(|list| list.as_array().is_none_or(|items| !items.iter().all(Value::is_string))) {
                return Err(InputError::InvalidList { key, message: "is no list of paths".to_owned() });
            }
        }
        let (members, exclude) = (strings(workspace, "members"), strings(workspace, "exclude"));
        // Any root will do: what is compared lies below it.
        let root_path = Path::new("/");
        let is_excluded = |directory: &str| {
            !is_outside(directory) && is_excluded(root_path, &root_path.join(directory), &exclude, &members)
        };
        let mut open: Vec<(String, String, String)> = Vec::new();
        for pattern in &members {
            let (from, key) = ("Cargo.toml".to_owned(), format!("{MEMBERS} = \"{pattern}\""));
            let directories = expand(self.tree, pattern)?;
            let directories = directories.ok_or(InputError::Absolute { from: from.clone(), key: key.clone() })?;
            open.extend(directories.into_iter().map(|directory| (directory, from.clone(), key.clone())));
        }
        if root.package().is_some() {
            open.push((String::new(), "Cargo.toml".to_owned(), "package".to_owned()));
        }
        while let Some((directory, from, key)) = open.pop() {
            if self.members.contains(&directory) || is_excluded(&directory) {
                continue;
            }
            let file = within(&directory, "Cargo.toml");
            let Some(manifest) = self.load(&directory)? else {
                return Err(InputError::MissingManifest { file, from, key });
            };
            if manifest.workspace().is_some() && !directory.is_empty() {
                return Err(InputError::NestedWorkspace { file });
            }
            if manifest.package().is_none() {
                continue;
            }
            self.members.insert(directory.clone());
            let [normal, dev] = manifest.paths(root);
            for (path, base) in normal.into_iter().chain(dev) {
                let base = if base == PathBase::Workspace { "" } else { &directory };
                let key = format!("path = \"{path}\"");
                let Some(to) = join(base, &path) else { return Err(InputError::Absolute { from: file, key }) };
                // One outside of the root is no member, unless it says so itself.
                let says_so = |manifest: Rc<Manifest>| {
                    manifest.workspace_pointer().and_then(|path| join(&to, path)).is_some_and(|at| at.is_empty())
                };
                if !is_outside(&to) || self.load(&to)?.is_none_or(says_so) {
                    open.push((to, file.clone(), key));
                }
            }
        }
        Ok(())
    }

    /// Packages that are no members: path dependencies that are excluded, and patches. Their own dependencies for tests
    /// are never looked at.
    fn find_others(&mut self, root: &Rc<Manifest>, patched: Vec<String>) -> Result<(), InputError> {
        let absolute = |directory: &str, path: &str| InputError::Absolute {
            from: within(directory, "Cargo.toml"),
            key: format!("path = \"{path}\""),
        };
        let patched = root.patched_paths().into_iter().chain(patched);
        let patched = patched.map(|path| join("", &path).ok_or_else(|| absolute("", &path)));
        let mut open: Vec<String> = patched.collect::<Result<_, _>>()?;
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
                open.push(join(from, &path).ok_or_else(|| absolute(&directory, &path))?);
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
        root: &Rc<Manifest>,
    ) -> Result<(Rc<Manifest>, String), InputError> {
        if self.members.contains(directory) || manifest.inherits().is_empty() {
            return Ok((root.clone(), String::new()));
        }
        if let Some(at) = manifest.workspace_pointer().and_then(|path| join(directory, path)) {
            let found = self.load(&at)?.unwrap_or_else(|| root.clone());
            return Ok((found, at));
        }
        let mut at = directory.to_owned();
        loop {
            if let Some(found) = self.load(&at)?.filter(|found| found.has_below(&at, directory)) {
                return Ok((found, at));
            }
            match above(&at) {
                Some(above) => at = above,
                None => return Ok((root.clone(), String::new())),
            }
        }
    }

    /// What there is to look through for files outside of the packages.
    fn packages(&mut self) -> Result<Vec<Package>, InputError> {
        let root = self.manifests.get("").cloned().unwrap_or_default();
        let all: Vec<(String, Rc<Manifest>)> =
            self.manifests.iter().map(|(directory, manifest)| (directory.clone(), manifest.clone())).collect();
        let all: Vec<_> = all.into_iter().filter(|(_, manifest)| manifest.package().is_some()).collect();
        let mut packages = Vec::with_capacity(all.len());
        for (directory, manifest) in &all {
            let is_below = |other: &String| match directory.as_str() {
                "" => !other.is_empty() && !is_outside(other),
                directory => other.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')),
            };
            let mut apart: Vec<String> = all.iter().map(|(other, _)| other.clone()).filter(is_below).collect();
            if directory.is_empty() {
                apart.extend([LOCK, "target"].map(str::to_owned));
            }
            let mut documents = Vec::new();
            for (key, variable) in [("readme", "CARGO_PKG_README"), ("license-file", "CARGO_PKG_LICENSE_FILE")] {
                let path = match manifest.package().and_then(|package| package.get(key)) {
                    Some(Value::String(path)) => join(directory, path),
                    Some(Value::Object(_)) => {
                        let (from, base) = self.root_of(directory, manifest, &root)?;
                        let value = from.workspace_value(Inherited::Package, key);
                        value.and_then(|value| join(&base, value.as_str()?))
                    }
                    _ => None,
                };
                let is_own = |path: &String| directory.is_empty() || path.starts_with(&format!("{directory}/"));
                documents.extend(path.filter(|path| !is_own(path)).map(|path| (variable, path)));
            }
            let file = |path: &str| join(directory, path);
            let build_script = manifest.build_script().and_then(file).filter(|path| self.tree.is_file(path));
            let roots = manifest.target_paths().filter_map(file).filter(|path| self.tree.is_file(path)).collect();
            let files = PackageFiles { directory: directory.clone(), roots, build_script, apart, documents };
            packages.push(Package { files, is_settled: manifest.extra_sources().is_some() });
        }
        Ok(packages)
    }

    fn sections(mut self) -> Result<BTreeMap<String, Section>, InputError> {
        let root = self.manifests.get("").cloned().unwrap_or_default();
        let mut sections: BTreeMap<String, Section> = BTreeMap::new();
        let all: Vec<(String, Rc<Manifest>)> = self.manifests.clone().into_iter().collect();
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
                let is_member = self.members.contains(&directory);
                section.insert("(is a member)".to_owned(), is_member.into());
                section
                    .insert("(files)".to_owned(), files(self.tree, &directory, &manifest, package, is_member).into());
            }
        }
        Ok(sections)
    }
}

/// Files of a package that count by being there: targets that cargo finds by itself (`src/cargo/util/toml/targets.rs`), a
/// readme that it finds, and what `extra-sources` names.
fn files(
    tree: &dyn Tree,
    directory: &str,
    manifest: &Manifest,
    package: &Map<String, Value>,
    is_member: bool,
) -> Vec<String> {
    let is_file = |name: &str| tree.is_file(&within(directory, name));
    let mut files: Vec<String> =
        ["build.rs", "src/lib.rs", "src/main.rs"].into_iter().filter(|name| is_file(name)).map(str::to_owned).collect();
    // Tests and the like are for members alone.
    for place in ["src/bin", "tests", "examples", "benches"].into_iter().take(if is_member { 4 } else { 1 }) {
        for (name, is_directory) in tree.entries(&within(directory, place)) {
            if is_directory && is_file(&format!("{place}/{name}/main.rs")) {
                files.push(format!("{place}/{name}/main.rs"));
            } else if !is_directory && name.ends_with(".rs") && !name.starts_with('.') {
                files.push(format!("{place}/{name}"));
            }
        }
    }
    if !package.contains_key("readme") {
        files.extend(["README.md", "README.txt", "README"].into_iter().find(|name| is_file(name)).map(str::to_owned));
    }
    if manifest.is_of_first_edition() {
        let sources = tree.entries(&within(directory, "src")).into_iter();
        let sources = sources.filter(|(name, is_directory)| !is_directory && name.ends_with(".rs"));
        files.extend(sources.map(|(name, _)| format!("src/{name}")));
    }
    let exists = |path: &String| {
        let Some(path) = join(directory, path) else { return false };
        tree.is_file(&path) || !tree.entries(&path).is_empty()
    };
    files.extend(manifest.extra_sources().into_iter().flatten().filter(exists));
    files.sort_unstable();
    files.dedup();
    files
}

const MEMBERS: &str = "workspace.members";

/// Whether a package below the root is no member because of `exclude`, which holds for everything below its paths unless
/// `members` names it.
///
/// As cargo's `WorkspaceRootConfig::is_excluded` (`src/cargo/core/workspace.rs`), it compares paths as they are written:
/// one with `..` stands for nothing, and `.` for everything.
pub fn is_excluded(root: &Path, directory: &Path, exclude: &[String], members: &[String]) -> bool {
    let lists = |paths: &[String]| paths.iter().any(|path| directory.starts_with(root.join(path)));
    lists(exclude) && !lists(members)
}

/// Directories that a pattern of `members` stands for; nothing if it is absolute.
fn expand(tree: &dyn Tree, pattern: &str) -> Result<Option<Vec<String>>, InputError> {
    if pattern.starts_with('/') {
        return Ok(None);
    }
    let mut found = vec![String::new()];
    let mut is_glob = false;
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if !part.contains(['*', '?', '[']) {
            let joined: Option<Vec<String>> = found.iter().map(|directory| join(directory, part)).collect();
            let Some(joined) = joined else { return Ok(None) };
            // What a pattern stands for exists, what is spelled out need not.
            let exists = |directory: &String| !is_glob || !tree.entries(directory).is_empty();
            found = joined.into_iter().filter(exists).collect();
            continue;
        }
        is_glob = true;
        let name = Pattern::new(part).map_err(|error| InputError::InvalidList {
            key: MEMBERS,
            message: format!("has a pattern that is none, `{pattern}`: {error}"),
        })?;
        found = found.iter().flat_map(|directory| matches(tree, directory, part, &name)).collect();
    }
    // Cargo takes a pattern that stands for nothing as it is, and says that there is no such directory.
    if found.is_empty() {
        found.extend(join("", pattern));
    }
    Ok(Some(found))
}

fn matches(tree: &dyn Tree, directory: &str, part: &str, pattern: &Pattern) -> Vec<String> {
    let directories = |directory: &str| {
        let entries = tree.entries(directory).into_iter().filter(|(_, is_directory)| *is_directory);
        let mut names: Vec<String> = entries.map(|(name, _)| name).collect();
        names.sort_unstable();
        names
    };
    if part == "**" {
        let below =
            directories(directory).into_iter().flat_map(|name| matches(tree, &within(directory, &name), part, pattern));
        return std::iter::once(directory.to_owned()).chain(below).collect();
    }
    let names = directories(directory).into_iter().filter(|name| pattern.matches_with(name, MatchOptions::default()));
    names.map(|name| within(directory, &name)).collect()
}

pub(crate) fn strings(table: &Map<String, Value>, key: &str) -> Vec<String> {
    let items = table.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn read(tree: &dyn Tree, file: &str) -> Result<Option<String>, InputError> {
    tree.read(file).map_err(|message| InputError::Unreadable { file: file.to_owned(), message })
}

fn invalid(file: &str, text: &str, error: &toml::de::Error) -> InputError {
    let file = file.to_owned();
    match conflict_marker(text) {
        Some(line) => InputError::Conflict { file, line },
        None => InputError::InvalidToml { file, message: error.to_string() },
    }
}
