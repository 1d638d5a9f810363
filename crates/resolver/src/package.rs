//! A package: the fields of its manifest that affect a build, and its source.

use cargo_metadata::TargetKind;
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_sources::path::{WsPath, relative};
use cratewright_workspace::{Lints, LocalPackage};
use semver::Version;

use crate::error::unsupported_key;
use crate::feature_value::FeatureValue;
use crate::link::{DependencyNameIx, FeatureIx};
use crate::source::{Source, Sources};

/// A target of a package, with the fields that affect a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Name as in the manifest (binaries keep their hyphens).
    pub name: String,
    /// Source file relative to the package's directory; for a test or example it may be absolute.
    pub path: String,
    /// Values of `--crate-type`, in manifest order.
    pub crate_types: Vec<String>,
    /// Features that must be enabled for cargo to build it.
    pub required_features: Vec<String>,
    /// The edition of this target.
    pub edition: String,
    /// Whether `cargo test` runs its tests.
    pub tested: bool,
    /// Whether `cargo test` runs its doctests.
    pub doctested: bool,
    /// The value of `harness`: whether the tests use rustc's harness.
    pub harness: bool,
}

/// Files that nixpkgs' builder compiles if they exist (`build-rust-crate/configure-crate.nix`, `build-crate.nix`).
pub const AUTODETECTED: [&str; 2] = ["build.rs", "src/lib.rs"];

/// A package with all fields that affect a build.
#[derive(Debug, Clone)]
pub struct Package {
    /// Package id of cargo. That of a local package contains an absolute path.
    pub id: String,
    /// The name in the manifest.
    pub name: String,
    /// Full version.
    pub version: Version,
    /// The source.
    pub source: Source,
    /// Source id of `Cargo.lock`; `None` for local packages.
    pub source_id: Option<String>,
    /// Absolute path of the manifest.
    pub manifest_path: String,
    /// The edition of the package.
    pub edition: String,
    /// The key `links`.
    pub links: Option<String>,
    /// The key `authors`.
    pub authors: Vec<String>,
    /// The key `default-run`.
    pub default_run: Option<String>,
    /// The key `description`.
    pub description: Option<String>,
    /// The key `documentation`.
    pub documentation: Option<String>,
    /// The key `homepage`.
    pub homepage: Option<String>,
    /// The key `license`.
    pub license: Option<String>,
    /// The key `license-file`.
    pub license_file: Option<String>,
    /// The key `readme`.
    pub readme: Option<String>,
    /// The key `repository`.
    pub repository: Option<String>,
    /// The key `rust-version` as written in the manifest.
    pub rust_version: Option<String>,
    /// The library or proc-macro.
    pub lib: Option<Target>,
    /// Binaries, sorted by name; empty if the package is not local.
    pub bins: Vec<Target>,
    /// Integration tests, sorted by name; empty if the package is not local.
    pub tests: Vec<Target>,
    /// Examples, sorted by name; empty if the package is not local.
    pub examples: Vec<Target>,
    /// Benchmarks, sorted by name; empty if the package is not local.
    pub benches: Vec<Target>,
    /// The table `[lints]`.
    pub lints: Option<Lints>,
    /// The build script.
    pub build_script: Option<Target>,
    /// Whether the library is a proc-macro.
    pub proc_macro: bool,
    /// The files of [`AUTODETECTED`] that nixpkgs' builder would compile although the manifest excludes them (`build =
    /// false`, `autolib = false`).
    pub undeclared: Vec<String>,
    /// Paths of `package.metadata.cratewright.extra-sources`, which the build reads outside of the package's directory.
    pub extra_sources: Vec<WsPath>,
    /// Names of all features, including implicit ones, indexed by [`FeatureIx`].
    pub(crate) feature_names: Vec<String>,
    /// The values of each feature.
    pub(crate) feature_values: Vec<Vec<FeatureValue>>,
    /// The feature `default`, if there is one.
    pub(crate) default_feature: Option<FeatureIx>,
    /// Keys of its dependencies, sorted and without duplicates.
    pub(crate) dependency_names: Vec<String>,
}

