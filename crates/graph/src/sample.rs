//! A small build graph for tests.

use std::collections::BTreeMap;

use cratewright_staleness::Observer;
use cratewright_workspace::{Limits, Workspace};

use crate::model::{Derivation, DerivationGraph, DerivationIx, Input, Kind, Side};

/// The platform of [`linux`].
pub(crate) const LINUX: &str = "x86_64-unknown-linux-gnu";

/// The platform of [`darwin`].
pub(crate) const DARWIN: &str = "aarch64-apple-darwin";

/// Limits from the keys of their table.
pub(crate) fn limits(keys: &str) -> Limits {
    let text = format!("[workspace.metadata.cratewright.limits]\n{keys}");
    let files = BTreeMap::from([("Cargo.toml".to_owned(), text)]);
    Workspace::discover(&Observer::new(&files)).unwrap().settings.limits
}

/// Three members: `app` uses `ui`, which uses `core`. There are two versions of `syn`, and `libc` for host and target.
pub(crate) fn linux() -> DerivationGraph {
    let mut sample = Sample::default();
    sample.add("libc", "0.2.177", "default std", &[]);
    sample.add("libc (host)", "0.2.177", "default std", &[]);
    sample.add("cc", "1.2.3", "", &["libc (host)"]);
    sample.add("openssl-sys", "0.9.100", "vendored", &["libc"]);
    sample.build_dependencies("openssl-sys", &["cc"]);
    sample.add("native-tls", "0.2.14", "default", &["openssl-sys"]);
    sample.add("serde", "1.0.228", "default derive std", &[]);
    sample.add("reqwest", "0.12.4", "default", &["native-tls", "serde"]);
    sample.common();
    sample.graph(LINUX)
}

/// The same for macOS, where TLS comes with the system and `libc` has other features.
pub(crate) fn darwin() -> DerivationGraph {
    let mut sample = Sample::default();
    sample.add("libc", "0.2.177", "std", &[]);
    sample.add("security-framework", "3.0.1", "", &["libc"]);
    sample.add("native-tls", "0.2.14", "default", &["security-framework"]);
    sample.add("serde", "1.0.228", "default derive std", &[]);
    sample.add("reqwest", "0.12.4", "default", &["native-tls", "serde"]);
    sample.common();
    sample.graph(DARWIN)
}

/// Builds a graph of derivations with unique names.
#[derive(Default)]
pub(crate) struct Sample {
    names: Vec<String>,
    derivations: Vec<Derivation>,
}

impl Sample {
    fn ix(&self, name: &str) -> DerivationIx {
        self.names.iter().position(|known| known == name).unwrap_or_else(|| panic!("`{name}` comes later"))
    }

    fn ixs(&self, names: &[&str]) -> Vec<DerivationIx> {
        names.iter().map(|name| self.ix(name)).collect()
    }

    /// Adds a crate. `name` may have a suffix after a space to make it unique.
    pub(crate) fn add(&mut self, name: &str, version: &str, features: &str, dependencies: &[&str]) {
        let dependencies = self.ixs(dependencies);
        let mut derivation = Derivation::new(name.split(' ').next().unwrap(), version);
        if name.ends_with("(host)") {
            derivation.side = Side::Host;
            derivation.id = format!("build.\"{}\"", derivation.key);
        }
        let features = features.split_whitespace().map(str::to_owned).collect();
        let inputs = [(Input::Source, "0123abcd".to_owned())].into();
        self.names.push(name.to_owned());
        self.derivations.push(Derivation { features, dependencies, inputs, ..derivation });
    }

    /// Adds the crates that are the same on both platforms and use `libc`, `serde` and `reqwest`.
    fn common(&mut self) {
        self.add("syn 1", "1.0.109", "default", &[]);
        self.add("syn 2", "2.0.1", "default full", &[]);
        self.add("old-derive", "0.3.0", "", &["syn 1"]);
        self.add("thiserror", "2.0.18", "default", &["syn 2"]);
        self.add("time", "0.1.45", "", &["libc"]);
        self.member("core", "0.1.0", &["serde"]);
        self.member("ui", "0.1.0", &["core", "old-derive"]);
        self.member("app", "0.1.0", &["ui", "reqwest", "thiserror"]);
        self.tests("core", &["core", "time"]);
        self.tests("app", &["app"]);
    }

    /// Adds dependencies of the build script of a crate.
    pub(crate) fn build_dependencies(&mut self, name: &str, dependencies: &[&str]) {
        let dependencies = self.ixs(dependencies);
        let ix = self.ix(name);
        self.derivations[ix].build_dependencies = dependencies;
    }

    /// Adds a member.
    pub(crate) fn member(&mut self, name: &str, version: &str, dependencies: &[&str]) {
        self.add(name, version, "", dependencies);
        let member = self.derivations.last_mut().unwrap();
        (member.is_member, member.source, member.dir) = (true, None, Some(format!("crates/{name}")));
    }

    /// Adds the tests of a member.
    pub(crate) fn tests(&mut self, name: &str, dependencies: &[&str]) {
        let version = self.derivations[self.ix(name)].version.clone();
        self.member(&format!("{name} tests"), &version, dependencies);
        let tests = self.derivations.last_mut().unwrap();
        (tests.kind, tests.id, tests.name) = (Kind::Tests, format!("tests.{name}"), name.to_owned());
        tests.key = format!("{name}@{version}");
    }

    /// The finished graph.
    pub(crate) fn graph(self, platform: &str) -> DerivationGraph {
        DerivationGraph { platform: platform.to_owned(), derivations: self.derivations }
    }
}
