//! A strategy for workspaces that are acyclic by construction, except for dev-dependencies.
//!
//! Genes are plain numbers, which [`RandomWorkspace::files`] maps to a similar workspace that cargo accepts. So every
//! shrunk gene is again a valid workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fmt::Write;

use proptest::collection::vec;
use proptest::prelude::*;

/// Hosts and targets to choose from: two families, two systems, two architectures, and one with neither.
pub(crate) const TARGETS: [&str; 5] = [
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-musl",
    "wasm32-unknown-unknown",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
];

/// Keys of `[target.<key>.dependencies]`; the first stands for `[dependencies]`.
const PLATFORMS: [&str; 10] = [
    "",
    "cfg(unix)",
    "cfg(windows)",
    "cfg(target_os = \"macos\")",
    "cfg(not(target_arch = \"x86_64\"))",
    "cfg(any(target_env = \"msvc\", all(unix, target_pointer_width = \"64\")))",
    "x86_64-unknown-linux-gnu",
    "cfg(target_feature = \"sse2\")",
    "cfg(unknown_cfg)",
    "cfg(false)",
];

const TABLES: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];
const FEATURES: usize = 4;

#[derive(Clone, Debug)]
struct DependencyGene {
    to: u8,
    table: u8,
    platform: u8,
    optional: bool,
    default_features: bool,
    features: u8,
}

#[derive(Clone, Debug)]
struct ValueGene {
    feature: u8,
    kind: u8,
    dependency: u8,
    enables: u8,
}

#[derive(Clone, Debug)]
struct PackageGene {
    proc_macro: u8,
    build_script: bool,
    bin: u8,
    renames: bool,
    hides_implicit: bool,
    /// The features in `default`; none if there is no `default`.
    default: Option<u8>,
    dependencies: Vec<DependencyGene>,
    values: Vec<ValueGene>,
    tests: bool,
    place: u8,
    /// The package whose name is used, and whether its version is used as well.
    twin: Option<(u8, bool)>,
}

/// Place of a package, and the source from which others use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A member.
    Member,
    /// A directory that is not part of the workspace.
    Outside,
    /// crates.io, replaced by a directory source, so that the network is not used.
    Registry,
    /// The same, but `[patch]` replaces the package by a directory.
    Patched,
}

impl Place {
    fn is_registry(self) -> bool {
        matches!(self, Place::Registry | Place::Patched)
    }
}

/// A workspace, as genes.
#[derive(Clone)]
pub(crate) struct RandomWorkspace {
    resolver: u8,
    root_package: bool,
    packages: Vec<PackageGene>,
    /// Tables of `[profile]`, and their contents.
    profiles: Vec<(u8, ProfileGene)>,
}

#[derive(Clone, Debug)]
struct ProfileGene {
    opt_level: u8,
    debug: u8,
    strip: u8,
    lto: u8,
    codegen_units: u8,
    checks: u8,
    aborts: bool,
}

/// Workspaces of up to seven packages.
pub(crate) fn random_workspace() -> impl Strategy<Value = RandomWorkspace> {
    let dependency = (any::<u8>(), 0..4_u8, 0..20_u8, any::<bool>(), any::<bool>(), any::<u8>()).prop_map(
        |(to, table, platform, optional, default_features, features)| DependencyGene {
            to,
            // Normal dependencies are twice as likely.
            table: table.saturating_sub(1),
            // Half of the dependencies are for all platforms.
            platform: platform.saturating_sub(10),
            optional,
            default_features,
            features,
        },
    );
    let value = (0..FEATURES as u8, 0..6_u8, any::<u8>(), any::<u8>())
        .prop_map(|(feature, kind, dependency, enables)| ValueGene { feature, kind, dependency, enables });
    let flags = (0..4_u8, any::<bool>(), 0..4_u8, any::<bool>(), any::<bool>(), any::<bool>());
    // Half of the packages are members, and most have a unique name.
    let place = (0..8_u8, prop::option::weighted(0.3, any::<(u8, bool)>()));
    let package = (flags, prop::option::of(any::<u8>()), vec(dependency, 0..5), vec(value, 0..6), place).prop_map(
        |(flags, default, dependencies, values, (place, twin))| {
            let (proc_macro, build_script, bin, renames, hides_implicit, tests) = flags;
            PackageGene {
                proc_macro,
                build_script,
                bin,
                renames,
                hides_implicit,
                default,
                dependencies,
                values,
                tests,
                place,
                twin,
            }
        },
    );
    let profile = (0..6_u8, 0..6_u8, 0..6_u8, 0..6_u8, 0..3_u8, 0..4_u8, any::<bool>()).prop_map(
        |(opt_level, debug, strip, lto, codegen_units, checks, aborts)| ProfileGene {
            opt_level,
            debug,
            strip,
            lto,
            codegen_units,
            checks,
            aborts,
        },
    );
    let profiles = vec((any::<u8>(), profile), 0..4);
    (0..3_u8, any::<bool>(), vec(package, 1..8), profiles).prop_map(|(resolver, root_package, packages, profiles)| {
        RandomWorkspace { resolver, root_package, packages, profiles }
    })
}

