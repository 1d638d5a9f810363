//! The sources that packages are built from.
//!
//! - [`nar`] computes the hash that Nix expects of a fetched tree; [`git_index`] lists the files of cargo's checkout
//!   that belong to the commit.
//! - [`reads`](reads::reads) finds the files outside of a package that its build reads.
//!
//! This crate reads no files and runs no programs.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use cratewright_sources::path::WsPath;
//! use cratewright_sources::reads::{PackageFiles, reads};
//!
//! let files = [
//!     ("app/src/main.rs", "const SQL: &str = include_str!(\"../../sql/all.sql\");"),
//!     ("sql/all.sql", ""),
//! ];
//! let files: BTreeMap<_, _> = files.map(|(file, text)| (file.to_owned(), text.to_owned())).into();
//! let app = PackageFiles { directory: WsPath::ROOT.child("app"), ..PackageFiles::default() };
//! assert_eq!(Vec::from_iter(reads(&files, &app).paths), [WsPath::ROOT.child("sql/all.sql")]);
//! ```
#![warn(missing_docs)]

pub mod diagnostic;
pub mod digest;
pub mod files;
pub mod git_index;
pub mod nar;
pub mod near;
pub mod path;
pub mod reads;
