//! Loads a workspace: everything that the resolver needs, read from disk and from cargo.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use cratewright_renderer::{CargoVariable, Resolved, merge};
use cratewright_resolver::{
    Lockfile, MemberManifest, PackageGraph, PackageIx, Pair, Platform, ResolveError, Selection, UnitGraph,
    WorkspaceManifest, WorkspaceMetadata, resolve,
};

use crate::cargo;
use crate::cargo_config::CargoConfig;
pub use crate::config::Cross;
use crate::config::{Config, FeatureUnification};
use crate::disk::{check_readable, read_text};
use crate::failure::Failure;
pub use crate::progress::Progress;
use crate::replacement::replacements;
use crate::report::Report;
use crate::root::workspace_root;

/// Platforms resolved for when nothing else is said: the four that nixpkgs builds for most.
pub const DEFAULT_TARGETS: [&str; 4] =
    ["aarch64-apple-darwin", "aarch64-unknown-linux-gnu", "x86_64-apple-darwin", "x86_64-unknown-linux-gnu"];

/// Nix systems and what rustc calls them (nixpkgs `lib/systems`).
const SYSTEMS: [(&str, &str); 7] = [
    ("aarch64-darwin", "aarch64-apple-darwin"),
    ("aarch64-linux", "aarch64-unknown-linux-gnu"),
    ("armv7l-linux", "armv7-unknown-linux-gnueabihf"),
    ("i686-linux", "i686-unknown-linux-gnu"),
    ("riscv64-linux", "riscv64gc-unknown-linux-gnu"),
    ("x86_64-darwin", "x86_64-apple-darwin"),
    ("x86_64-linux", "x86_64-unknown-linux-gnu"),
];

/// What to load, and how.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// `Cargo.toml` of the workspace or a member; else searched for from the current directory upwards.
    pub manifest_path: Option<PathBuf>,
    /// Target triples or Nix systems; empty for what the workspace configures, else [`DEFAULT_TARGETS`].
    pub targets: Vec<String>,
    /// Pairs of two platforms; empty for what the workspace configures.
    pub cross: Vec<Cross>,
    /// Keep cargo off the network.
    pub offline: bool,
    /// Fail if `Cargo.lock` would have to change.
    pub locked: bool,
    /// What is shown of cargo's work.
    pub progress: Progress,
}

/// A workspace, ready to be resolved.
#[derive(Debug)]
pub struct Workspace {
    /// Directory of the root manifest.
    pub root: PathBuf,
    /// The lock.
    pub lock: Lockfile,
    /// The packages.
    pub packages: PackageGraph,
    /// Platforms, in order of their triples.
    pub platforms: Vec<Platform>,
    /// Pairs of them: native ones first.
    pub pairs: Vec<Pair>,
    /// What `Cargo.nix` is made of: a build of each member, and of each variant.
    pub selections: Vec<Selection>,
    /// Patterns of files that are in no local source.
    pub ignored: Vec<String>,
    /// `rustflags` of cargo's configuration, by triple.
    pub rustflags: BTreeMap<String, Vec<String>>,
    /// `[env]` of cargo's configuration.
    pub environment: BTreeMap<String, CargoVariable>,
    /// What profiles and cargo's configuration say and Nix does not follow, a line each.
    pub not_followed: Vec<String>,
    /// `[workspace.metadata.cratewright]`.
    pub(crate) config: Config,
}

