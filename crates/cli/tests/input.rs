//! Unusual input and output: outputs that are also inputs, pipes and devices instead of files, full disks, absolute
//! paths, and names that are not valid in the store.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support;
use crate::support::git::Scratch;

const PACKAGE: &str = "version = \"0.1.0\"\nedition = \"2024\"\n";

/// A workspace with a member that has a target with an odd path, reads a file outside, and has included configuration.
fn workspace() -> Scratch {
    let scratch = Scratch::new();
    let manifest = format!("[package]\nname = \"app\"\n{PACKAGE}[lib]\npath = \"lib.inc\"\n");
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"app\"]\nresolver = \"3\"\n"),
            (".cargo/config.toml", "include = [\"more.toml\"]\n"),
            (".cargo/more.toml", "[env]\nA = \"b\"\n"),
            ("app/Cargo.toml", &manifest),
            ("app/lib.inc", "pub const TEXT: &str = include_str!(\"../../shared/text.txt\");\n"),
            ("app/README.md", "# app\n"),
            ("app/notes.txt", "not read\n"),
        ],
    );
    scratch.write("shared", &[("text.txt", "text\n")]);
    scratch.generate("ws");
    scratch
}

/// Runs the program for at most a few seconds: it must not wait for rejected files.
fn run(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("timeout");
    command.args(["60", env!("CARGO_BIN_EXE_cratewright")]).args(arguments).current_dir(root).output().unwrap()
}

#[track_caller]
fn check_refused(root: &Path, arguments: &[&str], code: &str) -> String {
    let output = run(root, arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains(&format!("error[{code}]")), "{arguments:?}: {said}");
    said
}

#[test]
fn inputs_are_never_overwritten() {
    let scratch = workspace();
    let root = scratch.path("ws");
    for (link, target) in [("to-manifest", "app/Cargo.toml"), ("to-lib", "app/lib.inc"), ("directory", "app")] {
        std::os::unix::fs::symlink(target, root.join(link)).unwrap();
    }
    let inputs = [
        "Cargo.toml",
        "Cargo.lock",
        "app/Cargo.toml",
        "app/lib.inc",
        "app/README.md",
        "../shared/text.txt",
        ".cargo/config.toml",
        ".cargo/more.toml",
        // A file that does not exist yet would be read in the next run.
        "app/build.rs",
        "rust-toolchain.toml",
        "to-manifest",
        "to-lib",
        "directory/lib.inc",
    ];
    let before = support::tree(&scratch.path("ws"));
    for path in inputs {
        check_refused(&root, &["generate", "--force", "-o", path], "output-is-input");
        check_refused(&root, &["sbom", "-o", path], "output-is-input");
        assert!(support::tree(&root) == before, "{path}: the workspace was changed");
    }
    assert_eq!(fs::read_to_string(scratch.path("shared/text.txt")).unwrap(), "text\n");
    // A file that is not an input may be overwritten, but only with `--force`.
    check_refused(&root, &["generate", "-o", "app/notes.txt"], "foreign-file");
    assert!(run(&root, &["generate", "--force", "-o", "app/notes.txt"]).status.success());
    // Other commands do not replace the files that Nix imports either.
    assert!(run(&root, &["generate", "--offline"]).status.success());
    for command in [&["sbom"][..], &["graph", "--format", "dot"]] {
        let said = check_refused(&root, &[command, &["-o", "Cargo.nix"]].concat(), "output-is-input");
        assert!(
            said.contains("`Cargo.nix` was written by `cratewright generate`") && !said.contains("input of"),
            "{said}"
        );
        check_refused(&root, &[command, &["-o", "build-graph.toml"]].concat(), "output-is-input");
        for path in ["flake.nix", "flake.lock", "deny.toml"] {
            fs::write(root.join(path), "mine\n").unwrap();
            let said = check_refused(&root, &[command, &["-o", path]].concat(), "output-is-input");
            assert!(said.contains(&format!("`{path}` has the name of a file for Nix or cargo")), "{said}");
            assert_eq!(fs::read_to_string(root.join(path)).unwrap(), "mine\n");
        }
    }
    // Files that belong together have different names.
    let before = support::tree(&root);
    for (command, path) in [
        ("generate", "cratewright.nix"),
        ("generate", "build-graph.toml"),
        ("snapshot", "build-graph.toml"),
        ("snapshot", "./cratewright.nix"),
    ] {
        check_refused(&root, &[command, "--force", "-o", path], "output-is-input");
        assert!(support::tree(&root) == before, "{command} -o {path}");
    }
    let to_stdout = run(&root, &["sbom", "-o", "/dev/stdout"]);
    assert!(to_stdout.status.success() && to_stdout.stdout.starts_with(b"{"), "{to_stdout:?}");
}

