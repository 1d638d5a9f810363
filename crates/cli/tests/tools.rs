//! `tools.nix` generates the same files in a derivation as `generate` does, and can be called like crate2nix's
//! `tools.nix`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::git::{Scratch, attribute};
use crate::support::registry::{APPLICATION, pack, says, serve, vendored_workspace};
use crate::support::{self, Copy, fixture, library_elsewhere, nix, repository, run, stdout};

/// An expression with `tools`, and `pkgs` with the program under test.
fn with_tools(expression: &str) -> String {
    format!(
        "let pkgs = import {nixpkgs} {{ overlays = [ (_: _: {{ cratewright = {package}; }}) ]; }}; \
         tools = pkgs.callPackage ({repository} + \"/tools.nix\") {{ }}; in {expression}",
        nixpkgs = nix::nixpkgs().display(),
        package = nix::package(),
        repository = repository().display(),
    )
}

fn generated(src: &Path, arguments: &str) -> String {
    with_tools(&format!("tools.generatedCargoNix ({{ name = \"it\"; src = {}; }} // {arguments})", src.display()))
}

/// Builds an expression in the environment of a scratch directory.
#[track_caller]
fn build(scratch: &Scratch, expression: &str) -> PathBuf {
    let mut build = nix::nix("nix-build");
    let paths = stdout(scratch.environment(build.args(["--expr", expression])));
    PathBuf::from(paths.trim())
}

fn fails(scratch: &Scratch, expression: &str) -> String {
    let mut build = nix::nix("nix-build");
    let Output { status, stderr, .. } = scratch.environment(build.args(["--expr", expression])).output().unwrap();
    assert!(!status.success());
    String::from_utf8(stderr).unwrap()
}

/// Generates in a derivation, and checks that Cargo.nix equals `text`. Returns the path to import.
#[track_caller]
fn check_generated(scratch: &Scratch, name: &str, arguments: &str, text: &str) -> PathBuf {
    let built = build(scratch, &generated(&scratch.path(name), arguments));
    assert_same(&fs::read_to_string(built.join("crate/Cargo.nix")).unwrap(), text);
    built
}

/// Fails with the first lines that differ, as the files are long.
#[track_caller]
fn assert_same(found: &str, expected: &str) {
    let differ = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert_eq!(differ, None);
    assert_eq!(found.len(), expected.len());
}

#[test]
fn the_derivation_equals_the_output_of_generate() {
    for name in ["registry-mix", "workspace-inheritance", "native", "outside-files", "cargo-config"] {
        let copy = Copy::of(&fixture(name));
        library_elsewhere(copy.path(), "");
        let built = nix::build_expression(&generated(copy.path(), "{ }"));
        for file in ["Cargo.nix", "cratewright.nix"] {
            let [found, expected] =
                [built.join("crate"), copy.path().to_owned()].map(|root| fs::read_to_string(root.join(file)).unwrap());
            assert_same(&found, &expected);
        }
        // The derivations of crates are the same.
        let [found, expected] = [built.join("default.nix"), copy.path().join("Cargo.nix")]
            .map(|file| nix::instantiate(&file, "allWorkspaceMembers", "x86_64-linux"));
        assert_eq!(found, expected, "{name}");
    }
}

/// devenv's `languages.rust.import` calls crate2nix's `tools.nix` with a name, a path and a toolchain for all crates,
/// and uses `override` of the root package's build.
#[test]
fn devenv_can_use_it_as_its_input_crate2nix() {
    let copy = Copy::of(&fixture("registry-mix"));
    library_elsewhere(copy.path(), "");
    let import = format!(
        "arguments: let toolchain = pkgs.symlinkJoin {{ name = \"toolchain\"; paths = [ pkgs.rustc pkgs.cargo ]; }}; \
         asked = {{ name = (builtins.fromTOML (builtins.readFile {src}/Cargo.toml)).package.name; src = {src}; }}; \
         ours = pkgs.buildRustCrate.override {{ rustc = toolchain; cargo = toolchain; }}; \
         crates = pkgs.callPackage (tools.generatedCargoNix asked) {{ buildRustCrateForPkgs = _: ours; }}; \
         in crates.rootCrate.build.override arguments",
        src = copy.path().display()
    );
    let mut cargo = Command::new("cargo");
    let by_cargo = stdout(cargo.args(["run", "--quiet", "--locked", "--offline"]).current_dir(copy.path()));
    for arguments in ["{ }", "{ runTests = true; }"] {
        let built = nix::build_expression(&with_tools(&format!("({import}) {arguments}")));
        assert_eq!(stdout(&mut Command::new(built.join("bin/app"))), by_cargo);
    }
}