impl Package {
    /// `name version`, as cargo prints a package.
    pub fn display(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// The library, if other targets of the package link it; a cdylib or staticlib alone is built but not linked.
    ///
    /// Cargo's `is_linkable` (`src/cargo/core/manifest.rs`).
    pub fn linkable_lib(&self) -> Option<&Target> {
        let linkable = ["lib", "rlib", "dylib", "proc-macro"];
        self.lib.as_ref().filter(|lib| lib.crate_types.iter().any(|kind| linkable.contains(&kind.as_str())))
    }

    /// Whether programs need the library at run time. If there is an rlib, rustc links that statically.
    pub fn is_linked_dynamically(&self) -> bool {
        let has = |kinds: &[&str]| {
            let library = self.lib.iter().flat_map(|lib| &lib.crate_types);
            library.into_iter().any(|kind| kinds.contains(&kind.as_str()))
        };
        has(&["dylib"]) && !has(&["lib", "rlib"])
    }

    /// Adds the fields of the manifest that `cargo metadata` does not report.
    pub(crate) fn with_manifest(mut self, local: &LocalPackage) -> Self {
        let manifest = &local.manifest;
        let lists = [
            ("bin", &mut self.bins),
            ("test", &mut self.tests),
            ("example", &mut self.examples),
            ("bench", &mut self.benches),
        ];
        for (kind, targets) in lists {
            targets.iter_mut().for_each(|target| target.harness = manifest.has_harness(kind, &target.name));
        }
        if let Some(lib) = &mut self.lib {
            lib.harness = manifest.has_harness("lib", &lib.name);
        }
        self.lints = manifest.lints();
        self.extra_sources = local.extra_sources.clone();
        self
    }

    /// Names of all features, including implicit ones, in byte order.
    pub fn feature_names(&self) -> impl Iterator<Item = &str> {
        self.feature_names.iter().map(String::as_str)
    }

    /// Name of a feature.
    pub fn feature_name(&self, feature: FeatureIx) -> &str {
        &self.feature_names[feature as usize]
    }

    /// Whether it has this feature, declared or implied by an optional dependency.
    pub fn has_feature(&self, name: &str) -> bool {
        self.feature(name).is_some()
    }

    /// The feature with this name.
    pub fn feature(&self, name: &str) -> Option<FeatureIx> {
        self.feature_names.binary_search_by(|probe| probe.as_str().cmp(name)).ok().map(|ix| ix as FeatureIx)
    }

    pub(crate) fn dependency_name_ix(&self, name: &str) -> Option<DependencyNameIx> {
        self.dependency_names.binary_search_by(|probe| probe.as_str().cmp(name)).ok().map(|ix| ix as DependencyNameIx)
    }

    /// Parses a value of a `[features]` table in terms of this package. [`FeatureValue::DependencyFeature::enables`]
    /// stays empty.
    ///
    /// The grammar is that of cargo's `FeatureValue::new` (`src/cargo/core/summary.rs`): `name`, `dep:name`,
    /// `name/feature`, `name?/feature`.
    pub(crate) fn parse_feature_value(&self, text: &str) -> FeatureValue {
        if let Some((dependency, feature)) = text.split_once('/') {
            let (dependency, weak) = match dependency.strip_suffix('?') {
                Some(dependency) => (dependency, true),
                None => (dependency, false),
            };
            let Some(name) = self.dependency_name_ix(dependency) else { return FeatureValue::Unknown };
            return FeatureValue::DependencyFeature {
                dependency: name,
                feature: feature.to_owned(),
                weak,
                same_named_feature: self.feature(dependency),
                enables: Vec::new(),
            };
        }
        match text.strip_prefix("dep:") {
            Some(dependency) => {
                self.dependency_name_ix(dependency).map_or(FeatureValue::Unknown, FeatureValue::Dependency)
            }
            None => self.feature(text).map_or(FeatureValue::Unknown, FeatureValue::Feature),
        }
    }
}

/// Key of a dependency in its table.
pub(crate) fn name_in_toml(dependency: &cargo_metadata::Dependency) -> &str {
    dependency.rename.as_deref().unwrap_or(&dependency.name)
}

/// Validates and converts a package of `cargo metadata`.
pub(crate) fn convert_package(
    package: cargo_metadata::Package,
    dependencies: &[cargo_metadata::Dependency],
    sources: &Sources<'_>,
) -> Result<Package, Diagnostic> {
    let name = package.name.to_string();
    let manifest_path = package.manifest_path.as_str().replace('\\', "/");
    let dir = manifest_path.strip_suffix("/Cargo.toml").unwrap_or(&manifest_path).to_owned();
    let display = format!("{name} {}", package.version);
    let source = sources.of(&package, &dir)?;
    match &source {
        Source::Local { dir } | Source::Git { dir, .. } => check_path(&display, "path", dir)?,
        Source::Vendored { path, .. } => check_path(&display, "path", path)?,
        Source::CratesIo { .. } | Source::Registry { .. } => {}
    }

    let mut lib = None;
    let mut bins = Vec::new();
    let mut tests = Vec::new();
    let mut examples = Vec::new();
    let mut benches = Vec::new();
    let mut build_script = None;
    let mut proc_macro = false;
    for target in package.targets {
        let is = |kind| target.kind.contains(&kind);
        // For packages that are not local only the library and build script are built.
        let for_tests = is(TargetKind::Test) || is(TargetKind::Example) || is(TargetKind::Bench);
        if package.source.is_some() && (is(TargetKind::Bin) || for_tests) {
            continue;
        }
        let src_path = target.src_path.as_str().replace('\\', "/");
        let path = relative(&dir, &src_path).to_string();
        let path = match &source {
            // Tests and examples may be shared by several packages.
            _ if for_tests => path,
            // A local or git source includes the directories around the package.
            Source::Local { .. } | Source::Git { .. } => path,
            _ if !path.starts_with("../") => path,
            _ => {
                let target = target.name;
                let message = format!(
                    "target `{target}` of package `{display}` has its source outside the package, at `{src_path}`"
                );
                return Err(Diagnostic::new("target-outside-package", message)
                    .help("move the file below the package, and correct `path` in Cargo.toml"));
            }
        };
        if !for_tests {
            check_path(&display, &target.name, &path)?;
        }
        let converted = Target {
            path,
            crate_types: target.crate_types.iter().map(ToString::to_string).collect(),
            required_features: target.required_features.clone(),
            edition: target.edition.to_string(),
            tested: target.test,
            doctested: target.doctest,
            harness: true,
            name: target.name.clone(),
        };
        if is(TargetKind::Bin) {
            bins.push(converted);
        } else if is(TargetKind::Test) {
            tests.push(converted);
        } else if is(TargetKind::Example) {
            examples.push(converted);
        } else if is(TargetKind::Bench) {
            benches.push(converted);
        } else if is(TargetKind::CustomBuild) {
            if build_script.is_some() {
                return Err(unsupported_key(&display, "package.build"));
            }
            build_script = Some(converted);
        } else if is(TargetKind::ProcMacro) {
            proc_macro = true;
            lib = Some(converted);
        } else {
            lib = Some(converted);
        }
    }
    for targets in [&mut bins, &mut tests, &mut examples, &mut benches] {
        targets.sort_by(|a, b| a.name.cmp(&b.name));
    }

    if let Some(links) = &package.links
        && !links.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-'))
    {
        let message =
            format!("package `{display}` has a `links` value that nixpkgs' builder does not accept: {links:?}");
        return Err(Diagnostic::new("unsafe-links", message)
            .help("use letters, digits and `._+-` in `links` of that package's Cargo.toml"));
    }

    let mut dependency_names: Vec<String> = dependencies.iter().map(|one| name_in_toml(one).to_owned()).collect();
    dependency_names.sort_unstable();
    dependency_names.dedup();
    let mut feature_names = Vec::with_capacity(package.features.len());
    let mut feature_texts = Vec::with_capacity(package.features.len());
    for (feature, values) in package.features {
        feature_names.push(feature);
        feature_texts.push(values);
    }
    let mut converted = Package {
        id: package.id.repr,
        name,
        version: package.version,
        source,
        source_id: package.source.map(|source| source.repr),
        manifest_path,
        edition: package.edition.to_string(),
        links: package.links,
        authors: package.authors,
        default_run: package.default_run,
        description: package.description,
        documentation: package.documentation,
        homepage: package.homepage,
        license: package.license,
        license_file: package.license_file.map(|path| path.into_string()),
        readme: package.readme.map(|path| path.into_string()),
        repository: package.repository,
        // `PackageGraph::new` sets it.
        rust_version: None,
        lib,
        bins,
        tests,
        examples,
        benches,
        lints: None,
        build_script,
        proc_macro,
        undeclared: Vec::new(),
        extra_sources: Vec::new(),
        feature_names,
        feature_values: Vec::new(),
        default_feature: None,
        dependency_names,
    };
    converted.feature_values = feature_texts
        .iter()
        .map(|values| values.iter().map(|value| converted.parse_feature_value(value)).collect())
        .collect();
    converted.default_feature = converted.feature("default");
    Ok(converted)
}

const RENAME: &str = "rename the directory or the file so that its path has only letters, digits and `._+@-`, and correct the path in Cargo.toml";

/// nixpkgs' build scripts use paths without quoting them, so special characters are rejected.
fn check_path(package: &str, target: &str, path: &str) -> Result<(), Diagnostic> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    if path.chars().all(plain) {
        return Ok(());
    }
    let message =
        format!("package `{package}` has a path that nixpkgs' builder does not accept: {path:?} (`{target}`)");
    Err(Diagnostic::new("unsafe-path", message).help(RENAME))
}
