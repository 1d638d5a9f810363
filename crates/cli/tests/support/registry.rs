//! A sparse registry on this machine: files of a directory, over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use super::{run, stdout};

/// Serves the files of a directory on a free port until the process ends; returns the address.
pub fn serve(directory: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is none of ours.
            let _ = answer(stream, &directory);
        }
    });
    address
}

fn answer(mut stream: TcpStream, directory: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    // The rest of the request, which says nothing of interest.
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

/// Packs a crate as `cargo package` does, at `path`, and returns the line that an index has of it.
pub fn pack(name: &str, version: &str, source: &str, dependencies: &str, path: &Path) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join(format!("{name}-{version}"));
    fs::create_dir_all(directory.join("src")).unwrap();
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    // As published: the registry of a dependency is in the index, not in the manifest that is built from.
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

/// SHA-256 out of a line of [`pack`].
pub fn checksum(line: &str) -> &str {
    let (_, rest) = line.split_once("\"cksum\":\"").unwrap();
    rest.split_once('"').unwrap().0
}
