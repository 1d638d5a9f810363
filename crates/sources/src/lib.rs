//! What packages are built from.
//!
//! - [`nar`] computes the hash that Nix expects of a fetched tree, [`git_index`] says which files of cargo's checkout
//!   belong to the commit.
//!
//! This crate reads no file and runs no program.
#![warn(missing_docs)]

pub mod digest;
pub mod git_index;
pub mod nar;
pub mod reads;
pub mod tree;
