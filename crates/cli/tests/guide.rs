//! Claims of the guide: Nix code on its pages builds, quoted messages are in the source, figures of the introduction
//! were measured, and workspaces of one repository share the crates that it lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{self, address, cratewright, fixture, flake, nix, repository, run};

/// Blocks of Nix code on a page, each with the text of the comment before it, `<!-- ... -->`.
fn marked(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/src").join(page)).unwrap();
    let blocks = text.split("\n<!-- ").skip(1).map(|rest| {
        let (mark, rest) = rest.split_once(" -->\n```nix\n").expect("a Nix block follows the comment");
        let (code, _) = rest.split_once("\n```\n").expect("the block ends");
        (mark.to_owned(), format!("{code}\n"))
    });
    blocks.collect()
}

/// The block of a page that shows the file with this name.
fn file(page: &str, name: &str) -> String {
    let found = marked(page).into_iter().find(|(mark, _)| mark == name);
    found.unwrap_or_else(|| panic!("{page} has no {name}")).1
}

fn write(root: &Path, path: &str, text: &str) {
    support::write(&root.join(path), text);
}

fn package(root: &Path, name: &str, dependencies: &str, file: &str, source: &str) {
    let directory = Path::new(name);
    let name = directory.file_name().unwrap().to_str().unwrap();
    let head = format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n");
    write(
        root,
        &directory.join("Cargo.toml").display().to_string(),
        &format!("{head}\n[dependencies]\n{dependencies}"),
    );
    write(root, &directory.join("src").join(file).display().to_string(), source);
}

fn generate(root: &Path) {
    run(cratewright().args(["generate", "--quiet", "--offline"]).current_dir(root));
}

/// The code is put into a file of a workspace, with `pkgs`, `system` and the flake `cratewright` in scope.
#[test]
fn code_of_the_migration_guide_builds() {
    let snippets = marked("migrating.md");
    assert_eq!(snippets.len(), 4, "one for each tool");
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path();
    write(root, "Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"app\", \"foo-sys\"]\n");
    package(root, "foo-sys", "", "lib.rs", "pub fn foo() -> u32 { 7 }\n");
    let main = "fn main() { println!(\"foo {}\", foo_sys::foo()) }\n";
    package(root, "app", "foo-sys = { path = \"../foo-sys\" }\n", "main.rs", main);
    run(Command::new("cargo").args(["generate-lockfile", "--quiet", "--offline"]).current_dir(root));
    generate(root);
    let mut programs = Vec::new();
    for (_, code) in &snippets {
        write(root, "snippet.nix", &format!("{{ pkgs, system, cratewright }}:\n{code}"));
        // Evaluates the checks, and builds the member.
        let expression = format!(
            "let
               system = \"x86_64-linux\";
               pkgs = import {nixpkgs} {{ inherit system; overlays = [ (_: pkgs: {{ foo = pkgs.zlib; }}) ]; }};
               cratewright = {{ lib = import {library}; packages.${{system}}.default = {package}; }};
               made = import {snippet} {{ inherit pkgs system cratewright; }};
               paths = builtins.mapAttrs (_: derivation: derivation.drvPath);
             in
             builtins.seq (builtins.deepSeq (paths (made.checks or {{ }})) null)
               (made.packages.app or made.workspaceMembers.app.build or made)",
            nixpkgs = nix::nixpkgs().display(),
            library = repository().join("nix-lib").display(),
            package = nix::package(),
            snippet = root.join("snippet.nix").display(),
        );
        let built = nix::build_expression(&expression);
        let printed = support::stdout(&mut Command::new(built.join("bin/app")));
        assert_eq!(printed, "foo 7\n", "{code}");
        programs.push(built);
    }
    let naersk = programs.iter().position(|built| built.join("complete").is_file());
    assert_eq!(naersk, Some(1), "`postInstall` of the member has run");
}