/// A declared dependency, after all rules are applied.
struct Declared {
    to: usize,
    optional: bool,
    default_features: bool,
    features: BTreeSet<usize>,
}

impl RandomWorkspace {
    /// Relative paths and contents of the files.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let root_member = self.packages.len() - 1;
        let all = || 0..self.packages.len();
        let members: Vec<String> = all()
            .filter(|&ix| self.place(ix) == Place::Member && !self.directory(ix).is_empty())
            .map(|ix| format!("\"{}\"", self.directory(ix)))
            .collect();
        let mut workspace = format!(
            "[workspace]\nresolver = \"{}\"\nmembers = [{}]\nexclude = [\"outside\", \"patched\", \"vendor\"]\n",
            self.resolver + 1,
            members.join(", ")
        );
        let patched: Vec<usize> = all().filter(|&ix| self.place(ix) == Place::Patched).collect();
        if !patched.is_empty() {
            workspace.push_str("\n[patch.crates-io]\n");
        }
        for ix in patched {
            let (name, _) = self.identity(ix);
            let _ = writeln!(workspace, "patch{ix} = {{ package = \"{name}\", path = \"{}\" }}", self.directory(ix));
        }
        workspace.push_str(&self.profiles());
        if !self.root_package {
            files.push(("Cargo.toml".to_owned(), workspace.clone()));
        }
        if all().any(|ix| self.place(ix).is_registry()) {
            let config = "[source.crates-io]\nreplace-with = \"vendor\"\n\n[source.vendor]\ndirectory = \"vendor\"\n";
            files.push((".cargo/config.toml".to_owned(), config.to_owned()));
            files.push(("vendor/.keep".to_owned(), String::new()));
        }
        for (ix, gene) in self.packages.iter().enumerate() {
            let directory = self.directory(ix);
            let mut file = |name: &str, text: &str| {
                let path = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
                files.push((path, text.to_owned()));
            };
            let mut manifest = self.manifest(ix);
            if self.root_package && ix == root_member {
                manifest = format!("{workspace}\n{manifest}");
            }
            file("Cargo.toml", &manifest);
            file("src/lib.rs", "");
            if self.place(ix) == Place::Registry {
                file(".cargo-checksum.json", &format!("{{\"files\":{{}},\"package\":\"{ix:064x}\"}}"));
            }
            if gene.build_script {
                file("build.rs", "fn main() {}\n");
            }
            if gene.bin > 0 {
                file(&format!("src/bin/b{ix}.rs"), "fn main() {}\n");
            }
            if gene.tests {
                file(&format!("tests/t{ix}.rs"), "");
            }
        }
        files
    }

    /// The release profile and its overrides. Cargo only warns of unknown package names.
    fn profiles(&self) -> String {
        let mut tables: BTreeMap<String, String> = BTreeMap::new();
        for (table, gene) in &self.profiles {
            let override_of = match table % 6 {
                0 | 1 => String::new(),
                2 => ".build-override".to_owned(),
                3 => ".package.\"*\"".to_owned(),
                _ => format!(".package.p{}", table % 8),
            };
            let mut text = String::new();
            let mut key = |name: &str, values: &[&str], gene: u8| {
                if let Some(value) = values.get(gene as usize) {
                    let _ = writeln!(text, "{name} = {value}");
                }
            };
            key("opt-level", &["1", "\"z\"", "3"], gene.opt_level);
            key("debug", &["true", "1", "\"line-tables-only\"", "false"], gene.debug);
            key("strip", &["true", "\"debuginfo\"", "\"none\"", "false"], gene.strip);
            key("codegen-units", &["1", "7"], gene.codegen_units);
            key("debug-assertions", &["true"], gene.checks);
            key("overflow-checks", &["true"], gene.checks / 2);
            if override_of.is_empty() {
                key("lto", &["true", "\"thin\"", "\"off\"", "false"], gene.lto);
                key("panic", &["\"abort\""], u8::from(!gene.aborts));
            }
            tables.insert(format!("\n[profile.release{override_of}]\n"), text);
        }
        tables.into_iter().map(|(header, text)| header + &text).collect()
    }

    fn place(&self, ix: usize) -> Place {
        match self.packages[ix].place {
            // The last package has the most dependencies, and may be the root.
            _ if ix == self.packages.len() - 1 => Place::Member,
            0..4 => Place::Member,
            4 => Place::Outside,
            5 | 6 => Place::Registry,
            _ => Place::Patched,
        }
    }

    /// Name and version. Each package has a version that is incompatible with all others, except for a package of the
    /// registry that shadows a local one.
    fn identity(&self, ix: usize) -> (String, String) {
        let own = |ix: usize| format!("0.{}.0", ix + 1);
        let Some((of, same_version)) = self.packages[ix].twin.filter(|_| ix > 0 && self.place(ix) != Place::Member)
        else {
            return (format!("p{ix}"), own(ix));
        };
        let of = of as usize % ix;
        let (name, version) = self.identity(of);
        let earlier = (0..ix).filter(|&other| self.place(other).is_registry());
        let taken = earlier.map(|other| self.identity(other)).any(|other| other == (name.clone(), version.clone()));
        let shadows = same_version && self.place(ix) == Place::Registry && !self.place(of).is_registry() && !taken;
        if shadows { (name, version) } else { (name, own(ix)) }
    }

    fn directory(&self, ix: usize) -> String {
        match self.place(ix) {
            Place::Member if self.root_package && ix == self.packages.len() - 1 => String::new(),
            Place::Member => format!("p{ix}"),
            Place::Outside => format!("outside/p{ix}"),
            Place::Registry => format!("vendor/p{ix}"),
            Place::Patched => format!("patched/p{ix}"),
        }
    }

    /// The directory of `to`, relative to that of `ix`.
    fn path(&self, ix: usize, to: usize) -> String {
        let up = self.directory(ix).split('/').filter(|part| !part.is_empty()).map(|_| "..").collect::<Vec<_>>();
        let parts = up.into_iter().map(str::to_owned).chain(Some(self.directory(to)).filter(|dir| !dir.is_empty()));
        parts.collect::<Vec<_>>().join("/")
    }

    fn is_proc_macro(&self, ix: usize) -> bool {
        self.packages[ix].proc_macro == 1
    }

    /// The name that `ix` gives its dependency. Cargo requires one name per package.
    fn name_in_toml(&self, ix: usize, to: usize) -> String {
        if self.packages[ix].renames && to.is_multiple_of(2) { format!("r-{to}") } else { format!("p{to}") }
    }

    /// Declared dependencies by table, platform and package. Normal and build dependencies refer to earlier packages,
    /// dev-dependencies of members to any other package.
    fn declared(&self, ix: usize) -> BTreeMap<(usize, usize, usize), Declared> {
        let mut declared = BTreeMap::new();
        for gene in &self.packages[ix].dependencies {
            let dev = gene.table == 2;
            let place = self.place(ix);
            let candidates = if dev && place == Place::Member { self.packages.len() } else { ix };
            let candidates: Vec<usize> = (0..candidates)
                // Packages of the registry depend only on packages of the registry.
                .filter(|&to| to != ix && (place != Place::Registry || self.place(to).is_registry()))
                .collect();
            if candidates.is_empty() {
                continue;
            }
            let to = candidates[gene.to as usize % candidates.len()];
            let features = (0..FEATURES).filter(|bit| gene.features & (1 << bit) != 0 && gene.features & 64 == 0);
            declared.entry((gene.table as usize, gene.platform as usize, to)).or_insert(Declared {
                to,
                optional: gene.optional && !dev,
                default_features: gene.default_features,
                features: features.collect(),
            });
        }
        declared
    }

    fn manifest(&self, ix: usize) -> String {
        let gene = &self.packages[ix];
        let edition = ["2018", "2021", "2024"][ix % 3];
        let (name, version) = self.identity(ix);
        let mut text = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"{edition}\"\n");
        if gene.build_script && ix.is_multiple_of(2) {
            let _ = writeln!(text, "links = \"l{ix}\"");
        }
        if self.is_proc_macro(ix) {
            text.push_str("\n[lib]\nproc-macro = true\n");
        }
        if gene.bin > 1 {
            let feature = gene.bin as usize % FEATURES;
            let _ = write!(text, "\n[[bin]]\nname = \"b{ix}\"\nrequired-features = [\"f{feature}\"]\n");
        }
        let declared = self.declared(ix);
        self.write_features(&mut text, ix, &declared);
        let mut tables: BTreeMap<(usize, usize), String> = BTreeMap::new();
        for (&(table, platform, _), dependency) in &declared {
            let lines = tables.entry((table, platform)).or_default();
            let name = self.name_in_toml(ix, dependency.to);
            let (package, version) = self.identity(dependency.to);
            let source = match self.place(dependency.to).is_registry() {
                true => format!("version = \"{version}\""),
                false => format!("path = \"{}\"", self.path(ix, dependency.to)),
            };
            let features: Vec<String> = dependency.features.iter().map(|feature| format!("\"f{feature}\"")).collect();
            let _ = write!(lines, "{name} = {{ package = \"{package}\", {source}");
            if dependency.optional {
                lines.push_str(", optional = true");
            }
            if !dependency.default_features {
                lines.push_str(", default-features = false");
            }
            if !features.is_empty() {
                let _ = write!(lines, ", features = [{}]", features.join(", "));
            }
            lines.push_str(" }\n");
        }
        for ((table, platform), lines) in tables {
            let header = match PLATFORMS[platform] {
                "" => TABLES[table].to_owned(),
                platform => format!("target.'{platform}'.{}", TABLES[table]),
            };
            let _ = write!(text, "\n[{header}]\n{lines}");
        }
        text
    }

    fn write_features(&self, text: &mut String, ix: usize, declared: &BTreeMap<(usize, usize, usize), Declared>) {
        let gene = &self.packages[ix];
        let mut values: Vec<BTreeSet<String>> = vec![BTreeSet::new(); FEATURES];
        let all: Vec<&Declared> = declared.values().collect();
        let optional: BTreeSet<usize> = all.iter().filter(|d| d.optional).map(|d| d.to).collect();
        for value in &gene.values {
            let feature = value.feature as usize;
            let enables = value.enables as usize % FEATURES;
            // Only features with a higher number, so that no feature enables itself.
            if value.kind == 0 || all.is_empty() {
                if enables > feature {
                    values[feature].insert(format!("f{enables}"));
                }
                continue;
            }
            let to = all[value.dependency as usize % all.len()].to;
            let name = self.name_in_toml(ix, to);
            match value.kind {
                1 if optional.contains(&to) && gene.hides_implicit => values[feature].insert(format!("dep:{name}")),
                1 if optional.contains(&to) => values[feature].insert(name),
                2 if optional.contains(&to) => values[feature].insert(format!("{name}?/f{enables}")),
                _ => values[feature].insert(format!("{name}/f{enables}")),
            };
        }
        text.push_str("\n[features]\n");
        if let Some(default) = gene.default {
            let on: Vec<String> =
                (0..FEATURES).filter(|bit| default & (1 << bit) != 0).map(|bit| format!("\"f{bit}\"")).collect();
            let _ = writeln!(text, "default = [{}]", on.join(", "));
        }
        for (feature, values) in values.iter().enumerate() {
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            let _ = writeln!(text, "f{feature} = [{}]", values.join(", "));
        }
    }
}

/// The files, ready to paste.
impl fmt::Debug for RandomWorkspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = |path: &str| path.ends_with(".toml") || path.ends_with(".json");
        for (path, text) in self.files().iter().filter(|(path, _)| is_shown(path)) {
            write!(f, "\n# {path}\n{text}")?;
        }
        Ok(())
    }
}
