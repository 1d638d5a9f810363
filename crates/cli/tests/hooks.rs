//! Our own overrides, `nix-lib/overrides`: what each makes of a crate, and that native libraries really build with them.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use cratewright_renderer::OVERRIDES;
use serde_json::{Value, json};

use crate::support::nix;

const LINUX: &str = "x86_64-linux";
const DARWIN: &str = "aarch64-darwin";

/// Name of the file, attributes of a crate, system, and what is overridden; packages by their names.
fn table() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let pkg_config = |library: &str| json!({ "nativeBuildInputs": ["pkg-config"], "buildInputs": [library] });
    vec![
        ("aws-lc", "crateName = \"aws-lc-sys\";", LINUX, json!({ "AWS_LC_SYS_USE_SYSTEM": "0" })),
        (
            "aws-lc",
            "crateName = \"aws-lc-fips-sys\";",
            LINUX,
            json!({ "AWS_LC_FIPS_SYS_USE_SYSTEM": "0", "nativeBuildInputs": ["cmake", "go", "perl"] }),
        ),
        ("bindgen", "", LINUX, json!({ "nativeBuildInputs": ["rust-bindgen-hook"] })),
        ("bundled", "crateName = \"ring\";", DARWIN, json!({})),
        ("cmake", "", LINUX, json!({ "CMAKE_POLICY_VERSION_MINIMUM": "3.5", "nativeBuildInputs": ["cmake"] })),
        ("curl", "", LINUX, json!({})),
        ("curl", "", DARWIN, json!({ "extraLinkFlags": ["-L<curl>/lib"] })),
        ("dsym", "", LINUX, json!({})),
        ("dsym", "", DARWIN, json!({ "preInstall": "find target -name '*.dSYM' -prune -exec rm -rf {} +\n" })),
        (
            "duckdb",
            "features = [ \"bundled\" ];",
            LINUX,
            json!({ "preInstall": "rm -rf target/build/libduckdb-sys.out/duckdb*\n" }),
        ),
        (
            "duckdb",
            "",
            DARWIN,
            json!({ "buildInputs": ["duckdb"], "DUCKDB_INCLUDE_DIR": "<duckdb>/include", "DUCKDB_LIB_DIR": "<duckdb>/lib" }),
        ),
        (
            "fontconfig",
            "",
            LINUX,
            json!({ "nativeBuildInputs": ["pkg-config"], "buildInputs": ["fontconfig", "freetype", "zlib"] }),
        ),
        ("git2", "", LINUX, json!({ "buildInputs": ["libssh2"], "LIBGIT2_NO_VENDOR": "0" })),
        ("lua", "features = [ \"lua54\" \"vendored\" ];", LINUX, json!({})),
        ("lua", "features = [ \"lua54\" ];", LINUX, pkg_config("lua5_4")),
        ("lua", "features = [ \"luajit\" \"luajit52\" ];", LINUX, pkg_config("luajit")),
        ("mysql", "", LINUX, pkg_config("libmysqlclient")),
        ("openssl", "", LINUX, json!({ "nativeBuildInputs": [] })),
        ("openssl", "features = [ \"vendored\" ];", LINUX, json!({ "nativeBuildInputs": ["perl"] })),
        ("pkg-config", "", LINUX, json!({ "nativeBuildInputs": ["pkg-config"] })),
        ("protobuf", "", LINUX, json!({ "nativeBuildInputs": ["protobuf"], "PROTOC": "<protobuf>/bin/protoc" })),
        ("python", "", LINUX, json!({ "PYO3_PYTHON": "<python3>/bin/python3" })),
        ("rdkafka", "", LINUX, json!({ "postPatch": "patchShebangs librdkafka/configure librdkafka/lds-gen.py\n" })),
        ("rocksdb", "features = [ \"lz4\" \"rtti\" \"zstd\" ];", LINUX, json!({ "buildInputs": ["lz4", "zstd"] })),
        ("seccomp", "", LINUX, json!({ "LIBSECCOMP_LIB_PATH": "<libseccomp>/lib" })),
        ("sqlite", "features = [ \"bundled\" ];", LINUX, json!({ "buildInputs": [] })),
        ("sqlite", "features = [ \"bundled-sqlcipher\" ];", LINUX, json!({ "buildInputs": ["openssl"] })),
        ("usb", "", LINUX, json!({ "nativeBuildInputs": ["pkg-config"], "buildInputs": ["libusb1", "udev"] })),
        ("usb", "", DARWIN, json!({})),
        ("wayland", "", LINUX, pkg_config("wayland")),
        ("x11", "crateName = \"x11\";", LINUX, json!({ "nativeBuildInputs": ["pkg-config"], "buildInputs": x11() })),
        (
            "x11",
            "crateName = \"xcb\";",
            LINUX,
            json!({
                "nativeBuildInputs": ["pkg-config"],
                "buildInputs": x11(),
                "extraLinkFlags": x11().map(|library| format!("-L<{library}>/lib")),
            }),
        ),
        ("zstd", "", LINUX, json!({ "ZSTD_SYS_USE_PKG_CONFIG": null })),
        (
            "zstd",
            "features = [ \"pkg-config\" ];",
            LINUX,
            json!({ "ZSTD_SYS_USE_PKG_CONFIG": null, "nativeBuildInputs": ["pkg-config"], "buildInputs": ["zstd"] }),
        ),
    ]
}

fn x11() -> [&'static str; 10] {
    [
        "libX11",
        "libxcb",
        "libXcursor",
        "libXext",
        "libXfixes",
        "libXi",
        "libXinerama",
        "libXrandr",
        "libXrender",
        "libxkbcommon",
    ]
}

