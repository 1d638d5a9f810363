//! Variables that builds of the fixture `environment` print, and the table of differences in the docs.

use std::collections::{BTreeMap, BTreeSet};

/// Values of variables by package and place, then by name.
#[derive(Default)]
pub struct Dumps(BTreeMap<(String, String), BTreeMap<String, String>>);

/// A variable whose values differ; `None` if it is not set.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub package: String,
    pub place: String,
    pub variable: String,
    pub cargo: Option<String>,
    pub nix: Option<String>,
}

/// A line of the table in docs/src/environment.md.
#[derive(Debug)]
pub struct Row {
    pub variable: String,
    places: Vec<String>,
    cargo: String,
    nix: String,
}

/// Variables of the machine and the user; all others in cargo's processes come from cargo. Cargo sets `SSL_*` for its
/// own downloads.
const BASE: [&str; 4] = ["HOME", "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE"];

impl Dumps {
    /// Adds the output of `fixtures/environment/vars`, with paths replaced by the names of places.
    pub fn read(&mut self, text: &str, roots: &[(String, &str)]) {
        let mut printed: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
        for line in text.lines() {
            let Some(line) = line.strip_prefix("environment\t") else { continue };
            let [package, place, variable] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let (name, value) = variable.split_once('=').unwrap();
            let of_place = printed.entry((package.to_owned(), place.to_owned())).or_default();
            of_place.insert(name.to_owned(), value.to_owned());
        }
        for (key, variables) in printed {
            let place = |(name, value): (&String, &String)| (name.clone(), normal(name, value, roots, &variables));
            let variables = variables.iter().map(place).collect();
            // A library that is linked twice prints its environment twice.
            let before = self.0.insert(key.clone(), variables);
            assert!(before.is_none_or(|before| before == self.0[&key]), "{key:?} has two environments");
        }
    }

    pub fn get(&self, package: &str, place: &str, name: &str) -> Option<&str> {
        self.0[&(package.to_owned(), place.to_owned())].get(name).map(String::as_str)
    }

    /// The variables that differ between cargo and Nix.
    pub fn differences(&self, nix: &Self) -> BTreeSet<Difference> {
        let same = !self.0.is_empty() && self.0.keys().eq(nix.0.keys());
        assert!(same, "places: {:?}\n{:?}", self.0.keys(), nix.0.keys());
        let mut all = BTreeSet::new();
        for ((package, place), cargos) in &self.0 {
            let ours = &nix.0[&(package.clone(), place.clone())];
            let names: BTreeSet<&String> = cargos.keys().chain(ours.keys()).collect();
            for name in names {
                let of_cargo = cargos.contains_key(name) && !BASE.contains(&name.as_str()) || self.is_of_cargo(name);
                if of_cargo && cargos.get(name) != ours.get(name) {
                    all.insert(Difference {
                        package: package.clone(),
                        place: place.clone(),
                        variable: name.clone(),
                        cargo: cargos.get(name).cloned(),
                        nix: ours.get(name).cloned(),
                    });
                }
            }
        }
        all
    }

    /// Whether a variable belongs to cargo or rustc, or is set by cargo in another place.
    fn is_of_cargo(&self, name: &str) -> bool {
        let is_set = |variables: &BTreeMap<String, String>| variables.contains_key(name);
        ["CARGO", "DEP_", "RUST"].iter().any(|start| name.starts_with(start))
            || !BASE.contains(&name) && self.0.values().any(is_set)
    }
}

/// A value in which paths of build output, the package and the toolchain are replaced by names.
fn normal(name: &str, value: &str, roots: &[(String, &str)], variables: &BTreeMap<String, String>) -> String {
    const ENDS: [char; 5] = [':', ' ', '=', '"', ','];
    if name == "NUM_JOBS" && value.parse::<usize>().is_ok() {
        return "<number>".to_owned();
    }
    let package = &variables["CARGO_MANIFEST_DIR"];
    let own = [(format!("{package}/target"), "<made>"), (package.clone(), "<package>")];
    let one = |word: &str| {
        let path = word.trim_end_matches(ENDS);
        let end = &word[path.len()..];
        let known =
            roots.iter().map(|(root, label)| (root, *label)).chain(own.iter().map(|(root, label)| (root, *label)));
        let mut below = known.filter_map(|(root, label)| Some((label, path.strip_prefix(root.as_str())?)));
        match below.find(|(_, rest)| rest.is_empty() || rest.starts_with('/')).or_else(|| in_store(path)) {
            None => word.to_owned(),
            Some(("<made>", rest)) => {
                // Output directories of build scripts are called `out` by cargo, and `<package>.out` in Nix.
                let name = rest.rsplit('/').next().unwrap_or_default();
                let name = if name.ends_with(".out") { "out" } else { name };
                format!("<made>/{name}{end}")
            }
            Some((label, rest)) => format!("{label}{rest}{end}"),
        }
    };
    value.split_inclusive(ENDS).map(one).collect()
}

/// A label for the output of a store path, and the path below it. Outputs of crates are called `lib`, or have
/// compiled-in directories.
fn in_store(path: &str) -> Option<(&'static str, &str)> {
    let path = path.strip_prefix("/nix/store/")?;
    let (output, rest) = path.split_at(path.find('/')?);
    let is_crate = output.ends_with("-lib") || rest.starts_with("/share/cargo/");
    Some((if is_crate { "<made>" } else { "<toolchain>" }, rest))
}

/// The rows of the table below a heading.
pub fn rows(markdown: &str, heading: &str) -> Vec<Row> {
    let (_, section) = markdown.split_once(&format!("\n## {heading}\n")).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [variable, places, cargo, nix, cause] = cells[..] else { panic!("five cells: {line}") };
        assert!(!cause.is_empty(), "{line}");
        Row {
            variable: variable.trim_matches('`').to_owned(),
            places: places.split(", ").map(str::to_owned).collect(),
            cargo: cargo.to_owned(),
            nix: nix.to_owned(),
        }
    };
    lines.skip(2).map(row).collect()
}

impl Row {
    /// The place in this row that a difference belongs to, if any. `member` is the member that was built.
    pub fn place_of(&self, difference: &Difference, member: &str, is_macro: bool) -> Option<&str> {
        let kind = match difference.place.as_str() {
            place if place.starts_with("the run of the build script") => "build scripts",
            place if place.starts_with("the run of ") => "tests",
            _ => "rustc",
        };
        let agrees = |cell: &str, value: &Option<String>| match (cell.trim_matches('`'), value) {
            ("not set", value) => value.is_none(),
            (text, Some(value)) => text == cell || text == value,
            (_, None) => false,
        };
        let mut names = vec![kind.to_owned()];
        if difference.package != member {
            names.push(format!("{kind} of a dependency"));
        } else if is_macro {
            names.push(format!("{kind} of a procedural macro"));
        }
        let here = self.places.iter().find(|&place| names.contains(place));
        here.filter(|_| fits(&self.variable, &difference.variable))
            .filter(|_| agrees(&self.cargo, &difference.cargo) && agrees(&self.nix, &difference.nix))
            .map(String::as_str)
    }

    /// Places, each with the variable, for messages.
    pub fn places(&self) -> impl Iterator<Item = (String, String)> {
        self.places.iter().map(|place| (self.variable.clone(), place.clone()))
    }
}

/// Whether a name matches a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|name| name.char_indices().any(|(ix, _)| fits(rest, &name[ix..])) || fits(rest, "")),
    }
}
