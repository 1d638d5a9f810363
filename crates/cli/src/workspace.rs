//! Loads a workspace: everything that the resolver needs, read from disk and from cargo.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use cratewright_renderer::{Resolved, merge};
use cratewright_resolver::{Metadata, PackageGraph, PackageIx, Pair, Platform, Selection, UnitGraph, resolve};
use cratewright_sources::diagnostic::Diagnostic;
use cratewright_staleness::{Observer, Record};
use cratewright_workspace::{CargoConfig, Cross, EnvironmentVariable, FeatureUnification, Settings, find_root};

use crate::cargo::{self, Cause, NoPlatform};
use crate::disk::Disk;
use crate::flags;
use crate::options::LoadOptions;
use crate::paths::relative;
use crate::prefetched;
use crate::replacement::replacements;
use crate::report::Report;
use crate::rustc::Rustc;
use crate::selections::selections;

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

/// A workspace, ready to be resolved.
#[derive(Debug)]
pub struct Workspace {
    /// Directory of the root manifest.
    pub root: PathBuf,
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
    pub environment: BTreeMap<String, EnvironmentVariable>,
    /// What profiles and cargo's configuration say and Nix does not follow, a line each.
    pub not_followed: Vec<String>,
    /// `[workspace.metadata.cratewright]`.
    pub(crate) settings: Settings,
    /// Everything that was asked of the disk, but for what sources read.
    pub(crate) record: Record,
    pub(crate) disk: Disk,
    /// What `cargo metadata` has printed.
    pub(crate) metadata: String,
}