impl Workspace {
    /// Unit graphs of these selections, per pair.
    pub fn resolve(&self, selections: &[Selection]) -> Vec<Vec<UnitGraph>> {
        resolve(&self.packages, &self.platforms, &self.pairs, selections)
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Result<PackageIx, Failure> {
        let Workspace { packages, root, .. } = self;
        let found = packages.members.iter().copied().find(|&member| packages.graph[member].name == name);
        found.ok_or_else(|| {
            let names = packages.members.iter().map(|&member| format!("`{}`", packages.graph[member].name));
            Failure::new("unknown-member", format!("there is no member `{name}`"))
                .note("at", root.join("Cargo.toml").display().to_string())
                .help(format!("name one of {}", names.collect::<Vec<_>>().join(", ")))
        })
    }

    /// Number of units that `Cargo.nix` would have if features were unified the other way; nothing where that has no such
    /// selections, or cannot be built.
    pub(crate) fn units_otherwise(&self) -> Option<(FeatureUnification, usize)> {
        let config = self.config.unified_otherwise();
        let selections = config.selections(&self.packages, &self.root).ok()?;
        let graphs = self.resolve(&selections);
        let Workspace { packages, platforms, pairs, .. } = self;
        let merged = merge(Resolved { packages, platforms, pairs, selections: &selections, graphs: &graphs }).ok()?;
        Some((config.feature_unification, merged.builds().count()))
    }

    /// The unit graph of one selection on one of the pairs.
    pub(crate) fn resolve_on(&self, selection: &Selection, pair: Pair) -> UnitGraph {
        let mut graphs = resolve(&self.packages, &self.platforms, &[pair], std::slice::from_ref(selection));
        graphs.pop().and_then(|mut graphs| graphs.pop()).expect("one graph for one selection and pair")
    }

    /// What [`cratewright_renderer::merge`] takes: the graphs of the workspace's own selections, with what they speak of.
    pub(crate) fn resolved<'a>(&'a self, graphs: &'a [Vec<UnitGraph>]) -> Resolved<'a> {
        let Workspace { packages, platforms, pairs, selections, .. } = self;
        Resolved { packages, platforms, pairs, selections, graphs }
    }
}

/// Reads a workspace.
///
/// # Errors
/// Whatever stands in the way, from a missing manifest to an unsupported source.
pub fn load(options: &LoadOptions) -> Result<Workspace, Failure> {
    let (manifest, directory) = find(options.manifest_path.as_deref())?;
    check_readable(&directory)?;
    let cargo_config = CargoConfig::read(&directory);
    let asked = triples(&options.targets);
    let early: Vec<String> = if asked.is_empty() { DEFAULT_TARGETS.map(str::to_owned).to_vec() } else { asked.clone() };
    // rustc's tables and the lock do not depend on what cargo says, so they are read while it runs; one after the other,
    // as cargo is what takes long and should have a core to itself.
    let (metadata, platforms, early_lock) = thread::scope(|scope| {
        let others = scope.spawn(|| {
            let platforms: Vec<_> = early
                .iter()
                .map(|triple| cargo::platform(triple, &directory, &cargo_config, options.progress))
                .collect();
            (platforms, EarlyLock::read(&directory))
        });
        let metadata = cargo::metadata(&manifest, &directory, options);
        let (platforms, lock) = others.join().expect("reading cfg tables and the lock does not panic");
        (metadata, platforms, lock)
    });
    // Without rustc cargo fails as well, and says less plainly why.
    let not_found = platforms.iter().filter_map(|platform| platform.as_ref().err());
    if let Some(failure) = not_found.into_iter().find(|failure| failure.code == "program-not-found") {
        return Err(failure.clone());
    }
    let mut metadata = metadata?;
    let mut undeclared = metadata.undeclared_candidates();
    undeclared.retain(|candidate| Path::new(&candidate.directory).join(candidate.file).is_file());
    metadata.set_undeclared(undeclared);
    metadata.set_replaced(replacements(&metadata)?);
    metadata.set_manifests(read_manifests(&metadata)?);
    let config = Config::parse(&metadata.metadata.workspace_metadata, metadata.metadata.workspace_root.as_std_path())?;
    let mut known: BTreeMap<String, Result<Platform, Failure>> = early.iter().cloned().zip(platforms).collect();
    let mut left_out = Vec::new();
    let targets = match &config.targets {
        Some(targets) if asked.is_empty() => triples(targets),
        None if asked.is_empty() => defaults(early, &known, &cargo_config, &directory, &mut left_out)?,
        _ => early,
    };
    let cross = if options.cross.is_empty() { &config.cross } else { &options.cross };
    let (platforms, pairs) = pairs(&targets, cross, |triple| {
        known.remove(triple).unwrap_or_else(|| cargo::platform(triple, &directory, &cargo_config, options.progress))
    })?;
    let root = metadata.metadata.workspace_root.clone().into_std_path_buf();
    let fail = |error| Failure::resolve(&error, &root);
    let lock = early_lock.unless_changed(&root.join("Cargo.lock"))?;
    let manifest =
        WorkspaceManifest::parse(&read(&root.join("Cargo.toml"))?, &cargo_config.profiles()).map_err(fail)?;
    let packages = PackageGraph::new(metadata, &lock, &manifest).map_err(fail)?;
    check_extra_sources(&packages, &root)?;
    let selections = config.selections(&packages, &root)?;
    let ignored = config.exclude_sources(&root)?;
    let rustflags = rustflags(&platforms, &cargo_config, &root)?;
    let environment = cargo_config.environment(&root)?;
    let not_followed = packages.profiles.ignored().into_iter().chain(cargo_config.ignored(&platforms)).chain(left_out);
    let not_followed = not_followed.collect();
    Ok(Workspace {
        root,
        lock,
        packages,
        platforms,
        pairs,
        selections,
        ignored,
        rustflags,
        environment,
        not_followed,
        config,
    })
}

/// The same, which `-v` tells of.
pub(crate) fn load_for(report: &Report, options: &LoadOptions) -> Result<Workspace, Failure> {
    let start = Instant::now();
    let workspace = load(options)?;
    report.took("Loaded", workspace.root.display(), start);
    Ok(workspace)
}

/// The lock, parsed before it is known whether cargo leaves it alone.
struct EarlyLock(Option<(String, Lockfile)>);

impl EarlyLock {
    fn read(root: &Path) -> Self {
        let text = read_text(&root.join("Cargo.lock")).ok();
        EarlyLock(text.and_then(|text| text.parse().ok().map(|lock| (text, lock))))
    }

