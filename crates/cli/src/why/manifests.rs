//! Lines of manifests, read on demand.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use cratewright_resolver::{DependencyTable, FeatureIx, PackageIx, Source};
use cratewright_workspace::{Line, ManifestLines};

use crate::disk::read_text;
use crate::why::answer::{Asked, Place};
use crate::workspace::Workspace;

/// Manifests of the workspace and of cargo's cache, each read once.
pub(crate) struct Manifests<'a> {
    workspace: &'a Workspace,
    read: RefCell<HashMap<PathBuf, Option<ManifestLines>>>,
}

impl<'a> Manifests<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Self {
        Manifests { workspace, read: RefCell::default() }
    }

    /// The line that declares a dependency, given as an index into the declared dependencies of the package.
    pub(crate) fn asked(&self, package: PackageIx, dependency: usize, turned_on_by: &[FeatureIx]) -> Asked {
        let packages = &self.workspace.packages;
        let declared = packages.dependencies(package).nth(dependency).expect("the index comes from the graph");
        let (name, platform) = (&declared.name_in_toml, &declared.platform);
        let table = table_name(declared.table);
        let is_platform = |key: &str| {
            let parsed = key.parse::<cargo_platform::Platform>();
            parsed.is_ok_and(|parsed| Some(&parsed) == platform.as_ref())
        };
        let is_platform: &dyn Fn(&str) -> bool = &is_platform;
        let find = |lines: &ManifestLines| lines.dependency(table, platform.as_ref().map(|_| is_platform), name);
        let line = self.line(&self.manifest(package), find);
        let inherited_from = line.as_ref().filter(|line| line.is_inherited).and_then(|_| self.inherited(package, name));
        let header =
            platform.as_ref().map_or_else(|| table.to_owned(), |platform| format!("target.'{platform}'.{table}"));
        Asked {
            place: self.place(self.shown(package, ""), line, || format!("{name} in [{header}]")),
            inherited_from,
            table,
            platform: platform.as_ref().map(ToString::to_string),
            turned_on_by: turned_on_by.iter().map(|&one| packages[package].feature_name(one).to_owned()).collect(),
        }
    }

    /// The line that defines a feature. The implicit feature of an optional dependency has none.
    pub(crate) fn feature(&self, package: PackageIx, feature: FeatureIx) -> Option<Place> {
        let name = self.workspace.packages[package].feature_name(feature);
        let line = self.line(&self.manifest(package), |lines| lines.feature(name))?;
        Some(self.place(self.shown(package, ""), Some(line), String::new))
    }

    /// The line of the dependency in the nearest `[workspace.dependencies]` above the package.
    fn inherited(&self, package: PackageIx, name: &str) -> Option<Place> {
        let manifest = self.manifest(package);
        let directory = manifest.parent()?;
        for (up, above) in directory.ancestors().enumerate() {
            let line = self.line(&above.join("Cargo.toml"), |lines| lines.workspace_dependency(name));
            if line.is_some() {
                return Some(self.place(self.shown(package, &"../".repeat(up)), line, String::new));
            }
        }
        None
    }

    fn manifest(&self, package: PackageIx) -> PathBuf {
        PathBuf::from(&self.workspace.packages[package].manifest_path)
    }

    /// The manifest of a package, or one above it, without an absolute path.
    fn shown(&self, package: PackageIx, up: &str) -> String {
        let package = &self.workspace.packages[package];
        match &package.source {
            Source::Local { dir } => {
                let above = dir.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>();
                let levels = up.matches('/').count();
                let kept = &above[..above.len().saturating_sub(levels)];
                kept.iter().copied().chain(["Cargo.toml"]).collect::<Vec<_>>().join("/")
            }
            _ => format!("{}'s {up}Cargo.toml", package.display()),
        }
    }

    fn line(&self, path: &Path, find: impl Fn(&ManifestLines) -> Option<Line>) -> Option<Line> {
        let mut read = self.read.borrow_mut();
        let lines = || ManifestLines::parse(read_text(path).ok()?);
        find(read.entry(path.to_owned()).or_insert_with(lines).as_ref()?)
    }

    fn place(&self, file: String, line: Option<Line>, otherwise: impl Fn() -> String) -> Place {
        match line {
            Some(line) => Place { file, line: Some(line.number), text: line.text },
            None => Place { file, line: None, text: otherwise() },
        }
    }
}

pub(crate) fn table_name(table: DependencyTable) -> &'static str {
    match table {
        DependencyTable::Normal => "dependencies",
        DependencyTable::Build => "build-dependencies",
        DependencyTable::Dev => "dev-dependencies",
    }
}
