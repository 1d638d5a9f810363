//! Registries other than crates.io, and replacements of sources: programs built by Nix print the same as cargo's.

use std::fs;
use std::process::Command;

use crate::support::git::Scratch;
use crate::support::registry::{APPLICATION, checksum, pack, says, serve, vendored_workspace};
use crate::support::{self, run, stdout};

#[test]
fn sparse_registries_with_all_markers_work() {
    let scratch = Scratch::with_own_registries();
    let address = serve(scratch.path("served"));
    let dl = format!("{address}/dl/{{crate}}/{{version}}/{{prefix}}/{{lowerprefix}}/{{sha256-checksum}}.crate");
    scratch.write("served", &[("index/config.json", &format!("{{\"dl\":\"{dl}\"}}"))]);
    for (name, index, prefix) in
        [("a", "1/a", "1"), ("Bc", "2/bc", "2"), ("Def", "3/d/def", "3/D"), ("Gh-ij", "gh/-i/gh-ij", "Gh/-i")]
    {
        let packed = scratch.path("packed");
        let line = pack(name, "1.0.0", &says(name), "", &packed);
        let lower = prefix.to_lowercase();
        let file = scratch.path(&format!("served/dl/{name}/1.0.0/{prefix}/{lower}/{}.crate", checksum(&line)));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::rename(packed, file).unwrap();
        scratch.write("served", &[(&format!("index/{index}"), &line)]);
    }
    // A package with the same name and version in another registry, whose configuration has only the address of its
    // API.
    let other = pack("a", "1.0.0", &says("other a"), "", &scratch.path("served/api/a/1.0.0/download"));
    scratch.write("served", &[("other/config.json", &format!("{{\"dl\":\"{address}/api\"}}")), ("other/1/a", &other)]);
    scratch.write(
        "app",
        &[
            (
                ".cargo/config.toml",
                &format!(
                    "[registries.markers]\nindex = \"sparse+{address}/index/\"\n[registries.other]\nindex = \"sparse+{address}/other/\"\n"
                ),
            ),
            (
                "Cargo.toml",
                &format!(
                    "{APPLICATION}a = {{ version = \"1\", registry = \"markers\" }}\nBc = {{ version = \"1\", registry = \"markers\" }}\n\
                     Def = {{ version = \"1\", registry-index = \"sparse+{address}/index/\" }}\n\
                     Gh-ij = {{ version = \"1\", registry = \"markers\" }}\n\
                     other_a = {{ package = \"a\", version = \"1\", registry = \"other\" }}\n"
                ),
            ),
            (
                "src/main.rs",
                "fn main() { println!(\"{} {} {} {} {}\", a::say(), Bc::say(), Def::say(), Gh_ij::say(), other_a::say()); }",
            ),
        ],
    );
    let text = scratch.generate("app");
    assert_eq!(scratch.generate_elsewhere("app"), text);
    let listed = scratch.sources("app", &[]);
    assert!(listed.contains(&format!("Gh-ij 1.0.0: fetchurl {dl} sha256 ")), "{listed}");
    assert_eq!(scratch.printed("app", "app"), "a Bc Def Gh-ij other a\n");
    let name = address.trim_start_matches("http://");
    for words in [format!("\"{name}/index\" = {{"), format!("dl = \"{dl}\";"), format!("dl = \"{address}/api\";")] {
        assert!(text.contains(&words), "{words}: {text}");
    }
    let urls = scratch.package_urls("app");
    assert!(urls.contains(&format!("pkg:cargo/Gh-ij@1.0.0?repository_url={address}/index/")), "{urls:?}");
    // The fetcher can be replaced, for example by one with a password.
    let expression = format!(
        "(import {} {{ fetchurl = args: throw \"asked for ${{args.url}}\"; }}).rootCrate.build.drvPath",
        scratch.path("app/Cargo.nix").display()
    );
    let mut evaluate = support::nix::nix("nix-instantiate");
    let output = evaluate.args(["--eval", "--expr", &expression]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&format!("asked for {address}/")), "{error}");
}

