//! Whole programs, built crate by crate and run: this one and published ones. `dev/applications` builds more, which
//! take too long for a test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support;
use crate::support::nix;

/// Generates `Cargo.nix` in a workspace and builds its root package. The result must not refer to any input of the
/// build.
#[track_caller]
fn build(workspace: &Path) -> PathBuf {
    let mut generate = support::cratewright();
    support::run(generate.args(["generate", "--locked", "--manifest-path"]).arg(workspace.join("Cargo.toml")));
    let built = nix::build(&workspace.join("Cargo.nix"), "rootCrate.build");
    assert_eq!(nix::closure(&built), NOTHING);
    built
}

/// The expected references: no library of a crate, no source and no toolchain.
const NOTHING: [PathBuf; 0] = [];

/// The profile `dev` compiles in a third of the time of `release`, which `dev/flake` builds.
#[test]
#[ignore = "compiles this workspace: just slow-tests"]
fn cratewright_builds_itself_and_the_result_generates_the_same_bytes() {
    let root = support::repository();
    let committed = fs::read_to_string(root.join("Cargo.nix")).unwrap();
    let manifest = root.join("Cargo.toml");
    let arguments = ["generate", "--locked", "--stdout", "--manifest-path"];
    let ours = support::stdout(support::cratewright().args(arguments).arg(&manifest));
    assert!(ours == committed, "Cargo.nix is stale: run `cargo run --release -- generate`");

    let built = nix::build_expression(&format!(
        "(import {} {{ pkgs = import {} {{ }}; profile = \"dev\"; }}).workspaceMembers.cratewright.build",
        root.join("Cargo.nix").display(),
        nix::stand_in().display(),
    ));
    assert_eq!(nix::closure(&built), NOTHING);
    let built = built.join("bin/cratewright");
    let its = support::stdout(Command::new(&built).args(arguments).arg(&manifest));
    assert!(its == committed, "{} generates a different Cargo.nix", built.display());
    support::run(Command::new(&built).args(["check", "--manifest-path"]).arg(&manifest));
}

/// One program uses rusqlite, zstd and ring with their bundled C libraries, the other one code that bindgen and prost
/// generated.
#[test]
fn programs_refer_to_no_library_source_or_toolchain() {
    let native = support::fixture("native").join("Cargo.nix");
    for member in ["bundled", "generated"] {
        let built = nix::build(&native, &format!("workspaceMembers.{member}.build"));
        assert_eq!(nix::closure(&built), NOTHING);
    }
}

#[test]
#[ignore = "compiles the C code of AWS-LC: just slow-tests"]
fn aws_lc_computes_the_digest_of_ring() {
    let native = support::fixture("native").join("Cargo.nix");
    let built = nix::build(&native, "variants.aws-lc.bundled.build");
    assert_eq!(nix::closure(&built), NOTHING);
    // The program compares them.
    support::run(&mut Command::new(built.join("bin/bundled")));
}

/// Locations of panics, and source files in debug information, have no paths of the store.
#[test]
fn debug_information_refers_to_no_library_source_or_toolchain() {
    for vintage in ["2025-11", "2026-06"] {
        let built = nix::build_expression(&format!(
            "(import {} {{
               pkgs = import {} {{ config.buildRustCrateVintage = \"{vintage}\"; }}; profile = \"dev\";
             }}).workspaceMembers.web-front.build",
            support::fixture("service").join("Cargo.nix").display(),
            nix::stand_in().display(),
        ));
        assert_eq!(nix::closure(&built), NOTHING, "{vintage}");
        let program = fs::read(built.join("bin/store-admin")).unwrap();
        let names = |text: &str| program.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(names(".debug_info") && names("src/bin/store-admin.rs"), "{vintage}");
        assert!(!names(nix::sysroot()), "{vintage}");
    }
}

/// The override of the page on container images.
#[test]
fn an_override_keeps_a_closure_small() {
    let build = |install: &str| {
        let expression = format!(
            "let
               pkgs = import {} {{ }};
               cargoNix = import {} {{
                 inherit pkgs;
                 crateOverrides.other = attrs: {{ disallowedRequisites = [ pkgs.rustc ]; postInstall = ''{install}''; }};
               }};
             in cargoNix.workspaceMembers.other.build",
            nix::stand_in().display(),
            support::fixture("three-members").join("Cargo.nix").display(),
        );
        nix::nix("nix-build").args(["--expr", &expression]).output().unwrap()
    };
    assert!(build("true").status.success());
    let refused = build("echo ${pkgs.rustc} >$out/named");
    let error = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && error.contains("is not allowed to refer to"), "{error}");
}

#[test]
fn paths_that_a_program_contains_are_in_its_closure() {
    let named = |what: &str| {
        let built = nix::build_expression(&format!(
            "let
               pkgs = import {} {{ }};
               cargoNix = import {} {{ inherit pkgs; crateOverrides.other = attrs: {{ postInstall = ''{what}''; }}; }};
             in cargoNix.workspaceMembers.other.build",
            nix::stand_in().display(),
            support::fixture("three-members").join("Cargo.nix").display(),
        ));
        let paths = nix::closure(&built).into_iter();
        paths.map(|path| nix::name_of(&path).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named("true"), [""; 0]);
    let has =
        |what: &str, name: &str| named(&format!("echo {what} >$out/named")).iter().any(|path| path.starts_with(name));
    assert!(has("${pkgs.rustc}", "rustc-"));
    assert!(has("${(builtins.head attrs.dependencies).lib}", "leaf-0.1.0-lib"));
    assert!(has("$src", "other"));
}

#[test]
#[ignore = "compiles 40 crates, optimised: just slow-tests"]
fn ripgrep_searches() {
    let rg = build(&support::application("ripgrep", "14.1.1")).join("bin/rg");
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("sub")).unwrap();
    fs::write(scratch.path().join("a.txt"), "needle one\nhay\n").unwrap();
    fs::write(scratch.path().join("sub/b.txt"), "hay\nanother needle\n").unwrap();
    fs::write(scratch.path().join(".ignore"), "ignored.txt\n").unwrap();
    fs::write(scratch.path().join("ignored.txt"), "needle\n").unwrap();
    let found = support::stdout(Command::new(rg).args(["-n", "--sort", "path", r"\bneedle\b"]).arg(scratch.path()));
    let at = scratch.path().display();
    assert_eq!(found, format!("{at}/a.txt:1:needle one\n{at}/sub/b.txt:2:another needle\n"));
}

/// 189 derivations on x86_64-linux, among them `-sys` crates and build scripts that compile C (ring).
#[test]
#[ignore = "compiles 189 crates: just slow-tests"]
fn xh_sends_http_requests() {
    use std::io::{BufRead, BufReader, Read, Write};

    let xh = build(&support::application("xh", "0.23.0")).join("bin/xh");
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = Vec::new();
        for line in reader.by_ref().lines() {
            let line = line.unwrap();
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"well\":true}";
        stream.write_all(answer).unwrap();
        (head.remove(0), String::from_utf8(body).unwrap())
    });
    let mut request = Command::new(xh);
    request.args(["--ignore-stdin", "--body", "--pretty=none", "post"]).arg(format!("http://{address}/things"));
    let answer = support::stdout(request.args(["name=needle", "count:=3"]));
    let (line, body) = serve.join().unwrap();
    assert_eq!(line, "POST /things HTTP/1.1");
    assert_eq!(body, r#"{"name":"needle","count":3}"#);
    assert_eq!(answer.trim(), r#"{"well":true}"#);
}
