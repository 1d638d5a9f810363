//! A local sparse registry: a directory served over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::git::Scratch;
use super::{fixture, run, stdout};

/// The manifest of a package `app`, without its dependencies.
pub const APPLICATION: &str =
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n";

/// Source of a library with a function that returns a text.
pub fn says(text: &str) -> String {
    format!("pub fn say() -> &'static str {{ \"{text}\" }}")
}

/// Serves the files of a directory on a free port until the process ends; returns the address.
pub fn serve(directory: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Ignore clients that close the connection.
            let _ = answer(stream, &directory);
        }
    });
    address
}

fn answer(mut stream: TcpStream, directory: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // Skip the rest of the request.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
    let (status, body) = match fs::read(directory.join(path)) {
        Ok(body) => ("200 OK", body),
        Err(_) => ("404 Not Found", Vec::new()),
    };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

/// Packs a crate at `path` as `cargo package` does, and returns its line for the index.
pub fn pack(name: &str, version: &str, source: &str, dependencies: &str, path: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join(format!("{name}-{version}"));
    fs::create_dir_all(directory.join("src")).unwrap();
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    // As in published crates, the registry of a dependency is in the index, not in the manifest.
    fs::write(directory.join("Cargo.toml"), manifest).unwrap();
    fs::write(directory.join("src/lib.rs"), source).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    run(Command::new("tar").arg("czf").arg(path).arg("-C").arg(scratch.path()).arg(directory.file_name().unwrap()));
    let checksum = stdout(Command::new("sha256sum").arg(path));
    let checksum = checksum.split(' ').next().unwrap();
    format!(
        "{{\"name\":\"{name}\",\"vers\":\"{version}\",\"deps\":[{dependencies}],\"cksum\":\"{checksum}\",\"features\":{{}},\"yanked\":false}}\n"
    )
}

/// SHA-256 digest in a line of [`pack`].
pub fn checksum(line: &str) -> &str {
    let (_, rest) = line.split_once("\"cksum\":\"").unwrap();
    rest.split_once('"').unwrap().0
}

/// A workspace that depends on a crate of crates.io and on a git repository.
pub fn vendored_workspace(scratch: &Scratch) {
    scratch.write(
        "fork",
        &[
            ("Cargo.toml", "[package]\nname = \"forked\"\nversion = \"0.1.0\"\nedition = \"2021\"\n"),
            ("src/lib.rs", &says("forked")),
        ],
    );
    scratch.commit("fork");
    let fixture = fixture("two-versions");
    let lock = fs::read_to_string(fixture.join("Cargo.lock")).unwrap();
    let (_, itoa) = lock.split_once("name = \"itoa\"\nversion = \"").unwrap();
    let version = itoa.split_once('"').unwrap().0;
    scratch.write(
        "app",
        &[
            (
                "Cargo.toml",
                &format!("{APPLICATION}itoa = \"={version}\"\nforked = {{ git = \"{}\" }}\n", scratch.url("fork")),
            ),
            (
                "src/main.rs",
                "fn main() { let mut b = itoa::Buffer::new(); println!(\"{} {}\", b.format(42u8), forked::say()); }",
            ),
        ],
    );
    run(scratch.environment(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(scratch.path("app"))));
}
