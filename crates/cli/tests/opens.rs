//! `generate` reads each file of the workspace only once, so that it never mixes two versions of a file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support;
use crate::support::Copy;

/// How often the threads of one process opened each file below `root`, according to `strace -ff`, which writes separate
/// logs for child processes.
fn opened(log: &Path, root: &Path, first: &str) -> BTreeMap<String, usize> {
    let mut opened = BTreeMap::new();
    let mut threads = vec![first.to_owned()];
    while let Some(thread) = threads.pop() {
        let text = fs::read_to_string(log.with_extension(&thread)).unwrap_or_default();
        for line in text.lines().filter(|line| !line.contains(" = -1 ")) {
            if line.starts_with("clone") && line.contains("CLONE_THREAD") {
                threads.extend(line.rsplit_once(" = ").map(|(_, thread)| thread.to_owned()));
            }
            let path = line.split('"').nth(1).filter(|_| line.starts_with("open") && !line.contains("O_DIRECTORY"));
            if let Some(file) = path.and_then(|path| Path::new(path).strip_prefix(root).ok()) {
                *opened.entry(file.display().to_string()).or_default() += 1;
            }
        }
    }
    opened
}

#[test]
fn generate_opens_each_file_once() {
    let copy = Copy::of(&support::fixture("workspace-inheritance"));
    let root = copy.path().canonicalize().unwrap();
    fs::create_dir_all(root.join(".cargo")).unwrap();
    fs::write(root.join(".cargo/config.toml"), "include = [\"more.toml\"]\n[build]\nrustflags = [\"--cfg=a\"]\n")
        .unwrap();
    fs::write(root.join(".cargo/more.toml"), "[env]\nA = \"a\"\n").unwrap();
    let logs = tempfile::tempdir().unwrap();
    let log = logs.path().join("log");
    let mut strace = Command::new("strace");
    strace.args(["-ff", "-s", "4096", "-e", "trace=open,openat,clone,clone3", "-o"]).arg(&log);
    strace.arg(env!("CARGO_BIN_EXE_cratewright")).args(["generate", "--offline", "--force"]);
    let output = strace.current_dir(root.join("app")).output().expect("this test needs strace: apt-get install strace");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // The process that strace started has the lowest number.
    let numbers = fs::read_dir(logs.path()).unwrap().map(|entry| entry.unwrap().path());
    let numbers = numbers.filter_map(|path| path.extension()?.to_str()?.parse::<u32>().ok());
    let opened = opened(&log, &root, &numbers.min().unwrap().to_string());
    for file in ["Cargo.lock", "Cargo.toml", "app/Cargo.toml", ".cargo/config.toml", ".cargo/more.toml"] {
        assert_eq!(opened.get(file), Some(&1), "{file}: {opened:?}");
    }
    let often = opened.iter().filter(|(file, count)| **count > 1 && !file.ends_with(".nix"));
    assert_eq!(often.collect::<Vec<_>>(), [], "these files were opened again");
    assert!(opened.keys().filter(|file| file.ends_with("Cargo.toml")).count() > 5, "{opened:?}");
}
