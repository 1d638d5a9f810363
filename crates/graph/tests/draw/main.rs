//! Drawings of graphs: the parts that they show, and their syntax.

mod escaping;
mod parsed;
mod parts;
mod properties;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the example of this crate uses the rest")]
mod support;
