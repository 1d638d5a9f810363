//! Reads the workspace for `generate`, and keeps each question with its answer.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::digest::sha256;
use cratewright_sources::files::{Files, Kind};
use cratewright_sources::path::WsPath;
use glob::Pattern;
use serde_json::{Map, Value};

use crate::change::LOCK;
use crate::lock::Lock;
use crate::section::{DIRECTORIES, PATHS, Section};
use crate::view::{self, View};

/// A TOML file with its contents.
#[derive(Debug)]
pub struct TomlFile {
    /// The path.
    pub file: WsPath,
    /// The text.
    pub text: String,
    /// The parsed contents.
    pub table: Map<String, Value>,
}

/// Answers questions about the workspace from its files and keeps each question with its answer for a
/// [`Record`](crate::Record).
///
/// Everything that decides which manifests belong to the workspace is asked here and nowhere else, so equal answers
/// give the same result.
pub struct Observer<'a> {
    files: &'a dyn Files,
    log: RefCell<BTreeMap<String, Section>>,
    /// Files that were read, each of them once.
    read: RefCell<HashMap<WsPath, Option<Rc<TomlFile>>>>,
    lock: RefCell<Option<String>>,
}

/// Recorded instead of an answer for directories that may or may not exist.
const EXCLUDED: &str = "excluded";

/// Question for the files of a member whose existence matters.
pub(crate) const FILES: &str = "(files)";

/// Question for the files of a package that is not a member.
const FILES_OF_DEPENDENCY: &str = "(files of a dependency)";

/// Question for additional files of a package of edition 2015.
const FILES_OF_FIRST_EDITION: &str = "(files of edition 2015)";

/// Question for the packages in a directory of `cargo vendor`, which is put between the two parts.
const PACKAGES: [&str; 2] = ["(packages in ", ")"];

impl<'a> Observer<'a> {
    /// An observer without questions.
    pub fn new(files: &'a dyn Files) -> Self {
        Observer { files, log: RefCell::default(), read: RefCell::default(), lock: RefCell::default() }
    }

    /// The manifest in a directory, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, is not valid TOML, or is behind a symbolic link.
    pub fn manifest(&self, directory: &WsPath) -> Result<Option<Rc<TomlFile>>, Diagnostic> {
        let file = directory.child("Cargo.toml");
        let found = self.toml(&file, View::Manifest, |_| false)?;
        match &found {
            Some(_) => check_no_link(self.files, directory)?,
            None => drop(self.answer(PATHS, &file, false)),
        }
        Ok(found)
    }

    /// A file of cargo's configuration, if it exists. A missing file counts as an empty one.
    ///
    /// # Errors
    /// If it cannot be read or is not valid TOML.
    pub fn config(&self, file: &WsPath) -> Result<Option<Rc<TomlFile>>, Diagnostic> {
        self.toml(file, View::Config, |_| false)
    }

    /// Records keys of a manifest that packages inherit, such as `workspace.package.version`.
    pub fn inherited(&self, manifest: &TomlFile, keys: &BTreeSet<String>) {
        let section = view::section(View::Manifest, &manifest.table, |key| keys.contains(key));
        self.section(&manifest.file, |all| all.extend(section));
    }

    fn toml(
        &self,
        file: &WsPath,
        view: View,
        is_inherited: impl Fn(&str) -> bool,
    ) -> Result<Option<Rc<TomlFile>>, Diagnostic> {
        if let Some(read) = self.read.borrow().get(file) {
            return Ok(read.clone());
        }
        let read = match text(self.files, file)? {
            None => None,
            Some(text) => {
                let table = toml::from_str(&text);
                let table = table.map_err(|error: toml::de::Error| {
                    Diagnostic::toml("invalid-toml", "valid TOML", file, &text, error.message(), error.span())
                })?;
                Some(Rc::new(TomlFile { file: file.clone(), text, table }))
            }
        };
        let section = read.as_ref().map(|read| view::section(view, &read.table, is_inherited));
        if section.is_some() || view == View::Config {
            self.section(file, |all| all.extend(section.unwrap_or_default()));
        }
        self.read.borrow_mut().insert(file.clone(), read.clone());
        Ok(read)
    }

    /// Reads `Cargo.lock`, if there is one, without parsing it.
    ///
    /// # Errors
    /// If it exists and cannot be read.
    pub fn read_lock(&self) -> Result<(), Diagnostic> {
        *self.lock.borrow_mut() = text(self.files, &WsPath::ROOT.child(LOCK))?;
        Ok(())
    }

    /// The parsed `Cargo.lock`, as it was when it was first read.
    ///
    /// # Errors
    /// If it does not exist or is not a valid lock file.
    pub fn lock(&self) -> Result<Lock, Diagnostic> {
        match &*self.lock.borrow() {
            Some(text) => Lock::parse(text),
            None => lock_of(self.files),
        }
    }

