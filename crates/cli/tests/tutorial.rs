//! The tutorial, as a reader goes through it: files are written, commands are run, and what they print is compared.
//!
//! What a reader has and this machine has not is put in its place from outside: nixpkgs and Cratewright by the flake's lock,
//! the network by what cargo has downloaded.

mod support;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::machine::Machine;
use crate::support::{flake, nix, repository, run, stdout};

/// Real Nix. A flake without a lock gets one, and its progress, which a terminal does not keep, is shown where it fails.
const NIX: &str = r#"#!/bin/sh
if [ -e flake.nix ] && ! [ -e flake.lock ]; then cp "$LOCK" flake.lock && git add flake.lock; fi
case $1 in
  build | develop) command=$1; shift ;;
  flake) command="$1 $2"; shift 2 ;;
  *) exec "$REAL_NIX" "$@" ;;
esac
# The stand-in for nixpkgs asks what machine it is on.
"$REAL_NIX" $command --impure "$@" 2>"$LOCK.progress" || { code=$?; cat "$LOCK.progress" >&2; exit $code; }
"#;

/// As `/etc/nix/nix.conf` would be.
const CONFIGURATION: &str = "\
experimental-features = nix-command flakes
build-users-group =
sandbox = false
substituters =
";

/// A block of the page.
enum Block<'a> {
    /// A file, and its text.
    File { name: &'a str, text: String },
    /// Commands, each with what it prints, on the reader's machine or on another one.
    Console { commands: Vec<Shown>, is_elsewhere: bool },
}

struct Shown {
    command: String,
    prints: Vec<String>,
}

/// The blocks of a page. The name of a file is in the line above it, and nothing else: `` `Cargo.toml`: ``.
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
                    Block::Console { commands: commands(&text), is_elsewhere: info != "console" }
                }
                (_, Some(name)) => Block::File { name, text: text.join("\n") + "\n" },
                _ => panic!("a block that is neither run nor written: {text:#?}"),
            });
        } else if !line.is_empty() {
            above = line;
        }
    }
    blocks
}

/// Commands begin with `$ ` and go on with `> `. All other lines are printed.
fn commands(block: &[&str]) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { command: command.to_owned(), prints: Vec::new() });
            continue;
        }
        let last = commands.last_mut().unwrap_or_else(|| panic!("a block begins with what is printed: {line}"));
        match line.strip_prefix("> ") {
            Some(more) if last.prints.is_empty() => last.command = format!("{}\n{more}", last.command),
            _ => last.prints.push((*line).to_owned()),
        }
    }
    commands
}

/// Whether lines are those of a page, where `...` stands for any lines or for any part of one.
fn are_shown(shown: &[String], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((line, rest)) if line == "..." => (0..=printed.len()).any(|skipped| are_shown(rest, &printed[skipped..])),
        Some((line, rest)) => {
            printed.split_first().is_some_and(|(first, others)| is_shown(line, first) && are_shown(rest, others))
        }
    }
}

fn is_shown(shown: &str, printed: &str) -> bool {
    let Some((begin, rest)) = shown.split_once("...") else { return shown == printed };
    let Some(left) = printed.strip_prefix(begin) else { return false };
    let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    ends.any(|at| is_shown(rest, &left[at..]))
}

/// Somebody with an empty home.
struct Reader {
    directory: tempfile::TempDir,
    /// Where the last block has left the reader.
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
        fs::write(root.join("home/.config/nix/nix.conf"), CONFIGURATION).unwrap();
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

    /// Goes through a page; returns how many blocks of commands were run.
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

    /// Types commands in a new shell.
    fn types(&mut self, commands: &[Shown], is_elsewhere: bool) -> Result<(), String> {
        let (manifest, lock) = (self.place.join("Cargo.toml"), self.place.join("Cargo.lock"));
        if manifest.exists() && !lock.exists() {
            fs::write(lock, cargo_lock()).unwrap();
        }
        let place = self.path("place");
        // A program in the background would keep the test waiting where a command fails.
        let mut script = "exec 2>&1; set -e; trap 'kill $(jobs -p) 2>/dev/null || :' EXIT\n".to_owned();
        for Shown { command, .. } in commands {
            script += &format!("printf '\\n%s\\n' '{NEXT}'\n{command}\n");
        }
        if !is_elsewhere {
            script += &format!("pwd >{}\n", place.display());
        }
        let mut bash = if is_elsewhere {
            let machine = self.elsewhere.get_or_insert_with(|| Machine::new().configured("substituters ="));
            machine.command("bash")
        } else {
            let mut bash = Command::new("bash");
            nix::set_up(&mut bash);
            bash
        };
        bash.args(["--noprofile", "--norc", "-c", &script]).current_dir(&self.place);
        self.dresses(&mut bash);
        let output = bash.output().unwrap();
        let all = flake::text(&output);
        let next = format!("\n{NEXT}\n");
        let mut outputs = all.split(&next).skip(1);
        for Shown { command, prints } in commands {
            let printed = outputs.next().ok_or_else(|| format!("`{command}` was not run:\n{all}"))?;
            let lines: Vec<&str> = printed.trim_end().lines().collect();
            if !are_shown(prints, &lines) {
                return Err(format!("`{command}` prints\n{}\nand not\n{}", lines.join("\n"), prints.join("\n")));
            }
        }
        if !output.status.success() {
            return Err(format!("{}:\n{all}", output.status));
        }
        if !is_elsewhere {
            self.place = PathBuf::from(fs::read_to_string(place).unwrap().trim());
        }
        Ok(())
    }

    /// The environment of the reader's shells.
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
        // The page needs none of these.
        for variable in ["NIX_PATH", "CARGO_TARGET_DIR", "XDG_CONFIG_HOME"] {
            shell.env_remove(variable);
        }
    }
}

/// Before what each command prints.
const NEXT: &str = "--- next command ---";

/// Cratewright's flake, whose package is the program under test.
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

/// The lock of a flake that `init` wrote, as Nix has it once the inputs were fetched. They come from this machine.
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

/// What cargo would resolve, as two locks of this repository have it: `smallvec` has to have a newer version for the bump.
fn cargo_lock() -> String {
    let package = |workspace: PathBuf| {
        run(Command::new("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(&workspace));
        let lock = fs::read_to_string(workspace.join("Cargo.lock")).unwrap();
        let begin = lock.find("[[package]]\nname = \"smallvec\"\n").expect("a lock has smallvec");
        let end = lock[begin..].find("\n\n").unwrap() + begin;
        (lock[begin..end].to_owned(), lock)
    };
    let [(ours, _), (theirs, lock)] = [repository(), support::fixture("native")].map(package);
    assert_ne!(ours, theirs, "the tutorial needs a crate of which this repository has two versions");
    lock.replace(&theirs, (&ours).min(&theirs))
}

#[test]
fn every_command_prints_what_the_page_shows() {
    let page = fs::read_to_string(repository().join("docs/src/tutorial.md")).unwrap();
    // The port may be in use here.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ran = Reader::new().walks(&page.replace("7878", &port.to_string())).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(ran, page.matches("```console").count());
    assert!(ran > 10, "{ran} blocks");
}

#[test]
fn a_page_that_shows_something_else_is_refused() {
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