#[test]
fn each_gives_what_its_crates_need() {
    let rows: String = table()
        .iter()
        .map(|(hook, attributes, system, _)| {
            let file = support::repository().join(format!("nix-lib/overrides/{hook}.nix"));
            format!(
                "(row \"{system}\" {} {{ crateName = \"a\"; version = \"1.0.0\"; }} {{ {attributes} }})",
                file.display()
            )
        })
        .collect();
    let found = nix::eval_json(&format!(
        "let
           # Packages by name, in texts between angle brackets.
           show = value:
             if builtins.isList value then map show value
             else if value ? pname || value ? drvPath then value.pname or value.name
             else if builtins.isAttrs value then builtins.mapAttrs (_: show) value
             else if builtins.isString value then
               let parts = builtins.match \"(.*)/nix/store/[a-z0-9]{{32}}-([^/]*)-0(/.*)\" value; in
               if parts == null then value
               else builtins.concatStringsSep \"\" [
                 (builtins.elemAt parts 0) \"<\" (builtins.elemAt parts 1) \">\" (builtins.elemAt parts 2)
               ]
             else value;
           row = system: file: common: attrs:
             let pkgs = import {} {{ inherit system; }}; in
             show (import file {{ inherit pkgs; inherit (pkgs) lib; }} (common // attrs));
         in [ {rows} ]",
        nix::stand_in().display(),
    ));
    for ((hook, attributes, system, expected), found) in table().iter().zip(found.as_array().unwrap()) {
        assert_eq!(found, expected, "{hook} for {{ {attributes} }} on {system}");
    }
    let tested: BTreeSet<&str> = table().iter().map(|row| row.0).collect();
    assert_eq!(tested, OVERRIDES.iter().map(|hook| hook.name).collect(), "each has a row");
}

#[test]
fn all_files_are_known() {
    let directory = fs::read_dir(support::repository().join("nix-lib/overrides")).unwrap();
    let names = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.filter_map(|name| Some(name.strip_suffix(".nix")?.to_owned())).collect();
    assert_eq!(files, OVERRIDES.iter().map(|hook| hook.name.to_owned()).collect());
}

/// Names of the shared libraries that a program asks for, in order.
fn needed(program: &Path) -> BTreeSet<String> {
    let dynamic = support::stdout(Command::new("readelf").arg("-d").arg(program));
    let names =
        dynamic.lines().filter(|line| line.contains("(NEEDED)")).filter_map(|line| line.split(['[', ']']).nth(1));
    names.map(str::to_owned).collect()
}

/// The fixture's members print the same, which `fixtures.rs` looks at; what they are linked with tells them apart.
#[test]
fn libraries_are_those_of_the_crates_or_of_the_system_as_with_cargo() {
    let directory = support::fixture("native");
    let target = support::repository().join("target/native");
    let mut cargo = Command::new("cargo");
    // Optimised, as Nix builds it: the linker leaves out libraries that nothing is used of any more.
    cargo.args(["build", "--release", "--locked", "--quiet", "-p", "system"]).current_dir(&directory);
    support::run(cargo.env("CARGO_TARGET_DIR", &target));
    let built = |member: &str| {
        let output = nix::build(&directory.join("Cargo.nix"), &format!("workspaceMembers.{member}.build"));
        needed(&output.join("bin").join(member))
    };
    let system = built("system");
    assert_eq!(system, needed(&target.join("release/system")), "what cargo links");
    let native = ["libsqlite3.so", "libzstd.so", "libcrypto.so"];
    let has = |needed: &BTreeSet<String>, name: &str| needed.iter().any(|one| one.starts_with(name));
    assert!(native.iter().all(|name| has(&system, name)), "{system:?}");
    let bundled = built("bundled");
    assert!(native.iter().all(|name| !has(&bundled, name)), "{bundled:?}");
}

/// The bundle that darwin's linker leaves beside a test holds a file of the test's own name.
#[test]
fn tests_are_installed_without_their_bundles() {
    let expression = |hook: &str| {
        format!(
            "let
               pkgs = import {} {{ }};
               dsym = import {}/nix-lib/overrides/dsym.nix {{
                 inherit (pkgs) lib;
                 pkgs.stdenv.hostPlatform.isDarwin = {hook};
               }};
               cargoNix = import {} {{
                 inherit pkgs;
                 crateOverrides.other = attrs: dsym attrs // {{
                   postBuild = ''
                     for program in target/bin/*; do
                       mkdir -p \"$program.dSYM/Contents/Resources/DWARF\"
                       echo 'debug information' >\"$program.dSYM/Contents/Resources/DWARF/''${{program##*/}}\"
                       chmod +x \"$program.dSYM/Contents/Resources/DWARF/''${{program##*/}}\"
                     done
                   '';
                 }};
               }};
             in cargoNix.internal.units.\"other@0.1.0\".override {{ buildTests = true; }}",
            nix::stand_in().display(),
            support::repository().display(),
            support::fixture("three-members").join("Cargo.nix").display(),
        )
    };
    let built = nix::build_expression(&expression("true"));
    support::run(&mut Command::new(built.join("tests/other")));
    let found = support::stdout(Command::new("find").arg(&built).args(["-name", "*.dSYM"]));
    assert_eq!(found, "");
    // Without the hook it is what nixpkgs' builder makes of it.
    let broken = nix::build_expression(&expression("false"));
    assert_eq!(fs::read_to_string(broken.join("tests/other")).unwrap(), "debug information\n");
}