#[test]
fn git_repositories_equal_those_of_cargo() {
    let scratch = Scratch::new();
    let member = |name: &str, more: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion.workspace = true\nedition.workspace = true\nreadme.workspace = true\n{more}"
        )
    };
    scratch.write("inner", &[("text.txt", "of a submodule")]);
    scratch.commit("inner");
    scratch.write(
        "forms",
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"crates/*\"]\n[workspace.package]\nversion = \"0.3.0\"\nedition = \"2021\"\n\
                 readme = \"README.md\"\n[workspace.dependencies]\nleaf = { path = \"crates/leaf\" }\n",
            ),
            ("README.md", "# Forms"),
            ("crates/forms/Cargo.toml", &member("forms", "[dependencies]\nleaf.workspace = true\n")),
            (
                "crates/forms/src/lib.rs",
                "pub fn say() -> String { format!(\"{} {}\", leaf::say(), include_str!(\"../../../inner/text.txt\")) }",
            ),
            ("crates/leaf/Cargo.toml", &member("leaf", "")),
            ("crates/leaf/src/lib.rs", &says("leaf")),
        ],
    );
    scratch.commit("forms");
    scratch.git("forms", &["submodule", "--quiet", "add", &scratch.url("inner"), "inner"]);
    scratch.git("forms", &["checkout", "--quiet", "-b", "feature/a+b"]);
    scratch.commit("forms");
    scratch.write(
        "top",
        &[
            ("Cargo.toml", "[package]\nname = \"top\"\nversion = \"1.0.0\"\nedition = \"2021\"\n"),
            ("src/lib.rs", &says("top")),
            ("run.sh", "#!/bin/sh\n"),
        ],
    );
    std::os::unix::fs::symlink("run.sh", scratch.path("top/link")).unwrap();
    run(Command::new("chmod").arg("+x").arg(scratch.path("top/run.sh")));
    scratch.commit("top");
    scratch.git("top", &["tag", "v1.0.0"]);
    scratch.write(
        "app",
        &[
            (
                "Cargo.toml",
                &format!(
                    "{APPLICATION}forms = {{ git = \"{}\", branch = \"feature/a+b\" }}\ntop = {{ git = \"{}\", tag = \"v1.0.0\" }}\n",
                    scratch.url("forms"),
                    scratch.url("top")
                ),
            ),
            ("src/main.rs", "fn main() { println!(\"{} {}\", forms::say(), top::say()); }"),
        ],
    );
    let text = scratch.generate("app");
    assert!(text.contains("dir = \"crates/leaf\";"), "{text}");
    let built = check_generated(&scratch, "app", "{ }", &text);
    let program = build(&scratch, &format!("(import {} {{ }}).rootCrate.build", built.display()));
    assert_eq!(stdout(&mut Command::new(program.join("bin/app"))), "leaf of a submodule top\n");

    // With a hash, Nix fetches during the build, which fails if the hash is wrong.
    let lock = fs::read_to_string(scratch.path("app/Cargo.lock")).unwrap();
    let source = attribute(&lock.replace("\nsource =", "\n source ="), "source").to_owned();
    let hash = attribute(text.split_once(&scratch.url("forms")).unwrap().1, "sha256");
    let hashes = |hash: &str| {
        let base = source.split('#').next().unwrap();
        format!("{{ additionalCrateHashes.\"{base}#forms@0.3.0\" = \"{hash}\"; }}")
    };
    check_generated(&scratch, "app", &hashes(hash), &text);
    let error = fails(&scratch, &generated(&scratch.path("app"), &hashes(&"0".repeat(64))));
    assert!(error.contains("hash mismatch"), "{error}");
}

#[test]
fn registries_need_a_download_address() {
    let scratch = Scratch::with_own_registries();
    let address = serve(scratch.path("served"));
    let dl = format!("{address}/{{crate}}-{{version}}.crate");
    let line = pack("quiet", "0.2.0", &says("quiet"), "", &scratch.path("served/quiet-0.2.0.crate"));
    let index = format!("{{\"dl\":\"{dl}\"}}");
    scratch.write("served", &[("index/config.json", &index), ("index/qu/ie/quiet", &line)]);
    let config = format!("[registries.ours]\nindex = \"sparse+{address}/index/\"\n");
    scratch.write(
        "app",
        &[
            (".cargo/config.toml", &config),
            ("Cargo.toml", &format!("{APPLICATION}quiet = {{ version = \"0.2\", registry = \"ours\" }}\n")),
            ("src/main.rs", "fn main() { println!(\"{}\", quiet::say()); }"),
        ],
    );
    let text = scratch.generate("app");
    let source = format!("sparse+{address}/index/");
    let error = fails(&scratch, &generated(&scratch.path("app"), "{ }"));
    assert!(error.contains(&format!("registries.\"{source}\" = ")), "{error}");
    let built = check_generated(&scratch, "app", &format!("{{ registries.\"{source}\" = \"{dl}\"; }}"), &text);
    let program = build(&scratch, &format!("(import {} {{ }}).rootCrate.build", built.display()));
    assert_eq!(stdout(&mut Command::new(program.join("bin/app"))), "quiet\n");
}

