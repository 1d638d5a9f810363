//! The steps of `generate`, one by one, on the workspace that `CRATEWRIGHT_BENCH_WORKSPACE` names (else this one).
#![allow(missing_docs, reason = "criterion's macros write public functions")]

use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;

use cratewright::workspace::{LoadOptions, Workspace, load};
use cratewright_renderer::{RenderOptions, Resolved, merge, render};
use cratewright_resolver::{
    Lockfile, PackageGraph, Purpose, Selection, UnitGraph, WorkspaceManifest, WorkspaceMetadata,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

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
    let lock_text = std::fs::read_to_string(root.join("Cargo.lock")).expect("the workspace has a lock");
    let manifest_text = std::fs::read_to_string(&manifest_path).expect("the workspace has a manifest");
    let manifest = WorkspaceManifest::parse(&manifest_text, &Default::default()).expect("cargo could read it");
    let lock: Lockfile = lock_text.parse().expect("cargo could read it");

    c.bench_function("parse metadata", |b| b.iter(|| WorkspaceMetadata::parse(black_box(&json)).expect("it is JSON")));
    c.bench_function("parse lock", |b| b.iter(|| black_box(&lock_text).parse::<Lockfile>().expect("it is a lock")));
    c.bench_function("package graph", |b| {
        b.iter_batched(
            || WorkspaceMetadata::parse(&json).expect("it is JSON"),
            |metadata| PackageGraph::new(metadata, &lock, &manifest).expect("it is supported"),
            BatchSize::LargeInput,
        )
    });

    let options = LoadOptions { manifest_path: Some(manifest_path), ..LoadOptions::default() };
    let workspace = load(&options).expect("it is supported");
    let selections = workspace.selections.clone();
    let tests = selections.iter().map(|build| Selection { purpose: Purpose::Test, ..build.clone() });
    let builds_and_tests: Vec<Selection> = selections.iter().cloned().chain(tests).collect();
    for (what, selections) in [("builds", &selections), ("builds and tests", &builds_and_tests)] {
        c.bench_function(&format!("resolve {what}"), |b| b.iter(|| workspace.resolve(black_box(selections))));
        let graphs = workspace.resolve(selections);
        let resolved = resolved(&workspace, selections, &graphs);
        c.bench_function(&format!("merge {what}"), |b| b.iter(|| merge(black_box(resolved)).expect("it is supported")));
    }
    let graphs = workspace.resolve(&selections);
    let resolved = resolved(&workspace, &selections, &graphs);
    let merged = merge(resolved).expect("it is supported");
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
