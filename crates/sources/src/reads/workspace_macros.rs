//! Macros of published crates that read what is at the workspace root, or history.

use super::Scanner;
use crate::path::WsPath;

/// What `cargo sqlx prepare` leaves at the workspace root for macros that have no database to ask
/// (sqlx-macros-core, `src/query/mod.rs`).
pub const QUERIES: &str = ".sqlx";

/// Macros of sqlx that look a query up there.
pub(super) const QUERY_MACROS: [&str; 11] = [
    "query",
    "query_as",
    "query_as_unchecked",
    "query_file",
    "query_file_as",
    "query_file_as_unchecked",
    "query_file_scalar",
    "query_file_scalar_unchecked",
    "query_file_unchecked",
    "query_scalar",
    "query_scalar_unchecked",
];

/// Macros that ask git, and fail without a `fallback` where there is no history (git-version).
pub(super) const GIT_MACROS: [&str; 3] = ["git_describe", "git_submodule_versions", "git_version"];

impl Scanner<'_> {
    /// Macros whose calls are to be looked at, as they are called.
    pub(super) fn macros(&self) -> impl Iterator<Item = String> {
        let has_queries = !self.files.names(&WsPath::ROOT.child(QUERIES)).is_empty();
        let queries = QUERY_MACROS.iter().filter(move |_| has_queries);
        queries.chain(&GIT_MACROS).map(|name| format!("{name}!"))
    }

    /// Queries that were prepared at the root: those beside the manifest are in the package's source.
    pub(super) fn queries(&mut self) {
        let queries = WsPath::ROOT.child(QUERIES);
        if !self.is_own(&queries) && self.exists(&queries) {
            self.found.insert(queries);
        }
    }
}
