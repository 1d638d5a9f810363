//! The overrides in `nix-lib/overrides`: the attributes that each of them returns, and builds with native libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use cratewright_renderer::OVERRIDES;
use serde_json::{Value, json};

use crate::support;
use crate::support::nix;

const LINUX: &str = "x86_64-linux";
const DARWIN: &str = "aarch64-darwin";

/// Name of the file, attributes of a crate, system, and the expected override, in which packages are replaced by their
/// names.
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
        (
            "rdkafka",
            "features = [ \"default\" \"libz\" \"ssl\" ];",
            LINUX,
            json!({
                "buildInputs": ["zlib", "openssl"],
                "postPatch": "patchShebangs librdkafka/configure librdkafka/lds-gen.py\n",
            }),
        ),
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
fn overrides_return_the_expected_attributes() {
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
    assert_eq!(tested, OVERRIDES.iter().map(|hook| hook.name).collect(), "each override has a row in the table");
}

#[test]
fn all_files_are_listed() {
    let directory = fs::read_dir(support::repository().join("nix-lib/overrides")).unwrap();
    let names = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = names.filter_map(|name| Some(name.strip_suffix(".nix")?.to_owned())).collect();
    assert_eq!(files, OVERRIDES.iter().map(|hook| hook.name.to_owned()).collect());
}

/// docs/src/overrides.md says where each file is built, and a crate that the file is for is in the lock files there.
#[test]
fn each_is_built_where_the_docs_say() {
    let root = support::repository();
    let docs = fs::read_to_string(root.join("docs/src/overrides.md")).unwrap();
    let rows: BTreeMap<&str, &str> =
        docs.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(".nix` | ")).collect();
    let names: Vec<&str> = OVERRIDES.iter().map(|hook| hook.name).collect();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), names, "docs/src/overrides.md has a row for each file");
    for hook in OVERRIDES.iter() {
        let workspaces: Vec<&str> = rows[hook.name]
            .split('`')
            .filter(|word| ["fixtures/", "dev/"].iter().any(|start| word.starts_with(start)))
            .collect();
        if workspaces.is_empty() {
            assert_eq!(hook.platforms, Some("darwin"), "{}.nix is built nowhere", hook.name);
        }
        for workspace in workspaces {
            let lock: toml::Table =
                fs::read_to_string(root.join(workspace).join("Cargo.lock")).unwrap().parse().unwrap();
            let is_locked = |name: &&str| {
                lock["package"].as_array().unwrap().iter().any(|package| package["name"].as_str() == Some(name))
            };
            let has_one = hook.crates.iter().chain(&hook.build_dependencies).any(is_locked);
            assert!(has_one, "{workspace} has no crate that {}.nix is for", hook.name);
        }
    }
}

/// The script builds what there is.
#[test]
fn the_script_builds_each_program_of_its_directory() {
    let root = support::repository();
    let script = fs::read_to_string(root.join("dev/overrides")).unwrap();
    let table = script.split("<<'TABLE'\n").nth(1).and_then(|text| text.split("\nTABLE\n").next()).unwrap();
    let listed: BTreeSet<String> =
        table.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    let directory = fs::read_dir(root.join("dev/overrides.d")).unwrap();
    let programs: BTreeSet<String> = directory.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(listed, programs);
}

/// Names of the shared libraries that a program needs.
fn needed(program: &Path) -> BTreeSet<String> {
    let dynamic = support::stdout(Command::new("readelf").arg("-d").arg(program));
    let names =
        dynamic.lines().filter(|line| line.contains("(NEEDED)")).filter_map(|line| line.split(['[', ']']).nth(1));
    names.map(str::to_owned).collect()
}

/// `fixtures.rs` checks the output of the fixture's members; their shared libraries show which ones were used.
#[test]
fn bundled_or_system_libraries_are_used_as_with_cargo() {
    let directory = support::fixture("native");
    let target = support::repository().join("target/native");
    let mut cargo = Command::new("cargo");
    // The profile of the build in Nix.
    cargo.args(["build", "--release", "--locked", "--quiet", "-p", "system"]).current_dir(&directory);
    support::run(cargo.env("CARGO_TARGET_DIR", &target));
    let built = |member: &str| {
        let output = nix::build(&directory.join("Cargo.nix"), &format!("workspaceMembers.{member}.build"));
        needed(&output.join("bin").join(member))
    };
    let system = built("system");
    assert_eq!(system, needed(&target.join("release/system")), "libraries of cargo's build");
    let native = ["libsqlite3.so", "libzstd.so", "libcrypto.so"];
    let has = |needed: &BTreeSet<String>, name: &str| needed.iter().any(|one| one.starts_with(name));
    assert!(native.iter().all(|name| has(&system, name)), "{system:?}");
    let bundled = built("bundled");
    assert!(native.iter().all(|name| !has(&bundled, name)), "{bundled:?}");
}

/// darwin's linker writes a bundle next to a test, which holds a file with the name of the test.
#[test]
fn tests_are_installed_instead_of_files_in_bundles() {
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
    // Without the hook, nixpkgs' builder installs the wrong file.
    let broken = nix::build_expression(&expression("false"));
    assert_eq!(fs::read_to_string(broken.join("tests/other")).unwrap(), "debug information\n");
}
