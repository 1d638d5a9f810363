//! `cratewright init` and the templates of the flake: the written files evaluate and build, and existing files are
//! kept.

mod native;
mod templates;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support;

/// A git repository with a workspace without Nix files.
pub(crate) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    /// A copy of a fixture without `Cargo.nix` and without the setting `library`, and further files.
    pub(crate) fn new(fixture: &str, files: &[(&str, &str)]) -> Self {
        let project = Project::empty();
        project.workspace(fixture, "", files);
        project.git(&["init", "--quiet"]);
        project.git(&["add", "--all"]);
        project
    }

    pub(crate) fn empty() -> Self {
        Project { directory: tempfile::tempdir().unwrap() }
    }

    fn workspace(&self, fixture: &str, directory: &str, files: &[(&str, &str)]) {
        let root = self.path(directory);
        support::copy_tree(&support::fixture(fixture), &root);
        fs::remove_file(root.join("Cargo.nix")).unwrap();
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        fs::write(root.join("Cargo.toml"), manifest.replace("library = \"../../nix-lib/library\"\n", "")).unwrap();
        for (file, text) in files {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), text).unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let directory = self.directory.path().canonicalize().unwrap();
        if name.is_empty() { directory } else { directory.join(name) }
    }

    pub(crate) fn git(&self, arguments: &[&str]) {
        support::run(Command::new("git").args(arguments).current_dir(&self.directory));
    }

    fn init(&self, arguments: &[&str]) -> Output {
        self.init_in("", arguments)
    }

    fn init_in(&self, directory: &str, arguments: &[&str]) -> Output {
        let mut init = support::cratewright();
        init.arg("init").args(arguments).current_dir(self.path(directory)).output().unwrap()
    }

    /// Runs `init` with these arguments and `--format json`, and returns its output.
    #[track_caller]
    fn told(&self, arguments: &[&str]) -> Value {
        let output = self.init(&[arguments, &["--format", "json"]].concat());
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// All files with their contents, except git's.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let files = support::tree(self.directory.path()).into_iter();
        files.filter(|(path, _)| !path.components().any(|part| part.as_os_str() == ".git")).collect()
    }

    /// Runs Nix in the project, with inputs replaced by those of the tests.
    pub(crate) fn nix(&self, arguments: &[&str]) -> Output {
        let mut command = support::nix::nix("nix");
        command.args(["--extra-experimental-features", "nix-command flakes", "--option", "build-users-group", ""]);
        command.args(arguments).args(["--impure", "--no-write-lock-file"]);
        let flake = fs::read_to_string(self.path("flake.nix")).unwrap();
        let tests = support::repository().join("crates/cli/tests/init");
        let nixpkgs = ("nixpkgs", support::nix::stand_in());
        for (input, place) in
            [nixpkgs, ("flake-parts", tests.join("flake-parts")), ("cratewright", support::repository())]
        {
            if flake.contains(&format!("\n  inputs.{input}.url = ")) {
                command.args(["--override-input", input]).arg(reference(&place));
            }
        }
        command.current_dir(&self.directory).output().unwrap()
    }

    /// Evaluates an attribute to JSON.
    #[track_caller]
    pub(crate) fn eval(&self, attribute: &str, apply: &str) -> Value {
        let output = self.nix(&["eval", "--json", attribute, "--apply", apply]);
        assert!(output.status.success(), "{}", text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Builds the default package of a flake for `three-members`, and runs its program.
    #[track_caller]
    pub(crate) fn check_build(&self) {
        let output = self.nix(&["build", "--no-link", "--json"]);
        assert!(output.status.success(), "{}", text(&output));
        let built: Value = serde_json::from_slice(&output.stdout).unwrap();
        let path = built[0]["outputs"]["out"].as_str().unwrap();
        let printed = support::stdout(&mut Command::new(Path::new(path).join("bin/app")));
        assert_eq!(printed, "app -> middle -> leaf\n");
    }
}

/// A flake reference. This repository is referred to by git, which leaves out `target`.
fn reference(directory: &Path) -> String {
    let scheme = if directory == support::repository() { "git+file" } else { "path" };
    format!("{scheme}:{}{}", if scheme == "path" { "" } else { "//" }, directory.display())
}

pub(crate) fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// The paths in a list, relative to a directory.
fn below(list: &Value, directory: &Path) -> Vec<String> {
    let paths = list.as_array().unwrap().iter().map(|path| Path::new(path.as_str().unwrap()));
    paths.map(|path| path.strip_prefix(directory).unwrap().display().to_string()).collect()
}

/// Runs the git commands in `next`.
fn run_git(project: &Project, told: &Value) {
    for command in told["next"].as_array().unwrap().iter().filter_map(Value::as_str) {
        if command.starts_with("git ") {
            support::run(Command::new("sh").args(["-c", command]).current_dir(&project.directory));
        }
    }
}

const CHECKS: &str = "each: builtins.attrNames each.x86_64-linux";

#[test]
fn a_plain_flake_builds_immediately() {
    let files = [
        (".github/dependabot.yml", "version: 2\n"),
        ("justfile", "build:\n    cargo build\n"),
        (".gitignore", "Cargo.lock\n/target\n"),
    ];
    let project = Project::new("three-members", &files);
    let told = project.told(&[]);
    assert_eq!(
        below(&told["created"], &project.path("")),
        [
            "cratewright.nix",
            "Cargo.nix",
            "flake.nix",
            ".github/workflows/check-cargo-nix.yml",
            ".github/workflows/regenerate-cargo-nix.yml",
        ]
    );
    assert_eq!(told["kept"].as_array().unwrap().len(), 0);
    assert_eq!(told["edits"][0]["file"], "justfile");
    assert_eq!(told["edits"].as_array().unwrap().len(), 1);
    // Git does not track the lock file, and ignores it.
    assert_eq!(told["next"][1], "git add --force Cargo.lock");
    run_git(&project, &told);
    project.check_build();
    let checks = project.eval(".#checks", CHECKS);
    assert_eq!(checks, serde_json::json!(["cargo-nix-lock-sync", "doctests", "tests"]));

    // A second run has nothing to do.
    let before = project.files();
    let again = project.told(&[]);
    assert_eq!(again["created"].as_array().unwrap().len(), 0);
    assert!(again["next"].as_array().unwrap().iter().all(|command| !command.as_str().unwrap().contains("git")));
    assert_eq!(project.files(), before);
}

#[test]
fn a_flake_with_flake_parts_builds_immediately() {
    let project = Project::new("three-members", &[(".gitlab-ci.yml", "stages: []\n"), ("renovate.json", "{}\n")]);
    let told = project.told(&["--flake", "flake-parts"]);
    let created = below(&told["created"], &project.path(""));
    assert_eq!(created[2..], ["flake.nix", ".gitlab/regenerate-cargo-nix.yml"]);
    assert_eq!(told["edits"][0]["file"], ".gitlab-ci.yml");
    assert_eq!(told["edits"][0]["text"], "include:\n  - local: .gitlab/regenerate-cargo-nix.yml\n");
    run_git(&project, &told);
    project.check_build();
    let checks = project.eval(".#checks", CHECKS);
    assert_eq!(checks, serde_json::json!(["cargo-nix-lock-sync", "doctests", "tests"]));
    let systems = project.eval(".#devShells", "builtins.attrNames");
    assert_eq!(systems, serde_json::json!(["aarch64-darwin", "aarch64-linux", "x86_64-linux"]));
}

#[test]
fn without_a_flake_only_cargo_nix_is_written() {
    let project = Project::new("three-members", &[(".github/dependabot.yml", "version: 2\n")]);
    let told = project.told(&["--flake", "none"]);
    assert_eq!(below(&told["created"], &project.path("")), ["cratewright.nix", "Cargo.nix"]);
    assert_eq!(told["next"], serde_json::json!(["nix-build Cargo.nix -A allWorkspaceMembers"]));
    support::nix::build(&project.path("Cargo.nix"), "allWorkspaceMembers");
}

#[test]
fn the_toolchain_file_selects_the_compiler() {
    let project = Project::new("three-members", &[("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n")]);
    run_git(&project, &project.told(&[]));
    let overlay = Project::empty();
    let stand_ins = support::repository().join("crates/cli/tests/toolchains/stand-ins.nix");
    fs::copy(stand_ins, overlay.path("stand-ins.nix")).unwrap();
    let flake = "{ outputs = _: { lib.mkRustBin = arguments: pkgs: \
                 (import ./stand-ins.nix { inherit pkgs; }).rust-overlay.lib.mkRustBin arguments pkgs; }; }";
    fs::write(overlay.path("flake.nix"), flake).unwrap();
    let app = ["eval", "--raw", ".#packages.x86_64-linux.app.drvPath", "--override-input", "rust-overlay"];
    let output = project.nix(&[&app[..], &[&reference(&overlay.path(""))]].concat());
    assert!(output.status.success(), "{}", text(&output));
    let derivation = String::from_utf8(output.stdout).unwrap();
    let needed = support::stdout(support::nix::nix("nix-store").args(["--query", "--requisites", &derivation]));
    assert!(needed.contains("-rust-of-overlay-1.95.0.drv\n") && !needed.contains("-rustc-1"), "{needed}");
}

#[test]
fn a_flake_that_is_kept_gets_the_lines_for_the_toolchain_file() {
    let toolchain = ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n");
    let flakes = [
        ("{ outputs = { cratewright, ... }: { }; }\n", true, true),
        ("{ outputs = { cratewright, flake-parts, ... }: { }; }\n", true, false),
        ("{ outputs = { cratewright, rust-overlay, ... }: { }; }\n", false, false),
        ("{ outputs = { cratewright, fenix, ... }: { }; }\n", false, false),
    ];
    for (flake, has_edit, has_argument) in flakes {
        let project = Project::new("three-members", &[("flake.nix", flake), toolchain]);
        let told = project.told(&["--dry-run"]);
        let edits = told["edits"].as_array().unwrap();
        assert_eq!(edits.len(), usize::from(has_edit), "{told}");
        if let [edit] = &edits[..] {
            let lines = edit["text"].as_str().unwrap();
            assert!(edit["what"].as_str().unwrap().contains("rust-toolchain.toml"), "{edit}");
            assert!(lines.starts_with("inputs.rust-overlay.url = \"github:oxalica/rust-overlay\";\n"), "{lines}");
            assert_eq!(lines.contains("\nrust-overlay = inputs.rust-overlay;\n"), has_argument, "{lines}");
        }
    }
}

#[test]
fn a_flake_that_is_ready_keeps_its_kind() {
    let flake = ("flake.nix", "{ outputs = { cratewright, ... }: { }; }\n");
    let toolchain = ("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n");
    let project = Project::new("three-members", &[flake, toolchain]);
    let told = project.told(&["--dry-run", "--flake", "flake-parts"]);
    let note = "flake.nix uses Cratewright already, so the kind of flake has no effect";
    assert_eq!(told["notes"], serde_json::json!([note]));
    assert_eq!(told["edits"], project.told(&["--dry-run"])["edits"]);
    assert_eq!(project.told(&["--dry-run", "--flake", "plain"])["notes"], serde_json::json!([]));
    let told = project.told(&["--dry-run", "--cratewright", "git+https://git.example/cratewright"]);
    let note = "flake.nix uses Cratewright already, so `--cratewright` has no effect: change the URL there";
    assert_eq!(told["notes"], serde_json::json!([note]));
}

#[test]
fn existing_files_are_kept_byte_for_byte() {
    let mine = [
        ("flake.nix", "{ outputs = { flake-parts, ... }: { }; }\n"),
        ("cratewright.nix", "{ mine = true; }\n"),
        (".github/workflows/check-cargo-nix.yml", "name: mine\n"),
        ("justfile", "check-cargo-nix:\n    cratewright check\n"),
    ];
    let project = Project::new("three-members", &mine);
    let told = project.told(&[]);
    assert_eq!(below(&told["created"], &project.path("")), ["Cargo.nix"]);
    assert_eq!(below(&told["kept"], &project.path("")), ["cratewright.nix", "flake.nix"]);
    for (file, text) in mine {
        assert_eq!(fs::read_to_string(project.path(file)).unwrap(), text, "{file}");
    }
    // The output lists what to add to the flake, in its own style, and reports that the library was not generated.
    assert_eq!(told["edits"].as_array().unwrap().len(), 1);
    let edit = &told["edits"][0];
    assert!(edit["file"] == "flake.nix" && edit["text"].as_str().unwrap().contains("mkFlake"), "{edit}");
    assert_eq!(told["next"][0], "cratewright check");

    // If Cargo.nix is a file of another tool, that is an error, and nothing is written.
    let project = Project::new("three-members", &[("Cargo.nix", "# crate2nix\n")]);
    let before = project.files();
    let output = project.init(&[]);
    assert_eq!(output.status.code(), Some(2));
    let says = text(&output);
    assert!(says.contains("error[foreign-file]") && says.contains("cratewright generate --force"), "{says}");
    assert_eq!(project.files(), before);
}

#[test]
fn a_dry_run_writes_nothing() {
    let project = Project::new("three-members", &[(".github/dependabot.yml", "version: 2\n")]);
    let before = project.files();
    let output = project.init(&["--dry-run"]);
    let says = text(&output);
    assert!(output.status.success() && says.contains("Would create flake.nix\n"), "{says}");
    assert!(says.contains("Would create .github/workflows/check-cargo-nix.yml\n"), "{says}");
    assert_eq!(project.files(), before);
}

#[test]
fn no_file_is_written_if_one_cannot_be_written() {
    // A file instead of a directory, which is noticed after most files are prepared.
    let project = Project::new("three-members", &[(".github/workflows", "no directory\n")]);
    let before = project.files();
    let output = project.init(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("error[io]: cannot write "), "{}", text(&output));
    assert_eq!(project.files(), before);

    // There is not enough space for the largest file.
    let project = Project::new("three-members", &[(".github/dependabot.yml", "version: 2\n")]);
    let before = project.files();
    let full = format!("trap '' XFSZ; ulimit -f 8; exec {} init", env!("CARGO_BIN_EXE_cratewright"));
    let output = Command::new("bash").args(["-c", &full]).current_dir(project.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("error[io]: cannot write "), "{}", text(&output));
    assert_eq!(project.files(), before);
}

#[test]
fn init_works_in_members_and_below_a_flake() {
    let project = Project::new("three-members", &[]);
    let output = project.init_in("app/src", &["--cratewright", "git+https://git.example/cratewright"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains(&format!("Next in {}:\n", project.path("").display())), "{}", text(&output));
    let flake = fs::read_to_string(project.path("flake.nix")).unwrap();
    assert!(flake.contains("cratewright.url = \"git+https://git.example/cratewright\";"), "{flake}");
    assert!(!project.path("app/flake.nix").exists() && project.path("Cargo.nix").exists());

    // For a flake above the workspace in the same repository, that flake has to be changed.
    let project = Project::empty();
    project.git(&["init", "--quiet"]);
    fs::write(project.path("flake.nix"), "{ outputs = _: { }; }\n").unwrap();
    project.workspace("three-members", "rust/parts", &[]);
    let output = project.init_in("rust/parts", &["--format", "json"]);
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(below(&told["kept"], &project.path("")), ["flake.nix"]);
    assert_eq!(told["edits"][0]["file"], "../../flake.nix");
    let sample = told["edits"][0]["text"].as_str().unwrap();
    assert!(sample.contains("root = ./. + \"/rust/parts\";"), "{sample}");
    assert!(!project.path("rust/parts/flake.nix").exists());
    // The printed flake works.
    fs::write(project.path("flake.nix"), sample).unwrap();
    project.git(&["add", "--all"]);
    project.check_build();
}

#[test]
fn missing_files_are_reported() {
    let project = Project::empty();
    for (file, code, help) in [
        (None, "error[no-manifest]", "run the command inside a Cargo workspace"),
        (
            Some(("Cargo.toml", "[package]\nname = \"app\"\n[lib]\npath = \"Cargo.toml\"\n")),
            "error[no-lock-file]",
            "cargo generate-lockfile",
        ),
    ] {
        if let Some((name, text)) = file {
            fs::write(project.path(name), text).unwrap();
        }
        let before = project.files();
        let output = project.init(&[]);
        let says = text(&output);
        assert_eq!(output.status.code(), Some(2), "{says}");
        assert!(says.contains(code) && says.contains(help), "{says}");
        assert_eq!(project.files(), before);
    }
}

#[test]
fn ignored_files_are_added_by_force_and_quoted() {
    let project = Project::new("three-members", &[(".gitignore", "*.nix\n")]);
    fs::create_dir(project.path("my files")).unwrap();
    let manifest = fs::read_to_string(project.path("Cargo.toml")).unwrap();
    let settings = manifest.replace("[workspace.metadata.cratewright]\n", "").replace("library = ", "# ");
    let library = "\n[workspace.metadata.cratewright]\nlibrary = \"my files/cratewright.nix\"\n";
    fs::write(project.path("Cargo.toml"), settings + library).unwrap();
    project.git(&["add", "--force", "Cargo.toml", "Cargo.lock"]);
    let told = project.told(&[]);
    assert_eq!(told["next"][0], "git add --force 'my files/cratewright.nix' Cargo.nix flake.nix");
    run_git(&project, &told);
    project.git(&["ls-files", "--error-unmatch", "flake.nix", "my files/cratewright.nix"]);
}

#[test]
fn untracked_inputs_are_added_to_git() {
    let ignore = [(".gitignore", ".cargo\n/target\n"), ("shared/kept.txt", "")];
    let project = Project::new("three-members", &ignore);
    let manifest = fs::read_to_string(project.path("Cargo.toml")).unwrap();
    let main = fs::read_to_string(project.path("app/src/main.rs")).unwrap();
    let inputs = [
        ("Cargo.toml", manifest.replace("\"app\"", "\"app\", \"new\"")),
        (".cargo/config.toml", "[env]\nA = \"1\"\n".to_owned()),
        ("app/src/main.rs", format!("{main}mod extra;\n")),
        ("app/src/extra.rs", "pub const _A: &str = include_str!(\"../../shared/text.txt\");\n".to_owned()),
        ("shared/text.txt", String::new()),
        ("new/Cargo.toml", "[package]\nname = \"new\"\nversion = \"0.1.0\"\nedition = \"2024\"\n".to_owned()),
        ("new/src/lib.rs", "pub const A: &str = include_str!(\"text.txt\");\n".to_owned()),
        ("new/src/text.txt", String::new()),
        ("notes.txt", String::new()),
        ("target/notes.txt", String::new()),
    ];
    for (file, text) in &inputs {
        support::write(&project.path(file), text);
    }
    let mut update = Command::new("cargo");
    support::run(update.args(["update", "--workspace", "--offline", "--quiet"]).current_dir(project.path("")));
    let told = project.told(&[]);
    assert_eq!(
        told["next"],
        serde_json::json!([
            "git add app/src/extra.rs new shared/text.txt cratewright.nix Cargo.nix flake.nix",
            "git add --force .cargo/config.toml",
            "nix build",
            "nix flake check",
        ])
    );
    run_git(&project, &told);
    project.check_build();

    support::write(&project.path("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.95.0\"\n");
    assert_eq!(project.told(&[])["next"][1], "git add rust-toolchain.toml");
    // In a repository without files, an ignored input still needs `--force`.
    fs::remove_dir_all(project.path(".git")).unwrap();
    project.git(&["init", "--quiet"]);
    let told = project.told(&[]);
    assert_eq!(told["next"].as_array().unwrap()[1..3], ["git add .", "git add --force .cargo/config.toml"]);
}

#[test]
fn an_address_on_this_machine_is_reported() {
    let project = Project::new("three-members", &[]);
    let note = |arguments: &[&str]| {
        let told = project.told(&[arguments, &["--dry-run"]].concat());
        told["notes"].as_array().unwrap().iter().any(|note| {
            let note = note.as_str().unwrap();
            note.contains(", on this machine: ") && note.contains("set `inputs.cratewright.url`")
        })
    };
    assert!(note(&[]), "the program was built from a clone");
    assert!(note(&["--cratewright", "."]));
    assert!(!note(&["--cratewright", "git+https://git.example/cratewright"]));
    assert!(!note(&["--flake", "none"]));
}

#[test]
fn an_address_without_a_scheme_is_a_warning() {
    let project = Project::new("three-members", &[]);
    for (given, is_warned) in [("nowhere", true), ("github:OWNER/cratewright", false), ("app", false)] {
        let output = project.init(&["--dry-run", "--cratewright", given]);
        let says = text(&output);
        assert!(output.status.success(), "{says}");
        assert_eq!(says.contains(&format!("warning: `{given}` is neither a directory nor a URL")), is_warned, "{says}");
    }
}

#[test]
fn an_address_that_is_a_missing_directory_is_an_error() {
    let project = Project::new("three-members", &[]);
    let before = project.files();
    for given in ["./no/such", "/no/such"] {
        let output = project.init(&["--cratewright", given]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(text(&output).contains(&format!("cannot find `{given}`")), "{}", text(&output));
    }
    assert_eq!(project.files(), before);
}