#[test]
fn figures_of_the_introduction_were_measured() {
    let page = |name: &str| fs::read_to_string(repository().join(name)).unwrap();
    let introduction = page("docs/src/introduction.md");
    let table = introduction.lines().filter(|line| line.starts_with("| ")).collect::<Vec<_>>().join("\n");
    let sources = ["README.md", "docs/src/benchmarks.md", "docs/src/caching.md"].map(page);
    let words = |text: &str| {
        let is_part = |character: char| character.is_ascii_digit() || character == ',' || character == '.';
        let words = text.split(|character| !is_part(character)).map(|word| word.trim_matches([',', '.']).to_owned());
        words.filter(|word| !word.is_empty()).collect::<BTreeSet<String>>()
    };
    let known: BTreeSet<String> = sources.iter().flat_map(|text| words(text)).collect();
    let figures = words(&table);
    assert!(figures.len() > 8, "{figures:?}");
    let unknown: Vec<&String> = figures.difference(&known).collect();
    assert!(unknown.is_empty(), "no page with measurements has {unknown:?}");
}

/// Text of each source file of the library and of the program, without unit tests.
fn product() -> Vec<String> {
    let sources = ["crates", "nix-lib"].map(|directory| support::tree(&repository().join(directory)));
    let is_product = |path: &PathBuf| {
        let path = path.strip_prefix(repository()).unwrap().display().to_string();
        !path.contains("/tests/") && (path.ends_with(".rs") || path.ends_with(".nix"))
    };
    let files = sources.into_iter().flatten().filter(|(path, _)| is_product(path));
    let texts = files.map(|(_, bytes)| String::from_utf8(bytes).unwrap());
    texts.map(|text| text.split("\n#[cfg(test)]").next().unwrap_or_default().replace('`', "")).collect()
}

