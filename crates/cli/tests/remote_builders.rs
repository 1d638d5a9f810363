//! Remote builders: Nix distributes builds to builders on this computer, each with its own store and ssh server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support;
use crate::support::machine::Machine;
use crate::support::remote::{Site, Stored, stored};

const CHAINS: usize = 4;
const CRATES_OF_A_CHAIN: usize = 7;
const APART: usize = 18;

/// A workspace that a test creates, member by member.
struct Workspace {
    directory: tempfile::TempDir,
}

impl Workspace {
    fn new() -> Self {
        let workspace = Workspace { directory: tempfile::tempdir().unwrap() };
        workspace.write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
        workspace
    }

    fn write(&self, path: &str, text: &str) {
        support::write(&self.root().join(path), text);
    }

    /// Adds a library, or a program if its file is `main.rs`.
    fn member(&self, name: &str, more: &str, dependencies: &[String], file: &str, text: &str) {
        let mut manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{more}\n[dependencies]\n");
        for dependency in dependencies {
            writeln!(manifest, "{dependency} = {{ path = \"../{dependency}\" }}").unwrap();
        }
        self.write(&format!("crates/{name}/Cargo.toml"), &manifest);
        self.write(&format!("crates/{name}/src/{file}"), text);
    }

    /// Generates `Cargo.nix`.
    fn generate(&self) -> PathBuf {
        support::run(Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(self.root()));
        support::run(support::cratewright().args(["generate", "--offline"]).current_dir(self.root()));
        self.root().join("Cargo.nix")
    }

    fn root(&self) -> &Path {
        self.directory.path()
    }
}

/// Crates that can be built in parallel, and crates that cannot: chains that start with a procedural macro, independent
/// crates, a build script that waits for a crate, and a program that prints a sum of values of all crates.
fn fifty_crates() -> Workspace {
    let workspace = Workspace::new();
    let library = |name: &str, dependencies: &[String], value: &str| {
        workspace.member(name, "", dependencies, "lib.rs", &format!("pub fn value() -> u32 {{ {value} }}\n"));
    };
    let value_of = |name: &String| format!("{}::value()", name.replace('-', "_"));
    let one = "extern crate proc_macro;\n#[proc_macro]\npub fn one(_: proc_macro::TokenStream) -> \
               proc_macro::TokenStream { \"1\".parse().unwrap() }\n";
    workspace.member("numbers", "[lib]\nproc-macro = true\n", &[], "lib.rs", one);
    library("hundred", &[], "100");
    let script = "fn main() { println!(\"cargo::rustc-env=VALUE={}\", hundred::value()) }\n";
    let needs_hundred = "[build-dependencies]\nhundred = { path = \"../hundred\" }\n";
    let text = "pub fn value() -> u32 { env!(\"VALUE\").parse().unwrap() }\n";
    workspace.member("generated", needs_hundred, &[], "lib.rs", text);
    workspace.write("crates/generated/build.rs", script);
    let mut ends = vec!["generated".to_owned()];
    for chain in 0..CHAINS {
        let mut below = "numbers".to_owned();
        for place in 0..CRATES_OF_A_CHAIN {
            let name = format!("chain-{chain}-{place}");
            let value = if place == 0 { "numbers::one!()".to_owned() } else { value_of(&below) + " + 1" };
            library(&name, &[below], &value);
            below = name;
        }
        ends.push(below);
    }
    for number in 0..APART {
        let name = format!("apart-{number}");
        library(&name, &[], "1000");
        ends.push(name);
    }
    let sum = ends.iter().map(value_of).collect::<Vec<String>>().join(" + ");
    workspace.member("program", "", &ends, "main.rs", &format!("fn main() {{ println!(\"{{}}\", {sum}) }}\n"));
    workspace
}

/// The member that an output belongs to.
fn crate_of(path: &Path) -> Option<&str> {
    let (_, name) = path.file_name()?.to_str()?.split_once('-')?;
    name.strip_suffix("-lib").unwrap_or(name).strip_suffix("-0.1.0")
}

/// Only the outputs of crates.
fn of_crates(store: BTreeMap<PathBuf, Stored>) -> BTreeMap<PathBuf, Stored> {
    store.into_iter().filter(|(path, _)| crate_of(path).is_some()).collect()
}

/// Crates that a machine has built.
fn built_in(outputs: &BTreeMap<PathBuf, Stored>) -> BTreeSet<&str> {
    outputs.iter().filter(|(_, output)| output.is_built_here).filter_map(|(path, _)| crate_of(path)).collect()
}

/// Number and size of the paths that Nix reports to have copied to a builder.
fn copied_to(builder: &str, said: &str, sizes: &BTreeMap<PathBuf, Stored>) -> (usize, u64) {
    let end = format!("' to 'ssh-ng://{builder}'...");
    let paths = said.lines().filter_map(|line| line.strip_prefix("copying path '")?.strip_suffix(&end));
    paths.fold((0, 0), |(count, size), path| (count + 1, size + sizes[Path::new(path)].nar_size))
}

