//! Output, exit codes and files of each command, from `tests/cmd/*.trycmd`.
//!
//! `TRYCMD=overwrite cargo test -p cratewright --test all cli` regenerates the snapshots.

use crate::support;

#[test]
fn commands_print_the_expected_output() {
    trycmd::TestCases::new()
        .case("tests/cmd/*.trycmd")
        // Cargo uses the network only if something is missing, which must not happen in these cases.
        .env("CARGO_NET_OFFLINE", "false")
        .env("CARGO_TERM_COLOR", "never");
}

/// Cases that end in an error do not change the workspace.
#[test]
fn errors_leave_the_disk_untouched() {
    let cases = [
        ("no-lock", "generate", None),
        ("lock-out-of-date", "generate --locked", None),
        ("not-a-workspace", "generate", None),
        ("unreadable-manifest", "generate", None),
        ("unknown-target", "generate --target x86_64-unknown-plan9", None),
        ("foreign-file", "generate", None),
        ("foreign-file", "generate --force -o src/main.rs", None),
        ("lock-out-of-date", "generate --stdout", None),
        ("cargo-missing", "generate", Some(("CARGO", "nowhere/cargo"))),
        ("nothing-to-build", "generate", None),
        ("missing-source", "generate", None),
        ("no-directory", "generate -o nix/Cargo.nix", None),
        ("not-in-cache", "generate --offline", Some(("CARGO_HOME", "../home"))),
    ];
    for (name, arguments, environment) in cases {
        let scratch = tempfile::tempdir().unwrap();
        let workspace = scratch.path().join("workspace");
        let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd");
        support::copy_tree(&cases.join(format!("{name}.in")), &workspace);
        let before = support::tree(&workspace);
        let output = support::cratewright()
            .args(arguments.split(' '))
            .envs(environment)
            .current_dir(&workspace)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(support::tree(&workspace), before, "{name} changed the workspace");
    }
}
