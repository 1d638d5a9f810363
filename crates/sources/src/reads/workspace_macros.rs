//! Macros of published crates that read files at the workspace root, or git history.

use super::Scanner;
use crate::path::WsPath;

/// Directory at the workspace root in which `cargo sqlx prepare` stores query data for builds without a database
/// (sqlx-macros-core, `src/query/mod.rs`).
pub const QUERIES: &str = ".sqlx";

/// Macros of sqlx that look up a prepared query.
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

/// Macros that run git, and fail without a `fallback` if there is no history (crate git-version).
pub(super) const GIT_MACROS: [&str; 3] = ["git_describe", "git_submodule_versions", "git_version"];

impl Scanner<'_> {
    /// Call prefixes, such as `query!`, of macros to search for.
    pub(super) fn macros(&self) -> impl Iterator<Item = String> {
        let has_queries = !self.files.names(&WsPath::ROOT.child(QUERIES)).is_empty();
        let queries = QUERY_MACROS.iter().filter(move |_| has_queries);
        queries.chain(&GIT_MACROS).map(|name| format!("{name}!"))
    }

    /// Adds the prepared queries at the root; those next to the manifest are part of the package's source.
    pub(super) fn queries(&mut self) {
        let queries = WsPath::ROOT.child(QUERIES);
        if !self.is_own(&queries) && self.exists(&queries) {
            self.found.insert(queries);
        }
    }
}