    fn unless_changed(self, path: &Path) -> Result<Lockfile, Failure> {
        let text = read(path)?;
        match self.0 {
            Some((early, lock)) if early == text => Ok(lock),
            _ => parse_lock(path, &text),
        }
    }
}

/// A native pair for each target, then the cross pairs, and the platforms they speak of.
fn pairs(
    targets: &[String],
    cross: &[Cross],
    mut platform: impl FnMut(&str) -> Result<Platform, Failure>,
) -> Result<(Vec<Platform>, Vec<Pair>), Failure> {
    let mut cross: Vec<(String, String)> =
        cross.iter().map(|pair| (triple(&pair.host), triple(&pair.target))).collect();
    cross.sort();
    cross.dedup();
    let mut triples: Vec<&String> =
        targets.iter().chain(cross.iter().flat_map(|(host, target)| [host, target])).collect();
    triples.sort();
    triples.dedup();
    let platforms = triples.iter().map(|triple| platform(triple)).collect::<Result<Vec<_>, _>>()?;
    let ix = |triple: &String| triples.binary_search(&triple).expect("it was put in above");
    let native = targets.iter().map(|target| Pair::native(ix(target)));
    let cross = cross.iter().map(|(host, target)| Pair { host: ix(host), target: ix(target) });
    let pairs = native.chain(cross.filter(|pair| pair.is_cross())).collect();
    Ok((platforms, pairs))
}

/// Reads what `cargo metadata` says nothing of, and refuses keys that make a package be built for another platform than
/// asked for.
fn read_manifests(metadata: &WorkspaceMetadata) -> Result<HashMap<String, MemberManifest>, Failure> {
    let mut manifests = HashMap::new();
    for package in metadata.metadata.packages.iter().filter(|package| package.source.is_none()) {
        let path = package.manifest_path.as_std_path();
        let text = read(path)?;
        let fail = |error| Failure::resolve(&error, metadata.metadata.workspace_root.as_std_path());
        manifests.insert(package.id.repr.clone(), MemberManifest::parse(&text).map_err(fail)?);
        // Nearly no manifest has the words, and most need not be parsed.
        for key in ["forced-target", "default-target"].into_iter().filter(|key| text.contains(key)) {
            let manifest: toml::Table = text.parse().unwrap_or_default();
            if manifest.get("package").is_some_and(|table| table.get(key).is_some()) {
                let package = format!("{} {}", package.name, package.version);
                let (key, required_by) = (format!("package.{key}"), Vec::new());
                let error = ResolveError::UnsupportedKey { package, key, required_by };
                return Err(Failure::resolve(&error, metadata.metadata.workspace_root.as_std_path())
                    .note("at", path.display().to_string()));
            }
        }
    }
    Ok(manifests)
}

/// Platforms that nobody named, but for those whose flags cannot be followed: they are said in `left_out`.
fn defaults(
    mut targets: Vec<String>,
    known: &BTreeMap<String, Result<Platform, Failure>>,
    config: &CargoConfig,
    root: &Path,
    left_out: &mut Vec<String>,
) -> Result<Vec<String>, Failure> {
    let mut first = None;
    targets.retain(|triple| {
        let failure = match &known[triple] {
            Ok(platform) => rustflags_of(platform, config, root).err(),
            Err(failure) => Some(failure.clone()).filter(|failure| failure.code == "invalid-cargo-config"),
        };
        let Some(failure) = failure else { return true };
        left_out.push(format!("`{triple}` is left out, and nobody named it: {}", failure.message));
        first.get_or_insert(failure);
        false
    });
    match first {
        Some(failure) if targets.is_empty() => Err(failure),
        _ => Ok(targets),
    }
}

/// Flags of each platform that has any.
fn rustflags(
    platforms: &[Platform],
    config: &CargoConfig,
    root: &Path,
) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let mut all = BTreeMap::new();
    for platform in platforms {
        let flags = rustflags_of(platform, config, root)?;
        if !flags.is_empty() {
            all.insert(platform.triple.clone(), flags);
        }
    }
    Ok(all)
}

