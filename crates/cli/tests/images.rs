//! Container images of members: their contents, runs of their programs, and the layers that an edit changes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{self, nix, run, stdout};

/// An unpacked image, in the format of `docker load`.
struct Image {
    directory: tempfile::TempDir,
    /// The image's entry in `manifest.json`.
    manifest: Value,
    /// Its configuration.
    config: Value,
}

impl Image {
    /// Runs the script that `streamLayeredImage` builds, and unpacks the image.
    #[track_caller]
    fn written_by(script: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let archive = directory.path().join("image.tar");
        fs::write(&archive, run(&mut Command::new(script)).stdout).unwrap();
        run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(directory.path()));
        let read =
            |name: &str| -> Value { serde_json::from_slice(&fs::read(directory.path().join(name)).unwrap()).unwrap() };
        let mut manifest = read("manifest.json");
        assert_eq!(manifest.as_array().unwrap().len(), 1, "{manifest}");
        let manifest = manifest[0].take();
        let config = read(text(&manifest["Config"]));
        Image { manifest, config, directory }
    }

    /// Digest and store paths of each layer, lowest first.
    fn layers(&self) -> Vec<(String, Vec<String>)> {
        let files = self.manifest["Layers"].as_array().unwrap();
        let digests = self.config["rootfs"]["diff_ids"].as_array().unwrap();
        assert_eq!(files.len(), digests.len());
        let layer = |(file, digest): (&Value, &Value)| {
            let path = self.directory.path().join(text(file));
            let digest = text(digest).to_owned();
            let sum = stdout(Command::new("sha256sum").arg(&path));
            assert_eq!(sum.split(' ').next(), digest.strip_prefix("sha256:"), "{}", path.display());
            let listed = stdout(Command::new("tar").arg("-Ptf").arg(&path));
            let is_path = |name: &&str| name.starts_with("/nix/store/") && name.matches('/').count() == 3;
            let paths =
                listed.lines().map(|name| name.trim_end_matches('/')).filter(is_path).map(str::to_owned).collect();
            (digest, paths)
        };
        files.iter().zip(digests).map(layer).collect()
    }

    /// Unpacks all layers into one directory.
    fn root(&self) -> PathBuf {
        let root = self.directory.path().join("root");
        fs::create_dir(&root).unwrap();
        for file in self.manifest["Layers"].as_array().unwrap() {
            let layer = self.directory.path().join(text(file));
            // Directories of the store must be writable for the next layer, and to be removed.
            run(Command::new("tar").args(["--mode=u+w", "-xf"]).arg(layer).arg("-C").arg(&root));
            run(Command::new("chmod").args(["-R", "u+w"]).arg(&root));
        }
        root
    }

    /// Runs the entry point in a directory with all layers. Programs of the stand-in use the machine's libc, so its
    /// libraries are mounted read-only. Programs of nixpkgs have a libc in their closure.
    fn run_in(&self, root: &Path, arguments: &[&str]) -> Output {
        let mut command = Command::new("unshare");
        if !nix::is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let script = "for lib in /lib /lib64 /usr/lib; do
            if [ -d $lib ]; then mkdir -p \"$0$lib\" && mount --bind -o ro $lib \"$0$lib\" || exit; fi
          done
          PATH=$PATH:/usr/sbin:/sbin exec chroot \"$0\" \"$@\"";
        command.args(["--mount", "--propagation", "private", "sh", "-c", script]).arg(root);
        command.args(self.config["config"]["Entrypoint"].as_array().unwrap().iter().map(text));
        command.args(arguments).output().unwrap()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

/// An expression with `pkgs` of the stand-in, and `cargoNix` of a workspace whose member `web-front` links a shared
/// library of the store.
fn service(root: &Path, body: &str) -> String {
    format!(
        "let
           pkgs = import {nixpkgs} {{ }};
           nix2container = pkgs.callPackage {nixpkgs}/pkgs/nix2container.nix {{ }};
           greeting = pkgs.runCommandCC \"greeting-1.0\" {{ }} ''
             mkdir -p \"$out/lib\"
             echo '#include <stdio.h>
               __attribute__((constructor)) static void greet(void) {{ puts(\"greeting from C\"); }}' >greeting.c
             cc -shared -fPIC -Wl,-soname,libgreeting.so greeting.c -o \"$out/lib/libgreeting.so\"
           '';
           cargoNix = arguments: import {cargo_nix} ({{
             inherit pkgs;
             crateOverrides.web-front = _: {{
               extraRustcOpts = [
                 \"-Clink-arg=-Wl,--no-as-needed,-rpath,${{greeting}}/lib\"
                 \"-Clink-arg=${{greeting}}/lib/libgreeting.so\"
               ];
             }};
           }} // arguments);
           inherit ((cargoNix {{ }}).workspaceMembers.web-front) image;
         in {body}",
        nixpkgs = nix::stand_in().display(),
        cargo_nix = root.join("Cargo.nix").display(),
    )
}

/// The arguments of `streamLayeredImage` for an image of a fixture, on a system or for a cross pair.
fn given(root: &Path, platforms: &str, image: &str) -> Value {
    nix::eval_json(&format!(
        "let
           record = arguments: {{ inherit arguments; }};
           pkgs = import {} ({platforms} // {{ overlays = [ (_: _: {{ dockerTools.streamLayeredImage = record; }}) ]; }});
           cargoNix = import {} {{ inherit pkgs; }};
         in ({image}).arguments",
        nix::stand_in().display(),
        root.join("Cargo.nix").display(),
    ))
}

const LINUX: &str = "{ system = \"x86_64-linux\"; }";

#[test]
fn programs_run_with_the_contents_of_the_layers() {
    let contents = "pkgs.linkFarm \"etc\" { \"etc/motd\" = pkgs.writeText \"motd\" \"hello\"; }";
    let body = format!("image.override {{ contents = [ ({contents}) ]; extraCommands = \"mkdir -m 1777 tmp\"; }}");
    let image = Image::written_by(&nix::build_expression(&service(&support::fixture("service"), &body)));
    assert_eq!(image.manifest["RepoTags"], json!(["web-front:0.1.0"]));
    assert_eq!(image.config["created"], "1970-01-01T00:00:01Z");
    let root = image.root();
    let ran = image.run_in(&root, &["/total"]);
    let printed = String::from_utf8_lossy(&ran.stdout);
    assert_eq!(printed, "1 events per second\ngreeting from C\n", "{}", String::from_utf8_lossy(&ran.stderr));

    // `contents` are at the root.
    let motd = fs::read_link(root.join("etc/motd")).unwrap();
    let motd = fs::read_link(root.join(motd.strip_prefix("/").unwrap())).unwrap();
    assert_eq!(fs::read_to_string(root.join(motd.strip_prefix("/").unwrap())).unwrap(), "hello");
    assert!(root.join("tmp").is_dir());

    // The library comes from the image.
    let (_, paths) = image.layers().into_iter().find(|(_, paths)| paths[0].ends_with("-greeting-1.0")).unwrap();
    fs::remove_dir_all(root.join(paths[0].strip_prefix('/').unwrap())).unwrap();
    let ran = image.run_in(&root, &["/total"]);
    assert!(!ran.status.success());
    assert!(String::from_utf8_lossy(&ran.stderr).contains("libgreeting.so"), "{ran:?}");
}

#[test]
fn an_edit_of_a_member_changes_only_the_layer_of_its_program() {
    let scratch = support::Copy::of(&support::fixture("service"));
    let script = || nix::build_expression(&service(scratch.path(), "image"));
    let before = script();
    let image = Image::written_by(&before);
    let layers = image.layers();
    let names = |layers: &[(String, Vec<String>)]| -> Vec<Vec<String>> {
        let name = |path: &String| nix::name_of(Path::new(path)).to_owned();
        layers.iter().map(|(_, paths)| paths.iter().map(name).collect()).collect()
    };
    // Dependencies first, then the program, then `contents`, which are empty.
    assert_eq!(names(&layers), [vec!["greeting-1.0"], vec!["web-front-0.1.0"], vec![]]);
    assert_eq!(run(&mut Command::new(&before)).stdout, run(&mut Command::new(&before)).stdout);
    assert_eq!(script(), before);

    let main = scratch.path().join("web-front/src/main.rs");
    let source = fs::read_to_string(&main).unwrap();
    fs::write(&main, source.replace("\"/\".to_owned()", "\"/other\".to_owned()")).unwrap();
    let after = Image::written_by(&script()).layers();
    assert_eq!(names(&after), names(&layers));
    let is_same: Vec<bool> = layers.iter().zip(&after).map(|(old, new)| old.0 == new.0).collect();
    assert_eq!(is_same, [true, false, true]);
}

#[test]
fn the_configuration_comes_from_the_manifest() {
    let root = support::fixture("hostile-strings");
    let manifest: toml::Table = fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let package = |key: &str| json!(manifest["package"][key].as_str().unwrap());
    let authors: Vec<&str> =
        manifest["package"]["authors"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let given = given(&root, LINUX, "cargoNix.rootCrate.image");
    assert_eq!(
        (&given["name"], &given["tag"], &given["architecture"]),
        (&json!("app"), &json!("0.1.0"), &json!("amd64"))
    );
    let label = |name: &str| format!("org.opencontainers.image.{name}");
    let expected: serde_json::Map<String, Value> = [
        ("title", json!("app")),
        ("version", json!("0.1.0")),
        ("authors", json!(authors.join(", "))),
        ("description", package("description")),
        ("documentation", package("documentation")),
        ("licenses", package("license")),
        ("source", package("repository")),
        ("url", package("homepage")),
    ]
    .map(|(name, value)| (label(name), value))
    .into_iter()
    .collect();
    assert_eq!(given["config"]["Labels"], Value::Object(expected));
    let entry_point = text(&given["config"]["Entrypoint"][0]);
    assert!(entry_point.ends_with("-app-0.1.0/bin/app"), "{entry_point}");
}

#[test]
fn arguments_take_precedence_over_the_manifest() {
    let root = support::fixture("service");
    let image = "cargoNix.workspaceMembers.web-front.image.override {
      binary = \"store-admin\";
      tag = \"main\";
      config = { User = \"65532:65532\"; Labels.\"org.opencontainers.image.revision\" = \"abc\"; };
    }";
    let given = given(&root, LINUX, image);
    let config = &given["config"];
    assert_eq!((&given["tag"], &config["User"]), (&json!("main"), &json!("65532:65532")));
    assert!(text(&config["Entrypoint"][0]).ends_with("/bin/store-admin"), "{config}");
    let label = |name: &str| &config["Labels"][format!("org.opencontainers.image.{name}")];
    assert_eq!((label("revision"), label("version")), (&json!("abc"), &json!("0.1.0")));
}

/// `nix run` also starts the program of cargo's `default-run`.
#[test]
fn default_run_selects_the_default_program() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    let manifest =
        "[package]\nname = \"Some_App\"\nversion = \"1.0.0-rc.1+5\"\nedition = \"2021\"\ndefault-run = \"second\"\n";
    fs::write(root.join("Cargo.toml"), manifest).unwrap();
    fs::create_dir_all(root.join("src/bin")).unwrap();
    for name in ["main.rs", "bin/first.rs", "bin/second.rs"] {
        fs::write(root.join("src").join(name), "fn main() {}\n").unwrap();
    }
    run(Command::new("cargo").args(["generate-lockfile", "--quiet", "--offline"]).current_dir(root));
    run(support::cratewright().args(["generate", "--quiet"]).current_dir(root));
    let given = given(root, LINUX, "cargoNix.rootCrate.image");
    assert!(text(&given["config"]["Entrypoint"][0]).ends_with("/bin/second"), "{given}");
    // Names of images have no upper case letters, and tags no `+`.
    assert_eq!((&given["name"], &given["tag"]), (&json!("some_app"), &json!("1.0.0-rc.1_5")));

    let derivations = || nix::instantiate(&root.join("Cargo.nix"), "rootCrate.build", "x86_64-linux");
    let before = derivations();
    let cargo_nix = fs::read_to_string(root.join("Cargo.nix")).unwrap();
    let other = cargo_nix.replace("default-run = \"second\"", "default-run = \"first\"");
    assert_ne!(other, cargo_nix);
    // Only Cargo.nix is replaced, as the manifest is part of the source.
    fs::write(root.join("Cargo.nix"), other).unwrap();
    assert_eq!(derivations(), before, "`default-run` is not part of the build");

    fs::write(root.join("Cargo.nix"), cargo_nix).unwrap();
    fs::write(root.join("Cargo.toml"), manifest.replace("second", "first")).unwrap();
    let check = support::cratewright().arg("check").current_dir(root).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&check.stdout), String::from_utf8_lossy(&check.stderr));
    assert!(check.status.code() == Some(1) && said.contains("package.default-run"), "{said}");
}

#[test]
fn members_without_an_image_are_errors() {
    let refused = |fixture: &str, pkgs: &str, image: &str, words: &[&str]| {
        let expression = format!(
            "let pkgs = {pkgs}; cargoNix = import {} {{ inherit pkgs; }}; in ({image}).drvPath",
            support::fixture(fixture).join("Cargo.nix").display()
        );
        let output = nix::nix("nix-instantiate").args(["--eval", "--expr", &expression]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{image}");
        for word in words {
            assert!(error.contains(word), "{image} does not say {word}: {error}");
        }
    };
    let on = |system: &str| format!("import {} {{ system = \"{system}\"; }}", nix::stand_in().display());
    let linux = on("x86_64-linux");
    let member = |name: &str| format!("cargoNix.workspaceMembers.{name}.image");
    refused("service", &linux, &member("clock"), &["clock has no binary that an image could run"]);
    let several = ["app has several binaries", "one, two-words", "image.override { binary = \"one\"; }"];
    refused("build-script-output", &linux, &member("app"), &several);
    let misspelt = format!("{}.override {{ binary = \"web_front\"; }}", member("web-front"));
    refused(
        "service",
        &linux,
        &misspelt,
        &["web-front has no binary `web_front`: the binaries are store-admin, web-front"],
    );
    let unknown = format!("{}.override {{ maxlayers = 3; }}", member("web-front"));
    refused("service", &linux, &unknown, &["called with unexpected argument 'maxlayers'"]);
    let darwin =
        ["is evaluated for aarch64-darwin", "legacyPackages.aarch64-linux.cargoNix.workspaceMembers.web-front.image"];
    refused("service", &on("aarch64-darwin"), &member("web-front"), &darwin);
}

/// An error of the image affects neither the build nor an override of the image.
#[test]
fn a_binary_can_be_chosen_if_there_is_no_default() {
    let root = support::fixture("build-script-output");
    let given = given(&root, LINUX, "cargoNix.workspaceMembers.app.image.override { binary = \"two-words\"; }");
    assert!(text(&given["config"]["Entrypoint"][0]).ends_with("/bin/two-words"), "{given}");
}

#[test]
fn an_image_of_a_cross_pair_is_for_its_host_platform() {
    let root = support::fixture("cross");
    let pair = "{ system = \"x86_64-linux\"; crossSystem.config = \"aarch64-unknown-linux-gnu\"; }";
    assert_eq!(given(&root, pair, "cargoNix.workspaceMembers.app.image")["architecture"], "arm64");
    let system = nix::eval_json(&format!(
        "(import {} {{ pkgs = import {} {pair}; }}).workspaceMembers.app.image.system",
        root.join("Cargo.nix").display(),
        nix::stand_in().display(),
    ));
    assert_eq!(system, "x86_64-linux", "the script that writes the image runs on the build platform");
}

#[test]
fn nix2container_gets_a_layer_for_each_path() {
    let body = |change: &str| {
        let image = "(cargoNix { inherit nix2container; }).workspaceMembers.web-front.image";
        service(&support::fixture("service"), &format!("{image}{change}"))
    };
    let built = nix::build_expression(&body(".override { config.User = \"1000\"; }"));
    let image: Value = serde_json::from_slice(&fs::read(built).unwrap()).unwrap();
    let config = &image["image-config"];
    assert_eq!((&image["arch"], &config["User"]), (&json!("amd64"), &json!("1000")));
    let layers = image["layers"].as_array().unwrap();
    let paths: Vec<&str> = layers.iter().map(|layer| text(&layer["paths"][0]["path"])).collect();
    assert!(layers.iter().all(|layer| layer["paths"].as_array().unwrap().len() == 1), "{image}");
    assert!(paths.len() == 2 && paths[0].ends_with("-greeting-1.0"), "{paths:?}");
    assert_eq!(config["Entrypoint"], json!([format!("{}/bin/web-front", paths[1])]));
    // Arguments are those of nix2container.
    let output =
        nix::nix("nix-instantiate").args(["--expr", &body(".override { extraCommands = \"\"; }")]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("unexpected argument 'extraCommands'"), "{output:?}");
}

/// `nix build .#web-front.image`.
#[test]
fn a_flake_has_images_next_to_its_packages() {
    let root = support::fixture("service");
    let made = |arguments: &str| {
        let arguments = format!("{{ inherit cratewright; lockSync = false; }} // {arguments}");
        let output =
            nix::library("per-system", &root, &arguments, &["nix-instantiate", "-A", "packages.web-front.image"]);
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(made("{ }").ends_with("-stream-web-front.drv\n"));
    let nix2container = format!("pkgs.callPackage {}/pkgs/nix2container.nix {{ }}", nix::stand_in().display());
    let made = made(&format!("{{ nix2container = {nix2container}; }}"));
    assert!(made.ends_with("-image-web-front.json.drv\n"), "{made}");
}
