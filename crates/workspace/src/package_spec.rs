//! How a package is written on the command line.

use cargo_util_schemas::core::PackageIdSpec;
use cratewright_sources::diagnostic::Diagnostic;
use semver::Version;

/// A package id spec: `NAME`, `NAME@VERSION` with at least the first number of the version, or a package id of cargo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageSpec {
    text: String,
    spec: PackageIdSpec,
}

impl PackageSpec {
    /// Parses a spec as cargo does. Names that Cratewright prints stand for their package: `units."syn@2.0.1"`,
    /// `tests.app`, `syn@2.0.1 [build]`, `syn 2.0.1 (host)`, `pkg:cargo/syn@2.0.1`.
    ///
    /// # Errors
    /// If the text is neither.
    pub fn parse(text: &str) -> Result<Self, Diagnostic> {
        let package = printed(text).unwrap_or_else(|| text.to_owned());
        let parsed = match package.contains('/') && !package.contains("://") {
            // Cargo's parser would look for this path on disk.
            true => Err("a path is written as a URL, such as `path+file:///w/app`".to_owned()),
            false => PackageIdSpec::parse(&package).map_err(|error| error.to_string()),
        };
        match parsed {
            Ok(spec) => Ok(PackageSpec { text: text.to_owned(), spec }),
            Err(reason) => {
                Err(Diagnostic::new("invalid-package-id", format!("`{text}` is not a package id: {reason}"))
                    .help("write `NAME`, `NAME@VERSION`, or an id as `cargo pkgid` and `cratewright` print it"))
            }
        }
    }

    /// The text that was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The name of the package.
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// Whether it matches a package with this name, version and id of cargo.
    pub fn matches(&self, name: &str, version: &Version, id: &str) -> bool {
        matches_spec(&self.spec, name, version, id)
    }
}

/// Whether a spec matches a package with this name, version and id: cargo's `PackageIdSpecQuery::matches`
/// (`src/cargo/core/package_id_spec.rs`).
pub fn matches_spec(spec: &PackageIdSpec, name: &str, version: &Version, id: &str) -> bool {
    if spec.name() != name || spec.partial_version().is_some_and(|partial| !partial.matches(version)) {
        return false;
    }
    let id = || PackageIdSpec::parse(id).ok();
    spec.url().is_none_or(|url| id().as_ref().and_then(PackageIdSpec::url) == Some(url))
        && spec.kind().is_none_or(|kind| id().as_ref().and_then(PackageIdSpec::kind) == Some(kind))
}

