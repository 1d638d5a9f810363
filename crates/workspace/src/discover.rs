//! The packages of a workspace, found as cargo finds them.

use std::collections::{BTreeMap, BTreeSet};

use cargo_util_schemas::manifest::TomlProfile;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::files::Files;
use cratewright_sources::path::WsPath;
use cratewright_staleness::Observer;
use serde::Deserialize;

use crate::config::CargoConfig;
use crate::manifest::{Manifest, ResolverBehavior, absolute_path};
use crate::settings::{Placed, Settings, extra_sources};

/// A workspace on disk. It is the only reader of manifests, cargo's configuration and cratewright's settings.
#[derive(Debug, Clone)]
pub struct Workspace {
    manifest: Manifest,
    /// Members and path dependencies, by directory.
    pub packages: BTreeMap<WsPath, LocalPackage>,
    /// Cargo's configuration in the workspace root.
    pub config: CargoConfig,
    /// `[workspace.metadata.cratewright]`
    pub settings: Settings,
}

/// A package in a directory, a member or a path dependency.
#[derive(Debug, Clone)]
pub struct LocalPackage {
    /// Whether it is a member.
    pub is_member: bool,
    /// Its manifest.
    pub manifest: Manifest,
    /// Paths that its manifest declares as `extra-sources`, relative to the workspace root.
    pub extra_sources: Vec<WsPath>,
}

impl Workspace {
    /// Finds everything that belongs to the workspace whose root manifest is at the observer's root.
    ///
    /// Errors that cargo reports itself, such as a member without a manifest or an inherited key that is not defined,
    /// are left to cargo.
    ///
    /// # Errors
    /// If a file cannot be read, a path is absolute or behind a link, or an extra source does not exist.
    pub fn discover(observer: &Observer<'_>) -> Result<Self, Diagnostic> {
        let mut finder = Finder { observer, manifests: BTreeMap::new(), members: BTreeSet::new() };
        let root = finder.load(&WsPath::ROOT)?.ok_or_else(|| {
            Diagnostic::new("no-manifest", "`Cargo.toml` does not exist")
                .at("Cargo.toml")
                .help("run the command inside a Cargo workspace, or pass `--manifest-path path/to/Cargo.toml`")
        })?;
        let settings = match observer.manifest(&WsPath::ROOT)? {
            Some(read) => Settings::parse(&read)?,
            None => Settings::default(),
        };
        let config = CargoConfig::read(observer)?;
        finder.find_members(&root)?;
        finder.find_others(&root, config.package_directories()?)?;
        let mut packages = BTreeMap::new();
        for (directory, manifest) in finder.manifests {
            manifest.check_relative()?;
            if manifest.package().is_none() {
                continue;
            }
            let is_member = finder.members.contains(&directory);
            observer.package_files(&directory, is_member, manifest.edition());
            let read = observer.manifest(&directory)?;
            let extra_sources = read.as_deref().map(extra_sources).transpose()?.unwrap_or_default();
            if let Some(Placed { value, position }) = extra_sources.iter().find(|path| !observer.exists(&path.value)) {
                let file = directory.child("Cargo.toml");
                let message = format!("extra source `{value}` of `{file}` does not exist");
                let help = "create it, or correct `package.metadata.cratewright.extra-sources`";
                let missing = Diagnostic::new("missing-extra-source", message).at(file.as_str()).help(help);
                return Err(missing.position(Some(*position)));
            }
            let extra_sources = extra_sources.into_iter().map(|path| path.value).collect();
            observer.check_straight(&directory)?;
            packages.insert(directory, LocalPackage { is_member, manifest, extra_sources });
        }
        Ok(Workspace { manifest: root, packages, config, settings })
    }

    /// The rules of feature resolution: the key, else the default of the root package's edition, else version 1
    /// (virtual workspaces). Source: <https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions>.
    ///
    /// # Errors
    /// If the key has a value that cargo does not know.
    pub fn resolver(&self, root_edition: Option<&str>) -> Result<ResolverBehavior, Diagnostic> {
        Ok(self.manifest.resolver()?.unwrap_or(match root_edition {
            None | Some("2015" | "2018") => ResolverBehavior::V1,
            Some(_) => ResolverBehavior::V2,
        }))
    }

    /// The profiles of the root manifest merged with those of cargo's configuration, which take precedence: cargo's
    /// `merge_config_profiles` (`src/cargo/core/profiles.rs`).
    ///
    /// # Errors
    /// If cargo could not read a profile of the configuration.
    pub fn profiles(&self) -> Result<BTreeMap<String, TomlProfile>, Diagnostic> {
        let mut profiles = self.manifest.profiles();
        for (name, table) in self.config.profiles() {
            let table = TomlProfile::deserialize(table).map_err(|error| {
                Diagnostic::new("invalid-profile", format!("profile `{name}` of cargo's configuration: {error}"))
                    .at(self.config.file())
                    .help("correct `[profile]`; run `cargo build` for details")
            })?;
            profiles.entry(name.clone()).or_default().merge(&table);
        }
        Ok(profiles)
    }