#[test]
fn special_files_are_rejected_by_both_commands() {
    let scratch = workspace();
    let root = scratch.path("ws");
    let pipe = |path: &Path| drop(support::run(Command::new("mkfifo").arg(path)));
    let directory = |path: &Path| fs::create_dir(path).unwrap();
    let device = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    let itself = |path: &Path| std::os::unix::fs::symlink(path, path).unwrap();
    let makers: [&dyn Fn(&Path); 4] = [&pipe, &directory, &device, &itself];
    for (kind, make) in ["pipe", "directory", "device", "link to itself"].into_iter().zip(makers) {
        for file in ["Cargo.nix", "Cargo.lock", "Cargo.toml", "app/Cargo.toml"] {
            if kind == "link to itself" && file != "Cargo.nix" {
                continue;
            }
            let (path, kept) = (root.join(file), root.join("kept"));
            fs::rename(&path, &kept).unwrap();
            make(&path);
            let code = if file == "Cargo.toml" { "no-manifest" } else { "io" };
            for command in ["generate", "check"] {
                let said = check_refused(&root, &[command], code);
                let is_named = said.contains(file.rsplit('/').next().unwrap()) || said.contains("`/dev/zero`");
                assert!(is_named, "{kind}, {file}: {said}");
            }
            if path.is_dir() && !path.is_symlink() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
            fs::rename(&kept, &path).unwrap();
        }
    }
    for (kind, make) in
        ["pipe", "device", "link to itself"].into_iter().zip([&pipe as &dyn Fn(&Path), &device, &itself])
    {
        let path = root.join("cratewright.nix");
        fs::remove_file(&path).unwrap();
        make(&path);
        for command in ["generate", "check"] {
            let said = check_refused(&root, &[command], "io");
            assert!(said.contains("cratewright.nix") || said.contains("`/dev/zero`"), "{kind}: {said}");
        }
    }
    fs::remove_file(root.join("cratewright.nix")).unwrap();
    assert!(run(&root, &["generate"]).status.success());
    let said = check_refused(&root, &["generate", "-o", "/dev/full"], "io");
    assert!(said.contains("print the text with `--stdout`"), "{said}");
    // Paths at which no file can be created are rejected as well.
    for place in ["/dev/full", "nowhere/Cargo.nix", "Cargo.toml/Cargo.nix", "app"] {
        check_refused(&root, &["generate", "-o", place], "io");
        check_refused(&root, &["check", "-o", place], "io");
    }
    std::os::unix::fs::symlink("itself", root.join("itself")).unwrap();
    for place in ["/dev/full", "nowhere/sbom.json", "Cargo.toml/sbom.json", "..", "itself"] {
        let said = check_refused(&root, &["sbom", "-o", place], "io");
        assert!(said.contains(place.split('/').next().unwrap()), "{place}: {said}");
    }
    // A file that is not valid UTF-8 counts as changed.
    fs::write(root.join("Cargo.nix"), [&fs::read(root.join("Cargo.nix")).unwrap()[..], b"\xff"].concat()).unwrap();
    assert_eq!(run(&root, &["check"]).status.code(), Some(1));
    assert!(run(&root, &["generate"]).status.success());
}

