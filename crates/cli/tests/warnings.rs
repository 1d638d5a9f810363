//! Warnings of `generate`: it warns of parts that `Cargo.nix` gets wrong on one of its platforms, and of nothing else.

use std::process::Command;

use crate::support;
use crate::support::git::Scratch;
use crate::support::nix;

const PACKAGE: &str = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

/// A workspace with one member, in `app`, and further files.
fn workspace(files: &[(&str, &str)]) -> Scratch {
    let scratch = Scratch::new();
    let lock = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";
    let manifest = "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n";
    let common = [
        ("Cargo.toml", manifest),
        ("Cargo.lock", lock),
        ("app/Cargo.toml", PACKAGE),
        ("app/src/main.rs", "fn main() {}"),
    ];
    scratch.write("w", &common);
    scratch.write("w", files);
    scratch
}

/// Standard error and output of a successful `generate`.
#[track_caller]
fn generate(scratch: &Scratch, arguments: &[&str]) -> (String, String) {
    let mut command = support::cratewright();
    let command = command.args(["generate", "--stdout"]).args(arguments).current_dir(scratch.path("w"));
    let output = support::run(command);
    let [said, text] = [output.stderr, output.stdout].map(|text| String::from_utf8(text).unwrap());
    (said, text)
}

#[test]
fn warnings_are_limited_to_resolved_platforms() {
    let scratch = workspace(&[
        (
            "app/src/main.rs",
            "fn main() {\n    #[cfg(target_arch = \"wasm32\")]\n    let _ = { include_str!(\"../../none\") };\n}\nmod other;",
        ),
        ("app/src/other.rs", "#![cfg(all(windows, feature = \"x\"))]\nconst X: &str = include_str!(\"../../absent\");"),
        (
            ".cargo/config.toml",
            "[build]\nincremental = false\n[target.x86_64-pc-windows-msvc]\nlinker = \"rust-lld.exe\"",
        ),
    ]);
    let (said, _) = generate(&scratch, &[]);
    assert_eq!(said, "");
    let (said, _) = generate(&scratch, &["--target", "wasm32-unknown-unknown"]);
    assert!(said.contains("app/src/main.rs:3: ") && !said.contains("absent"), "{said}");
    let (said, _) = generate(&scratch, &["--target", "x86_64-pc-windows-msvc"]);
    assert!(said.contains("app/src/other.rs:2: ") && said.contains(".linker`") && !said.contains("main.rs"), "{said}");
}

/// Following the advice for other warnings would lead to the error `missing-extra-source`.
#[test]
fn advice_for_a_missing_file_is_to_create_it() {
    let scratch =
        workspace(&[("app/src/main.rs", "const X: &str = include_str!(\"../../absent.txt\");\nfn main() {}")]);
    let (said, _) = generate(&scratch, &[]);
    assert!(said.contains("app/src/main.rs:1: `absent.txt` does not exist; create it or correct the path"), "{said}");
    assert!(said.contains("`package.metadata.cratewright.extra-sources` of app/Cargo.toml to `[]`"), "{said}");
    assert!(!said.contains("list the files"), "{said}");
    let declare = |paths: &str| format!("{PACKAGE}[package.metadata.cratewright]\nextra-sources = [{paths}]\n");
    scratch.write("w", &[("app/Cargo.toml", &declare("\"../absent.txt\""))]);
    let refused =
        support::cratewright().args(["generate", "--stdout"]).current_dir(scratch.path("w")).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("error[missing-extra-source]") && said.contains("help: create it, or correct "), "{said}");
    // Each of the two remedies ends the warning.
    scratch.write("w", &[("app/Cargo.toml", &declare(""))]);
    assert_eq!(generate(&scratch, &[]).0, "");
    scratch.write("w", &[("app/Cargo.toml", PACKAGE), ("absent.txt", "text")]);
    assert_eq!(generate(&scratch, &[]).0, "");
}

#[test]
fn reads_of_the_git_history_do_not_warn() {
    let script = "use std::{path::Path, process::Command};\n\
        fn main() {\n    let root = Path::new(&std::env::var(\"CARGO_MANIFEST_DIR\").unwrap()).join(\"..\");\n    commit(&root, 1);\n}\n\
        fn commit(root: &Path, _: u8) {\n    let git = root.join(\".git\");\n    if !git.exists() { return; }\n    READ\n\
        let _ = Command::new(\"git\").arg(\"log\").current_dir(root).output();\n}\n";
    let scratch = workspace(&[("app/build.rs", &script.replace("READ", "head(&git);"))]);
    assert_eq!(generate(&scratch, &[]).0, "");
    // Other reads of that directory warn with their location.
    scratch.write("w", &[("app/build.rs", &script.replace("READ", "std::fs::read_dir(root);"))]);
    let (said, _) = generate(&scratch, &[]);
    assert!(said.contains("app/build.rs:9: the files read in `..` are not known"), "{said}");
}

