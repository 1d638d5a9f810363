//! Files that packages read outside their directories, in places that the fixture `outside-files` does not cover:
//! builds find these files, and other files do not cause rebuilds.

use std::fs;
use std::process::Command;

use crate::support::git::Scratch;
use crate::support::nix;
use crate::support::{self, package};

fn derivation(scratch: &Scratch, root: &str) -> String {
    nix::instantiate(&scratch.path(root).join("Cargo.nix"), "workspaceMembers.app.build", "x86_64-linux")
}

/// Output of the binary `app`, built by Nix and by cargo.
fn printed(scratch: &Scratch, root: &str) -> String {
    let bin = scratch.build(root, "workspaceMembers.app.build").join("bin/app");
    let by_nix = support::stdout(&mut Command::new(bin));
    let mut cargo = Command::new("cargo");
    cargo.args(["run", "--quiet", "--locked", "--bin", "app"]).current_dir(scratch.path(root));
    assert_eq!(by_nix, support::stdout(scratch.environment(&mut cargo)));
    by_nix
}

fn stderr(scratch: &Scratch, root: &str, arguments: &[&str]) -> String {
    let mut command = support::cratewright();
    let output = command.args(arguments).current_dir(scratch.path(root)).output().unwrap();
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn files_above_the_workspace_root_are_found() {
    let scratch = Scratch::new();
    scratch.write(
        "repo",
        &[
            ("rust/Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            ("rust/app/Cargo.toml", &package("app", "")),
            (
                "rust/app/src/main.rs",
                "#[path = \"../../../shared/code.rs\"]\nmod code;\nfn main() { print!(\"{}{}\", include_str!(\"../../../proto/x.proto\"), code::TEXT); }",
            ),
            ("proto/x.proto", "proto\n"),
            ("proto/y.proto", "other\n"),
            ("shared/code.rs", "mod deeper;\npub use deeper::TEXT;"),
            ("shared/deeper.rs", "pub const TEXT: &str = \"code\\n\";"),
        ],
    );
    let text = scratch.generate("repo/rust");
    for path in ["\"../proto/x.proto\"", "\"../shared/code.rs\"", "\"../shared/deeper.rs\""] {
        assert!(text.contains(path), "{path}: {text}");
    }
    assert_eq!(printed(&scratch, "repo/rust"), "proto\ncode\n");
    for (file, rebuilds) in [
        ("proto/x.proto", true),
        ("shared/deeper.rs", true),
        ("proto/y.proto", false),
        ("README.md", false),
        ("rust/README.md", false),
    ] {
        let before = derivation(&scratch, "repo/rust");
        let path = scratch.path("repo").join(file);
        let text = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, text + "// edited\n").unwrap();
        assert_eq!(derivation(&scratch, "repo/rust") != before, rebuilds, "{file}");
    }
}

#[test]
fn files_of_another_package_inside_the_root_package_are_found() {
    let scratch = Scratch::new();
    scratch.write(
        "app",
        &[
            ("Cargo.toml", &package("app", "[workspace]\nmembers = [\"crates/other\"]\n")),
            (
                "src/main.rs",
                "fn main() { print!(\"{}{}\", include_str!(\"../crates/other/data/text.txt\"), include_str!(\"../own.txt\")); }",
            ),
            ("own.txt", "own\n"),
            ("crates/other/Cargo.toml", &package("other", "")),
            ("crates/other/src/lib.rs", ""),
            ("crates/other/data/text.txt", "of another\n"),
        ],
    );
    let text = scratch.generate("app");
    assert!(text.contains("extraSources = [ \"crates/other/data/text.txt\" ];"), "{text}");
    assert_eq!(printed(&scratch, "app"), "of another\nown\n");
    for (file, rebuilds) in
        [("crates/other/src/lib.rs", false), ("crates/other/data/text.txt", true), ("own.txt", true)]
    {
        let before = derivation(&scratch, "app");
        scratch.write("app", &[(file, "// edited\n")]);
        assert_eq!(derivation(&scratch, "app") != before, rebuilds, "{file}");
    }
}

#[test]
fn targets_in_other_directories_are_found() {
    let scratch = Scratch::new();
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            (
                "app/Cargo.toml",
                &package("app", "build = \"../common/build.rs\"\n[lib]\npath = \"../common/lib.rs\"\n[[bin]]\nname = \"app\"\npath = \"../bins/app.rs\"\n"),
            ),
            ("app/own.txt", "own "),
            ("common/lib.rs", "mod inner;\npub const TEXT: &str = concat!(include_str!(\"text.txt\"), env!(\"SAID\"));\npub use inner::OWN;"),
            ("common/inner.rs", "pub const OWN: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/own.txt\"));"),
            ("common/text.txt", "text "),
            ("common/build.rs", "fn main() { println!(\"cargo::rustc-env=SAID=said\"); }"),
            ("bins/app.rs", "fn main() { println!(\"{}{}\", app::TEXT, app::OWN); }"),
        ],
    );
    scratch.generate("ws");
    assert_eq!(printed(&scratch, "ws"), "text saidown \n");
}

