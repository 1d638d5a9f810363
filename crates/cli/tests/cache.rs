//! A team with a binary cache: one machine builds and pushes, others fetch. Each machine has its own store. The cache
//! is a directory served over HTTP, and signed with a key of the test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize;
use serde_json::Value;

use crate::support::machine::Machine;
use crate::support::registry::serve;
use crate::support::{self, cratewright, fixture, run, stdout};

/// Two programs and two libraries, one of which both programs use. They depend on crates of a registry, including a
/// proc-macro and crates with build scripts.
fn workspace(root: &Path) {
    let write = |path: &str, text: &str| support::write(&root.join(path), text);
    let member = |name: &str, dependencies: &str, file: &str, source: &str| {
        let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n");
        write(&format!("{name}/Cargo.toml"), &format!("{head}{dependencies}"));
        write(&format!("{name}/src/{file}"), source);
    };
    write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"tool\", \"words\", \"sums\"]\n");
    member("words", "cfg-if = \"1\"\n", "lib.rs", "pub fn word() -> &'static str { \"word\" }\n");
    member("sums", "libc = \"0.2\"\n", "lib.rs", "#[test]\nfn sums() { assert_eq!(1 + 1, 2) }\n");
    member("tool", "words = { path = \"../words\" }\n", "main.rs", "fn main() { println!(\"{}\", words::word()) }\n");
    member(
        "app",
        "words = { path = \"../words\" }\nsums = { path = \"../sums\" }\nserde = { version = \"1\", features = [\"derive\"] }\n",
        "main.rs",
        "#[derive(serde::Serialize)]\nstruct Said(&'static str);\nfn main() { println!(\"{}\", Said(words::word()).0) }\n",
    );
    fs::copy(fixture("registry-mix").join("Cargo.lock"), root.join("Cargo.lock")).unwrap();
    run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(root));
    generate(root);
}

fn generate(root: &Path) {
    run(cratewright().args(["generate", "--quiet", "--offline"]).current_dir(root));
}

/// A team: a workspace, and a cache.
struct Team {
    directory: tempfile::TempDir,
    address: String,
}

impl Team {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("workspace")).unwrap();
        workspace(&directory.path().join("workspace"));
        let cache = directory.path().join("cache");
        fs::create_dir(&cache).unwrap();
        let team = Team { address: serve(cache), directory };
        let mut key = Command::new("nix-store");
        run(key.args(["--generate-binary-cache-key", "test-1"]).args([team.path("secret key"), team.path("public")]));
        team
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn cache(&self) -> String {
        format!("file://{}", self.path("cache").display())
    }

    /// Creates a machine that fetches from the cache.
    fn machine(&self, key: &str) -> Machine {
        Machine::new().configured(&format!("substituters = {}\ntrusted-public-keys = {key}", self.address))
    }

    fn public_key(&self) -> String {
        fs::read_to_string(self.path("public")).unwrap()
    }

    fn cratewright(&self, machine: &Machine, arguments: &[&str]) -> Command {
        let mut command = machine.command(env!("CARGO_BIN_EXE_cratewright"));
        command.arg("cache").args(arguments).current_dir(self.path("workspace"));
        command
    }

    fn status(&self, machine: &Machine, arguments: &[&str]) -> Value {
        let mut command = self.cratewright(machine, &["status", "--store", &self.cache(), "--format", "json"]);
        serde_json::from_str(&stdout(command.args(arguments))).unwrap()
    }

    /// Builds an attribute; returns the names of the crates that Nix built, and of the paths that it fetched.
    fn build(&self, machine: &Machine, attribute: &str) -> Built {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Described {
            name: String,
            drv_path: String,
        }
        let mut list = machine.command("nix-instantiate");
        list.args(["--eval", "--strict", "--json", "--expr"]);
        list.arg("map (one: { inherit (one) name drvPath; }) (import ./Cargo.nix { }).cacheRoots.tests.crates");
        let list = stdout(list.current_dir(self.path("workspace")));
        let crates: Vec<Described> = serde_json::from_str(&list).unwrap();
        let names: BTreeMap<String, String> = crates.into_iter().map(|one| (one.drv_path, one.name)).collect();
        let mut build = machine.command("nix-build");
        let output =
            run(build.args(["Cargo.nix", "--no-out-link", "-A", attribute]).current_dir(self.path("workspace")));
        let log = String::from_utf8(output.stderr).unwrap();
        let quoted = |begin: &'static str| {
            log.lines().filter_map(move |line| line.strip_prefix(begin)?.split('\'').next().map(str::to_owned))
        };
        Built {
            crates: quoted("building '").filter_map(|path| names.get(&path).cloned()).collect(),
            fetched: quoted("copying path '").count(),
            output: PathBuf::from(String::from_utf8(output.stdout).unwrap().trim()),
        }
    }
}