#[test]
fn unwritable_output_is_an_error() {
    let scratch = workspace();
    let root = scratch.path("ws");
    let cratewright = |arguments: &[&str]| {
        let mut command = support::cratewright();
        command.args(arguments).current_dir(&root);
        command
    };
    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    for arguments in [&["generate"][..], &["generate", "--stdout"], &["check"], &["--help"], &["sources"]] {
        for (stdout, stderr) in [(full(), Stdio::null()), (full(), full()), (Stdio::null(), full())] {
            let code = cratewright(arguments).stdout(stdout).stderr(stderr).status().unwrap().code();
            assert!(matches!(code, Some(0 | 2)), "{arguments:?} ends with {code:?}");
        }
    }
    let code = |command: &mut Command| command.status().unwrap().code();
    assert_eq!(code(cratewright(&["generate", "--stdout"]).stdout(full())), Some(2));
    assert_eq!(code(cratewright(&["check"]).stderr(full())), Some(2));
    assert_eq!(code(cratewright(&["--help"]).stdout(full())), Some(2));
    // A closed pipe is not an error.
    for arguments in [&["generate", "--stdout"][..], &["check"], &["--help"], &["sources", "--format", "json"]] {
        let closed = || std::io::pipe().unwrap().1;
        assert_eq!(code(cratewright(arguments).stdout(closed()).stderr(closed())), Some(0), "{arguments:?}");
    }
}

#[test]
fn only_generate_updates_the_lock_file() {
    let scratch = workspace();
    let root = scratch.path("ws");
    let manifest = fs::read_to_string(root.join("app/Cargo.toml")).unwrap();
    fs::write(root.join("app/Cargo.toml"), manifest.replace("0.1.0", "0.2.0")).unwrap();
    let before = support::tree(&root);
    for command in ["generate --stdout", "check --full", "sources", "sources --locked", "sbom", "overrides", "verify"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let said = check_refused(&root, &arguments, "lock-out-of-date");
        assert!(said.contains("`cratewright generate`") && !said.contains("--locked"), "{command}: {said}");
        assert!(support::tree(&root) == before, "{command} changed the workspace");
    }
    assert_eq!(run(&root, &["check"]).status.code(), Some(1));
    assert!(support::tree(&root) == before);
    let generated = run(&root, &["generate"]);
    let said = String::from_utf8_lossy(&generated.stderr);
    assert!(generated.status.success() && said.contains("     Updated Cargo.lock: app 0.1.0 -> 0.2.0\n"), "{said}");
    assert!(fs::read_to_string(root.join("Cargo.lock")).unwrap().contains("0.2.0"));
    let again = run(&root, &["generate"]);
    assert!(!String::from_utf8_lossy(&again.stderr).contains("Updated"), "{again:?}");
    assert!(run(&root, &["generate", "--stdout"]).status.success());
}

#[test]
fn absolute_paths_are_rejected() {
    let scratch = Scratch::new();
    let root = scratch.path("ws");
    let here = root.display();
    let cases = [
        ("lib.path", format!("[lib]\npath = \"{here}/src/lib.rs\"\n"), ""),
        ("bin.app.path", format!("[[bin]]\nname = \"app\"\npath = \"{here}/src/main.rs\"\n"), ""),
        ("example.it.path", format!("[[example]]\nname = \"it\"\npath = \"{here}/src/main.rs\"\n"), ""),
        ("package.build", format!("build = \"{here}/src/main.rs\"\n"), ""),
        ("package.readme", format!("readme = \"{here}/src/main.rs\"\n"), ""),
        (
            "workspace.package.license-file",
            format!("license-file.workspace = true\n[workspace.package]\nlicense-file = \"{here}/src/main.rs\"\n"),
            "",
        ),
        ("include", String::new(), "include = [\"/etc/nowhere.toml\"]\n"),
    ];
    for (key, rest, config) in cases {
        let manifest = format!("[package]\nname = \"app\"\n{PACKAGE}{rest}");
        let manifest = if rest.contains("[workspace") { manifest } else { manifest + "[workspace]\n" };
        scratch.write(
            "ws",
            &[
                ("Cargo.toml", &manifest),
                ("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n"),
                ("src/main.rs", "fn main() {}\n"),
                ("src/lib.rs", ""),
                (".cargo/config.toml", config),
            ],
        );
        let said = check_refused(&root, &["generate"], "absolute-path");
        assert!(said.contains(key), "{key}: {said}");
    }
}

