//! Follows the tutorial as a reader does: writes its files, runs its commands, and compares their output.
//!
//! Parts that this machine lacks are replaced: nixpkgs and Cratewright by the lock file of the flake, the network by
//! cargo's downloads.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::console::{self, Shown, commands};
use crate::support::machine::Machine;
use crate::support::{self, nix, repository, run, stdout};

/// Runs the real Nix. A flake without a lock file gets one. Progress output, which a terminal does not keep, is shown
/// only if Nix fails.
const NIX: &str = r#"#!/bin/sh
if [ -e flake.nix ] && ! [ -e flake.lock ]; then cp "$LOCK" flake.lock && git add flake.lock; fi
case $1 in
  build | develop) command=$1; shift ;;
  flake) command="$1 $2"; shift 2 ;;
  *) exec "$REAL_NIX" "$@" ;;
esac
# The stand-in for nixpkgs reads the current system, which needs impure evaluation.
"$REAL_NIX" $command --impure "$@" 2>"$LOCK.progress" || { code=$?; cat "$LOCK.progress" >&2; exit $code; }
"#;

/// The version of `smallvec` to which the page goes back, older than that of `fixtures/native`.
const OLDER: &str = "1.13.2";

/// A block of the page.
enum Block<'a> {
    /// A file with its text.
    File { name: &'a str, text: String },
    /// Commands with their output, on the reader's machine or on another one.
    Console { commands: Vec<Shown>, is_elsewhere: bool },
}

/// The blocks of a page. The line above a file has only its name: `` `Cargo.toml`: ``.
fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut above = "";
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let name = above.strip_prefix('`').and_then(|name| name.strip_suffix("`:"));
            blocks.push(match (info, name) {
                ("console" | "console another-machine", _) => {
                    Block::Console { commands: commands(&text.join("\n")), is_elsewhere: info != "console" }
                }
                (_, Some(name)) => Block::File { name, text: text.join("\n") + "\n" },
                _ => panic!("the block is neither a file nor commands: {text:#?}"),
            });
        } else if !line.is_empty() {
            above = line;
        }
    }
    blocks
}

/// A reader with an empty home directory.
struct Reader {
    directory: tempfile::TempDir,
    /// Current directory after the last block.
    place: PathBuf,
    elsewhere: Option<Machine>,
}

impl Reader {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        for below in ["home/.config/nix", "bin", "cratewright"] {
            fs::create_dir_all(root.join(below)).unwrap();
        }
        fs::write(root.join("home/.config/nix/nix.conf"), nix::CONFIGURATION).unwrap();
        fs::write(root.join("bin/nix"), NIX).unwrap();
        run(Command::new("chmod").arg("+x").arg(root.join("bin/nix")));
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cratewright"), root.join("bin/cratewright")).unwrap();
        std::os::unix::fs::symlink(repository(), root.join("home/cratewright")).unwrap();
        fs::write(root.join("cratewright/flake.nix"), cratewright()).unwrap();
        fs::write(root.join("flake.lock"), lock(&root.join("cratewright")).to_string()).unwrap();
        Reader { place: root.join("home"), elsewhere: None, directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join(name)
    }

    /// Follows a page. Returns the number of blocks of commands that were run.
    fn walks(&mut self, page: &str) -> Result<usize, String> {
        let mut run = 0;
        for block in blocks(page) {
            match block {
                Block::File { name, text } => fs::write(self.place.join(name), text).unwrap(),
                Block::Console { commands, is_elsewhere } => {
                    self.types(&commands, is_elsewhere)?;
                    run += 1;
                }
            }
        }
        Ok(run)
    }

    /// Runs commands in a new shell.
    fn types(&mut self, commands: &[Shown], is_elsewhere: bool) -> Result<(), String> {
        let (manifest, lock) = (self.place.join("Cargo.toml"), self.place.join("Cargo.lock"));
        if manifest.exists() && !lock.exists() {
            fs::write(lock, cargo_lock()).unwrap();
        }
        let place = self.path("place");
        let mut bash = if is_elsewhere {
            let machine = self.elsewhere.get_or_insert_with(|| Machine::new().configured("substituters ="));
            machine.command("bash")
        } else {
            let mut bash = Command::new("bash");
            nix::set_up(&mut bash);
            bash
        };
        bash.current_dir(&self.place);
        self.dresses(&mut bash);
        let end = if is_elsewhere { String::new() } else { format!("pwd >{}\n", place.display()) };
        console::types(&mut bash, commands, &end)?;
        if !is_elsewhere {
            self.place = PathBuf::from(fs::read_to_string(place).unwrap().trim());
        }
        Ok(())
    }

