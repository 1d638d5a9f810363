//! Runs the scripts of the workflows in `templates` on a machine with its own store: another machine needs only the
//! paths that they push, and Nix uses the cache of a flake only after the user's consent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::machine::Machine;
use crate::support::templates::script;
use crate::support::{self, flake, repository, run, stdout};

/// Runs the real Nix on the stand-in, whose evaluation reads the current system. Replaces Attic's client by the script
/// below.
const NIX: &str = r#"#!/bin/sh
case "$1 $2" in
  "flake check") shift 2; exec "$REAL_NIX" flake check --impure "$@" ;;
  "build "*) shift; exec "$REAL_NIX" build --impure "$@" ;;
  "run --inputs-from") [ "$3 $4 $5" = ". nixpkgs#attic-client --" ]; shift 5; exec attic "$@" ;;
  *) exec "$REAL_NIX" "$@" ;;
esac
"#;
/// Replaces the clients of Attic and Cachix. It pushes closures to a directory.
const ATTIC: &str = r#"#!/bin/sh -e
case $1 in
  login) [ "$*" = "login ci https://attic.example.org $TOKEN" ] ;;
  push) [ "$2" = ci:mycache ]; shift 2; exec "$REAL_NIX" copy --to "file://$CACHE" "$@" ;;
  *) exit 99 ;;
esac
"#;
const CACHIX: &str = r#"#!/bin/sh -e
[ "$2" = mycache ]
case $1 in
  push) "$REAL_NIX" copy --to "file://$CACHE" "$3" ;;
  pin) echo "$3 $4" >>"$CACHE.pins" ;;
  *) exit 99 ;;
esac
"#;
/// A post-build hook like those of the actions for Cachix, FlakeHub and GitHub's cache. Nix 2.8 leaves `OUT_PATHS`
/// empty.
const HOOK: &str = r#"#!/bin/sh -e
basename "$DRV_PATH" >>"$BUILT"
[ -z "$HOOK_CACHE" ] || "$REAL_NIX" copy --to "file://$HOOK_CACHE" $(nix-store --query --outputs "$DRV_PATH")
"#;
const RESULTS: [&str; 2] = [".#default", ".#cargoNix.cacheRoots.tests"];

/// A machine with a clone of a user's repository.
struct Runner {
    machine: Machine,
    clone: PathBuf,
    directory: tempfile::TempDir,
}

impl Runner {
    fn new(clone: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("bin")).unwrap();
        for (name, text) in [("nix", NIX), ("attic", ATTIC), ("cachix", CACHIX), ("hook", HOOK)] {
            let file = directory.path().join("bin").join(name);
            fs::write(&file, text).unwrap();
            run(Command::new("chmod").arg("+x").arg(file));
        }
        Runner { machine: Machine::new(), clone: clone.to_owned(), directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs a script as a forge does. Nix fetches only from the given caches.
    fn script(&self, script: &str, settings: &str, variables: &[(&str, &Path)]) -> Output {
        let temporary = self.path("temporary");
        let _ = fs::remove_dir_all(&temporary);
        fs::create_dir(&temporary).unwrap();
        let of_nix = support::nix::nix("nix");
        let mut bash = self.machine.command("bash");
        bash.args(["--noprofile", "--norc", "-e", "-c", script]).current_dir(&self.clone);
        bash.envs(of_nix.get_envs().filter_map(|(name, value)| Some((name, value?))));
        bash.env("REAL_NIX", stdout(Command::new("sh").args(["-c", "command -v nix"])).trim());
        bash.env("PATH", format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap()));
        bash.env("NIX_CONFIG", format!("{BASE}post-build-hook = {}\n{settings}", self.path("bin/hook").display()));
        // Nix remembers the user's consent in the home directory.
        bash.env("HOME", self.path("home")).env_remove("XDG_DATA_HOME");
        bash.env("RUNNER_TEMP", temporary).env("BUILT", self.path("built")).env("HOOK_CACHE", "").env("TOKEN", "");
        bash.env_remove("CACHE_PUSH").envs(variables.iter().copied()).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, script: &str, settings: &str, variables: &[(&str, &Path)]) -> String {
        let output = self.script(script, settings, variables);
        let text = flake::text(&output);
        assert!(output.status.success(), "{text}");
        text
    }

