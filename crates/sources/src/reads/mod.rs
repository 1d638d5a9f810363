//! Files outside of a package that its build reads.
//!
//! They are found in its Rust sources: arguments of `include!` and the like, `#[path]`, and macros and attributes that
//! embed files (`tokens`), and the paths that a build script uses (`build_script`). Tests, examples and benches are not
//! scanned, because a build does not compile them; a file in their directories that a build reads counts as outside.

mod build_script;
mod condition;
mod declared;
mod glance;
mod items;
mod needles;
mod places;
mod script_values;
mod tokens;
mod workspace_macros;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use cargo_platform::{Cfg, CfgExpr};
use proc_macro2::{TokenStream, TokenTree};

pub use workspace_macros::QUERIES;

use crate::files::{Files, Kind};
use crate::path::WsPath;
use needles::Needles;
use places::MARKS;

/// Directories of a package in which cargo looks for targets other than the library and the binaries.
pub const OTHER_TARGETS: [&str; 3] = ["benches", "examples", "tests"];

/// The files and directories of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageFiles {
    /// Directory of the manifest.
    pub directory: WsPath,
    /// Source files of its library and binaries, as far as they are declared in the manifest.
    pub roots: Vec<WsPath>,
    /// Path of the build script.
    pub build_script: Option<WsPath>,
    /// Directories and files below the package's directory that are not part of the source of its library and binaries:
    /// other packages, and files used only by tests, examples and benches.
    pub apart: Vec<WsPath>,
    /// Readme and license file outside of the package, with the environment variables that tell a build about them.
    pub documents: Vec<(&'static str, WsPath)>,
}

/// The result of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Files and directories that exist; none of them is below another.
    pub paths: BTreeSet<WsPath>,
    /// Places that may read other files.
    pub unresolved: Vec<UnresolvedRead>,
}

/// A place that may read something outside of the package, but the path is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnresolvedRead {
    /// The source file.
    pub file: WsPath,
    /// Number of the line, from 1.
    pub line: usize,
    /// What is not known and why.
    pub what: String,
    cause: Cause,
    /// The condition under which it is compiled.
    condition: CfgExpr,
}

/// Why a read is unresolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// The path is not known.
    Unknown,
    /// Nothing is at the path.
    Missing,
}

impl UnresolvedRead {
    /// Whether the place may be compiled for the platform with this cfg table.
    pub fn is_on(&self, platform: &[Cfg]) -> bool {
        condition::is_built_on(&self.condition, platform)
    }

    /// What to do about it, in the manifest of its package. A missing file must not be declared as an extra source, which
    /// has to exist.
    pub fn advice(&self, manifest: &WsPath) -> String {
        match self.cause {
            Cause::Unknown => format!(
                "list the files that the build reads outside of the package in `package.metadata.cratewright.extra-sources` of {manifest}, or `[]` if there are none"
            ),
            Cause::Missing => format!(
                "create it or correct the path; if the build does not need it, set `package.metadata.cratewright.extra-sources` of {manifest} to `[]`"
            ),
        }
    }
}

/// A place in a source file.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a WsPath,
    line: usize,
}

/// Scans all sources of a package.
pub fn reads(files: &dyn Files, package: &PackageFiles) -> Reads {
    let (found, unresolved, open, links) = (BTreeSet::new(), BTreeSet::new(), Vec::new(), Vec::new());
    let cache = Cache::default();
    let condition = CfgExpr::True;
    let mut scanner = Scanner { files, package, found, unresolved, open, condition, links, cache: &cache };
    let names = files.names(&package.directory).into_iter().filter(|(_, kind)| *kind == Kind::Link);
    let leads_outside = |name: &String| scanner.led_outside(&package.directory.child(name)).is_some();
    scanner.links = names.map(|(name, _)| name).filter(leads_outside).collect();
    let outside = package.roots.iter().chain(&package.build_script).filter(|root| !scanner.is_own(root));
    for root in outside.cloned().collect::<Vec<_>>() {
        let manifest = package.directory.child("Cargo.toml");
        scanner.module(root.clone(), root.parent(), At { file: &manifest, line: 1 });
    }
    if let Some(script) = &package.build_script {
        build_script::scan(&mut scanner, script);
    }
    let needles = Needles::of(&scanner);
    for directory in scanner.directories() {
        if let Some(target) = scanner.led_outside(&directory) {
            scanner.linked(&directory, &target);
        } else {
            scanner.directory(&directory, &needles);
        }
    }
    // Root files with another extension are not found by `directory`.
    for root in
        package.roots.iter().filter(|root| !root.ends_with(".rs") && scanner.is_own(root)).cloned().collect::<Vec<_>>()
    {
        if let Ok(Some(text)) = files.text(&root) {
            scanner.source(&root, &text, &needles);
        }
    }
    // Modules outside of the package may read or declare further files.
    let mut seen = BTreeSet::new();
    while let Some(module) = scanner.open.pop() {
        if seen.insert(module.file.clone())
            && let Ok(Some(text)) = files.text(&module.file)
        {
            scanner.condition = module.condition;
            tokens::scan(&mut scanner, &module.file, Some(&module.children), &text);
        }
    }
    let unresolved = scanner.unresolved.into_iter().collect();
    let paths = topmost(&scanner.found);
    Reads { paths, unresolved }
}