/// Output of a build, whether it succeeded or not.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[expect(clippy::print_stdout, reason = "the numbers of builds and copied paths are results")]
fn two_builders_build_fifty_crates_with_the_same_outputs_as_one_machine() {
    let workspace = fifty_crates();
    let cargo_nix = workspace.generate();
    let attribute = "workspaceMembers.program.build";
    let site = Site::of(&["north", "south"]);
    let output = support::run(site.nix_build(&[]).arg(&cargo_nix).args(["-A", attribute]));
    let program = PathBuf::from(String::from_utf8(output.stdout.clone()).unwrap().trim());

    let all = stored(&site.local);
    let mut crates = BTreeSet::new();
    for builder in &site.builders {
        let outputs = of_crates(stored(&builder.machine));
        let built = built_in(&outputs);
        let (paths, bytes) = copied_to(builder.name, &said(&output), &all);
        println!("{}: {} crates built, {paths} paths of {} KiB copied to it", builder.name, built.len(), bytes / 1024);
        assert!(built.len() >= 10, "{} has built only {built:?}", builder.name);
        for name in built {
            assert!(crates.insert(name.to_owned()), "{name} was built twice");
        }
    }
    assert_eq!(crates.len(), 50, "{crates:?}");
    let outputs = of_crates(all);
    let here = built_in(&outputs);
    println!("local: {} crates built", here.len());
    assert!(here.is_empty(), "the local machine has built {here:?}");

    let alone = Machine::new();
    let there =
        support::stdout(alone.command("nix-build").arg("--no-out-link").arg(&cargo_nix).args(["-A", attribute]));
    assert_eq!(there.trim(), program.to_str().unwrap());
    let of_one = of_crates(stored(&alone));
    assert_eq!(built_in(&of_one), crates.iter().map(String::as_str).collect());
    let hashes = |outputs: &BTreeMap<PathBuf, Stored>| {
        outputs.iter().map(|(path, output)| (path.clone(), output.nar_hash.clone())).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(hashes(&outputs), hashes(&of_one));
    println!("{} outputs of crates, each with the same hash as in a build on one machine", outputs.len());
    assert_eq!(support::stdout(&mut site.local.command(program.join("bin/program"))), "18128\n");
}

/// Three crates that do not depend on each other.
fn three_crates() -> Workspace {
    let workspace = Workspace::new();
    for name in ["heavy", "near", "other"] {
        workspace.member(name, "", &[], "lib.rs", "pub fn value() {}\n");
    }
    workspace
}

/// An expression for all members.
fn members(cargo_nix: &Path, overrides: &str) -> String {
    format!(
        "map (member: member.build) (builtins.attrValues \
         (import {} {{ crateOverrides = {{ {overrides} }}; }}).workspaceMembers)",
        cargo_nix.display()
    )
}

#[test]
fn builders_that_are_down_are_skipped_and_without_builders_nix_reports_requirements() {
    let workspace = three_crates();
    let cargo_nix = workspace.generate();
    let mut site = Site::of(&["north", "south"]);
    site.switch_off("north");
    let built = site.nix_build(&[]).args(["--expr", &members(&cargo_nix, "")]).output().unwrap();
    assert!(built.status.success(), "{}", said(&built));
    assert!(said(&built).contains("cannot build on 'ssh-ng://north"), "{}", said(&built));
    let of_south = of_crates(stored(&site.builders[1].machine));
    assert_eq!(built_in(&of_south), BTreeSet::from(["heavy", "near", "other"]));

    site.switch_off("south");
    let overrides = "\"*\" = _: { REVISION = \"another\"; };";
    let built = site.nix_build(&[]).args(["--expr", &members(&cargo_nix, overrides)]).output().unwrap();
    assert!(!built.status.success());
    for part in
        ["cannot build on 'ssh-ng://south", "Failed to find a machine for remote build!", "required (system, features)"]
    {
        assert!(said(&built).contains(part), "{part} is missing in\n{}", said(&built));
    }
}

#[test]
fn overrides_select_the_builders_of_a_crate_or_a_local_build() {
    let workspace = three_crates();
    let cargo_nix = workspace.generate();
    let site = Site::of(&["north", "south"]);
    let overrides =
        "heavy = _: { requiredSystemFeatures = [ \"big-parallel\" ]; }; near = _: { preferLocalBuild = true; };";
    // The builder `south` supports the feature, and requires it.
    let mut build = site.nix_build(&[("south", "big-parallel big-parallel")]);
    support::run(build.args(["--max-jobs", "1", "--expr", &members(&cargo_nix, overrides)]));
    let [north, south] = [0, 1].map(|ix| of_crates(stored(&site.builders[ix].machine)));
    assert_eq!(built_in(&south), BTreeSet::from(["heavy"]));
    assert!(!built_in(&north).contains("near"));
    assert!(built_in(&of_crates(stored(&site.local))).contains("near"));
}
