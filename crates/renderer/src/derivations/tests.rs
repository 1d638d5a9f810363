//! The test suite of a member, as `nix-lib/library/checks.nix` builds it.

use cratewright_graph::{Derivation, Input, Kind, Side};

use crate::derivations::Builder;
use crate::derivations::compilation::Compiled;
use crate::derivations::crates::told;
use crate::derivations::evaluate::{Attributes, evaluated, items, renames, texts};
use crate::merged::MemberTests;
use crate::nix::{Binding, Nix};

/// Attributes for dependencies.
const DEPENDENCIES: [&str; 3] = ["dependencies", "buildDependencies", "crateRenames"];

impl Builder<'_> {
    /// Adds the derivation that compiles and runs the tests of a member, if it has any on this pair.
    pub(super) fn suite(&mut self, tests: &MemberTests) {
        let common = self.common;
        let packages = common.resolved.packages;
        let name = &packages[tests.package].name;
        let record = common.tables.tests.iter().find(|row| row.name.as_deref() == Some(name));
        let Some(record) = record.map(|row| evaluated(&row.value, &self.on)) else { return };
        let of_macro = record.get("macro").map(|set| evaluated(set, &self.on));
        let tested = [of_macro.as_ref(), Some(&record)].map(|set| set.map(targets).unwrap_or_default());
        if tested.iter().all(String::is_empty) {
            return;
        }
        let own = self.lists(tests.unit);
        let side = self.linked_by_tests();
        let with_dev = self.with_dev(&own, &record);
        let mut dependencies = self.linked(items(&with_dev, "dependencies"), side);
        let build_dependencies = self.linked(items(&with_dev, "buildDependencies"), side);
        let mut used = with_dev;
        if let Some(of_macro) = &of_macro {
            // The library of a proc-macro is tested on the host, with dependencies built for the host.
            used = self.with_dev(&own, of_macro);
            let host = self.host();
            dependencies.extend(self.linked(items(&used, "dependencies"), host));
        }
        let has_library = record.contains_key("libs") || of_macro.as_ref().is_some_and(|set| set.contains_key("libs"));
        let is_linked = record.get("isLinked") != Some(&Nix::word("false"));
        if has_library && is_linked {
            let side = if of_macro.is_some() { self.host() } else { side };
            dependencies.push(self.unit(tests.unit, side));
        }
        let programs = items(&own, "crateBin");
        if !items(&record, "tests").is_empty() && !programs.is_empty() {
            // Integration tests run the member's binaries.
            let side = self.own_side(tests.unit);
            dependencies.push(self.unit(tests.unit, if side == Side::Host { side } else { Side::Target }));
        }
        let mut seen = Vec::new();
        dependencies.retain(|ix| !seen.contains(ix) && (seen.push(*ix), true).1);
        let mut lists = own.clone();
        lists.extend(used.into_iter().filter(|(name, _)| name != "crateBin"));
        let mut inputs = self.inputs(tests.unit, &lists, Side::Test);
        let lints = match record.get("lints") {
            Some(Nix::Text(_)) => packages.lints.join(" "),
            Some(Nix::List(flags)) => texts(flags).join(" "),
            _ => String::new(),
        };
        let other_names = [&record, of_macro.as_ref().unwrap_or(&record)].map(|set| {
            let dev = set.get("dev").map(|dev| evaluated(dev, &self.on)).unwrap_or_default();
            renames(set.iter().chain(&dev))
        });
        let known = texts(items(&record, "knownFeatures")).join(" ");
        let extra = [
            (Input::Targets, format!("{}{}", tested.concat(), of_macro.is_some())),
            (Input::Manifest, format!("lints {lints}\nfeatures {known}\n")),
            (Input::Dependencies, other_names.concat()),
            (Input::Features, texts(items(&record, "features")).join(" ")),
        ];
        for (input, text) in extra {
            inputs.entry(input).or_default().push_str(&text);
        }
        inputs.insert(Input::Source, self.source(tests.unit, true));
        let key = self.first_key(tests.unit);
        let compiled = Compiled {
            has_programs: !programs.is_empty(),
            tested: Some(tested.each_ref().map(|targets| !targets.is_empty())),
            links_debug: [&dependencies, &build_dependencies].map(|list| list.iter().any(|&ix| self.has_debug[ix])),
            ..self.compiled(tests.unit, &key, Side::Test)
        };
        inputs.insert(Input::Profile, common.compilation.text(&compiled));
        let derivation = Derivation {
            id: format!("tests.{name}"),
            kind: Kind::Tests,
            side: Side::Test,
            features: texts(items(&lists, "features")),
            dependencies,
            build_dependencies,
            inputs: told(inputs),
            ..self.described(tests.unit)
        };
        self.push(derivation, false);
    }

    /// The function `withDev` of `nix-lib/library/checks.nix`.
    fn with_dev(&self, own: &Attributes, record: &Attributes) -> Attributes {
        let mut all = own.clone();
        if let Some(dev) = record.get("dev").map(|dev| evaluated(dev, &self.on)) {
            for name in ["dependencies", "buildDependencies"] {
                let list = [items(own, name), items(&dev, name)].concat();
                all.insert(name.to_owned(), Nix::List(list));
            }
        }
        let said = DEPENDENCIES.iter().chain(&["features"]);
        all.extend(said.filter_map(|&name| Some((name.to_owned(), record.get(name)?.clone()))));
        all
    }
}

/// The targets to compile and run, as a string: `tested ++ plainExamples` of `nix-lib/library/check-kinds.nix`. Empty
/// if there are none.
fn targets(record: &Attributes) -> String {
    let is_tested = |target: &Nix, usually: bool| match target {
        Nix::Set(bindings) => match bindings.iter().find(|one| one.name.as_deref() == Some("test")) {
            Some(Binding { value, .. }) => *value == Nix::word("true"),
            None => usually,
        },
        _ => usually,
    };
    let mut text = String::new();
    for (name, usually) in [("libs", true), ("bins", true), ("tests", true), ("benches", false)] {
        let tested = items(record, name).iter().filter(|target| is_tested(target, usually));
        text.extend(tested.map(|target| format!("{name} {}", target.print())));
    }
    // Examples that are not tested are compiled as well.
    text.extend(items(record, "examples").iter().map(|target| format!("example {}", target.print())));
    text
}