impl Workspace {
    /// Unit graphs of these selections, per pair.
    pub fn resolve(&self, selections: &[Selection]) -> Vec<Vec<UnitGraph>> {
        resolve(&self.packages, &self.platforms, &self.pairs, selections)
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Result<PackageIx, Diagnostic> {
        let Workspace { packages, root, .. } = self;
        let found = packages.members.iter().copied().find(|&member| packages[member].name == name);
        found.ok_or_else(|| {
            let names = packages.members.iter().map(|&member| format!("`{}`", packages[member].name));
            Diagnostic::new("unknown-member", format!("there is no member `{name}`"))
                .at(root.join("Cargo.toml").display().to_string())
                .help(format!("name one of {}", names.collect::<Vec<_>>().join(", ")))
        })
    }

    /// Fails if there is no such profile.
    pub(crate) fn check_profile(&self, profile: &str) -> Result<(), Diagnostic> {
        if self.packages.profiles.contains(profile) {
            return Ok(());
        }
        let names: Vec<&str> = self.packages.profiles.names().collect();
        Err(Diagnostic::new("unknown-profile", format!("there is no profile `{profile}`"))
            .at(self.root.join("Cargo.toml").display().to_string())
            .help(format!("name one of {}", names.join(", "))))
    }

    /// Number of units that `Cargo.nix` would have if features were unified the other way; nothing where that has no such
    /// selections, or cannot be built.
    pub(crate) fn units_otherwise(&self) -> Option<(FeatureUnification, usize)> {
        let feature_unification = self.settings.feature_unification.other();
        let mut settings = self.settings.clone();
        settings.feature_unification = feature_unification;
        let selections = selections(&settings, &self.packages).ok()?;
        let graphs = self.resolve(&selections);
        let Workspace { packages, platforms, pairs, .. } = self;
        let merged = merge(Resolved { packages, platforms, pairs, selections: &selections, graphs: &graphs }).ok()?;
        Some((feature_unification, merged.builds().count()))
    }

    /// Nix systems that build for themselves, where the workspace says which platforms `Cargo.nix` is for.
    pub(crate) fn named_systems(&self) -> Vec<&'static str> {
        let native = self.pairs.iter().filter(|pair| self.settings.targets().is_some() && !pair.is_cross());
        native.filter_map(|pair| system(&self.platforms[pair.host].triple)).collect()
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
pub fn load(options: &LoadOptions) -> Result<Workspace, Diagnostic> {
    load_found(options, &find(options.manifest_path.as_deref())?, None)
}

/// The same of a workspace of which it is known what cargo would say.
pub(crate) fn load_known(options: &LoadOptions, metadata: String) -> Result<Workspace, Diagnostic> {
    load_found(options, &find(options.manifest_path.as_deref())?, Some(metadata))
}

fn load_found(
    options: &LoadOptions,
    (manifest, disk): &(PathBuf, Disk),
    metadata: Option<String>,
) -> Result<Workspace, Diagnostic> {
    load_from(options, manifest, disk, metadata).map_err(|failure| failure.in_directory(disk.root()))
}

fn load_from(
    options: &LoadOptions,
    manifest: &Path,
    disk: &Disk,
    known_metadata: Option<String>,
) -> Result<Workspace, Diagnostic> {
    let root = disk.root();
    let observer = Observer::new(disk);
    // Before cargo, which would wait for a pipe in the place of a file.
    let workspace = cratewright_workspace::Workspace::discover(&observer)?;
    observer.read_lock()?;
    let asked = triples(&options.targets);
    let early: Vec<String> = if asked.is_empty() { DEFAULT_TARGETS.map(str::to_owned).to_vec() } else { asked.clone() };
    let platform =
        |rustc: &Rustc, triple: &str| cargo::platform(rustc, triple, root, &workspace.config, options.progress);
    // rustc's tables and the lock do not depend on what cargo says, so they are read while it runs; one after the other,
    // as cargo is what takes long and should have a core to itself.
    let (metadata, rustc, platforms, lock) = thread::scope(|scope| {
        let metadata = scope.spawn(|| {
            let (output, has_updated_lock) = match (known_metadata, &options.prefetched) {
                (Some(output), _) => (output, false),
                (None, Some(directory)) => {
                    (prefetched::metadata(directory, &workspace.config, manifest, root, options)?, false)
                }
                (None, None) => cargo::metadata(manifest, root, options, None)?,
            };
            let metadata = Metadata::parse(&output, |path| Path::new(path).is_file());
            let metadata = metadata.map_err(|failure| failure.at(manifest.display().to_string()))?;
            let replaced = replacements(&metadata, &workspace.config)?;
            Ok::<_, Diagnostic>((output, metadata, replaced, has_updated_lock))
        });
        let rustc = Rustc::of(root);
        let platforms: Vec<_> = early.iter().map(|triple| platform(&rustc, triple)).collect();
        let lock = observer.lock();
        (metadata.join().expect("parsing what cargo prints does not panic"), rustc, platforms, lock)
    });
    // Without rustc cargo fails as well, and says less plainly why.
    let no_rustc = platforms.iter().filter_map(|platform| platform.as_ref().err());
    if let Some(missing) = no_rustc.into_iter().find(|missing| missing.cause == Cause::NoRustc) {
        return Err(missing.diagnostic.clone());
    }
    // A lock that cannot be read is said with the line that is wrong.
    let mut lock = lock?;
    let (output, metadata, replaced, has_updated_lock) = metadata?;
    // All else is to be as it was before cargo ran.
    if has_updated_lock {
        lock = Observer::new(disk).lock()?;
    }
    let record = Record::new(observer).with_lock(&lock);
    let config = &workspace.config;
    let mut known: BTreeMap<String, Result<Platform, NoPlatform>> = early.iter().cloned().zip(platforms).collect();
    let mut left_out = Vec::new();
    let targets = match workspace.settings.targets() {
        Some(targets) if asked.is_empty() => triples(targets),
        None if asked.is_empty() => defaults(early, &known, config, &mut left_out)?,
        _ => early,
    };
    let cross = if options.cross.is_empty() { &workspace.settings.cross } else { &options.cross };
    let (platforms, pairs) =
        pairs(&targets, cross, |triple| known.remove(triple).unwrap_or_else(|| platform(&rustc, triple)))?;
    let packages = PackageGraph::new(&workspace, &lock, metadata, &replaced)?;
    let not_followed =
        packages.profiles.ignored().into_iter().chain(flags::ignored(config, &platforms)).chain(left_out);
    Ok(Workspace {
        root: root.to_owned(),
        not_followed: not_followed.collect(),
        selections: selections(&workspace.settings, &packages)?,
        ignored: workspace.settings.exclude_sources(),
        rustflags: rustflags(&platforms, config)?,
        environment: config.environment()?,
        settings: workspace.settings,
        packages,
        platforms,
        pairs,
        record,
        disk: disk.clone(),
        metadata: output,
    })
}

/// The same, which `-v` tells of.
pub(crate) fn load_for(report: &Report, options: &LoadOptions) -> Result<Workspace, Diagnostic> {
    load_found_for(report, options, &find(options.manifest_path.as_deref())?)
}

/// The same, of what [`find`] has found.
pub(crate) fn load_found_for(
    report: &Report,
    options: &LoadOptions,
    found: &(PathBuf, Disk),
) -> Result<Workspace, Diagnostic> {
    let start = Instant::now();
    let workspace = load_found(options, found, None)?;
    report.took("Loaded", workspace.root.display(), start);
    Ok(workspace)
}

/// A native pair for each target, then the cross pairs, and the platforms they speak of.
fn pairs(
    targets: &[String],
    cross: &[Cross],
    mut platform: impl FnMut(&str) -> Result<Platform, NoPlatform>,
) -> Result<(Vec<Platform>, Vec<Pair>), Diagnostic> {
    let mut cross: Vec<(String, String)> =
        cross.iter().map(|pair| (triple(&pair.host), triple(&pair.target))).collect();
    cross.sort();
    cross.dedup();
    let mut triples: Vec<&String> =
        targets.iter().chain(cross.iter().flat_map(|(host, target)| [host, target])).collect();
    triples.sort();
    triples.dedup();
    let platforms = triples.iter().map(|triple| platform(triple).map_err(|missing| missing.diagnostic));
    let platforms = platforms.collect::<Result<Vec<_>, _>>()?;
    let ix = |triple: &String| triples.binary_search(&triple).expect("it was put in above");
    let native = targets.iter().map(|target| Pair::native(ix(target)));
    let cross = cross.iter().map(|(host, target)| Pair { host: ix(host), target: ix(target) });
    let pairs = native.chain(cross.filter(|pair| pair.is_cross())).collect();
    Ok((platforms, pairs))
}

/// Platforms that nobody named, but for those whose flags cannot be followed: they are said in `left_out`.
fn defaults(
    mut targets: Vec<String>,
    known: &BTreeMap<String, Result<Platform, NoPlatform>>,
    config: &CargoConfig,
    left_out: &mut Vec<String>,
) -> Result<Vec<String>, Diagnostic> {
    let mut first = None;
    targets.retain(|triple| {
        let failure = match &known[triple] {
            Ok(platform) => rustflags_of(platform, config).err(),
            Err(missing) => Some(missing.diagnostic.clone()).filter(|_| missing.cause == Cause::Flags),
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
fn rustflags(platforms: &[Platform], config: &CargoConfig) -> Result<BTreeMap<String, Vec<String>>, Diagnostic> {
    let mut all = BTreeMap::new();
    for platform in platforms {
        let flags = rustflags_of(platform, config)?;
        if !flags.is_empty() {
            all.insert(platform.triple.clone(), flags);
        }
    }
    Ok(all)
}

fn rustflags_of(platform: &Platform, config: &CargoConfig) -> Result<Vec<String>, Diagnostic> {
    flags::rustflags_for_nix(config, platform).map_err(|flag| {
        let triple = &platform.triple;
        let message = format!(
            "`{flag}` in `rustflags` for `{triple}` has a space or a pattern, which nixpkgs' builder cannot pass on"
        );
        Diagnostic::new("unsupported-rustflags", message)
            .at(config.file())
            .help(format!("leave the flag out, or name other platforms than `{triple}` in `targets` of [workspace.metadata.cratewright]"))
    })
}

/// The triple of a Nix system, or what is one already.
pub(crate) fn triple(target: &str) -> String {
    SYSTEMS.iter().find(|(system, _)| *system == target).map_or(target, |(_, triple)| triple).to_owned()
}

/// The Nix system that builds for itself, by its triple.
pub(crate) fn system(triple: &str) -> Option<&'static str> {
    SYSTEMS.iter().find(|(_, known)| *known == triple).map(|(system, _)| *system)
}

/// Sorted triples of what was asked for, each once.
fn triples(targets: &[String]) -> Vec<String> {
    let mut triples: Vec<String> = targets.iter().map(|target| triple(target)).collect();
    triples.sort();
    triples.dedup();
    triples
}

/// The manifest to start from, and the disk at the root of its workspace.
pub(crate) fn find(manifest_path: Option<&Path>) -> Result<(PathBuf, Disk), Diagnostic> {
    let manifest = find_manifest(manifest_path)?;
    let top = Path::new("/");
    let disk = Disk::new(top.to_owned());
    let directory = relative(top, manifest.parent().unwrap_or(top));
    let root = find_root(&disk, &directory).map_err(|failure| failure.in_directory(top))?;
    Ok((manifest, disk.at(top.join(root.as_str()))))
}

/// The manifest to start from, checked to be there so that the error can be ours.
pub(crate) fn find_manifest(given: Option<&Path>) -> Result<PathBuf, Diagnostic> {
    let no_manifest = |message: String| {
        Diagnostic::new("no-manifest", message)
            .help("run it inside a Cargo workspace, or name one with `--manifest-path path/to/Cargo.toml`")
    };
    if let Some(path) = given {
        return match path.is_file() {
            true => fs::canonicalize(path).map_err(|error| Diagnostic::io("read", path, &error)),
            false => Err(no_manifest(format!("`{}` is not a Cargo.toml", path.display()))),
        };
    }
    let current = std::env::current_dir().map_err(|error| Diagnostic::io("read", Path::new("."), &error))?;
    // As for cargo, the first counts, whatever it is.
    let manifest = current.ancestors().map(|directory| directory.join("Cargo.toml")).find(|manifest| manifest.exists());
    match manifest {
        Some(manifest) if manifest.is_file() => Ok(manifest),
        Some(other) => Err(no_manifest(format!("`{}` is not a file", other.display()))),
        None => Err(no_manifest(format!("there is no Cargo.toml in `{}` or above it", current.display()))),
    }
}
