//! What `init` finds in a workspace: crates with native libraries, and the systems of the flake.

use std::fs;

use super::{Project, run_git, text};

#[test]
fn native_libraries_and_systems_are_found() {
    let files = [("rust-toolchain.toml", "[toolchain]\nchannel = \"1.95.0\"\n")];
    let project = Project::new("native", &files);
    let told = project.told(&[]);
    let covered = told["native"]["covered"].to_string();
    for name in ["aws-lc-sys", "clang-sys", "zstd-sys"] {
        assert!(covered.contains(&format!("\"{name}\"")), "{covered}");
    }
    assert_eq!(
        told["native"]["unknown"],
        serde_json::json!(["libsqlite3-sys", "openssl-sys"]),
        "overrides of nixpkgs cover these"
    );
    assert!(told["notes"][0].as_str().unwrap().contains("rust-toolchain.toml"), "{told}");
    let flake = fs::read_to_string(project.path("flake.nix")).unwrap();
    assert!(flake.contains("\n  inputs.rust-overlay.url = "), "{flake}");

    let project = Project::new("c-libraries", &[]);
    run_git(&project, &project.told(&[]));
    let systems = project.eval(".#packages", "builtins.attrNames");
    assert_eq!(systems, serde_json::json!(["aarch64-darwin", "x86_64-linux"]), "the systems are those of `targets`");
}

#[test]
fn targets_without_a_nix_system_are_reported() {
    for (target, is_warned) in [("x86_64-unknown-linux-musl", true), ("x86_64-linux", false)] {
        let project = Project::new("c-libraries", &[]);
        let manifest = project.path("Cargo.toml");
        let written = fs::read_to_string(&manifest).unwrap();
        let targets = written.lines().find(|line| line.starts_with("targets = ")).unwrap();
        fs::write(&manifest, written.replace(targets, &format!("targets = [\"{target}\"]"))).unwrap();
        let output = project.init(&["--dry-run"]);
        assert!(output.status.success(), "{}", text(&output));
        assert_eq!(text(&output).contains("has no platform of a Nix system"), is_warned, "{}", text(&output));
    }
}