#[test]
fn patterns_exclude_files() {
    let scratch = Scratch::new();
    scratch.write(
        "ws",
        &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n[workspace.metadata.cratewright]\n\
                 exclude-sources = [\"*.md\", \"app/docs/\", \"app/**/generated\", \"?.tmp\"]\n",
            ),
            ("app/Cargo.toml", &package("app", "")),
            (
                "app/src/main.rs",
                "fn main() { print!(\"{}{}\", include_str!(\"a.md\"), include_str!(\"../../kept/a.md\")); }",
            ),
            ("app/src/a.md", "a "),
            ("app/src/deep/er/mod.rs", ""),
            ("kept/a.md", "kept"),
        ],
    );
    let text = scratch.generate("ws");
    assert!(text.contains("\"app/**/generated\""), "{text}");
    for (file, rebuilds) in [
        ("app/README.md", false),
        ("app/docs/index.html", false),
        ("app/src/deep/er/generated/x.rs", false),
        ("app/x.tmp", false),
        // These names almost match a pattern.
        ("app/xy.tmp", true),
        ("app/src/docs/x.rs", true),
        ("app/README.mdx", true),
        ("app/src/generated.rs", true),
        ("app/target.rs", true),
        // A file that is read by name is kept, even if a pattern excludes it.
        ("kept/a.md", true),
    ] {
        let before = derivation(&scratch, "ws");
        let path = scratch.path("ws").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "edited").unwrap();
        assert_eq!(derivation(&scratch, "ws") != before, rebuilds, "{file}");
    }
}

#[test]
fn unresolved_reads_warn_until_they_are_configured() {
    let scratch = Scratch::new();
    let manifest = package("app", "");
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            ("app/Cargo.toml", &manifest),
            (
                "app/src/main.rs",
                "macro_rules! text {\n    ($name:literal) => { include_str!(concat!(\"../../\", $name)) };\n}\n\
                 fn main() { print!(\"{}\", text!(\"texts/a.txt\")); }",
            ),
            ("texts/a.txt", "a"),
        ],
    );
    scratch.generate("ws");
    let warning = "warning: app/src/main.rs:2: `include_str!(concat!(\"../../\", $name))`: the path is not known; \
                   list the files that the build reads outside of the package in `package.metadata.cratewright.extra-sources` of app/Cargo.toml, or `[]` if there are none";
    let said = stderr(&scratch, "ws", &["generate"]);
    assert!(said.contains(warning), "{said}");
    assert!(scratch.sources("ws", &[]).contains("  unsettled app/src/main.rs:2: "));
    // A warning does not make Cargo.nix stale.
    assert!(stderr(&scratch, "ws", &["check"]).contains("Fresh"));
    scratch.write(
        "ws",
        &[("app/Cargo.toml", &format!("{manifest}[package.metadata.cratewright]\nextra-sources = [\"../texts\"]\n"))],
    );
    assert!(!stderr(&scratch, "ws", &["generate"]).contains("warning"));
    assert_eq!(scratch.sources("ws", &[]), "app 0.1.0: path app\n  reads texts\n");
    assert_eq!(printed(&scratch, "ws"), "a");
}

#[test]
fn links_to_files_outside_are_followed() {
    use std::os::unix::fs::symlink;
    let scratch = Scratch::new();
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/app\", \"crates/away\"]\nresolver = \"3\"\n"),
            ("crates/app/Cargo.toml", &package("app", "[dependencies]\naway = { path = \"../away\" }\n")),
            (
                "crates/app/src/main.rs",
                "#![doc = include_str!(\"../README.md\")]\nmacro_rules! text { ($name:literal) => { include_str!(concat!(\"../texts/\", $name, \".txt\")) } }\n\
                 macro_rules! embed { ($directory:literal) => {} }\nembed!(\"static\");\nmod shared;\nmod file;\nmod inside;\n\
                 fn main() { print!(\"{}{}{}{}{}{}\", text!(\"named\"), include_str!(\"../README.md\"), shared::inner::TEXT, file::TEXT, away::TEXT, inside::TEXT); }",
            ),
            ("crates/app/gen/mod.rs", "pub const TEXT: &str = include_str!(\"../../../texts/far.txt\");"),
            ("texts/far.txt", "far\n"),
            ("named/named.txt", "named\n"),
            ("static/index.html", "static\n"),
            ("README.md", "readme\n"),
            ("LICENSE", "licence\n"),
            ("shared/mod.rs", "pub mod inner;"),
            ("shared/inner.rs", "pub const TEXT: &str = include_str!(\"text.txt\");"),
            ("shared/text.txt", "shared\n"),
            ("file.rs", "pub const TEXT: &str = \"file\\n\";"),
            ("crates/away/Cargo.toml", &package("away", "")),
            ("elsewhere/lib.rs", "pub const TEXT: &str = \"away\\n\";"),
        ],
    );
    let link = |target: &str, at: &str| symlink(target, scratch.path("ws").join(at)).unwrap();
    link("../../README.md", "crates/app/README.md");
    link("../../LICENSE", "crates/app/LICENSE");
    link("../../named", "crates/app/texts");
    link("../../static", "crates/app/static");
    link("../../../shared", "crates/app/src/shared");
    link("../../../file.rs", "crates/app/src/file.rs");
    link("../../elsewhere", "crates/away/src");
    link("../gen", "crates/app/src/inside");
    // A cycle of links.
    link(".", "crates/app/src/again");
    link("..", "crates/app/src/up");
    link("nowhere", "crates/app/src/dangling.rs");
    scratch.generate("ws");
    assert_eq!(printed(&scratch, "ws"), "named\nreadme\nshared\nfile\naway\nfar\n");
    for (file, rebuilds) in [
        ("README.md", true),
        ("named/named.txt", true),
        ("static/index.html", true),
        ("shared/text.txt", true),
        ("file.rs", true),
        ("elsewhere/lib.rs", true),
        ("LICENSE", false),
    ] {
        let before = derivation(&scratch, "ws");
        let path = scratch.path("ws").join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, text + "// edited\n").unwrap();
        assert_eq!(derivation(&scratch, "ws") != before, rebuilds, "{file}");
    }
}

