//! Build times: logs are read, remembered in a file, and make the report tell seconds.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use super::committed;
use crate::support::{cratewright, fixture};

/// A log of Nix, in which the builds of `leaf` and `middle` take 2.5 s and 4 s.
fn log(version: &str) -> String {
    let builds = [("leaf", 1, 10.0, 12.5), ("middle", 2, 12.5, 16.5)];
    let lines = builds.iter().map(|(name, id, start, stop)| {
        let derivation = format!("/nix/store/00000000000000000000000000000000-{name}-{version}.drv");
        format!(
            "{start} @nix {{\"action\":\"start\",\"id\":{id},\"type\":105,\"fields\":[\"{derivation}\"]}}\n\
             {stop} @nix {{\"action\":\"stop\",\"id\":{id}}}\n"
        )
    });
    lines.collect()
}

fn impact(root: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = cratewright();
    command.args(["impact", "--offline", "--edit", "leaf/src/lib.rs"]).args(arguments).current_dir(root);
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn times_in_a_log_are_remembered() {
    let (_top, root) = committed(&fixture("three-members"));
    let (before, _) = said(&impact(&root, &[], ""));
    assert!(!before.contains("building"), "{before}");

    fs::write(root.join("build.log"), log("0.1.0")).unwrap();
    let output = impact(&root, &["--timings", "build.log"], "");
    let (text, note) = said(&output);
    assert!(output.status.success() && note.contains("the build times of 2 derivations in target/"), "{note}");
    assert!(text.contains("6 derivations were not measured"), "{text}");
    assert!(root.join("target/cratewright-timings.json").is_file());
    // The next report uses them without a log.
    let (remembered, _) = said(&impact(&root, &[], ""));
    assert_eq!(remembered, text);
    let (elsewhere, _) = said(&impact(&root, &["--timings-file", "other.json"], ""));
    assert_eq!(elsewhere, before);
}

/// Lines from standard input have the time of their arrival, and errors of Nix in them are shown.
#[test]
fn logs_are_read_from_standard_input() {
    let (_top, root) = committed(&fixture("three-members"));
    let error = "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"error: no space left\"}\n";
    let output = impact(&root, &["--timings", "-", "--timings-file", "times.json"], &(log("0.1.0") + error));
    let (_, note) = said(&output);
    assert!(output.status.success() && note.contains("no space left"), "{note}");
    assert!(fs::read_to_string(root.join("times.json")).unwrap().contains("leaf@0.1.0"));
}

#[test]
fn logs_without_times_of_this_workspace_are_reported() {
    let (_top, root) = committed(&fixture("three-members"));
    fs::write(root.join("cached.log"), "@nix {\"action\":\"msg\",\"level\":3,\"msg\":\"cached\"}\n").unwrap();
    fs::write(root.join("other.log"), log("9.0.0")).unwrap();
    fs::create_dir(root.join("cargo-timings")).unwrap();
    for (path, status, says) in [
        ("cached.log", 0, "warning: the log has no builds and gives no build times"),
        ("other.log", 2, "error[invalid-timings]: the log has no build of a crate of this workspace"),
        ("missing.log", 2, "help: pass a log, or a directory that has cargo-timing.html"),
        ("cargo-timings", 2, "help: pass a log, or a directory that has cargo-timing.html"),
    ] {
        let output = impact(&root, &["--timings", path], "");
        let (text, note) = said(&output);
        assert!(output.status.code() == Some(status) && note.contains(says), "{path}: {text}{note}");
        assert!(!root.join("target").exists(), "{path}");
    }
}
