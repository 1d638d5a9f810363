//! Nix for the tests: evaluations and builds on the stand-in for nixpkgs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use super::{repository, run, stdout};

/// `nix-build`, `nix-instantiate` or `nix-store`, set up for the stand-in. Fails the test if Nix is missing.
pub fn nix(program: &str) -> Command {
    require();
    let mut command = Command::new(program);
    // No cache is needed, and the stand-in links the machine's own tools, which a sandbox would hide.
    command.args(["--option", "substituters", "", "--option", "sandbox", "false"]);
    if program == "nix-build" {
        command.args(["--no-out-link", "--max-jobs", "auto"]);
        if is_root() {
            // Build users cannot read a toolchain in root's home.
            command.args(["--option", "build-users-group", ""]);
        }
    }
    set_up(&mut command);
    command
}

/// Fails the test if Nix is missing.
pub fn require() {
    static FOUND: OnceLock<()> = OnceLock::new();
    FOUND.get_or_init(|| {
        let found = Command::new("nix-instantiate").arg("--version").output().is_ok();
        assert!(found, "this test needs Nix: `apt-get install nix-bin`, or see nixos.org");
    });
}

/// Sets the variables with which a command finds the toolchain and nixpkgs.
pub fn set_up(command: &mut Command) {
    command.env("CRATEWRIGHT_RUST_SYSROOT", sysroot());
    command.env("NIX_PATH", format!("nixpkgs={}", nixpkgs().display()));
}

/// What a reader has in `/etc/nix/nix.conf`.
pub const CONFIGURATION: &str = "\
experimental-features = nix-command flakes
build-users-group =
sandbox = false
substituters =
";

/// Path of `<nixpkgs>`: the stand-in, or the nixpkgs of `dev/real-nixpkgs`.
pub fn nixpkgs() -> PathBuf {
    std::env::var_os("CRATEWRIGHT_NIXPKGS").map_or_else(stand_in, PathBuf::from)
}

/// The stand-in for nixpkgs.
pub fn stand_in() -> PathBuf {
    repository().join("fixtures/nixpkgs")
}

/// Builds an attribute of a `Cargo.nix`, and returns the output path.
#[track_caller]
pub fn build(cargo_nix: &Path, attribute: &str) -> PathBuf {
    build_with(|command| command.arg(cargo_nix).args(["-A", attribute]))
}

/// The same for an expression.
#[track_caller]
pub fn build_expression(expression: &str) -> PathBuf {
    build_with(|command| command.args(["--expr", expression]))
}

#[track_caller]
fn build_with(what: impl FnOnce(&mut Command) -> &mut Command) -> PathBuf {
    let paths = stdout(what(&mut nix("nix-build")));
    PathBuf::from(paths.lines().next().expect("nix-build prints the output path"))
}

/// Path of the derivation of an attribute on a system.
#[track_caller]
pub fn instantiate(cargo_nix: &Path, attribute: &str, system: &str) -> String {
    let pkgs = format!("import {} {{ system = \"{system}\"; }}", nixpkgs().display());
    let path = stdout(nix("nix-instantiate").arg(cargo_nix).args(["-A", attribute, "--arg", "pkgs", &pkgs]));
    path.trim().split('!').next().unwrap().to_owned()
}

/// The closure of an output without the output itself. On the stand-in, programs refer to no other store paths, as C
/// libraries are the machine's.
#[track_caller]
pub fn closure(output: &Path) -> Vec<PathBuf> {
    let paths = stdout(nix("nix-store").args(["--query", "--requisites"]).arg(output));
    paths.lines().map(PathBuf::from).filter(|path| !output.starts_with(path)).collect()
}

/// Name of a store path, without its hash.
pub fn name_of(path: &Path) -> &str {
    &path.file_name().unwrap().to_str().unwrap()[33..]
}

/// Evaluates an expression to JSON.
#[track_caller]
pub fn eval_json(expression: &str) -> serde_json::Value {
    let json = stdout(nix("nix-instantiate").args(["--eval", "--strict", "--json", "--expr", expression]));
    serde_json::from_str(&json).unwrap()
}

/// The machine's toolchain, which the stand-in builds with.
pub fn sysroot() -> &'static str {
    static SYSROOT: OnceLock<String> = OnceLock::new();
    SYSROOT.get_or_init(|| stdout(Command::new("rustc").args(["--print", "sysroot"])).trim().to_owned())
}

/// Whether root runs the tests.
pub fn is_root() -> bool {
    let id = run(Command::new("id").arg("-u"));
    id.stdout.trim_ascii() == b"0"
}

/// An expression for the package of the program under test. It is a link whose name depends on the program's contents,
/// so that a new program causes rebuilds.
pub fn package() -> String {
    format!(
        "((import {nixpkgs} {{ }}).runCommand \"cratewright\" {{ digest = builtins.hashFile \"sha256\" {bin}; }} \
         \"mkdir -p $out/bin; ln -s {bin} $out/bin/cratewright\")",
        nixpkgs = stand_in().display(),
        bin = env!("CARGO_BIN_EXE_cratewright"),
    )
}

/// Evaluates `lib.cargoNix` or `lib.lockSync` with arguments.
pub fn library(function: &str, root: &Path, arguments: &str, mode: &[&str]) -> Output {
    let expression = format!(
        "let pkgs = import {nixpkgs} {{ }}; cratewright = {package}; in \
         (import {library}/{function}.nix ({{ inherit pkgs; root = {root}; }} // {arguments}))",
        nixpkgs = stand_in().display(),
        package = package(),
        library = repository().join("nix-lib").display(),
        root = root.display(),
    );
    nix(mode[0]).args(&mode[1..]).arg("--expr").arg(expression).output().unwrap()
}