#[test]
fn registries_with_a_git_index_work() {
    let scratch = Scratch::with_own_registries();
    let dl = format!("file://{}/{{crate}}-{{version}}.crate", scratch.path("crates").display());
    let line = pack("quiet", "0.2.0-rc.1", &says("quiet"), "", &scratch.path("crates/quiet-0.2.0-rc.1.crate"));
    scratch.write("index", &[("config.json", &format!("{{\"dl\":\"{dl}\"}}")), ("qu/ie/quiet", &line)]);
    scratch.commit("index");
    scratch.write(
        "app",
        &[
            (".cargo/config.toml", &format!("[registries.private]\nindex = \"{}\"\n", scratch.url("index"))),
            ("Cargo.toml", &format!("{APPLICATION}quiet = {{ version = \"0.2.0-rc.1\", registry = \"private\" }}\n")),
            ("src/main.rs", "fn main() { println!(\"{}\", quiet::say()); }"),
        ],
    );
    let text = scratch.generate("app");
    assert_eq!(scratch.printed("app", "app"), "quiet\n");
    let url = format!("pkg:cargo/quiet@0.2.0-rc.1?repository_url={}", scratch.url("index"));
    assert_eq!(scratch.package_urls("app"), [url]);
    assert!(text.contains(&dl), "{text}");
    // Without the registry's configuration, generation fails.
    let index = scratch.path("cargo-home/registry/index");
    for entry in fs::read_dir(index).unwrap() {
        fs::remove_dir_all(entry.unwrap().path().join(".git")).unwrap();
    }
    let mut generate = support::cratewright();
    generate.args(["generate", "--offline"]).current_dir(scratch.path("app"));
    let output = scratch.environment(&mut generate).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn vendored_directories_are_built_from() {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "third-party/crates"]).current_dir(scratch.path("app"));
    let config = stdout(scratch.environment(&mut vendor));
    scratch.write("app", &[(".cargo/config.toml", &config)]);
    let text = scratch.generate("app");
    for line in ["vendored = \"third-party/crates/itoa\";", "vendored = \"third-party/crates/forked\";"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("sha256 = \""), "Cargo.nix fetches packages: {text}");
    assert_eq!(scratch.generate_elsewhere("app"), text);
    assert!(scratch.sources("app", &[]).contains("forked 0.1.0: path third-party/crates/forked\n"));
    assert_eq!(scratch.printed("app", "app"), "42 forked\n");
    // Package URLs are those of the replaced sources.
    let urls = scratch.package_urls("app");
    let commit = scratch.git("fork", &["rev-parse", "HEAD"]);
    let fork = format!("pkg:cargo/forked@0.1.0?vcs_url=git%2B{}%40{}", scratch.url("fork"), commit.trim());
    assert_eq!(urls[0], fork);
    assert!(urls[1].starts_with("pkg:cargo/itoa@") && !urls[1].contains('?'), "{urls:?}");
    let lock_sync = support::nix::library(
        "lock-sync",
        &scratch.path("app"),
        "{ inherit cratewright; }",
        &["nix-build", "--no-out-link"],
    );
    assert!(lock_sync.status.success(), "{}", String::from_utf8_lossy(&lock_sync.stderr));
    let evaluated = support::nix::library("cargo-nix", &scratch.path("app"), "{ }", &["nix-instantiate", "--eval"]);
    assert!(evaluated.status.success(), "{}", String::from_utf8_lossy(&evaluated.stderr));

    // Changed files are rejected, as by cargo.
    let file = "third-party/crates/forked/src/lib.rs";
    let before = fs::read_to_string(scratch.path("app").join(file)).unwrap();
    scratch.write("app", &[(file, "pub fn say() -> &'static str { \"changed\" }")]);
    let mut generate = support::cratewright();
    let output = scratch
        .environment(generate.args(["generate", "--offline"]).current_dir(scratch.path("app")))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error[changed-vendored-package]: vendored package `forked 0.1.0`"), "{said}");
    scratch.write("app", &[(file, &before)]);

    // With versions in directory names, no manifest and no lock file has changed.
    vendor = Command::new("cargo");
    vendor.args(["vendor", "--quiet", "--versioned-dirs", "third-party/crates"]).current_dir(scratch.path("app"));
    fs::remove_dir_all(scratch.path("app/.cargo")).unwrap();
    run(scratch.environment(&mut vendor));
    scratch.write("app", &[(".cargo/config.toml", &config)]);
    let check = support::cratewright().arg("check").current_dir(scratch.path("app")).output().unwrap();
    let said = String::from_utf8(check.stderr).unwrap();
    assert_eq!(check.status.code(), Some(1), "{said}");
    assert!(said.contains(".cargo/config.toml: (packages in third-party/crates)"), "{said}");
    scratch.generate("app");
    assert_eq!(scratch.printed("app", "app"), "42 forked\n");
}