    /// Number of crates and test suites that this machine has built.
    fn crates(&self) -> usize {
        let built = fs::read_to_string(self.path("built")).unwrap_or_default();
        let is_crate = |name: &&str| name.ends_with("-0.1.0.drv") || name.ends_with("-0.1.0-tests.drv");
        built.lines().filter(is_crate).count()
    }
}

const BASE: &str = "\
experimental-features = nix-command flakes
build-users-group =
sandbox = false
substituters =
";

/// Number of crates that another machine builds if it fetches from a cache; `settings` list trusted keys.
#[track_caller]
fn built_elsewhere(runner: &Runner, cache: &Path, settings: &str) -> usize {
    let other = Runner::new(&runner.clone);
    let settings = format!("extra-substituters = file://{}\n{settings}", cache.display());
    other.succeeds(&format!("nix build --no-link {}", RESULTS.join(" ")), &settings, &[]);
    other.crates()
}

const ANY_SIGNATURE: &str = "require-sigs = false";

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what the test is about")]
fn a_post_build_hook_pushes_all_crates() {
    let scripts =
        ["cachix", "flakehub", "magic-nix-cache"].map(|name| script(&format!("github/build-{name}.yml"), "run: |"));
    assert!(scripts.iter().all(|other| *other == scripts[0]), "{scripts:#?}");
    let clone = flake::repository();
    let runner = Runner::new(clone.path());
    let cache = runner.path("cache");
    runner.succeeds(&scripts[0], "", &[("HOOK_CACHE", &cache)]);
    let [here, there] = [runner.crates(), built_elsewhere(&runner, &cache, ANY_SIGNATURE)];
    println!("post-build hook: {here} crates built by the workflow, {there} by the next machine");
    assert!(here > 5 && there == 0);
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are what the test is about")]
fn closures_of_cache_roots_contain_all_crates() {
    let clone = flake::repository();
    let runner = Runner::new(clone.path());
    let attic = script("github/build-attic.yml", "run: |");
    let gitlab = script("gitlab/build.yml", "- |");
    let release = script("github/pin-release.yml", "run: |");
    let [by_attic, by_gitlab, by_release] = ["attic", "gitlab", "release"].map(|name| runner.path(name));

    // A pull request has no token.
    runner.succeeds(&attic, "", &[("CACHE", &by_attic)]);
    assert!(runner.succeeds(&gitlab, "", &[]).contains("CACHE_PUSH is not set: nothing is pushed"));
    assert!(!by_attic.exists());

    runner.succeeds(&attic, "", &[("CACHE", &by_attic), ("TOKEN", Path::new("a-token"))]);
    let key = runner.path("key");
    let generate =
        format!("nix key generate-secret --key-name test-1 >{0}; nix key convert-secret-to-public <{0}", key.display());
    let public_key = stdout(Command::new("bash").args(["-c", &generate]).env("NIX_CONFIG", BASE));
    let push = format!("file://{}", by_gitlab.display());
    runner.succeeds(&gitlab, "", &[("CACHE_PUSH", Path::new(&push)), ("CACHE_SIGNING_KEY", &key)]);
    runner.succeeds(&release, "", &[("CACHE", &by_release), ("PIN", Path::new("v1.0.0-Linux-X64"))]);

    let signed = format!("extra-trusted-public-keys = {public_key}");
    let caches = [("attic", &by_attic, ANY_SIGNATURE), ("nix copy", &by_gitlab, &*signed)];
    for (name, cache, settings) in caches {
        let there = built_elsewhere(&runner, cache, settings);
        println!("{name}: {} crates built by the workflow, {there} by the next machine", runner.crates());
        assert_eq!(there, 0, "{name}");
    }
    // Without the key, no path of the cache is accepted.
    assert_eq!(built_elsewhere(&runner, &by_gitlab, ""), runner.crates());

    let pins = fs::read_to_string(by_release.with_extension("pins")).unwrap();
    let pinned: Vec<&str> = pins.lines().map(|pin| pin.strip_prefix("v1.0.0-Linux-X64 /nix/store/").unwrap()).collect();
    assert!(pinned.iter().any(|path| path.ends_with("-cache-roots")) && pinned.len() == 2, "{pins}");
    assert!(pinned.iter().all(|path| by_release.join(format!("{}.narinfo", &path[..32])).exists()), "{pins}");
}

#[test]
fn ci_systems_are_configured_with_existing_attributes() {
    let clone = flake::repository();
    let names = |output: &str| {
        let output = flake::nix(clone.path(), &["eval", "--impure", "--json", output, "--apply", "builtins.attrNames"]);
        serde_json::from_slice::<Vec<String>>(&output.stdout).unwrap_or_else(|_| panic!("{}", flake::text(&output)))
    };
    let read = |file: &str| fs::read_to_string(repository().join("templates").join(file)).unwrap();
    let garnix = read("garnix/garnix.yaml");
    let patterns: Vec<&str> =
        garnix.lines().filter_map(|line| line.trim().strip_prefix("- \"")?.strip_suffix(".*\"")).collect();
    assert_eq!(patterns.len(), 3, "{garnix}");
    for pattern in patterns {
        assert!(!names(&format!(".#{pattern}")).is_empty(), "{pattern}");
    }
    let buildbot: toml::Table = read("buildbot-nix/buildbot-nix.toml").parse().unwrap();
    let attribute = buildbot["attribute"].as_str().unwrap();
    assert_eq!(names(&format!(".#{attribute}")), ["x86_64-linux"]);
}

#[test]
fn the_cache_of_a_flake_is_used_only_after_consent() {
    let clone = tempfile::tempdir().unwrap();
    let runner = Runner::new(clone.path());
    let [cache, key] = ["cache", "key"].map(|name| runner.path(name));
    let flake = |settings: &str, name: &str| {
        let text = format!(
            "{{ nixConfig = {settings}; outputs = _: {{ default = derivation {{ name = \"{name}\"; system = \
             builtins.currentSystem; builder = \"/bin/sh\"; args = [ \"-c\" \"echo > $out\" ]; }}; }}; }}"
        );
        fs::write(clone.path().join("flake.nix"), text).unwrap();
    };
    flake("{ }", "made");
    let push = format!(
        "nix key generate-secret --key-name test-1 >{key}\nnix build --out-link {result} path:.#default\n\
         nix store sign --key-file {key} {result}\nnix copy --to file://{cache} {result}\n\
         nix key convert-secret-to-public <{key} >{key}.public",
        key = key.display(),
        result = runner.path("result").display(),
        cache = cache.display(),
    );
    runner.succeeds(&push, "", &[]);
    let public_key = fs::read_to_string(key.with_extension("public")).unwrap();
    let settings = format!(
        "{{ extra-substituters = [ \"file://{}\" ]; extra-trusted-public-keys = [ \"{}\" ]; }}",
        cache.display(),
        public_key.trim()
    );
    flake(&settings, "made");
    let build = |settings: &str| {
        let other = Runner::new(clone.path());
        let text = other.succeeds("nix build --no-link path:.#default", settings, &[]);
        (text, fs::read_to_string(other.path("built")).unwrap_or_default().lines().count())
    };
    let (text, built) = build("");
    assert!(text.contains("ignoring untrusted flake configuration setting 'extra-substituters'"), "{text}");
    assert_eq!(built, 1);
    assert_eq!(build("accept-flake-config = true").1, 0);

    // An input with the same settings is ignored.
    let input = tempfile::tempdir().unwrap();
    fs::copy(clone.path().join("flake.nix"), input.path().join("flake.nix")).unwrap();
    let outer =
        format!("{{ inputs.inner.url = \"path:{}\"; outputs = {{ inner, ... }}: inner; }}", input.path().display());
    fs::write(clone.path().join("flake.nix"), outer).unwrap();
    assert_eq!(build("accept-flake-config = true").1, 1);

    // Nix reads the settings before it evaluates outputs, so they must be literals.
    flake("{ extra-substituters = [ (toString ./.) ]; }", "made");
    let output = runner.script("nix build --no-link path:.#default", "", &[]);
    let text = flake::text(&output);
    assert!(!output.status.success() && text.contains("extra-substituters"), "{text}");
}