    /// Whether a path exists.
    pub fn exists(&self, path: &WsPath) -> bool {
        self.answer(PATHS, path, self.files.kind(path).is_some())
    }

    /// Checks that a path above the root does not return below it by a directory's name, which may differ on another
    /// machine.
    ///
    /// # Errors
    /// If it does.
    pub fn check_straight(&self, directory: &WsPath) -> Result<(), Diagnostic> {
        let straight = if directory.is_outside() { self.files.straight(directory) } else { None };
        let Some(straight) = straight.filter(|straight| straight != directory) else { return Ok(()) };
        let message = format!("a path leads to package `{straight}` by way of `{directory}`");
        Err(Diagnostic::new("roundabout-path", message).help(
            "in the manifest that has the path, write the shortest one: the other depends on names of directories above the workspace",
        ))
    }

    /// Directories in `directory` whose names match a pattern; a link counts if it leads to a package. For `excluded`
    /// paths, such as build outputs, it is not recorded whether they exist.
    ///
    /// # Errors
    /// The parser's message, if the pattern is invalid.
    pub fn directories(&self, directory: &WsPath, pattern: &str, excluded: &[WsPath]) -> Result<Vec<WsPath>, String> {
        let name = Pattern::new(pattern).map_err(|error| error.to_string())?;
        let is_package = |path: &WsPath| self.files.kind(&path.child("Cargo.toml")).is_some();
        let excluded = excluded.iter().filter(|path| path.parent() == *directory && name.matches(path.name()));
        let excluded: BTreeMap<String, Value> = excluded.map(|path| (path.to_string(), EXCLUDED.into())).collect();
        let names = self.files.names(directory).into_iter().filter(|(found, _)| name.matches(found));
        let found = names.map(|(name, kind)| (directory.child(&name), kind));
        let found = found.filter(|(path, kind)| *kind == Kind::Directory || *kind == Kind::Link && is_package(path));
        let found = found.map(|(path, _)| path).filter(|path| !excluded.contains_key(path.as_str()));
        let mut found: Vec<WsPath> = found.collect();
        found.sort_unstable();
        let list = found.iter().map(|path| (path.to_string(), true.into()));
        let pattern = directory.child(pattern);
        let mut log = self.log.borrow_mut();
        log.entry(format!("{DIRECTORIES}{pattern}")).or_default().extend(list.chain(excluded));
        Ok(found)
    }

    /// Records the files of a package whose existence matters.
    pub fn package_files(&self, package: &WsPath, is_member: bool, edition: Option<&str>) {
        self.files_of(package, if is_member { FILES } else { FILES_OF_DEPENDENCY });
        if edition.is_none_or(|edition| edition == "2015") {
            self.files_of(package, FILES_OF_FIRST_EDITION);
        }
    }

    fn files_of(&self, package: &WsPath, question: &str) {
        let found = matching(self.files, package, view::file_patterns(question).unwrap_or_default());
        self.section(&package.child("Cargo.toml"), |section| drop(section.insert(question.to_owned(), found.into())));
    }

    /// Records the packages in a directory of `cargo vendor` that is set in `config`.
    pub fn vendored(&self, config: &WsPath, directory: &WsPath) {
        let digest = sha256(vendored(self.files, directory).as_bytes());
        let key = PACKAGES.join(directory);
        self.section(config, |section| drop(section.insert(key, digest[..16].into())));
    }

    /// The questions with their answers.
    pub(crate) fn into_sections(self) -> BTreeMap<String, Section> {
        self.log.into_inner()
    }

    fn section(&self, file: &WsPath, change: impl FnOnce(&mut Section)) {
        change(self.log.borrow_mut().entry(file.to_string()).or_default());
    }

    fn answer(&self, section: &str, question: &str, answer: bool) -> bool {
        self.log.borrow_mut().entry(section.to_owned()).or_default().insert(question.to_owned(), answer.into());
        answer
    }

    /// Asks the questions of a recorded section again. A file that no longer exists gets no section. With `is_of_read`,
    /// files that have not changed since they were read keep their recorded answers.
    pub(crate) fn ask_again(&self, name: &str, recorded: &Section, is_of_read: bool) -> Result<(), Diagnostic> {
        if name == PATHS {
            for path in recorded.keys().filter_map(|path| WsPath::new(path)) {
                self.exists(&path);
            }
        } else if let Some(pattern) = name.strip_prefix(DIRECTORIES).and_then(WsPath::new) {
            let excluded = recorded.iter().filter(|(_, answer)| **answer == EXCLUDED);
            let excluded: Vec<WsPath> = excluded.filter_map(|(path, _)| WsPath::new(path)).collect();
            let asked = self.directories(&pattern.parent(), pattern.name(), &excluded);
            asked.map_err(|message| Diagnostic::new("invalid-pattern", message).at("Cargo.nix"))?;
        } else if let Some(file) = WsPath::new(name) {
            let is_manifest = file.name() == "Cargo.toml";
            let package = file.parent();
            let view = if is_manifest { View::Manifest } else { View::Config };
            if is_of_read && self.files.is_as_read(&file) {
                let said = recorded.iter().filter(|(key, _)| !key.starts_with('('));
                self.section(&file, |all| all.extend(said.map(|(key, value)| (key.clone(), value.clone()))));
            } else if self.toml(&file, view, |key| recorded.contains_key(key))?.is_none() {
                return Ok(());
            }
            if is_manifest {
                check_no_link(self.files, &package)?;
            }
            for key in recorded.keys().filter(|key| key.starts_with('(')) {
                let packages = key.strip_prefix(PACKAGES[0]).and_then(|key| key.strip_suffix(PACKAGES[1]));
                if let Some(directory) = packages.and_then(WsPath::new) {
                    self.vendored(&file, &directory);
                } else if view::file_patterns(key).is_some() {
                    self.files_of(&package, key);
                }
            }
        }
        Ok(())
    }
}