    /// Sets the environment of the reader's shells.
    fn dresses(&self, shell: &mut Command) {
        let home = PathBuf::from(std::env::var_os("HOME").unwrap());
        for (variable, usual) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            shell.env(variable, std::env::var_os(variable).map_or_else(|| home.join(usual), PathBuf::from));
        }
        let found = stdout(Command::new("sh").args(["-c", "command -v nix"]));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        shell.env("REAL_NIX", found.trim()).env("LOCK", self.path("flake.lock")).env("PATH", path);
        shell.env("HOME", self.path("home")).env("CARGO_NET_OFFLINE", "true");
        for variable in ["AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"] {
            shell.env(format!("GIT_{variable}"), "reader");
        }
        // The page does not need these variables.
        for variable in ["NIX_PATH", "CARGO_TARGET_DIR", "XDG_CONFIG_HOME"] {
            shell.env_remove(variable);
        }
    }
}

/// A flake for Cratewright, with the program under test as its package.
fn cratewright() -> String {
    format!(
        "{{
           inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixpkgs-unstable\";
           outputs = {{ nixpkgs, ... }}: {{
             lib = import {library};
             packages = builtins.mapAttrs (_: _: {{ default = {package}; }}) nixpkgs.legacyPackages;
           }};
         }}",
        library = repository().join("nix-lib").display(),
        package = nix::package(),
    )
}

/// The lock file that Nix would write for a flake of `init`, with inputs from this machine.
fn lock(cratewright: &Path) -> Value {
    let locked = |place: &Path| {
        let mut hash = nix::nix("nix");
        let hash = stdout(hash.args(["--extra-experimental-features", "nix-command", "hash", "path"]).arg(place));
        json!({ "type": "path", "path": place, "narHash": hash.trim() })
    };
    let nixpkgs = json!({ "type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixpkgs-unstable" });
    let clone = json!({ "type": "git", "url": format!("file://{}", repository().display()) });
    json!({
        "version": 7,
        "root": "root",
        "nodes": {
            "root": { "inputs": { "nixpkgs": "nixpkgs", "cratewright": "cratewright" } },
            "nixpkgs": { "original": nixpkgs, "locked": locked(&nix::stand_in()) },
            "cratewright": {
                "inputs": { "nixpkgs": ["nixpkgs"] },
                "original": clone,
                "locked": locked(cratewright),
            },
        },
    })
}

/// The lock file of `fixtures/native`, which has the dependencies of the tutorial. Cargo's cache also gets the older
/// version of `smallvec` that the page locks.
fn cargo_lock() -> String {
    let package = tempfile::tempdir().unwrap();
    let manifest = format!(
        "[package]\nname = \"older\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
         [lib]\npath = \"lib.rs\"\n\
         [dependencies]\nsmallvec = \"={OLDER}\"\n"
    );
    fs::write(package.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(package.path().join("lib.rs"), "").unwrap();
    run(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(package.path()));
    fs::read_to_string(support::fixture("native").join("Cargo.lock")).unwrap()
}

#[test]
fn commands_print_the_output_on_the_page() {
    let page = fs::read_to_string(repository().join("docs/src/tutorial.md")).unwrap();
    // The port in the tutorial may be in use.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = Reader::new().walks(&page.replace("7878", &port.to_string())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ran, page.matches("```console").count());
    assert!(ran > 10, "{ran} blocks");
}

#[test]
fn pages_with_wrong_output_fail() {
    let walk = |block: &str| Reader::new().walks(&format!("```console\n{block}\n```\n"));
    assert_eq!(
        walk("$ mkdir a && cd a\n```\n\n`b`:\n\n```text\nc\n```\n\n```console\n$ cat b\nc\n$ pwd\n.../a"),
        Ok(2)
    );
    assert_eq!(walk("$ seq 5\n1\n...\n5\n$ echo a \\\n> b c\na ... c"), Ok(1));
    for block in ["$ echo a\nb", "$ echo a", "$ true\na", "$ seq 3\n1\n3", "$ seq 3\n...\n2", "$ echo a b\na ... c"] {
        assert!(walk(block).unwrap_err().contains("and not"), "{block}");
    }
    assert!(walk("$ echo a; exit 3\na").unwrap_err().starts_with("exit status: 3"));
    assert!(walk("$ false\n$ echo a\na").unwrap_err().contains("`echo a` was not run"));
}