/// In quoted messages, `...` stands for any text.
#[test]
fn quoted_symptoms_are_messages_of_the_program() {
    let page = fs::read_to_string(repository().join("docs/src/symptoms.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("From cratewright")).unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let messages: Vec<&str> = rows.map(|(message, _)| message).collect();
    assert!(messages.len() > 12, "{messages:?}");
    let product = product();
    let is_printed = |message: &str| {
        let parts: Vec<&str> = message.split("...").filter(|part| !part.is_empty()).collect();
        product.iter().any(|text| {
            // The parts follow each other closely, as in a single message.
            text.match_indices(parts[0]).any(|(start, _)| {
                let mut rest = &text[start..];
                parts.iter().all(|part| {
                    let near: String = rest.chars().take(part.len() + 160).collect();
                    let found = near.find(part);
                    rest = &rest[found.unwrap_or_default() + found.map_or(0, |_| part.len())..];
                    found.is_some()
                })
            })
        })
    };
    let unknown: Vec<&&str> = messages.iter().filter(|message| !is_printed(message)).collect();
    assert!(unknown.is_empty(), "these are not in the source: {unknown:?}");
    assert!(!is_printed("does not match ... made of"), "the search matches text that is not in the source");
}

/// The repository that `monorepo.md` describes, whose flakes have the input `cratewright`.
struct Monorepo {
    directory: tempfile::TempDir,
}

const SERDE: &str = "serde = { version = \"1\", features = [\"derive\"] }\n";
const CLOCK: &str = "clock = { path = \"../../clock\" }\n";

impl Monorepo {
    fn new() -> Self {
        let repo = Monorepo { directory: tempfile::tempdir().unwrap() };
        let root = &repo.path("repository");
        write(root, "nix/overrides.nix", &file("monorepo.md", "nix/overrides.nix"));
        package(root, "clock", "", "lib.rs", "pub fn now() -> u32 { 7 }\n");
        let words = "words = { path = \"../words\" }\n";
        let main = "fn main() { println!(\"{} {}\", words::word(), clock::now()) }\n";
        package(root, "backend/words", "cfg-if = \"1\"\n", "lib.rs", "pub fn word() -> &'static str { \"word\" }\n");
        package(root, "backend/server", &format!("{words}{CLOCK}{SERDE}"), "main.rs", main);
        package(
            root,
            "tools/tool",
            &format!("{CLOCK}{SERDE}libc = \"0.2\"\n"),
            "main.rs",
            "fn main() { println!(\"{}\", clock::now()) }\n",
        );
        for (workspace, members) in [("backend", "\"server\", \"words\""), ("tools", "\"tool\"")] {
            let settings = "[workspace.metadata.cratewright]\nlibrary = \"../nix/cratewright.nix\"\n";
            let manifest = format!("[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n{settings}");
            write(root, &format!("{workspace}/Cargo.toml"), &manifest);
            fs::copy(fixture("registry-mix").join("Cargo.lock"), root.join(workspace).join("Cargo.lock")).unwrap();
            run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(root.join(workspace)));
            generate(&root.join(workspace));
        }
        repo
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a flake of the page, with its inputs replaced by local paths.
    fn flake(&self, name: &str) {
        let input = self.path("cratewright");
        let package = nix::package();
        let outputs = format!(
            "{{\n  inputs.nixpkgs.url = \"path:{0}\";\n  outputs = _: {{ lib = import {1}; packages.x86_64-linux.default = {package}; }};\n}}\n",
            nix::stand_in().display(),
            repository().join("nix-lib").display()
        );
        write(&input, "flake.nix", &outputs);
        let mut text = file("monorepo.md", name);
        for (from, to) in [("github:NixOS/nixpkgs/nixpkgs-unstable", nix::stand_in()), (address().as_str(), input)] {
            assert_eq!(text.matches(from).count(), 1, "{name}: {from}");
            text = text.replace(from, &format!("path:{}", to.display()));
        }
        write(&self.path("repository"), name, &text);
    }

    /// The crates that both workspaces have, and whether their derivations are the same.
    fn shared(&self, backend: &str) -> BTreeMap<String, bool> {
        let expression = format!(
            "let
               pkgs = import {nixpkgs} {{ }};
               crateOverrides = import {root}/nix/overrides.nix {{ inherit pkgs; }};
               units = workspace: arguments:
                 (import ({root} + \"/${{workspace}}/Cargo.nix\") ({{ inherit pkgs crateOverrides; }} // arguments)).internal.units;
               tools = units \"tools\" {{ }};
             in
             builtins.mapAttrs (name: unit: unit.drvPath == tools.${{name}}.drvPath)
               (builtins.intersectAttrs tools (units \"backend\" {backend}))",
            nixpkgs = nix::nixpkgs().display(),
            root = self.path("repository").display(),
        );
        serde_json::from_value(nix::eval_json(&expression)).unwrap()
    }

    /// Names of the crates that are no longer shared after an edit of the workspace `backend`.
    fn parted_by(&self, manifest: &str, from: &str, to: &str) -> Vec<String> {
        let path = self.path("repository/backend").join(manifest);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        generate(&self.path("repository/backend"));
        let parted = self.shared("{ }").into_iter().filter(|(_, is_shared)| !is_shared).map(|(name, _)| name).collect();
        fs::write(&path, text).unwrap();
        generate(&self.path("repository/backend"));
        parted
    }
}

#[test]
fn workspaces_share_crates_with_the_same_settings() {
    let repo = Monorepo::new();
    let shared = repo.shared("{ }");
    for name in ["serde@", "serde_derive@", "syn@", "clock@1.0.0"] {
        assert!(shared.keys().any(|key| key.starts_with(name)), "{name} is in both: {shared:?}");
    }
    assert!(shared.values().all(|is_shared| *is_shared), "{shared:?}");

    // The settings that the page lists.
    assert!(repo.shared("{ release = false; }").values().all(|is_shared| !is_shared));
    assert!(repo.shared("{ crateOverrides = { }; }").values().all(|is_shared| !is_shared));
    let all = shared.len();
    let with_profile = repo.parted_by("Cargo.toml", "[workspace.", "[profile.release]\nopt-level = 1\n\n[workspace.");
    assert!(with_profile.iter().any(|name| name.starts_with("serde@")), "{with_profile:?}");
    write(&repo.path("repository/backend"), ".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"loud\"]\n");
    assert_eq!(repo.parted_by("Cargo.toml", "", "").len(), all);
    fs::remove_dir_all(repo.path("repository/backend/.cargo")).unwrap();
    write(&repo.path("repository/backend"), ".cargo/config.toml", "[env]\nFOR_BUILDS = \"1\"\n");
    assert_eq!(repo.parted_by("Cargo.toml", "", "").len(), all);
    fs::remove_dir_all(repo.path("repository/backend/.cargo")).unwrap();
    // Configuration above the workspaces is ignored.
    write(&repo.path("repository"), ".cargo/config.toml", "[build]\nrustflags = [\"--cfg\", \"loud\"]\n");
    assert_eq!(repo.parted_by("Cargo.toml", "", ""), [""; 0]);
    fs::remove_dir_all(repo.path("repository/.cargo")).unwrap();
    // A feature changes its crate and the dependents of that.
    let with_feature = repo.parted_by("server/Cargo.toml", "\"derive\"", "\"derive\", \"rc\"");
    let names: Vec<&str> = with_feature.iter().filter_map(|name| name.split('@').next()).collect();
    assert_eq!(names, ["serde", "serde_core"], "and not serde_derive, syn or clock");
    // A member of one workspace is not a member of the other.
    let path = "words = { path = \"../../backend/words\" }\n";
    let main = "fn main() { println!(\"{}\", words::word()) }\n";
    package(&repo.path("repository"), "tools/tool", path, "main.rs", main);
    generate(&repo.path("repository/tools"));
    let shared = repo.shared("{ }");
    assert_eq!((shared["cfg-if@1.0.5"], shared["words@1.0.0"]), (true, false), "{shared:?}");
}

#[test]
fn workspaces_share_a_library_and_overrides_in_flakes() {
    let repo = Monorepo::new();
    let root = repo.path("repository");
    for workspace in ["backend", "tools"] {
        assert!(!root.join(workspace).join("cratewright.nix").exists());
        run(cratewright().args(["check", "--quiet"]).current_dir(root.join(workspace)));
        // The pre-commit hook calls `check` in the top directory.
        let manifest = format!("{workspace}/Cargo.toml");
        run(cratewright().args(["check", "--manifest-path", &manifest]).current_dir(&root));
    }
    for name in ["flake.nix", "tools/flake.nix"] {
        repo.flake(name);
    }
    run(Command::new("git").args(["init", "--quiet"]).current_dir(&root));
    flake::add(&root);

    let eval = |directory: &str, attribute: &str, function: &str| -> Value {
        let output = flake::nix(&root.join(directory), &["eval", "--impure", "--json", attribute, "--apply", function]);
        assert!(output.status.success(), "{}", flake::text(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let names = eval("", ".#packages.x86_64-linux", "builtins.attrNames");
    assert_eq!(names, json!(["backend-default", "backend-server", "backend-words", "tools-default", "tools-tool"]));
    let checks = eval("", ".#checks.x86_64-linux", "builtins.mapAttrs (_: check: check.drvPath)");
    assert_eq!(checks.as_object().unwrap().len(), 6, "{checks}");

    // The flake in the top directory and the workspace's own flake build the same program.
    let build = |directory: &str, attribute: &str| {
        let output = flake::nix(
            &root.join(directory),
            &["build", "--impure", "--no-link", "--json", "--print-build-logs", attribute],
        );
        assert!(output.status.success(), "{}", flake::text(&output));
        let built: Value = serde_json::from_slice(&output.stdout).unwrap();
        PathBuf::from(built[0]["outputs"]["out"].as_str().unwrap())
    };
    let tool = build("", ".#tools-tool");
    assert_eq!(build("tools", ".#tool"), tool);
    let server = build("", ".#backend-server");
    for (program, says) in [(tool.join("bin/tool"), "7\n"), (server.join("bin/server"), "word 7\n")] {
        assert_eq!(support::stdout(&mut Command::new(program)), says);
    }
    let shell = flake::nix(&root, &["eval", "--impure", "--raw", ".#devShells.x86_64-linux.tools-default.drvPath"]);
    assert!(shell.status.success(), "{}", flake::text(&shell));

    // Other workspaces still build if one is stale, and the app of the top flake regenerates Cargo.nix in the current
    // directory.
    let manifest = root.join("tools/tool/Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("2024", "2021")).unwrap();
    let stale = flake::nix(&root, &["build", "--impure", "--no-link", ".#tools-tool"]);
    assert!(flake::text(&stale).contains("does not match what it was made from"), "{}", flake::text(&stale));
    assert_eq!(build("", ".#backend-server"), server);
    let app = flake::nix(&root.join("tools"), &["run", "--impure", "..#regenerate-cargo-nix", "--", "--offline"]);
    assert!(app.status.success(), "{}", flake::text(&app));
    build("", ".#tools-tool");
}