/// Paths without those that are below another one.
pub fn topmost(paths: &BTreeSet<WsPath>) -> BTreeSet<WsPath> {
    let is_below = |path: &str| path.match_indices('/').any(|(at, _)| paths.contains(&path[..at]));
    paths.iter().filter(|path| !is_below(path)).cloned().collect()
}

/// A source file that is still to be scanned.
struct Module {
    file: WsPath,
    /// Directory of its `mod name;` modules.
    children: WsPath,
    /// The condition under which it is compiled.
    condition: CfgExpr,
}

struct Scanner<'a> {
    files: &'a dyn Files,
    package: &'a PackageFiles,
    found: BTreeSet<WsPath>,
    unresolved: BTreeSet<UnresolvedRead>,
    open: Vec<Module>,
    /// The condition of the code that is being scanned.
    condition: CfgExpr,
    /// Links next to the manifest that lead outside of the package: often a readme of the repository.
    links: Vec<String>,
    cache: &'a Cache,
}

/// Source files with their texts.
type SourceTexts = Rc<[(WsPath, String)]>;

/// Answers that are reused within a scan.
#[derive(Default)]
struct Cache {
    /// By directory: names and targets of its links.
    links: RefCell<HashMap<WsPath, HashMap<String, String>>>,
    /// Directories that have been scanned.
    walked: RefCell<BTreeSet<WsPath>>,
    /// By directory: sources in it that may have a `#[path]`, with their texts.
    with_paths: RefCell<HashMap<WsPath, SourceTexts>>,
    /// By file: tokens, for files that were searched for module declarations.
    parsed: RefCell<HashMap<WsPath, Option<TokenStream>>>,
    /// By path: whether it is a file or a directory that is not empty.
    exists: RefCell<HashMap<WsPath, bool>>,
    /// By directory: whether it is a target directory of cargo.
    is_cache: RefCell<HashMap<WsPath, bool>>,
    /// Buffer for the source that is being read.
    bytes: RefCell<Vec<u8>>,
}

/// A variable that projects set in `.cargo/config.toml` to find their root; cargo does not define it.
const WORKSPACE_DIR: &str = "CARGO_WORKSPACE_DIR";