    /// The flags of `[workspace.lints]` for rustc.
    pub fn lints(&self) -> Vec<String> {
        self.manifest.workspace_lints()
    }
}

struct Finder<'a> {
    observer: &'a Observer<'a>,
    /// Manifests by directory.
    manifests: BTreeMap<WsPath, Manifest>,
    /// Directories of members.
    members: BTreeSet<WsPath>,
}

impl Finder<'_> {
    fn load(&mut self, directory: &WsPath) -> Result<Option<Manifest>, Diagnostic> {
        if let Some(manifest) = self.manifests.get(directory) {
            return Ok(Some(manifest.clone()));
        }
        let Some(read) = self.observer.manifest(directory)? else { return Ok(None) };
        let manifest = Manifest::parse(&read)?;
        self.manifests.insert(directory.clone(), manifest.clone());
        Ok(Some(manifest))
    }

    /// Finds members as cargo's `find_path_deps` (`src/cargo/core/workspace.rs`): the entries of `members`, and their
    /// path dependencies.
    fn find_members(&mut self, root: &Manifest) -> Result<(), Diagnostic> {
        let Some(workspace) = root.workspace() else {
            self.members.insert(WsPath::ROOT);
            return Ok(());
        };
        let file = WsPath::ROOT.child("Cargo.toml");
        let mut open: Vec<WsPath> = Vec::new();
        let excluded = workspace.exclude.iter().flatten().filter_map(|path| WsPath::new(path));
        let excluded = excluded.filter(|path| !path.is_outside() && !root.has_below(&WsPath::ROOT, path));
        let excluded: Vec<WsPath> = excluded.collect();
        for pattern in workspace.members.iter().flatten() {
            open.extend(self.expand(&file, pattern, &excluded)?);
        }
        if root.package().is_some() {
            open.push(WsPath::ROOT);
        }
        while let Some(directory) = open.pop() {
            let is_excluded = !directory.is_outside() && !root.has_below(&WsPath::ROOT, &directory);
            if self.members.contains(&directory) || is_excluded {
                continue;
            }
            let Some(manifest) = self.load(&directory)?.filter(|manifest| manifest.package().is_some()) else {
                continue;
            };
            self.members.insert(directory.clone());
            for dependency in manifest.path_dependencies(root) {
                let base = if dependency.is_inherited { &WsPath::ROOT } else { &directory };
                let to = join(base, &dependency.path, &directory.child("Cargo.toml"))?;
                // A directory outside of the root is a member only if its `package.workspace` points to the root.
                let says_so = |manifest: Manifest| {
                    manifest.workspace_pointer().and_then(|path| to.join(path)).is_some_and(|at| at.is_root())
                };
                if !to.is_outside() || self.load(&to)?.is_some_and(says_so) {
                    open.push(to);
                }
            }
        }
        Ok(())
    }

    /// Finds packages that are not members: excluded path dependencies and patches. Their dev-dependencies are never
    /// needed.
    fn find_others(&mut self, root: &Manifest, configured: Vec<WsPath>) -> Result<(), Diagnostic> {
        let file = WsPath::ROOT.child("Cargo.toml");
        let patched = root.patched_paths();
        let patched = patched.iter().map(|path| join(&WsPath::ROOT, path, &file));
        let mut open: Vec<WsPath> = patched.collect::<Result<_, _>>()?;
        open.extend(configured);
        let mut seen: BTreeSet<WsPath> = BTreeSet::new();
        let mut inherited: BTreeMap<WsPath, BTreeSet<String>> = BTreeMap::new();
        open.extend(self.members.iter().cloned());
        while let Some(directory) = open.pop() {
            if !seen.insert(directory.clone()) {
                continue;
            }
            let Some(manifest) = self.load(&directory)? else { continue };
            let (own_root, base) = self.root_of(&directory, &manifest, root)?;
            inherited.entry(base.clone()).or_default().extend(manifest.inherited().iter().cloned());
            let is_member = self.members.contains(&directory);
            for dependency in manifest.path_dependencies(&own_root) {
                if is_member || !dependency.is_dev {
                    let from = if dependency.is_inherited { &base } else { &directory };
                    open.push(join(from, &dependency.path, &directory.child("Cargo.toml"))?);
                }
            }
        }
        for (base, keys) in inherited {
            if let Some(read) = self.observer.manifest(&base)? {
                self.observer.inherited(&read, &keys);
            }
        }
        Ok(())
    }

    /// The workspace that a package inherits from, with its directory. For a package that is not a member it is the
    /// nearest `[workspace]` above.
    fn root_of(
        &mut self,
        directory: &WsPath,
        manifest: &Manifest,
        root: &Manifest,
    ) -> Result<(Manifest, WsPath), Diagnostic> {
        if self.members.contains(directory) || manifest.inherited().is_empty() {
            return Ok((root.clone(), WsPath::ROOT));
        }
        if let Some(at) = manifest.workspace_pointer().and_then(|path| directory.join(path)) {
            let found = self.load(&at)?.unwrap_or_else(|| root.clone());
            return Ok((found, at));
        }
        let above = std::iter::successors(Some(directory.clone()), WsPath::above);
        for at in above {
            if let Some(found) = self.load(&at)?.filter(|found| found.has_below(&at, directory)) {
                return Ok((found, at));
            }
        }
        Ok((root.clone(), WsPath::ROOT))
    }

    /// Directories that match a pattern of `members`.
    fn expand(&self, file: &WsPath, pattern: &str, excluded: &[WsPath]) -> Result<Vec<WsPath>, Diagnostic> {
        let key = format!("workspace.members = \"{pattern}\"");
        if pattern.starts_with('/') {
            return Err(absolute_path(file, &key));
        }
        let mut found = vec![WsPath::ROOT];
        let mut is_glob = false;
        for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
            if !part.contains(['*', '?', '[']) {
                // A match of a wildcard must exist; a literal path need not, so that cargo reports it.
                let joined = found.iter().filter_map(|directory| directory.join(part));
                found = joined.filter(|directory| !is_glob || self.observer.exists(directory)).collect();
                continue;
            }
            is_glob = true;
            let mut matched = Vec::new();
            for directory in &found {
                let directories = self.matching(directory, part, excluded).map_err(|message| {
                    Diagnostic::new("invalid-manifest", format!("`{key}` is an invalid pattern: {message}"))
                        .at(file.as_str())
                        .help("correct the pattern; `cargo check` refuses it as well")
                })?;
                matched.extend(directories);
            }
            found = matched;
        }
        Ok(found)
    }

    fn matching(&self, directory: &WsPath, part: &str, excluded: &[WsPath]) -> Result<Vec<WsPath>, String> {
        if part != "**" {
            return self.observer.directories(directory, part, excluded);
        }
        let mut found = vec![directory.clone()];
        for below in self.observer.directories(directory, "*", excluded)? {
            found.extend(self.matching(&below, part, excluded)?);
        }
        Ok(found)
    }
}

