//! `Cargo.nix` on pairs of two platforms, by evaluation. `dev/cross` builds and runs such pairs.

use crate::support;
use crate::support::nix;

/// The build phase of a check of `fixtures/cross`, for a package set such as `pkgs.pkgsCross.wasi32`.
#[track_caller]
fn build_phase(pkgs: &str, check: &str) -> String {
    let expression = format!(
        "let pkgs = import {} {{ system = \"x86_64-linux\"; }}; in (import {} {{ pkgs = {pkgs}; }}).{check}.buildPhase",
        nix::stand_in().display(),
        support::fixture("cross").join("Cargo.nix").display(),
    );
    nix::eval_json(&expression).as_str().unwrap().to_owned()
}

/// The lines of the build phase that compile something.
#[track_caller]
fn compiled(pkgs: &str, check: &str) -> Vec<String> {
    let text = build_phase(pkgs, check);
    let lines: Vec<String> = text
        .lines()
        .filter(|line| line.contains("--crate-type") || line.contains("--test"))
        .map(str::to_owned)
        .collect();
    assert!(!lines.is_empty(), "{check} on {pkgs} compiles nothing:\n{text}");
    lines
}

#[test]
fn checks_are_linked_for_the_platform_of_their_target() {
    let cases = [
        ("pkgs.pkgsCross.aarch64-multiplatform", "/bin/aarch64-unknown-linux-gnu-cc", "aarch64-unknown-linux-gnu"),
        ("pkgs.pkgsCross.mingwW64", "/bin/x86_64-w64-mingw32-cc", "x86_64-pc-windows-gnu"),
        ("pkgs.pkgsCross.wasi32", "/bin/lld", "wasm32-wasip1"),
        ("pkgs.pkgsCross.wasm32-unknown-none", "/bin/lld", "wasm32-unknown-unknown"),
    ];
    for (pkgs, linker, triple) in cases {
        for line in compiled(pkgs, "tests.app") {
            let words: Vec<&str> = line.split(' ').collect();
            let is_for_target = words.windows(2).any(|pair| pair == ["--target", triple]);
            assert!(line.contains(linker) && is_for_target, "{pkgs}: {line}");
        }
        // Tests of a macro run on the host.
        for line in compiled(pkgs, "tests.macros") {
            assert!(line.contains("/bin/cc") && !line.contains("--target"), "{pkgs}: {line}");
        }
    }
}

#[test]
fn checks_find_programs_by_the_names_that_rustc_gives_them() {
    let cases = [
        ("pkgs", "/with-dash\""),
        ("pkgs.pkgsCross.mingwW64", "/with-dash.exe\""),
        ("pkgs.pkgsCross.wasi32", "/with-dash.wasm\""),
    ];
    for (pkgs, name) in cases {
        let text = build_phase(pkgs, "tests.app");
        for word in ["install -D", "CARGO_BIN_EXE_with-dash="] {
            assert!(text.lines().any(|line| line.contains(word) && line.contains(name)), "{word} on {pkgs}:\n{text}");
        }
    }
}

#[test]
fn programs_for_windows_are_renamed_despite_overrides() {
    let hook = |cross: &str| {
        let expression = format!(
            "(import {} {{ pkgs = (import {} {{ system = \"x86_64-linux\"; }}).pkgsCross.{cross}; \
             crateOverrides.app = _: {{ postInstall = \"users\"; }}; }}).workspaceMembers.app.build.postInstall",
            support::fixture("cross").join("Cargo.nix").display(),
            nix::stand_in().display(),
        );
        nix::eval_json(&expression).as_str().unwrap().to_owned()
    };
    let (renamed, others) = (hook("mingwW64"), hook("wasi32"));
    let others = others.strip_suffix("\nusers").expect("the user's hook comes last");
    assert_eq!(
        renamed,
        format!("mv \"$out/bin/with_dash.exe\" \"$out/bin/with-dash.exe\"\n{others}\nusers"),
        "in addition to the hook of every crate"
    );
}

#[test]
fn doctests_that_cannot_run_are_only_compiled() {
    let cross = build_phase("pkgs.pkgsCross.aarch64-multiplatform", "doctests.app");
    // Rustdoc rejects `--no-run` without the others.
    for word in ["--no-run", "-Zunstable-options", "RUSTC_BOOTSTRAP=1"] {
        assert!(cross.contains(word), "{word}:\n{cross}");
        assert!(!build_phase("pkgs", "doctests.app").contains(word), "{word}");
    }
}

#[test]
fn pairs_are_identified_by_rustc_target() {
    // Without `rust.rustcTarget`, nixpkgs has another name for the target.
    let expression = format!(
        "(import {} {{ pkgs = import {} {{ system = \"x86_64-linux\"; crossSystem.config = \"wasm32-unknown-none\"; }}; \
         }}).workspaceMembers.app.build.drvPath",
        support::fixture("cross").join("Cargo.nix").display(),
        nix::stand_in().display(),
    );
    let output = nix::nix("nix-instantiate").args(["--eval", "--expr", &expression]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the pair is accepted");
    assert!(
        message.contains("not resolved for builds on x86_64-unknown-linux-gnu for wasm32-unknown-none"),
        "{message}"
    );
}