#[test]
fn local_registries_are_built_from() {
    let scratch = Scratch::new();
    let line = pack("packed", "1.4.0", &says("packed"), "", &scratch.path("app/registry/packed-1.4.0.crate"));
    scratch.write(
        "app",
        &[
            ("registry/index/pa/ck/packed", line.as_str()),
            (
                ".cargo/config.toml",
                "[source.crates-io]\nreplace-with = \"here\"\n[source.here]\nlocal-registry = \"registry\"\n",
            ),
            ("Cargo.toml", &format!("{APPLICATION}packed = \"1\"\n")),
            ("src/main.rs", "fn main() { println!(\"{}\", packed::say()); }"),
        ],
    );
    let text = scratch.generate("app");
    assert!(text.contains("vendored = \"registry/packed-1.4.0.crate\";"), "{text}");
    assert_eq!(scratch.printed("app", "app"), "packed\n");
    assert_eq!(scratch.package_urls("app"), ["pkg:cargo/packed@1.4.0"]);
}

/// CI often keeps `CARGO_HOME` in the workspace: packages in it are not vendored.
#[test]
fn a_cargo_home_in_the_workspace_is_not_a_vendored_directory() {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let text = scratch.generate("app");
    fs::rename(scratch.path("cargo-home"), scratch.path("app/.cargo-home")).unwrap();
    let mut generate = support::cratewright();
    generate.args(["generate", "--stdout", "--offline", "--locked"]).current_dir(scratch.path("app"));
    let again = stdout(scratch.environment(&mut generate).env("CARGO_HOME", scratch.path("app/.cargo-home")));
    assert_eq!(again, text);
}

/// Only packages of the replaced source come from the local registry.
#[test]
fn a_local_registry_replaces_only_its_source() {
    let scratch = Scratch::new();
    let line = pack("packed", "1.4.0", &says("packed"), "", &scratch.path("app/registry/packed-1.4.0.crate"));
    let manifest = "[package]\nname = \"packed\"\nversion = \"1.4.0\"\nedition = \"2021\"\n";
    scratch.write("fork", &[("Cargo.toml", manifest), ("src/lib.rs", &says("forked"))]);
    scratch.commit("fork");
    scratch.write(
        "app",
        &[
            ("registry/index/pa/ck/packed", line.as_str()),
            (".cargo/config.toml", "include = [\"more.toml\"]\n[source.crates-io]\nreplace-with = \"between\"\n"),
            (".cargo/more.toml", "[source.between]\nreplace-with = \"here\"\nregistry = \"https://registry.example.org\"\n[source.here]\nlocal-registry = \"./registry\"\n"),
            ("Cargo.toml", &format!("{APPLICATION}packed = \"1\"\nfork = {{ package = \"packed\", git = \"{}\" }}\n", scratch.url("fork"))),
            ("src/main.rs", "fn main() { println!(\"{} {}\", packed::say(), fork::say()); }"),
        ],
    );
    let text = scratch.generate("app");
    assert_eq!(text.matches("vendored = \"registry/packed-1.4.0.crate\";").count(), 1, "{text}");
    assert_eq!(scratch.printed("app", "app"), "packed forked\n");
}

/// Nix would not find a directory that is configured outside the workspace.
#[test]
fn directories_configured_outside_the_workspace_are_rejected() {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "../elsewhere"]).current_dir(scratch.path("app"));
    let config = stdout(scratch.environment(&mut vendor));
    scratch.write("", &[(".cargo/config.toml", &config.replace("../elsewhere", "elsewhere"))]);
    let mut generate = support::cratewright();
    let output = scratch.environment(generate.arg("generate").current_dir(scratch.path("app"))).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("error[unknown-directory]: cargo takes package `"), "{said}");
    // The same configuration inside the workspace is accepted.
    fs::remove_dir_all(scratch.path(".cargo")).unwrap();
    scratch.write("app", &[(".cargo/config.toml", &config)]);
    let text = scratch.generate("app");
    assert!(text.contains("vendored = \"../elsewhere/itoa\";"), "{text}");
    assert_eq!(scratch.printed("app", "app"), "42 forked\n");
    // Cargo.nix has no absolute path.
    let absolute = scratch.path("elsewhere").display().to_string();
    scratch.write("app", &[(".cargo/config.toml", &config.replace("../elsewhere", &absolute))]);
    let mut generate = support::cratewright();
    let output = scratch.environment(generate.arg("generate").current_dir(scratch.path("app"))).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error[absolute-path]"), "{said}");
}