#[test]
fn names_that_are_invalid_in_the_store_work() {
    let scratch = Scratch::new();
    scratch.write(
        "ws",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"größe\"]\nresolver = \"3\"\n"),
            (
                "größe/Cargo.toml",
                &format!(
                    "[package]\nname = \"größe\"\n{PACKAGE}[dependencies]\n\
                     ascii = {{ path = \"../../straße\", package = \"straße\" }}\n"
                ),
            ),
            (
                "größe/src/main.rs",
                "fn main() { println!(\"{} {}\", env!(\"CARGO_PKG_NAME\"), ascii::NAME); }\n#[test]\nfn it_works() {}\n",
            ),
        ],
    );
    scratch.write(
        "straße",
        &[
            ("Cargo.toml", &format!("[package]\nname = \"straße\"\n{PACKAGE}")),
            ("src/lib.rs", "pub const NAME: &str = env!(\"CARGO_PKG_NAME\");\n"),
        ],
    );
    scratch.generate("ws");
    let built = scratch.build("ws", "workspaceMembers.\"größe\".build");
    assert!(built.display().to_string().ends_with("-gr-e-0.1.0"), "{}", built.display());
    assert_eq!(support::stdout(&mut Command::new(built.join("bin/größe"))), "größe straße\n");
    for attribute in ["tests.\"größe\"", "workspaceMembers.\"größe\".sbom"] {
        scratch.build("ws", attribute);
    }
}

#[test]
fn verbose_runs_print_timings() {
    let scratch = workspace();
    for (arguments, steps) in [
        ("check", &["Replayed"][..]),
        ("check --full", &["Loaded", "Resolved"]),
        ("generate", &["Loaded", "Resolved"]),
        ("sources", &["Loaded"]),
        ("sbom", &["Loaded"]),
    ] {
        let arguments: Vec<&str> = arguments.split(' ').chain(["-v"]).collect();
        let output = support::run(support::cratewright().args(&arguments).current_dir(scratch.path("ws")));
        let said = String::from_utf8(output.stderr).unwrap();
        for step in steps {
            let is_timed = |line: &str| {
                let time = line.trim_start().strip_prefix(step).and_then(|rest| rest.rsplit_once(" in "));
                time.and_then(|(_, time)| time.strip_suffix('s')).is_some_and(|time| time.parse::<f64>().is_ok())
            };
            assert!(said.lines().any(is_timed), "{arguments:?} does not say how long it {step}: {said}");
        }
    }
}

#[test]
fn a_file_that_is_not_utf8_is_named() {
    let scratch = workspace();
    let root = scratch.path("ws");
    fs::write(root.join("app/Cargo.toml"), b"[package]\nname = \"app\xff\"\n").unwrap();
    let said = check_refused(&root, &["generate"], "io");
    assert!(
        said.contains("app/Cargo.toml`: it is not UTF-8\n") && said.contains("help: check that it is a file in UTF-8"),
        "{said}"
    );
}

#[test]
fn the_file_name_selects_the_format_of_a_drawing() {
    let scratch = workspace();
    let root = scratch.path("ws");
    let starts = [
        ("a.svg", "<svg"),
        ("a.html", "<!doctype html>"),
        ("a.json", "{"),
        ("a.mmd", "---\ntitle: "),
        ("A.HTML", "<!doctype html>"),
        ("a", "digraph"),
    ];
    for (name, start) in starts {
        assert!(run(&root, &["graph", "--offline", "-o", name]).status.success());
        let drawing = fs::read_to_string(root.join(name)).unwrap();
        assert!(drawing.to_lowercase().starts_with(start), "{name}: {}", &drawing[..40]);
    }
    let said = check_refused(&root, &["graph", "--offline", "-o", "a.png"], "unknown-extension");
    assert!(said.contains("`.png`") && said.contains("`--format`") && !root.join("a.png").exists(), "{said}");
    assert!(run(&root, &["graph", "--offline", "--format", "dot", "-o", "a.svg"]).status.success());
    assert!(fs::read_to_string(root.join("a.svg")).unwrap().starts_with("digraph"));
}