fn rustflags_of(platform: &Platform, config: &CargoConfig, root: &Path) -> Result<Vec<String>, Failure> {
    config.rustflags_for_nix(platform).map_err(|flag| {
        let triple = &platform.triple;
        let message = format!(
            "`{flag}` in `rustflags` for `{triple}` has a space or a pattern, which nixpkgs' builder cannot pass on"
        );
        Failure::new("unsupported-rustflags", message)
            .note("at", root.join(".cargo/config.toml").display().to_string())
            .help(format!("leave the flag out, or name other platforms than `{triple}` in `targets` of [workspace.metadata.cratewright]"))
    })
}

/// A path that does not exist would only show up as a failed build, much later.
fn check_extra_sources(packages: &PackageGraph, root: &Path) -> Result<(), Failure> {
    for package in packages.graph.node_weights() {
        if let Some(missing) = package.extra_sources.iter().find(|path| !root.join(path).exists()) {
            let message = format!("extra source `{missing}` of package `{}` does not exist", package.display());
            return Err(Failure::new("missing-extra-source", message)
                .help("correct `package.metadata.cratewright.extra-sources` in that package's Cargo.toml"));
        }
    }
    Ok(())
}

/// The triple of a Nix system, or what is one already.
pub(crate) fn triple(target: &str) -> String {
    SYSTEMS.iter().find(|(system, _)| *system == target).map_or(target, |(_, triple)| triple).to_owned()
}

/// Sorted triples of what was asked for, each once.
fn triples(targets: &[String]) -> Vec<String> {
    let mut triples: Vec<String> = targets.iter().map(|target| triple(target)).collect();
    triples.sort();
    triples.dedup();
    triples
}

/// The manifest to start from, and the root of its workspace.
pub(crate) fn find(manifest_path: Option<&Path>) -> Result<(PathBuf, PathBuf), Failure> {
    let manifest = find_manifest(manifest_path)?;
    // What cannot be read here is cargo's to complain about, which says more.
    let parent = || manifest.parent().map(Path::to_owned).unwrap_or_default();
    let directory = workspace_root(&manifest).unwrap_or_else(|_| parent());
    Ok((manifest, directory))
}

/// The manifest to start from, checked to be there so that the error can be ours.
pub(crate) fn find_manifest(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let no_manifest = |message: String| {
        Failure::new("no-manifest", message)
            .help("run it inside a Cargo workspace, or name one with `--manifest-path path/to/Cargo.toml`")
    };
    if let Some(path) = given {
        return match path.is_file() {
            true => fs::canonicalize(path).map_err(|error| Failure::io("read", path, &error)),
            false => Err(no_manifest(format!("`{}` is not a Cargo.toml", path.display()))),
        };
    }
    let current = std::env::current_dir().map_err(|error| Failure::io("read", Path::new("."), &error))?;
    // As for cargo, the first counts, whatever it is.
    let manifest = current.ancestors().map(|directory| directory.join("Cargo.toml")).find(|manifest| manifest.exists());
    match manifest {
        Some(manifest) if manifest.is_file() => Ok(manifest),
        Some(other) => Err(no_manifest(format!("`{}` is not a file", other.display()))),
        None => Err(no_manifest(format!("there is no Cargo.toml in `{}` or above it", current.display()))),
    }
}

fn parse_lock(path: &Path, text: &str) -> Result<Lockfile, Failure> {
    text.parse().map_err(|error: cargo_lock::Error| {
        Failure::new("invalid-lock-file", format!("`{}` cannot be read: {error}", path.display()))
            .help("restore it from version control, or make a new one with `cargo generate-lockfile`")
    })
}

pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    read_text(path).map_err(|error| Failure::io("read", path, &error))
}
