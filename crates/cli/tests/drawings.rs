//! Drawings of the book are up to date with their sources. `dev/drawings` draws them again.

use std::fs;

use cratewright_sources::digest::sha256;

use crate::support::{cratewright, fixture, repository, stdout};

fn image(name: &str) -> String {
    fs::read_to_string(repository().join("docs/src/images").join(name)).unwrap()
}

#[test]
fn the_pipeline_is_drawn_from_its_source() {
    let sources = image("pipeline.dot") + &image("pipeline.css");
    let digest = sha256(sources.as_bytes());
    assert!(image("pipeline.svg").contains(&digest), "pipeline.svg is not of this pipeline.dot: run dev/drawings");
}

#[test]
fn the_derivations_are_what_graph_draws() {
    let mut graph = cratewright();
    graph.args(["graph", "--offline", "--platform", "x86_64-unknown-linux-gnu", "--format", "svg", "--manifest-path"]);
    let drawn = stdout(graph.arg(fixture("compiled-in").join("Cargo.toml")));
    assert!(image("derivations.svg") == drawn, "derivations.svg is not what `graph` draws: run dev/drawings");
}