impl Scanner<'_> {
    /// Paths in the package's directory whose files are not in its source, as seen from that directory.
    fn apart(&self) -> impl Iterator<Item = &str> {
        let apart = self.package.apart.iter().map(|path| self.package.directory.below(path).unwrap_or(path));
        apart.chain(self.links.iter().map(String::as_str))
    }

    /// Directories with source files of targets; their modules are in and below these.
    fn directories(&self) -> BTreeSet<WsPath> {
        let src = self.package.directory.child("src");
        let roots = self.package.roots.iter().chain(&self.package.build_script);
        let directories = roots.filter(|root| self.is_own(root)).map(WsPath::parent);
        let directories: BTreeSet<WsPath> = directories.chain([src]).collect();
        // A build script next to the manifest has its modules followed, so its directory need not be scanned.
        let is_script = |directory: &WsPath| {
            *directory == self.package.directory && !self.package.roots.iter().any(|root| root.parent() == *directory)
        };
        directories.into_iter().filter(|directory| !is_script(directory)).collect()
    }

    /// Scans all Rust files of a directory, except those that a build does not compile.
    fn directory(&mut self, directory: &WsPath, needles: &Needles) {
        let names = self.files.names(directory);
        self.listed(directory, names, needles);
    }

    /// Scans a directory whose names are known.
    fn listed(&mut self, directory: &WsPath, names: Vec<(String, Kind)>, needles: &Needles) {
        if !self.cache.walked.borrow_mut().insert(directory.clone()) {
            return;
        }
        let is_top = *directory == self.package.directory;
        for (name, kind) in names {
            let is_source = name.ends_with(".rs");
            if kind == Kind::File && !is_source {
                continue;
            }
            let path = directory.child(&name);
            let is_link = kind == Kind::Link;
            let is_directory = kind == Kind::Directory || is_link && self.files.kind(&path) == Some(Kind::Directory);
            if let Some(target) = is_link.then(|| self.files.link(&path)).flatten() {
                // A link to a directory above leads in a circle.
                let is_new = |target: &WsPath| self.is_own(target) && !target.is_at_or_above(directory);
                let within_package = directory.join(&target).filter(is_new);
                if let Some(target) = self.led_outside(&path) {
                    self.linked(&path, &target);
                } else if let Some(target) = within_package.filter(|_| is_directory) {
                    self.directory(&target, needles);
                }
            } else if is_directory {
                let is_other = is_top && (name == "target" || OTHER_TARGETS.contains(&name.as_str()));
                if !is_other && !name.starts_with('.') && self.is_own(&path) {
                    let names = self.files.names(&path);
                    let has_mark = names.iter().any(|(name, _)| MARKS.contains(&name.as_str()));
                    if !(has_mark && self.is_cache(&path)) {
                        self.listed(&path, names, needles);
                    }
                }
            } else if is_source && (kind == Kind::File || self.files.is_file(&path)) {
                let mut bytes = self.cache.bytes.take();
                if self.files.read_listed(&path, &mut bytes).is_ok()
                    && let Some(text) = needles.in_source(self, &path, &bytes)
                {
                    self.source(&path, text, needles);
                }
                self.cache.bytes.replace(bytes);
            }
        }
    }

    /// Scans a source file of the package. Only if something is found is it checked whether the file is compiled for
    /// tests alone, because that is slow.
    fn source(&mut self, path: &WsPath, text: &str, needles: &Needles) {
        let (found, unresolved, open) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        let mut own = Scanner { found, unresolved, open, condition: CfgExpr::True, links: self.links.clone(), ..*self };
        own.documents(text);
        if needles.is_worth_parsing(&own, path, text) {
            tokens::scan(&mut own, path, None, text);
        }
        let Scanner { found, unresolved, open, .. } = own;
        if found.is_empty() && unresolved.is_empty() && open.is_empty() {
            return;
        }
        let declared = self.declared(path);
        if condition::is_built(&declared) {
            let within = |condition: CfgExpr| condition::both(declared.clone(), condition);
            self.found.extend(found);
            self.unresolved.extend(
                unresolved
                    .into_iter()
                    .map(|unresolved| UnresolvedRead { condition: within(unresolved.condition.clone()), ..unresolved }),
            );
            self.open.extend(
                open.into_iter().map(|module| Module { condition: within(module.condition.clone()), ..module }),
            );
        }
    }

    /// The path outside of the package to which a path in it leads through links; `None` if it stays in the package.
    fn led_outside(&self, path: &WsPath) -> Option<WsPath> {
        let below = self.package.directory.below(path)?;
        let mut at = self.package.directory.clone();
        let mut rest: Vec<&str> = below.split('/').rev().collect();
        while let Some(name) = rest.pop() {
            let link = self.link(&at, name);
            at = match link {
                None => at.child(name),
                Some(target) => {
                    let target = at.join(&target)?;
                    if !self.is_own(&target) {
                        rest.reverse();
                        let whole = rest.iter().fold(target, |path, name| path.child(name));
                        return self.exists(&whole).then_some(whole);
                    }
                    target
                }
            };
        }
        None
    }

    /// Adds the target of a link that leads out of the package.
    fn linked(&mut self, link: &WsPath, target: &WsPath) {
        if target.is_at_or_above(&self.package.directory) {
            return;
        }
        self.unresolved_far(target, At { file: link, line: 1 });
        self.found.insert(target.clone());
        let mut open = vec![target.clone()];
        let mut seen = BTreeSet::new();
        while let Some(path) = open.pop() {
            if path.ends_with(".rs") && self.files.is_file(&path) {
                self.open.push(Module { children: children_of(&path), file: path, condition: CfgExpr::True });
            } else if seen.insert(path.clone()) {
                let names = self.files.names(&path).into_iter().filter(|(_, kind)| *kind != Kind::Link);
                open.extend(names.map(|(name, _)| path.child(&name)));
            }
        }
    }

    fn unresolved_depth(&mut self, file: &WsPath) {
        self.unresolved(file, 1, "its brackets are nested too deeply to be scanned".to_owned());
    }

    fn unresolved_workspace_dir(&mut self, file: &WsPath, line: usize) {
        self.unresolved(file, line, format!("the path in {WORKSPACE_DIR} is not known"));
    }

    /// Adds a readme or license file if the source uses the variable that contains its path.
    fn documents(&mut self, text: &str) {
        for (variable, path) in &self.package.documents {
            if text.contains(variable) && self.exists(path) {
                self.found.insert(path.clone());
            }
        }
    }

    /// Adds a path that is certainly read.
    fn read(&mut self, path: WsPath, at: At<'_>) {
        if self.is_own(&path) {
            self.found.extend(self.led_outside(&path));
        } else if Self::is_history(&path) {
        } else if self.exists(&path) {
            self.take(path, at);
        } else {
            self.add_unresolved(at.file, at.line, format!("`{path}` does not exist"), Cause::Missing);
        }
    }

    /// Adds an existing path, with the targets of links and the files that a file of another language includes.
    fn take(&mut self, path: WsPath, at: At<'_>) {
        self.unresolved_far(&path, at);
        self.found.extend(self.led_elsewhere(&path));
        let is_new = self.found.insert(path.clone());
        let extension = path.rsplit('.').next().unwrap_or_default();
        if !is_new || !["c", "cc", "cpp", "cxx", "h", "hh", "hpp", "proto", "thrift"].contains(&extension) {
            return;
        }
        let Ok(Some(text)) = self.files.text(&path) else { return };
        for (number, line) in (1..).zip(text.lines().map(str::trim_start)) {
            // `#include "..."`, `import "..."`, `import public "..."`
            let named = line.trim_start_matches('#').trim_start();
            let is_import = named.starts_with("include") || named.starts_with("import");
            if let Some((_, rest)) = named.split_once('"').filter(|_| is_import)
                && let Some((file, _)) = rest.split_once('"')
                && let Some(file) = path.parent().join(file).filter(|file| self.files.is_file(file))
            {
                self.mention(file, At { file: &path, line: number });
            }
        }
    }

    /// Adds a string that may be a path, if it exists outside of the package and does not contain the package.
    fn mention(&mut self, path: WsPath, at: At<'_>) -> bool {
        if self.is_own(&path) {
            let led = self.led_outside(&path).filter(|led| !led.is_at_or_above(&self.package.directory));
            self.found.extend(led.clone());
            return led.is_some();
        }
        let counts = !path.is_at_or_above(&self.package.directory)
            && !Self::is_history(&path)
            && self.exists(&path)
            && !self.is_built(&path);
        if counts {
            self.take(path, at);
        }
        counts
    }

    /// Adds a file that is compiled and may be outside of the package.
    fn module(&mut self, file: WsPath, children: WsPath, at: At<'_>) {
        if !self.is_own(&file) {
            self.unresolved_far(&file, at);
            self.found.insert(file.clone());
        }
        self.open.push(Module { file, children, condition: self.condition.clone() });
    }

    /// Adds a condition to the code that is being scanned; returns the previous one.
    fn under(&mut self, condition: CfgExpr) -> CfgExpr {
        let whole = condition::both(self.condition.clone(), condition);
        std::mem::replace(&mut self.condition, whole)
    }

    fn unresolved(&mut self, file: &WsPath, line: usize, what: String) {
        self.add_unresolved(file, line, what, Cause::Unknown);
    }

    fn add_unresolved(&mut self, file: &WsPath, line: usize, what: String, cause: Cause) {
        let condition = self.condition.clone();
        self.unresolved.insert(UnresolvedRead { file: file.clone(), line, what, cause, condition });
    }
}

/// Maximum depth of brackets in a source that is parsed: above the compiler's own limit for macros.
pub const DEEPEST: usize = 512;

fn is_too_deep(tokens: TokenStream) -> bool {
    let mut open = vec![tokens.into_iter()];
    while let Some(tokens) = open.last_mut() {
        match tokens.next() {
            None => drop(open.pop()),
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(_) => {}
        }
        if open.len() > DEEPEST {
            return true;
        }
    }
    false
}

/// Directory in which the modules that a file declares without `#[path]` are searched.
fn children_of(file: &WsPath) -> WsPath {
    match file.name() {
        "lib.rs" | "main.rs" | "mod.rs" => file.parent(),
        name => file.parent().child(name.strip_suffix(".rs").unwrap_or(name)),
    }
}

/// The two possible files of a module, given the directory of its own modules.
fn files_of(children: &WsPath) -> [WsPath; 2] {
    [children.parent().child(&format!("{}.rs", children.name())), children.child("mod.rs")]
}

#[cfg(test)]
mod tests;