#[test]
fn reads_outside_the_repository_warn() {
    let scratch = Scratch::new();
    let up = "../".repeat(scratch.path("").components().count() + 8);
    let source = format!(
        "const A: &str = include_str!(\"../../../../beside/a.txt\");\nconst B: &str = include_str!(\"../../../shared/b.txt\");\n\
         const C: &str = include_str!(\"{up}etc/hostname\");\nfn main() {{ print!(\"{{A}}{{B}}{{C}}\"); }}\n"
    );
    let manifest = package("app", "");
    scratch.write(
        "repo",
        &[
            ("rust/Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            ("rust/app/Cargo.toml", &manifest),
            ("rust/app/src/main.rs", &source),
            ("rust/app/src/module.rs", "#[path = \"../../../../beside/code.rs\"]\nmod code;\n"),
            ("shared/b.txt", "b\n"),
        ],
    );
    scratch.write("beside", &[("a.txt", "a\n"), ("code.rs", "")]);
    let warned = |text: &str| {
        let said = stderr(&scratch, "repo/rust", &["generate", "--force"]);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("outside of the repository")).collect();
        assert_eq!(lines.len(), if text.is_empty() { 0 } else { text.lines().count() }, "{said}");
        for (line, start) in lines.iter().zip(text.lines()) {
            assert!(line.starts_with(start), "{line}");
        }
    };
    scratch.generate("repo/rust");
    // Without a repository, only paths that share no directory with the workspace count as outside.
    warned("warning: app/src/main.rs:3: `../");
    scratch.commit("repo");
    warned(
        "warning: app/src/main.rs:1: `../../beside/a.txt`\nwarning: app/src/main.rs:3: `../\n\
         warning: app/src/module.rs:2: `../../beside/code.rs`",
    );
    // The repository only affects warnings: the written files are the same without it.
    assert!(stderr(&scratch, "repo/rust", &["check"]).contains("Fresh"));
    let settled = format!("{manifest}[package.metadata.cratewright]\nextra-sources = [\"../../../beside\"]\n");
    scratch.write("repo", &[("rust/app/Cargo.toml", &settled)]);
    warned("");
}

#[test]
fn build_output_is_not_part_of_sources() {
    let scratch = Scratch::new();
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", &package("app", "[[bin]]\nname = \"app\"\npath = \"main.rs\"\n[workspace]\n")),
            ("main.rs", "fn main() { println!(\"app\"); }\n"),
            (".cargo/config.toml", "[build]\ntarget-dir = \"out\"\n"),
            ("kept/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n# by another program\n"),
        ],
    );
    let text = scratch.generate("ws");
    let before = derivation(&scratch, "ws");
    for (variable, directory) in [(None, "out"), (Some("nested/dir"), "nested/dir"), (Some("made"), "made")] {
        if directory == "made" {
            // A directory that existed before cargo used it, so cargo does not create CACHEDIR.TAG in it.
            fs::create_dir(scratch.path("ws/made")).unwrap();
        }
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--locked"]).current_dir(scratch.path("ws"));
        cargo.envs(variable.map(|directory| ("CARGO_TARGET_DIR", directory)));
        support::run(scratch.environment(&mut cargo));
        // Sources in build output are not part of a package.
        let generated = format!("ws/{directory}/debug/generated.rs");
        scratch.write("", &[(&generated, "const A: &str = include_str!(\"../../../../Cargo.toml\");")]);
        assert_eq!(scratch.generate("ws"), text, "{directory}");
        if directory == "nested/dir" {
            fs::remove_dir_all(scratch.path("ws/nested")).unwrap();
        }
        assert_eq!(derivation(&scratch, "ws"), before, "{directory} is part of the source");
    }
    scratch.write("ws", &[("kept/notes.txt", "")]);
    assert_ne!(derivation(&scratch, "ws"), before);
}
