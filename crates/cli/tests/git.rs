//! Git dependencies from local repositories: hashes equal Nix's, and programs print the same as cargo's.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::git::{Scratch, attribute, nix_hash};
use crate::support::{self, cratewright, nix};

const LIBRARY: &str = "[package]\nname = \"lib\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn application(dependencies: &str) -> [(&'static str, String); 1] {
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n{dependencies}\n[workspace]\n"
    );
    [("Cargo.toml", manifest)]
}

fn write_application(scratch: &Scratch, dependencies: &str, main: &str) {
    let [(file, manifest)] = application(dependencies);
    scratch.write("app", &[(file, &manifest), ("src/main.rs", main)]);
}

#[test]
fn hashes_equal_those_of_nix() {
    let scratch = Scratch::new();
    scratch.write("innermost", &[("deep.txt", "deep")]);
    scratch.commit("innermost");
    scratch.write("inner", &[("inner.txt", "inner"), (".cargo-ok", "a file of the repository's own")]);
    scratch.commit("inner");
    scratch.git("inner", &["submodule", "--quiet", "add", &scratch.url("innermost"), "nested"]);
    scratch.commit("inner");
    // Cargo creates a marker file with this name in its checkouts.
    scratch.write(
        "odd",
        &[
            ("Cargo.toml", LIBRARY),
            ("src/lib.rs", "pub fn text() -> &'static str { include_str!(\"../text.crlf\") }"),
            (
                ".gitattributes",
                "*.crlf text eol=crlf\n*.auto text=auto eol=crlf\n*.u16 text working-tree-encoding=UTF-16LE\n\"two words.q\" text eol=crlf\n\
                 ignored export-ignore\nversion ident\nsubst export-subst\n",
            ),
            (".gitignore", "*.log\n"),
            ("text.crlf", "one\ntwo\n"),
            // Git and the library that cargo uses treat these attributes differently.
            ("picture.auto", "\0binary\nwith lines\n"),
            ("wide.u16", "caf\u{e9}\n"),
            ("two words.q", "a\nb\n"),
            ("ignored", "git archive leaves this out, a checkout does not"),
            ("version", "$Id$\n"),
            ("subst", "$Format:%H$\n"),
            ("run.sh", "#!/bin/sh\n"),
            ("empty", ""),
            ("gr\u{fc}\u{df}e \u{65e5}\u{672c}/a b", "unicode"),
            ("e\u{301}", "decomposed"),
            ("new\nline", "x"),
            ("quote'\"$`\\", "x"),
            ("target/kept", "a directory of this name may be part of a repository"),
            (".github/workflow.yml", "x"),
        ],
    );
    let odd = scratch.path("odd");
    fs::set_permissions(odd.join("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run.sh", odd.join("link")).unwrap();
    symlink("no/such/file", odd.join("dangling")).unwrap();
    symlink("src", odd.join("directory")).unwrap();
    scratch.commit("odd");
    scratch.git("odd", &["submodule", "--quiet", "add", &scratch.url("inner"), "modules/inner"]);
    scratch.git("odd", &["submodule", "--quiet", "add", &scratch.url("innermost"), "modules/off"]);
    scratch.git("odd", &["config", "--file", ".gitmodules", "submodule.modules/off.update", "none"]);
    let rev = scratch.commit("odd");

    write_application(
        &scratch,
        &format!("lib = {{ git = \"{}\" }}", scratch.url("odd")),
        "fn main() { print!(\"{:?}\", lib::text()); }",
    );
    let text = scratch.generate("app");
    assert_eq!(attribute(&text, "rev"), rev);
    assert_eq!(scratch.generate_elsewhere("app"), text);

    scratch.git("", &["clone", "--quiet", "--recurse-submodules", &scratch.url("odd"), "clone"]);
    let clone = scratch.path("clone");
    for git in [".git", "modules/inner/.git", "modules/inner/nested/.git"] {
        let path = clone.join(git);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    assert_eq!(attribute(&text, "sha256"), nix_hash(&clone));
    assert!(clone.join("modules/inner/nested/deep.txt").exists() && !clone.join("modules/off/deep.txt").exists());

    // The build fails if the hash of the fetch differs.
    assert_eq!(scratch.printed("app", "app"), "\"one\\r\\ntwo\\r\\n\"");

    // Files that a build script leaves in the checkout are ignored.
    let checkouts = scratch.path("cargo-home/git/checkouts");
    let repository = fs::read_dir(checkouts).unwrap().map(|entry| entry.unwrap().path());
    let repository = repository.into_iter().find(|path| path.to_str().unwrap().contains("/odd-")).unwrap();
    let checkout = fs::read_dir(repository).unwrap().next().unwrap().unwrap().path();
    fs::write(checkout.join("src/generated.rs"), "left behind").unwrap();
    assert_eq!(scratch.generate("app"), text);

    // Changed files of the commit are rejected.
    let of_submodule = checkout.join("modules/inner/inner.txt");
    fs::write(&of_submodule, "no longer what it was").unwrap();
    let mut generate = cratewright();
    let output = scratch.environment(generate.arg("generate").current_dir(scratch.path("app"))).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    for words in ["error[changed-checkout]", "inner.txt", "package: lib 0.1.0", "help: remove `", "cargo fetch"] {
        assert!(error.contains(words), "{words}: {error}");
    }
    assert_eq!(fs::read_to_string(scratch.path("app/Cargo.nix")).unwrap(), text, "Cargo.nix was changed");
}

#[test]
fn revisions_tags_branches_subdirectories_and_workspaces_build() {
    let scratch = Scratch::new();
    let library = |text: &str| format!("pub fn say() -> String {{ {text} }}");
    scratch.write(
        "many",
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"crates/*\"]\n\n[workspace.package]\nversion = \"1.2.3\"\nedition = \"2021\"\n\
                 authors = [\"A <a@example.org>\"]\n\n[workspace.dependencies]\nbase = { path = \"crates/base\", features = [\"loud\"] }\n",
            ),
            (
                "crates/base/Cargo.toml",
                "[package]\nname = \"base\"\nversion.workspace = true\nedition.workspace = true\n[features]\nloud = []\n",
            ),
            (
                "crates/base/src/lib.rs",
                "pub fn shout(text: &str) -> String { if cfg!(feature = \"loud\") { text.to_uppercase() } else { text.into() } }",
            ),
            (
                "crates/top/Cargo.toml",
                "[package]\nname = \"top\"\nversion.workspace = true\nedition.workspace = true\nauthors.workspace = true\n\
                 [dependencies]\nbase.workspace = true\n",
            ),
            (
                "crates/top/src/lib.rs",
                &library(
                    "base::shout(concat!(\"top \", env!(\"CARGO_PKG_VERSION\"), \" \", include_str!(\"../../../shared.txt\")))",
                ),
            ),
            // A `build.rs` that is not a target, though nixpkgs' builder would take it for one.
            ("crates/plain/Cargo.toml", "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2018\"\nbuild = false\n\
              repository = \"https://plain.example\"\n"),
            ("crates/plain/build.rs", "compile_error!(\"no build script\");"),
            ("crates/plain/src/lib.rs", &library("env!(\"CARGO_PKG_REPOSITORY\").into()")),
            ("shared.txt", "shared"),
        ],
    );
    scratch.commit("many");
    scratch.write(
        "single",
        &[("Cargo.toml", &LIBRARY.replace("lib", "one")), ("src/lib.rs", &library("\"first\".into()"))],
    );
    let first = scratch.commit("single");
    scratch.git("single", &["tag", "v2"]);
    scratch.write(
        "single",
        &[("src/lib.rs", &library("\"branch\".into()")), ("Cargo.toml", &LIBRARY.replace("lib", "two"))],
    );
    scratch.git("single", &["checkout", "--quiet", "-b", "feature/#1+x"]);
    scratch.commit("single");
    scratch.git("single", &["checkout", "--quiet", "main"]);
    scratch.write(
        "single",
        &[("src/lib.rs", &library("\"main\".into()")), ("Cargo.toml", &LIBRARY.replace("lib", "three"))],
    );
    scratch.commit("single");

    let (many, single) = (scratch.url("many"), scratch.url("single"));
    write_application(
        &scratch,
        &format!(
            "top = {{ git = \"{many}\" }}\nplain = {{ git = \"{many}\" }}\n\
             one = {{ git = \"{single}\", rev = \"{first}\" }}\ntagged = {{ package = \"one\", git = \"{single}\", tag = \"v2\" }}\n\
             two = {{ git = \"{single}\", branch = \"feature/#1+x\" }}\nthree = {{ git = \"{single}\" }}"
        ),
        "fn main() { println!(\"{} {} {} {} {} {}\", top::say(), plain::say(), one::say(), tagged::say(), two::say(), three::say()); }",
    );
    let manifest = fs::read_to_string(scratch.path("app/Cargo.toml")).unwrap();
    scratch.write("app", &[("Cargo.toml", &(manifest + "\n[profile.release.package.\"*\"]\nopt-level = 1\n"))]);
    let text = scratch.generate("app");
    // A package in a subdirectory of a repository is not a local package.
    let options = nix::eval_json(&format!(
        "(import {} {{ pkgs = import {} {{ }}; }}).internal.units.\"plain@0.1.0\".extraRustcOpts",
        scratch.path("app/Cargo.nix").display(),
        nix::stand_in().display(),
    ));
    assert_eq!(options[0], "-C opt-level=1");
    assert_eq!(scratch.printed("app", "app"), "TOP 1.2.3 SHARED https://plain.example first first branch main\n");
    // Overrides of the source: the directory of the crate, as users of crate2nix write it, and a tree that contains the
    // crate.
    for source in ["attrs.src + \"/crates/plain\"", "pkgs.runCommand \"copy\" { } \"cp -r ${attrs.src}/crates $out\""] {
        let overridden = nix::build_expression(&format!(
            "let pkgs = import <nixpkgs> {{ }}; in (pkgs.callPackage {} {{
               defaultCrateOverrides = pkgs.defaultCrateOverrides // {{ plain = attrs: {{ src = {source}; }}; }};
             }}).rootCrate.build",
            scratch.path("app/Cargo.nix").display(),
        ));
        let printed = crate::support::stdout(&mut std::process::Command::new(overridden.join("bin/app")));
        assert_eq!(printed, "TOP 1.2.3 SHARED https://plain.example first first branch main\n");
    }
    // One commit of `many` and three of `single` are fetched once each.
    assert_eq!(text.matches(" rev = \"").count(), 4, "{text}");
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("checkout = ")).collect();
    assert_eq!(names.len(), 7, "base, top, plain, two, three, and one twice");
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 4);
    let urls = scratch.package_urls("app");
    assert_eq!(urls.len(), 6, "a commit is one package, however it is referred to: {urls:?}");
    let base = format!("pkg:cargo/base@1.2.3?vcs_url=git%2B{many}%40{}#crates/base", attribute(&text, "rev"));
    let one = format!("pkg:cargo/one@0.1.0?vcs_url=git%2B{single}%40{first}");
    assert!(urls.contains(&base) && urls.contains(&one), "{urls:?}");
    assert_eq!(scratch.generate_elsewhere("app"), text);
    let listed = scratch.sources("app", &[]);
    for words in [
        "app 0.1.0: path .\n".to_owned(),
        format!(
            "base 1.2.3: fetchgit {many} rev {} dir crates/base sha256 {}",
            attribute(&text, "rev"),
            attribute(&text, "sha256")
        ),
        format!("one 0.1.0: fetchgit {single} rev {first} sha256 "),
    ] {
        assert!(listed.contains(&words), "{words}: {listed}");
    }
    let json: serde_json::Value = serde_json::from_str(&scratch.sources("app", &["--format", "json"])).unwrap();
    let top = json["packages"].as_array().unwrap().iter().find(|package| package["name"] == "top").unwrap();
    assert_eq!([&top["fetcher"], &top["from"], &top["dir"]], ["fetchgit", &many, "crates/top"]);
    assert!(top["source"].as_str().unwrap().starts_with(&format!("git+{many}#")), "{top}");
}

