//! Drawings of graphs: which part they show, and that other programs read them.

mod escaping;
mod parsed;
mod parts;
mod properties;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the example of this crate uses the rest")]
mod support;