/// Text of a file, or `None` if it does not exist.
fn text(files: &dyn Files, file: &WsPath) -> Result<Option<String>, Diagnostic> {
    files.text(file).map_err(|message| {
        Diagnostic::new("io", format!("cannot read `{file}`: {message}"))
            .at(file.as_str())
            .help("check that it is a file in UTF-8 and that you may read it")
    })
}

pub(crate) fn lock_of(files: &dyn Files) -> Result<Lock, Diagnostic> {
    match text(files, &WsPath::ROOT.child(LOCK))? {
        Some(text) => Lock::parse(&text),
        None => Err(Diagnostic::no_lock_file()),
    }
}

/// Nix copies a link as a link, so a package behind one would have no source.
fn check_no_link(files: &dyn Files, directory: &WsPath) -> Result<(), Diagnostic> {
    let mut path = WsPath::ROOT;
    for part in directory.parts() {
        path = path.child(part);
        if files.link(&path).is_some() {
            return Err(Diagnostic::new(
                "symlinked-package",
                format!("package `{directory}` is behind a symbolic link"),
            )
            .at(path.as_str())
            .help("write the path of the directory itself in `members` or `path`"));
        }
    }
    Ok(())
}

/// Paths in a package that match patterns in which `*` stands for any characters; directories end in a slash.
fn matching<P: AsRef<str>>(files: &dyn Files, package: &WsPath, patterns: &[P]) -> Vec<String> {
    let mut listed: HashMap<WsPath, Vec<(String, Kind)>> = HashMap::new();
    let mut names = |directory: &WsPath, part: &str| -> Vec<(String, Kind)> {
        let names = listed.entry(directory.clone()).or_insert_with(|| files.names(directory));
        let stands_for = |name: &str| match part.strip_prefix('*') {
            Some(end) => name.ends_with(end) && !name.starts_with('.'),
            None => part == name,
        };
        names.iter().filter(|(name, _)| stands_for(name)).cloned().collect()
    };
    let mut found: Vec<String> = Vec::new();
    for pattern in patterns {
        let (places, last) = pattern.as_ref().rsplit_once('/').unwrap_or(("", pattern.as_ref()));
        let mut directories = vec![package.clone()];
        for part in places.split('/').filter(|part| !part.is_empty()) {
            let below = directories.iter().flat_map(|directory| {
                let names = names(directory, part).into_iter().filter(|(_, kind)| *kind != Kind::File);
                names.map(|(name, _)| directory.child(&name)).collect::<Vec<_>>()
            });
            directories = below.collect();
        }
        for directory in directories {
            found.extend(names(&directory, last).into_iter().filter_map(|(name, kind)| {
                let path = directory.child(&name);
                let end = match kind {
                    Kind::File => "",
                    // A pattern for the last component stands for files; files in directories have patterns of their
                    // own.
                    Kind::Directory if last.starts_with('*') => return None,
                    Kind::Directory => "/",
                    Kind::Link => files.kind(&path).map(|_| "")?,
                };
                package.below(&path).map(|path| format!("{path}{end}"))
            }));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// A line per package in a directory of `cargo vendor`. It has digests of the manifest and of the list of checksums,
/// with which cargo verifies all other files.
fn vendored(files: &dyn Files, directory: &WsPath) -> String {
    let mut names: Vec<String> = files.names(directory).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let package = |name: &String| {
        let package = directory.child(name);
        let manifest = files.text(&package.child("Cargo.toml")).ok()??;
        let checksums = files.text(&package.child(".cargo-checksum.json")).ok()?.unwrap_or_default();
        let digests = [manifest, checksums].map(|text| sha256(text.as_bytes())).join(" ");
        let detected = matching(files, &package, &["build.rs", "src/lib.rs"]).join(" ");
        Some(format!("{name} {digests} {detected}\n"))
    };
    names.iter().filter_map(package).collect()
}

#[cfg(test)]
mod tests;
