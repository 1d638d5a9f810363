//! Whole programs, built crate by crate: this one, and two published ones that do their job.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::nix;

/// Writes `Cargo.nix` into a workspace and builds its root package.
#[track_caller]
fn build(workspace: &Path) -> std::path::PathBuf {
    let mut generate = support::cratewright();
    support::run(generate.args(["generate", "--locked", "--manifest-path"]).arg(workspace.join("Cargo.toml")));
    nix::build(&workspace.join("Cargo.nix"), "rootCrate.build")
}

#[test]
fn cratewright_builds_itself_and_the_result_writes_the_same_bytes() {
    let root = support::repository();
    let committed = fs::read_to_string(root.join("Cargo.nix")).unwrap();
    let manifest = root.join("Cargo.toml");
    let arguments = ["generate", "--locked", "--stdout", "--manifest-path"];
    let ours = support::stdout(support::cratewright().args(arguments).arg(&manifest));
    assert!(ours == committed, "Cargo.nix is stale: run `cargo run --release -- generate`");

    let built = nix::build(&root.join("Cargo.nix"), "workspaceMembers.cratewright.build").join("bin/cratewright");
    let its = support::stdout(Command::new(&built).args(arguments).arg(&manifest));
    assert!(its == committed, "{} writes another Cargo.nix", built.display());
    support::run(Command::new(&built).args(["check", "--manifest-path"]).arg(&manifest));
}

#[test]
fn ripgrep_searches() {
    let rg = build(&support::application("ripgrep", "14.1.1")).join("bin/rg");
    let scratch = tempfile::tempdir().unwrap();
    fs::create_dir(scratch.path().join("sub")).unwrap();
    fs::write(scratch.path().join("a.txt"), "needle one\nhay\n").unwrap();
    fs::write(scratch.path().join("sub/b.txt"), "hay\nanother needle\n").unwrap();
    fs::write(scratch.path().join(".ignore"), "ignored.txt\n").unwrap();
    fs::write(scratch.path().join("ignored.txt"), "needle\n").unwrap();
    let found = support::stdout(Command::new(rg).args(["-n", "--sort", "path", r"\bneedle\b"]).arg(scratch.path()));
    let at = scratch.path().display();
    assert_eq!(found, format!("{at}/a.txt:1:needle one\n{at}/sub/b.txt:2:another needle\n"));
}

/// 189 derivations on x86_64-linux, among them `-sys` crates and build scripts that compile C (ring).
#[test]
fn xh_speaks_http() {
    use std::io::{BufRead, BufReader, Read, Write};

    let xh = build(&support::application("xh", "0.23.0")).join("bin/xh");
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let serve = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = Vec::new();
        for line in reader.by_ref().lines() {
            let line = line.unwrap();
            if line.is_empty() {
                break;
            }
            head.push(line);
        }
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"well\":true}";
        stream.write_all(answer).unwrap();
        (head.remove(0), String::from_utf8(body).unwrap())
    });
    let mut request = Command::new(xh);
    request.args(["--ignore-stdin", "--body", "--pretty=none", "post"]).arg(format!("http://{address}/things"));
    let answer = support::stdout(request.args(["name=needle", "count:=3"]));
    let (line, body) = serve.join().unwrap();
    assert_eq!(line, "POST /things HTTP/1.1");
    assert_eq!(body, r#"{"name":"needle","count":3}"#);
    assert_eq!(answer.trim(), r#"{"well":true}"#);
}