#[test]
fn one_name_and_version_from_registry_git_and_path() {
    let scratch = Scratch::new();
    let fork = |text: &str| {
        format!(
            "pub struct Buffer; impl Buffer {{ pub fn new() -> Self {{ Buffer }} pub fn format(&mut self, _: u8) -> &'static str {{ \"{text}\" }} }}"
        )
    };
    let manifest = "[package]\nname = \"itoa\"\nversion = \"1.0.18\"\nedition = \"2021\"\n";
    scratch.write("fork", &[("Cargo.toml", manifest), ("src/lib.rs", &fork("git"))]);
    let rev = scratch.commit("fork");
    scratch.write("app", &[("itoa/Cargo.toml", manifest), ("itoa/src/lib.rs", &fork("path"))]);
    // A package that depends on two of them, under the library's own name.
    scratch.write(
        "app",
        &[
            (
                "user/Cargo.toml",
                &format!(
                    "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nitoa = {{ git = \"{}\" }}\n",
                    scratch.url("fork")
                ),
            ),
            ("user/src/lib.rs", "pub fn say() -> &'static str { itoa::Buffer::new().format(1) }"),
        ],
    );
    write_application(
        &scratch,
        &format!(
            "itoa = \"=1.0.18\"\nfrom_git = {{ package = \"itoa\", git = \"{}\" }}\n\
             from_path = {{ package = \"itoa\", path = \"itoa\" }}\nuser = {{ path = \"user\" }}",
            scratch.url("fork")
        ),
        "fn main() { println!(\"{} {} {} {}\", itoa::Buffer::new().format(7u8), from_git::Buffer::new().format(1), \
         from_path::Buffer::new().format(1), user::say()); }",
    );
    let own_lock = fs::read_to_string(support::repository().join("Cargo.lock")).unwrap();
    let (_, itoa) = own_lock.split_once("name = \"itoa\"").unwrap();
    let (itoa, _) = itoa.split_once("\n\n").unwrap();
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let git = format!("git+{}#{rev}", scratch.url("fork"));
    let packages = [
        format!(
            "\"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"itoa 1.0.18\",\n \"itoa 1.0.18 ({git})\",\n \"itoa 1.0.18 ({registry})\",\n \"user\",\n]"
        ),
        "\"itoa\"\nversion = \"1.0.18\"".to_owned(),
        format!("\"itoa\"\nversion = \"1.0.18\"\nsource = \"{git}\""),
        format!("\"itoa\"{itoa}"),
        format!("\"user\"\nversion = \"0.1.0\"\ndependencies = [\n \"itoa 1.0.18 ({git})\",\n]"),
    ];
    let packages: Vec<String> = packages.iter().map(|package| format!("[[package]]\nname = {package}\n")).collect();
    scratch.write("app", &[("Cargo.lock", &format!("version = 4\n\n{}", packages.join("\n")))]);
    let text = scratch.generate("app");
    assert_eq!(scratch.printed("app", "app"), "7 git path git\n");
    for key in ["\"itoa@1.0.18\" = registry", "\"itoa@1.0.18 [from=itoa]\" = local", "\"itoa@1.0.18 [from=fork-"] {
        assert!(text.contains(key), "{key}: {text}");
    }
}