#[derive(Debug)]
struct Built {
    crates: BTreeSet<String>,
    fetched: usize,
    output: PathBuf,
}

fn counts(status: &Value) -> [(u64, u64); 3] {
    ["members", "dependencies", "test-suites"].map(|kind| {
        let counts = &status["counts"][kind];
        (counts["present"].as_u64().unwrap(), counts["all"].as_u64().unwrap())
    })
}

#[track_caller]
fn fails(output: Output, code: i32, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
    assert!(output.stdout.is_empty() || code == 1);
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what the test is about")]
fn machines_fetch_pushed_crates_instead_of_building_them() {
    let team = Team::new();
    let first = Machine::new();
    // Nothing can be pushed before something is built.
    let push = ["push", "--to", &team.cache(), "--key", team.path("secret key").to_str().unwrap()].map(str::to_owned);
    let push: Vec<&str> = push.iter().map(String::as_str).collect();
    fails(team.cratewright(&first, &push).output().unwrap(), 1, "not built: ");

    let built = team.build(&first, "cacheRoots");
    assert_eq!(counts(&team.status(&first, &[]))[..2], [(0, 4), (0, 9)]);
    let pushed = run(&mut team.cratewright(&first, &push));
    let status = team.status(&first, &["--deny-missing"]);
    assert_eq!(counts(&status), [(4, 4), (9, 9), (0, 0)]);
    println!("{} crates built, {}", built.crates.len(), String::from_utf8_lossy(&pushed.stderr).trim());
    let again = run(&mut team.cratewright(&first, &push));
    assert!(String::from_utf8_lossy(&again.stderr).contains("Pushed nothing to file://"), "{again:?}");

    // With `--tests` more paths are needed.
    let denied =
        team.cratewright(&first, &["status", "--store", &team.cache(), "--tests", "--deny-missing"]).output().unwrap();
    assert_eq!(denied.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&denied.stdout).contains("missing test suites:\n  "), "{denied:?}");
    team.build(&first, "cacheRoots.tests");
    run(team.cratewright(&first, &push).arg("--tests"));
    assert_eq!(counts(&team.status(&first, &["--tests"]))[2], (4, 4));

    let second = team.machine(&team.public_key());
    let plan = |arguments: &[&str]| -> Value {
        let mut command = team.cratewright(&second, &["plan", "--format", "json"]);
        serde_json::from_str(&stdout(command.args(arguments))).unwrap()
    };
    let planned = plan(&["-A", "cacheRoots.tests"]);
    let crates_of = |planned: &Value, what: &str| {
        let steps = planned[what]
            .as_array()
            .unwrap()
            .iter()
            .filter(|step| step["kind"].is_string() && step["kind"] != "toolchain");
        steps.map(|step| step["name"].as_str().unwrap().split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert!(crates_of(&planned, "build").is_empty(), "{planned}");
    assert_eq!(crates_of(&planned, "fetch").len(), 13);
    let fetched = team.build(&second, "cacheRoots.tests");
    println!("second machine: {} fetched, {} crates built", fetched.fetched, fetched.crates.len());
    assert!(fetched.crates.is_empty(), "{fetched:?}");
    assert!(fetched.fetched >= 13, "{fetched:?}");

    // An edit rebuilds the crate and its dependents, and nothing else.
    fs::write(team.path("workspace/words/src/lib.rs"), "pub fn word() -> &'static str { \"another\" }\n").unwrap();
    generate(&team.path("workspace"));
    let cone = BTreeSet::from(["app", "tool", "words"].map(str::to_owned));
    assert_eq!(crates_of(&plan(&["-A", "cacheRoots"]), "build"), cone);
    let edited = team.build(&second, "cacheRoots");
    assert_eq!(edited.crates, cone);
    println!("after an edit: {} crates built", edited.crates.len());
    // A machine with an empty store builds the same crates, and fetches their dependencies.
    let third = team.machine(&team.public_key());
    let built = team.build(&third, "workspaceMembers.app.build");
    assert_eq!(built.crates, BTreeSet::from(["app", "words"].map(str::to_owned)));
    assert!(built.fetched > 0);
    assert_eq!(stdout(&mut third.command(built.output.join("bin/app"))), "another\n");
}

#[test]
fn paths_with_other_signatures_are_rejected_and_a_missing_cache_is_ignored() {
    let team = Team::new();
    let first = Machine::new();
    let all = team.build(&first, "workspaceMembers.tool.build");
    assert_eq!(all.crates, BTreeSet::from(["cfg-if", "tool", "words"].map(str::to_owned)));
    // Signed in the store, as for a target that is not a binary cache, and copied by a command.
    let key = team.path("secret key");
    run(first.command("nix").args(["store", "sign", "--key-file"]).arg(&key).arg("--all"));
    let copy = format!("xargs nix copy --to {}", team.cache());
    let pushed = team.cratewright(&first, &["push", "--to", &team.cache(), "--command", &copy]).output().unwrap();
    // The other program was not built.
    fails(pushed, 1, "  app 0.1.0\n");

    let trusting = team.machine(&team.public_key());
    assert!(team.build(&trusting, "workspaceMembers.tool.build").crates.is_empty());
    let other = stdout(
        Command::new("sh")
            .args(["-c", "nix-store --generate-binary-cache-key test-1 \"$0\" \"$0.pub\" && cat \"$0.pub\""])
            .arg(team.path("other")),
    );
    let suspicious = team.machine(&other);
    let built = team.build(&suspicious, "workspaceMembers.tool.build");
    assert_eq!((built.crates, built.fetched), (all.crates.clone(), 0));
    let alone = Machine::new()
        .configured(&format!("substituters = http://127.0.0.1:1\ntrusted-public-keys = {}", team.public_key()));
    let built = team.build(&alone, "workspaceMembers.tool.build");
    assert_eq!((built.crates, built.fetched), (all.crates, 0));
    assert_eq!(built.output, all.output);
}

/// Nix would make a store in each of these places.
#[test]
fn asking_a_directory_without_a_store_creates_nothing() {
    let team = Team::new();
    let machine = Machine::new();
    let scratch = team.path("scratch");
    fs::create_dir_all(scratch.join("files/of/others")).unwrap();
    fs::create_dir(scratch.join("empty")).unwrap();
    let before = support::tree(&scratch);
    let url = |name: &str| format!("file://{}", scratch.join(name).display());
    let root = |name: &str| scratch.join(name).display().to_string();
    let run_with =
        |arguments: &[&str], store: &str| team.cratewright(&machine, &[arguments, &[store]].concat()).output().unwrap();
    let commands = [&["status", "--store"][..], &["plan", "--store"], &["push", "--to"]];
    for (command, name) in commands.into_iter().flat_map(|command| ["nowhere", "files"].map(|name| (command, name))) {
        for store in [url(name), root(name), format!("local?root={}", root(name))] {
            let output = run_with(command, &store);
            // A push makes a new cache, but there is nothing to push. It makes no local store.
            match (command[0], name) {
                ("push", "nowhere") if store == url(name) => fails(output, 1, "Pushed nothing to "),
                _ => fails(output, 2, &format!("error[store-unreachable]: `{store}` is not a Nix store: ")),
            }
        }
    }
    // An empty directory is a cache without paths.
    for store in [url("empty"), root("empty")] {
        let status = run_with(commands[0], &store);
        assert!(String::from_utf8_lossy(&status.stdout).contains("  members      0 of 4\n"), "{status:?}");
        assert!(run_with(commands[1], &store).status.success());
    }
    fails(run_with(commands[2], &url("empty")), 1, "Pushed nothing to ");
    let cache = format!("for a cache, run `cratewright cache push --to {}`", url("empty"));
    fails(run_with(commands[2], &root("empty")), 2, &cache);
    assert!(support::tree(&scratch) == before);
    assert!(scratch.join("empty").read_dir().unwrap().next().is_none());
}

#[test]
fn unusable_caches_are_errors() {
    let team = Team::new();
    let machine = Machine::new();
    let nowhere = "http://127.0.0.1:1";
    let of = |arguments: &[&str]| team.cratewright(&machine, arguments).output().unwrap();
    fails(of(&["status", "--store", nowhere]), 2, "error[store-unreachable]");
    let planned = run(&mut team.cratewright(&machine, &["plan", "--store", "nothing://"]));
    assert!(String::from_utf8_lossy(&planned.stderr).contains("nothing://"), "{planned:?}");
    fails(of(&["plan", "-A", "rootCrate.build"]), 2, "error[evaluation-failed]");
    fails(of(&["plan", "-A", "wrong"]), 2, "pass another attribute of Cargo.nix with `-A`");
    fails(of(&["plan", "--expr", "1"]), 2, "correct the expression of `--expr`");
    let addressed = ["status", "--store", nowhere, "--expr", "import ./Cargo.nix { contentAddressed = true; }"];
    let features = "substituters =\nextra-experimental-features = ca-derivations";
    let able = Machine::new().configured(features);
    fails(team.cratewright(&able, &addressed).output().unwrap(), 2, "error[content-addressed]");
    team.build(&machine, "workspaceMembers.tool.build");
    let refused = of(&["push", "--to", &team.cache(), "--command", "echo no room >&2; false"]);
    fails(refused, 2, "error[push-failed]: `echo no room >&2; false` failed");
    fails(of(&["push", "--to", &team.cache(), "--key", "no such key"]), 2, "error[io]: cannot read `no such key`");
    fails(of(&["push", "--to", &team.cache(), "--key", "Cargo.lock"]), 2, "error[invalid-key]: `Cargo.lock` is not");
    fails(of(&["push", "--to", &team.cache(), "--command", "exit 3"]), 2, "exit status: 3");
    let unbuilt = ["push", "--tests", "--to", &team.cache(), "--expr", "import ./Cargo.nix { }"];
    fails(of(&unbuilt), 1, "with `nix-build -E 'import ./Cargo.nix { }' -A cacheRoots.tests`, then push again");
    // Those paths have no signature until a push with a key.
    let is_signed = || {
        let entries = fs::read_dir(team.path("cache")).unwrap().map(|entry| entry.unwrap().path());
        let infos: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "narinfo")).collect();
        let crates = infos.iter().map(|path| fs::read_to_string(path).unwrap()).filter(|info| info.contains("-rust_"));
        let signed: Vec<bool> = crates.map(|info| info.contains("\nSig: test-1:")).collect();
        assert!(!signed.is_empty(), "{infos:?}");
        signed.into_iter().all(|one| one)
    };
    assert!(!is_signed());
    let key = team.path("secret key").display().to_string();
    fails(of(&["push", "--to", &team.cache(), "--key", &key]), 1, "not built: ");
    assert!(is_signed());
    let store = team.path("store").display().to_string();
    run(machine.command("nix-store").args(["--store", &store, "--init"]));
    fails(of(&["push", "--to", &store]), 2, "help: sign the paths with `--key FILE`");
    // Nix would take an empty address for the local store, which has everything.
    for arguments in [&["status", "--store", ""][..], &["push", "--to", ""], &["plan", "--store", ""]] {
        fails(of(arguments), 2, "a value is required");
    }
    fails(of(&["status", "--store", nowhere, "--cargo-nix", "no.nix"]), 2, "pass its path with `--cargo-nix`");
    let commented = ["status", "--store", &team.cache(), "--expr", "import ./Cargo.nix { } # here"];
    run(&mut team.cratewright(&machine, &commented));
    fs::write(team.path("workspace/words/src/main.rs"), "fn main() {}").unwrap();
    fails(of(&["status", "--store", &team.cache()]), 2, "error[stale-cargo-nix]");
}