/// Joins `path`, which is written in `file`, to `directory`.
fn join(directory: &WsPath, path: &str, file: &WsPath) -> Result<WsPath, Diagnostic> {
    directory.join(path).ok_or_else(|| absolute_path(file, &format!("path = \"{path}\"")))
}

/// The workspace root that cargo finds for the package in `directory`: `find_root` of `src/cargo/core/workspace.rs`.
/// Both paths are relative to the root of `files`, which is the root of the file system.
///
/// It is the package itself if it has `[workspace]`, else the directory in `package.workspace`, else the nearest
/// `[workspace]` above that does not exclude the package, else the package itself.
///
/// # Errors
/// If a manifest on the way cannot be read.
pub fn find_root(files: &dyn Files, directory: &WsPath) -> Result<WsPath, Diagnostic> {
    let observer = Observer::new(files);
    for at in std::iter::successors(Some(directory.clone()), WsPath::above) {
        let Some(read) = observer.manifest(&at)? else { continue };
        let manifest = Manifest::parse(&read)?;
        if manifest.workspace().is_some() && (at == *directory || manifest.has_below(&at, directory)) {
            return Ok(at);
        }
        if let Some(root) = manifest.workspace_pointer().and_then(|path| at.join(path)) {
            return Ok(root);
        }
    }
    Ok(directory.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, root_edition: Option<&str>, expected: Result<ResolverBehavior, &str>) {
        let files = BTreeMap::from([("Cargo.toml".to_owned(), text.to_owned())]);
        let workspace = Workspace::discover(&Observer::new(&files)).unwrap();
        assert_eq!(workspace.resolver(root_edition).map_err(|error| error.code), expected);
    }

    #[test]
    fn resolver_is_the_key_or_follows_the_edition_or_is_1() {
        check("[workspace]\nresolver = '2'", None, Ok(ResolverBehavior::V2));
        check("[workspace]\nresolver = '3'", Some("2015"), Ok(ResolverBehavior::V2));
        check("[package]\nname = 'a'\nresolver = '1'", Some("2024"), Ok(ResolverBehavior::V1));
        check("[package]\nname = 'a'", Some("2018"), Ok(ResolverBehavior::V1));
        check("[package]\nname = 'a'", Some("2021"), Ok(ResolverBehavior::V2));
        check("[workspace]\nmembers = []", None, Ok(ResolverBehavior::V1));
        check("[workspace]\nresolver = '9'", None, Err("unknown-resolver"));
    }
}
