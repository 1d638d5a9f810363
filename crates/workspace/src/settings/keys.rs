//! The keys of Cratewright's settings in manifests: what their values must be.

use cratewright_sources::near::suggestion;

/// A key of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub(crate) name: &'static str,
    /// What its value must be.
    form: &'static str,
    /// The key with a value, as in a manifest.
    pub(crate) example: &'static str,
}

impl Key {
    const fn new(name: &'static str, form: &'static str, example: &'static str) -> Self {
        Key { name, form, example }
    }

    /// What to write, for the help of an error.
    pub fn help(&self) -> String {
        format!("write {}, such as `{}`", self.form, self.example)
    }
}

/// A table with its keys.
#[derive(Debug)]
pub(crate) struct Table {
    /// Its path in a manifest.
    pub(crate) path: &'static str,
    pub(crate) keys: &'static [Key],
}

pub(crate) const TARGETS: Key =
    Key::new("targets", "a list of target triples or Nix systems", "targets = [\"x86_64-linux\", \"aarch64-darwin\"]");
pub(crate) const CROSS: Key = Key::new(
    "cross",
    "a list of tables with the two platforms `host` and `target`",
    "cross = [{ host = \"x86_64-linux\", target = \"wasm32-unknown-unknown\" }]",
);
pub(crate) const FEATURE_UNIFICATION: Key =
    Key::new("feature-unification", "`\"workspace\"` or `\"package\"`", "feature-unification = \"package\"");
/// The place of the library.
pub const LIBRARY: Key = Key::new(
    "library",
    "`\"beside\"`, `\"embedded\"`, or the path of a file to generate",
    "library = \"nix/cratewright.nix\"",
);
pub(crate) const LIMITS: Key = Key::new("limits", "a table of limits", "limits = { crates = 520 }");
pub(crate) const VARIANTS: Key =
    Key::new("variants", "a table with a table for each variant", "variants = { loud = { features = [\"loud\"] } }");
pub(crate) const TESTS: Key = Key::new("tests", "`true` or `false`", "tests = false");
pub(crate) const EXCLUDE_SOURCES: Key = Key::new(
    "exclude-sources",
    "a list of names, or of paths relative to the workspace root, with `*`, `?` and `**` as wildcards",
    "exclude-sources = [\"*.snap\", \"crates/app/docs\"]",
);

/// `[workspace.metadata.cratewright]`
pub(crate) const OF_WORKSPACE: Table = Table {
    path: "workspace.metadata.cratewright",
    keys: &[TARGETS, CROSS, FEATURE_UNIFICATION, LIBRARY, LIMITS, VARIANTS, TESTS, EXCLUDE_SOURCES],
};

pub(crate) const FEATURES: Key =
    Key::new("features", "a list of features of members", "features = [\"loud\", \"fast\"]");
pub(crate) const ALL_FEATURES: Key = Key::new("all-features", "`true` or `false`", "all-features = true");
pub(crate) const NO_DEFAULT_FEATURES: Key =
    Key::new("no-default-features", "`true` or `false`", "no-default-features = true");
pub(crate) const MEMBERS: Key = Key::new("members", "a list of names of members", "members = [\"app\"]");

/// `[workspace.metadata.cratewright.variants.<name>]`
pub(crate) const OF_VARIANT: Table = Table {
    path: "workspace.metadata.cratewright.variants.<name>",
    keys: &[FEATURES, ALL_FEATURES, NO_DEFAULT_FEATURES, MEMBERS],
};

pub(crate) const CRATES: Key = Key::new("crates", "a number of crates", "crates = 520");
pub(crate) const DUPLICATES: Key = Key::new("duplicates", "a number of packages", "duplicates = 3");
pub(crate) const ACCEPTED_DUPLICATES: Key = Key::new(
    "accepted-duplicates",
    "a list of packages, with or without a version requirement",
    "accepted-duplicates = [\"syn\", \"windows-sys@0.52\"]",
);
pub(crate) const DEPTH: Key = Key::new("depth", "a number of crates", "depth = 16");
pub(crate) const CONE: Key =
    Key::new("cone", "a table with a number of crates for each member", "cone = { core = 40 }");
pub(crate) const CLOSURE: Key =
    Key::new("closure", "a table with a number of crates for each member", "closure = { cli = 250 }");
pub(crate) const BANNED: Key = Key::new(
    "banned",
    "a list of packages, with or without a version requirement",
    "banned = [\"openssl-sys\", \"time@0.1\"]",
);
pub(crate) const BANNED_FEATURES: Key =
    Key::new("banned-features", "a list of packages with a feature", "banned-features = [\"tokio/full\"]");
pub(crate) const FORBIDDEN_DEPENDENCIES: Key = Key::new(
    "forbidden-dependencies",
    "a table with a list of packages for each member",
    "forbidden-dependencies = { core = [\"ui\", \"reqwest\"] }",
);
pub(crate) const ENFORCE: Key = Key::new("enforce", "`true` or `false`", "enforce = false");

/// `[workspace.metadata.cratewright.limits]`
pub(crate) const OF_LIMITS: Table = Table {
    path: "workspace.metadata.cratewright.limits",
    keys: &[
        CRATES,
        DUPLICATES,
        ACCEPTED_DUPLICATES,
        DEPTH,
        CONE,
        CLOSURE,
        BANNED,
        BANNED_FEATURES,
        FORBIDDEN_DEPENDENCIES,
        ENFORCE,
    ],
};

pub(crate) const EXTRA_SOURCES: Key = Key::new(
    "extra-sources",
    "a list of paths relative to the package, none of them a directory that contains the workspace",
    "extra-sources = [\"../sql\", \"../proto/api.proto\"]",
);

/// `[package.metadata.cratewright]`
pub(crate) const OF_PACKAGE: Table = Table { path: "package.metadata.cratewright", keys: &[EXTRA_SOURCES] };

/// All tables.
pub(crate) const TABLES: [Table; 4] = [OF_WORKSPACE, OF_VARIANT, OF_LIMITS, OF_PACKAGE];

impl Table {
    /// What to write instead of a key that the table does not have.
    pub(crate) fn help(&self, unknown: &str) -> String {
        match TABLES.iter().find(|table| table.keys.iter().any(|key| key.name == unknown)) {
            Some(table) => format!("move it to `[{}]`", table.path),
            None => suggestion(unknown, self.keys.iter().map(|key| key.name)),
        }
    }
}
