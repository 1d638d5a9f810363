//! Measures each step of `generate` on the workspace in `CRATEWRIGHT_BENCH_WORKSPACE`, by default on this one.
#![allow(missing_docs, reason = "criterion's macros write public functions")]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use cratewright::LoadOptions;
use cratewright::workspace::{Workspace, load};
use cratewright_renderer::{RenderOptions, Resolved, merge, render};
use cratewright_resolver::{Metadata, Selection, UnitGraph, UserIntent};
use cratewright_staleness::Lock;
use criterion::{Criterion, criterion_group, criterion_main};

fn pipeline(c: &mut Criterion) {
    let root = std::env::var_os("CRATEWRIGHT_BENCH_WORKSPACE")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")), PathBuf::from);
    let manifest_path = root.join("Cargo.toml");
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--all-features", "--locked", "--manifest-path"])
        .arg(&manifest_path)
        .output()
        .expect("cargo runs");
    let json = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let lock_text = std::fs::read_to_string(root.join("Cargo.lock")).expect("the workspace has a lock file");

    c.bench_function("parse metadata", |b| {
        b.iter(|| Metadata::parse(black_box(&json), |_| false).expect("the output of cargo is valid"))
    });
    c.bench_function("parse lock", |b| b.iter(|| Lock::parse(black_box(&lock_text)).expect("the lock file is valid")));

    let options = LoadOptions { manifest_path: Some(manifest_path), ..LoadOptions::default() };
    let workspace = load(&options).expect("the workspace is supported");
    let selections = workspace.selections.clone();
    let tests = selections.iter().map(|build| Selection { intent: UserIntent::Test, ..build.clone() });
    let builds_and_tests: Vec<Selection> = selections.iter().cloned().chain(tests).collect();
    for (what, selections) in [("builds", &selections), ("builds and tests", &builds_and_tests)] {
        c.bench_function(&format!("resolve {what}"), |b| b.iter(|| workspace.resolve(black_box(selections))));
        let graphs = workspace.resolve(selections);
        let resolved = resolved(&workspace, selections, &graphs);
        c.bench_function(&format!("merge {what}"), |b| {
            b.iter(|| merge(black_box(resolved)).expect("the graphs merge"))
        });
    }
    let graphs = workspace.resolve(&selections);
    let resolved = resolved(&workspace, &selections, &graphs);
    let merged = merge(resolved).expect("the graphs merge");
    let place = RenderOptions { outputs: vec!["Cargo.nix".to_owned()], ..RenderOptions::default() };
    c.bench_function("render", |b| b.iter(|| render(black_box(resolved), &merged, &place)));
}

fn resolved<'a>(workspace: &'a Workspace, selections: &'a [Selection], graphs: &'a [Vec<UnitGraph>]) -> Resolved<'a> {
    Resolved {
        packages: &workspace.packages,
        platforms: &workspace.platforms,
        pairs: &workspace.pairs,
        selections,
        graphs,
    }
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