/// Source replacement in the workspace still applies.
#[test]
fn vendored_crates_of_the_workspace_take_precedence() {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let without = scratch.generate("app");
    check_generated(&scratch, "app", "{ }", &without);
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "third-party/crates"]).current_dir(scratch.path("app"));
    let config = stdout(scratch.environment(&mut vendor));
    scratch.write("app", &[(".cargo/config.toml", &config)]);
    let text = scratch.generate("app");
    assert!(text != without && text.contains("vendored = \"third-party/crates/itoa\";"), "{text}");
    check_generated(&scratch, "app", "{ }", &text);
}

#[test]
fn edits_of_unread_files_do_not_regenerate() {
    let copy = Copy::of(&fixture("workspace-inheritance"));
    library_elsewhere(copy.path(), "");
    let generator = || {
        let expression = format!("({}).generated.drvPath", generated(copy.path(), "{ }"));
        stdout(nix::nix("nix-instantiate").args(["--eval", "--read-write-mode", "--expr", &expression]))
    };
    fs::write(copy.path().join("README.md"), "before").unwrap();
    let before = generator();
    fs::write(copy.path().join("README.md"), "after").unwrap();
    fs::write(copy.path().join("Cargo.nix"), "{ }").unwrap();
    fs::create_dir(copy.path().join(".git")).unwrap();
    assert_eq!(generator(), before);
    // A new file may matter.
    fs::write(copy.path().join("app/CHANGES.md"), "").unwrap();
    let more = generator();
    assert_ne!(more, before);
    let main = copy.path().join("app/src/main.rs");
    fs::write(&main, fs::read_to_string(&main).unwrap() + "\n// a comment\n").unwrap();
    assert_ne!(generator(), more);
}

#[test]
fn workspaces_below_the_source_and_arguments_work() {
    let scratch = Scratch::new();
    scratch.write(
        "all/a directory",
        &[
            ("Cargo.toml", "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n"),
            ("src/main.rs", "fn main() { print!(\"{}\", include_str!(\"../../beside.txt\")); }"),
        ],
    );
    scratch.write("all", &[("beside.txt", "beside"), ("crate-hashes.json", "{}")]);
    run(Command::new("cargo").args(["generate-lockfile", "--offline"]).current_dir(scratch.path("all/a directory")));
    let arguments =
        "{ cargoToml = \"a directory/Cargo.toml\"; additionalCargoNixArgs = [ \"--target\" \"x86_64-linux\" ]; }";
    let expression =
        format!("tools.appliedCargoNix ({{ name = \"it\"; src = {}; }} // {arguments})", scratch.path("all").display());
    let program = build(&scratch, &with_tools(&format!("({expression}).rootCrate.build")));
    assert_eq!(stdout(&mut Command::new(program.join("bin/app"))), "beside");
    let targets = format!("({expression}).internal.targets");
    let mut evaluate = nix::nix("nix-instantiate");
    evaluate.args(["--eval", "--strict", "--json", "--read-write-mode", "--expr", &with_tools(&targets)]);
    assert_eq!(stdout(&mut evaluate).trim(), "[\"x86_64-unknown-linux-gnu\"]");
}

#[test]
fn unsupported_workspaces_are_errors() {
    let scratch = Scratch::new();
    let error = |words: &str| {
        let error = fails(&scratch, &generated(&scratch.path("app"), "{ }"));
        assert!(error.contains(words), "{error}");
    };
    scratch.write("app", &[("src/main.rs", "fn main() {}")]);
    error("it: there is no Cargo.toml in `src`");
    scratch.write("app", &[("Cargo.toml", APPLICATION)]);
    error("it: there is no Cargo.lock next to Cargo.toml; run `cargo generate-lockfile`");
    scratch.write("app", &[("Cargo.lock", "version = 4\n"), ("crate2nix.json", "{}")]);
    error("it: crate2nix.json and crate2nix-sources are not supported");
    fs::remove_file(scratch.path("app/crate2nix.json")).unwrap();
    error("error[lock-out-of-date]");
    let library = "[workspace.metadata.cratewright]\nlibrary = \"../cratewright.nix\"\n";
    scratch.write("app", &[("Cargo.toml", &format!("{APPLICATION}{library}"))]);
    error("it: `library` in Cargo.toml is outside the workspace");
}

#[test]
fn errors_list_packages_that_were_not_fetched() {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let lock = fs::read_to_string(scratch.path("app/Cargo.lock")).unwrap();
    let git = lock.lines().find(|line| line.starts_with("source = \"git+")).unwrap().split('"').nth(1).unwrap();
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    for (source, package) in [(registry, "itoa "), (git, "forked 0.1.0")] {
        let sources = serde_json::json!({ source: "somewhere" }).to_string();
        scratch.write("fetched", &[("sources.json", &sources), ("somewhere/Cargo.toml", "[workspace]")]);
        let mut generate = support::cratewright();
        generate.args(["generate", "--locked", "--prefetched"]).arg(scratch.path("fetched"));
        let output = scratch.environment(generate.current_dir(scratch.path("app"))).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("error[not-prefetched]: Nix has not fetched package `{package}")), "{error}");
    }
}