#[test]
fn flags_of_one_platform_do_not_stop_the_others() {
    let flags = |flags: &str| format!("[target.aarch64-apple-darwin]\nrustflags = [{flags}]\n");
    let scratch = workspace(&[(".cargo/config.toml", &flags("'-C', 'link-args=-weak_framework Metal'"))]);
    let (said, text) = generate(&scratch, &[]);
    assert_eq!(said, "");
    assert!(text.contains("\"link-arg=-weak_framework\"") && text.contains("\"link-arg=Metal\""), "{text}");
    scratch.write("w", &[(".cargo/config.toml", &flags("'--cfg', 'a=\"b c\"'"))]);
    let (said, text) = generate(&scratch, &[]);
    assert!(said.contains("`aarch64-apple-darwin` is left out") && said.contains("a=\"b c\""), "{said}");
    assert!(!text.contains("aarch64-apple-darwin ="), "{text}");
    let mut named = support::cratewright();
    let named = named.args(["generate", "--stdout", "--target", "aarch64-darwin"]).current_dir(scratch.path("w"));
    let refused = named.output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("error[unsupported-rustflags]"));
}

#[test]
fn queries_at_the_root_are_sources_of_crates_that_use_them() {
    let code = "fn main() { let _ = sqlx::query!(\"SELECT 1\"); }";
    let scratch = workspace(&[("app/src/main.rs", code)]);
    assert!(!generate(&scratch, &[]).1.contains("SQLX"));
    scratch.write("w", &[(".sqlx/query-1.json", "{}")]);
    let (said, text) = generate(&scratch, &[]);
    assert_eq!(said, "");
    assert!(text.contains("(reads) = [\".sqlx\"]"), "{text}");
    assert!(text.contains("SQLX_OFFLINE_DIR") && text.contains("SQLX_OFFLINE"), "{text}");

    // sqlx looks in this directory first.
    let code = "mod sqlx {
    macro_rules! query {
        ($text:expr) => { include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/.sqlx/query-1.json\")) };
    }
    pub(crate) use query;
}
fn main() { print!(\"{}\", sqlx::query!(\"SELECT 1\")); }
";
    scratch.write("w", &[("app/src/main.rs", code)]);
    support::run(support::cratewright().args(["generate", "--quiet"]).current_dir(scratch.path("w")));
    let built = nix::build(&scratch.path("w").join("Cargo.nix"), "workspaceMembers.app.build");
    assert_eq!(support::stdout(&mut Command::new(built.join("bin/app"))), "{}");
}

#[test]
fn macros_that_run_git_warn() {
    let code = |arguments: &str| format!("fn main() {{ print!(\"{{}}\", git_version::git_version!({arguments})); }}");
    let scratch = workspace(&[("app/src/main.rs", &code("args = [\"--always\"]"))]);
    let (said, _) = generate(&scratch, &[]);
    assert!(said.contains("app/src/main.rs:1: `git_version!` fails in Nix"), "{said}");
    scratch.write("w", &[("app/src/main.rs", &code("fallback = \"unknown\""))]);
    assert_eq!(generate(&scratch, &[]).0, "");
}

#[test]
fn build_scripts_that_read_the_lock_file_warn() {
    let lock = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"built\",\n]\n\n\
                [[package]]\nname = \"built\"\nversion = \"0.7.0\"\n";
    let manifest = |features: &str, more: &str| {
        format!("{PACKAGE}[build-dependencies]\nbuilt = {{ path = \"../built\", features = [{features}] }}\n{more}")
    };
    let built = "[package]\nname = \"built\"\nversion = \"0.7.0\"\nedition = \"2021\"\n[features]\ncargo-lock = []\n";
    let scratch = workspace(&[
        ("Cargo.lock", lock),
        ("built/Cargo.toml", built),
        ("built/src/lib.rs", ""),
        ("app/Cargo.toml", &manifest("\"cargo-lock\"", "")),
        ("app/build.rs", "fn main() {}"),
    ]);
    let (said, _) = generate(&scratch, &[]);
    assert!(said.contains("`app` uses `built`") && said.contains("extra-sources = [\"../Cargo.lock\"]"), "{said}");
    assert!(said.contains("to `[package.metadata.cratewright]` in app/Cargo.toml\n"), "{said}");
    let settled = "[package.metadata.cratewright]\nextra-sources = [\"../Cargo.lock\"]\n";
    scratch.write("w", &[("app/Cargo.toml", &manifest("\"cargo-lock\"", settled))]);
    let (said, text) = generate(&scratch, &[]);
    assert_eq!(said, "");
    assert!(text.contains("extraSources") && text.contains("\"Cargo.lock\""), "{text}");
    scratch.write("w", &[("app/Cargo.toml", &manifest("", ""))]);
    assert_eq!(generate(&scratch, &[]).0, "");
}