/// The spec of the package in a name that Cratewright prints.
fn printed(text: &str) -> Option<String> {
    if let Some(url) = text.strip_prefix("pkg:cargo/") {
        // The rest says where the package comes from.
        return Some(url.split(['?', '#']).next().unwrap_or(url).replace("%2B", "+"));
    }
    if let Some(name) = text.strip_prefix("tests.").or_else(|| text.strip_prefix("tests of ")) {
        return Some(name.trim_matches('"').to_owned());
    }
    let tables = ["units.\"", "build.\"", "linkedByTests.\""];
    let key = tables.iter().find_map(|table| text.strip_prefix(table)?.strip_suffix('"')).unwrap_or(text);
    let mut words = key.split(' ');
    match (words.next()?, words.next()) {
        // A key: what follows distinguishes several builds of the package.
        (package, _) if package.contains('@') => Some(package.to_owned()),
        // The same without the version.
        (name, Some(label)) if label.starts_with(['[', '(']) => Some(name.to_owned()),
        (name, Some(version)) => Some(format!("{name}@{version}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

    #[track_caller]
    fn check(spec: &str, [name, version]: [&str; 2], id: &str, expected: bool) {
        let parsed = PackageSpec::parse(spec).unwrap();
        assert_eq!(parsed.matches(name, &version.parse().unwrap(), id), expected, "{spec} for {id}");
    }

    #[test]
    fn specs_match_as_in_cargo() {
        for (name, version) in [("serde", "1.0.228"), ("serde_core", "1.0.228"), ("serde_derive", "1.0.228")] {
            let id = format!("{REGISTRY}#{name}@{version}");
            let is_serde = name == "serde";
            for spec in ["serde", "serde@1", "serde@1.0", "serde@1.0.228", "serde:1.0.228"] {
                check(spec, [name, version], &id, is_serde);
            }
            check(&format!("{REGISTRY}#serde"), [name, version], &id, is_serde);
            check(&format!("{REGISTRY}#serde@1.0"), [name, version], &id, is_serde);
            check(&id, [name, version], &id, true);
        }
        let id = format!("{REGISTRY}#syn@2.0.10");
        check("syn@2.0.1", ["syn", "2.0.10"], &id, false);
        check("https://github.com/rust-lang/crates.io-index#syn", ["syn", "2.0.10"], &id, true);
        check("registry+https://example.org/index#syn", ["syn", "2.0.10"], &id, false);
        // Cargo does not take a version for a prerelease of it.
        check("syn@2", ["syn", "2.0.0-rc.1"], &format!("{REGISTRY}#syn@2.0.0-rc.1"), false);
        check("syn@2.0.0-rc.1", ["syn", "2.0.0-rc.1"], &format!("{REGISTRY}#syn@2.0.0-rc.1"), true);
    }

    #[test]
    fn ids_of_local_and_git_packages_match() {
        for id in [
            "path+file:///w/app#0.1.0",
            "path+file:///w/crates/a#app@0.1.0",
            "git+https://example.org/app?rev=0f#0.1.0",
        ] {
            check(id, ["app", "0.1.0"], id, true);
            check(id, ["app", "0.1.0"], "path+file:///w/b#app@0.1.0", false);
        }
        check("file:///w/app", ["app", "0.1.0"], "path+file:///w/app#0.1.0", true);
    }

    #[test]
    fn printed_names_stand_for_their_package() {
        let version = ["zstd-sys", "2.1.3+zstd.1.5.7"];
        let id = format!("{REGISTRY}#zstd-sys@2.1.3+zstd.1.5.7");
        for text in [
            "units.\"zstd-sys@2.1.3+zstd.1.5.7\"",
            "build.\"zstd-sys@2.1.3+zstd.1.5.7 [member=app test]\"",
            "linkedByTests.\"zstd-sys@2.1.3+zstd.1.5.7\"",
            "zstd-sys@2.1.3+zstd.1.5.7 [build] (host)",
            "zstd-sys 2.1.3+zstd.1.5.7",
            "zstd-sys 2.1.3+zstd.1.5.7 (for tests)",
            "pkg:cargo/zstd-sys@2.1.3%2Bzstd.1.5.7",
            "pkg:cargo/zstd-sys@2.1.3%2Bzstd.1.5.7?repository_url=https%3A%2F%2Fexample.org%2F#sub/dir",
        ] {
            check(text, version, &id, true);
            check(text, ["zstd-sys", "2.0.0"], &id, false);
        }
        for text in ["zstd-sys [build]", "zstd-sys (host)"] {
            check(text, version, &id, true);
        }
        check("tests.app", ["app", "0.1.0"], "path+file:///w/app#0.1.0", true);
        check("tests of app", ["app", "0.1.0"], "path+file:///w/app#0.1.0", true);
    }

    #[test]
    fn texts_that_name_no_package_are_errors() {
        for (text, says) in [
            ("", "name"),
            ("serde@one", "expected a version"),
            ("serde@^1", "version requirement"),
            ("crates/app", "a path is written as a URL"),
            ("two words", "expected a version"),
        ] {
            let failure = PackageSpec::parse(text).unwrap_err();
            assert_eq!(failure.code, "invalid-package-id");
            assert!(failure.message.starts_with(&format!("`{text}` is not a package id: ")), "{failure}");
            assert!(failure.message.contains(says), "{failure}");
        }
    }
}
