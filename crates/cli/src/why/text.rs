//! Answers for a terminal: the first line is the answer, the lines below explain it.

use std::fmt::Write;

use cratewright_graph::why::Difference;
use cratewright_graph::{Kind, Side};

use crate::why::answer::{
    Answer, Asked, Built, Chain, Duplicates, FeatureAnswer, HostEntry, HostKind, Listed, PathStep, Place, Role, Unused,
    Vanish,
};

/// Maximum number of names in one line.
const NAMES: usize = 4;

/// Maximum width of a manifest line.
const WIDTH: usize = 100;

pub(crate) fn answer(answer: &Answer) -> String {
    let mut text = format!("{}\n", headline(answer));
    if let Some(feature) = &answer.feature {
        chains(&mut text, answer, feature);
        return text;
    }
    for built in &answer.derivations {
        derivation(&mut text, answer, built);
    }
    for not_built in &answer.not_built {
        if not_built.declared.is_empty() {
            let (name, version) = (&not_built.name, &not_built.version);
            let _ = match &answer.from {
                Some(member) => writeln!(text, "  {member} does not depend on {name} {version}"),
                None => writeln!(text, "  nothing that is built depends on {name} {version}"),
            };
        }
        for declared in &not_built.declared {
            let why = match declared.reason {
                Unused::Platform => "another platform",
                Unused::Optional => "optional, and no feature turns it on",
                Unused::Tests => "for tests, which are not built",
            };
            let _ = writeln!(text, "  {}{}: {why}", line(&declared.asked.place), table(&declared.asked));
        }
    }
    if let Some(vanish) = &answer.to_vanish {
        to_vanish(&mut text, answer, vanish);
    }
    text
}

/// The answer in one line.
fn headline(answer: &Answer) -> String {
    let name = answer.derivations.first().map(|built| &built.name);
    let of = answer.from.as_ref().map(|from| format!(" for {from}")).unwrap_or_default();
    if let Some(feature) = &answer.feature {
        let krate = name.cloned().unwrap_or_else(|| answer.krate.clone());
        let (on, all) = (feature.on.len(), feature.on.len() + feature.off.len());
        let within = if on == all { String::new() } else { format!(" in {on} of {all} derivations") };
        let asks = match &feature.chains[..] {
            _ if on == 0 => {
                return format!("{krate} is built without feature {}{of} on {}", feature.name, answer.platform);
            }
            [] => format!("nothing{} asks for it", of.replace(" for", " in")),
            [first, ..] => {
                let by = first.steps.first().map(|step| step.text.as_str()).unwrap_or_default();
                match feature.chains.len() + feature.more_chains {
                    1 => format!("{by} asks for it"),
                    all => format!("{by} asks for it, and {}", counted(all - 1, "other request")),
                }
            }
        };
        return format!("{krate} has feature {}{of}{within}: {asks}", feature.name);
    }
    let [first, others @ ..] = &answer.derivations[..] else {
        let mut names: Vec<String> =
            answer.not_built.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        if names.is_empty() {
            // Only other builds of the package are used.
            names.push(answer.krate.clone());
        }
        let verb = if names.len() == 1 { "is" } else { "are" };
        return format!("{} {verb} not built{of} on {}", names.join(" and "), answer.platform);
    };
    let lines = answer.to_vanish.as_ref().map(|vanish| &vanish.all_of[..]);
    let asks = match lines {
        _ if first.kind == Kind::Tests => format!("{} is a member of the workspace", first.name),
        _ if first.is_member => "it is a member of the workspace".to_owned(),
        None => counted_paths(answer),
        Some([only]) => format!("{} alone leads to it", line_number(&only.place)),
        Some(lines) => format!("{} lead to it", counted(lines.len(), "manifest line")),
    };
    match others {
        [] if first.kind == Kind::Tests => format!("{} are built once{of}: {asks}", first.label),
        [] if answer.builds > 1 => {
            let (name, version) = (&first.name, &first.version);
            format!("{} is one of {} builds of {name} {version}{of}: {asks}", first.label, answer.builds)
        }
        [] => {
            let role = role(&first.built_for);
            format!("{} {} is built once{role}{of}: {asks}", first.name, first.version)
        }
        _ => {
            let labels: Vec<&str> = answer.derivations.iter().map(short_label).collect();
            let shown = listed(labels.iter().map(|label| (*label).to_owned()).collect());
            format!("{} is built {} times{of} ({shown}): {asks}", first.name, answer.derivations.len())
        }
    }
}

fn counted_paths(answer: &Answer) -> String {
    let paths = answer.derivations.iter().map(|built| built.paths.len() as u64 + built.more_paths).sum::<u64>();
    format!("{} to it", counted(paths as usize, "path"))
}

/// A label without the package name, which is in the headline already.
fn short_label(built: &Built) -> &str {
    built.label.strip_prefix(&built.name).map_or(built.label.as_str(), str::trim_start)
}

fn role(roles: &[Role]) -> &'static str {
    match roles {
        [Role::Compiler] => ", for use at compile time",
        [_, _] => ", for use in programs and at compile time",
        _ => "",
    }
}

fn derivation(text: &mut String, answer: &Answer, built: &Built) {
    let cone = counted(built.cone, "crate");
    let tests = (built.cone_tests > 0).then(|| format!(" and {}", counted(built.cone_tests, "test suite")));
    let (role, tests) = (role(&built.built_for), tests.unwrap_or_default());
    let _ = writeln!(text, "\n{}{role}; a change to it rebuilds {cone}{tests}", built.label);
    if !built.features.is_empty() {
        let _ = writeln!(text, "  features {}", built.features.join(", "));
    }
    if let Some(other) = built.compared_to.as_ref().and_then(|id| answer.derivations.iter().find(|one| one.id == *id)) {
        let differences = built.differences.iter().map(|one| difference(one, built)).collect::<Vec<_>>().join("; ");
        let _ = writeln!(text, "  compared with {}: {differences}", other.label);
    }
    if !built.for_compiler.is_empty() {
        let _ = writeln!(text, "  used at compile time by {}", for_compiler(&built.for_compiler));
    }
    if !built.used_by.is_empty() {
        let _ = writeln!(text, "  used by {}", listed(built.used_by.clone()));
    }
    for path in &built.paths {
        let steps = path.iter().enumerate().map(|(at, one)| if at == 0 { one.label.clone() } else { step(one) });
        let _ = writeln!(text, "  {}", steps.collect::<Vec<_>>().join(" -> "));
        for asked in path.iter().flat_map(|step| &step.asked_by) {
            asked_by(text, "    ", asked);
        }
    }
    if built.more_paths > 0 {
        let _ = writeln!(text, "  and {} (--limit)", counted(built.more_paths as usize, "other shortest path"));
    }
}

fn difference(difference: &Difference, built: &Built) -> String {
    match difference {
        Difference::Version => "another version".to_owned(),
        Difference::Source => "from another source".to_owned(),
        Difference::Side => match built.side {
            Side::Host => "for use at compile time".to_owned(),
            Side::Target => "for use in programs".to_owned(),
            Side::Test => "for tests, which unwind".to_owned(),
        },
        Difference::Features { more, less } => {
            let more = (!more.is_empty()).then(|| format!("has features {}", more.join(", ")));
            let less = (!less.is_empty()).then(|| format!("lacks features {}", less.join(", ")));
            more.into_iter().chain(less).collect::<Vec<_>>().join(", ")
        }
        Difference::Dependencies { because_of } => format!("uses another build of {}", because_of.join(", ")),
        Difference::Input { input } => format!("other {}", input.name()),
    }
}

fn for_compiler(entries: &[HostEntry]) -> String {
    let of = |kind: HostKind, one: &str, several: &str| {
        let names: Vec<String> =
            entries.iter().filter(|entry| entry.kind == kind).map(|entry| entry.krate.clone()).collect();
        let noun = if names.len() == 1 { one } else { several };
        (!names.is_empty()).then(|| format!("{noun} {}", listed(names)))
    };
    let macros = of(HostKind::ProceduralMacro, "the procedural macro", "procedural macros");
    let scripts = of(HostKind::BuildScript, "the build script of", "build scripts of");
    macros.into_iter().chain(scripts).collect::<Vec<_>>().join("; ")
}

fn step(step: &PathStep) -> String {
    match (step.for_build_script, step.is_procedural_macro) {
        (true, _) => format!("(build script) {}", step.label),
        (false, true) => format!("(procedural macro) {}", step.label),
        (false, false) => step.label.clone(),
    }
}

fn asked_by(text: &mut String, indent: &str, asked: &Asked) {
    let optional = match &asked.turned_on_by[..] {
        [] => String::new(),
        features => format!(", enabled by feature {}", listed(features.to_vec())),
    };
    let _ = writeln!(text, "{indent}{}{}{optional}", line(&asked.place), table(asked));
    if let Some(place) = &asked.inherited_from {
        let _ = writeln!(text, "{indent}  {}", line(place));
    }
}

/// The table that declares the dependency, unless it is `[dependencies]` or the line itself shows it.
fn table(asked: &Asked) -> String {
    match &asked.platform {
        _ if asked.place.text.starts_with('[') => String::new(),
        Some(platform) => format!(", for {platform}"),
        None if asked.table == "dependencies" => String::new(),
        None => format!(", in [{}]", asked.table),
    }
}

fn to_vanish(text: &mut String, answer: &Answer, vanish: &Vanish) {
    let of = answer.from.as_ref().map(|from| format!(" for {from}")).unwrap_or_default();
    let _ = match (&vanish.one_of[..], &vanish.all_of[..]) {
        ([_], _) => writeln!(text, "\nTo get rid of it{of}, remove this line:"),
        ([], all) => writeln!(text, "\nTo get rid of it{of}, remove these {}:", counted(all.len(), "line")),
        (_, _) => writeln!(text, "\nTo get rid of it{of}, remove any of these lines:"),
    };
    let lines = if vanish.one_of.is_empty() { &vanish.all_of } else { &vanish.one_of };
    // Several members may inherit the same line.
    let mut groups: Vec<(&Place, Vec<String>, String)> = Vec::new();
    for asked in lines {
        let Some(place) = &asked.inherited_from else {
            groups.push((&asked.place, Vec::new(), table(asked)));
            continue;
        };
        match groups.iter_mut().find(|(known, ..)| *known == place) {
            Some((_, members, _)) => members.push(line_number(&asked.place)),
            None => groups.push((place, vec![line_number(&asked.place)], String::new())),
        }
    }
    for (place, members, table) in groups {
        let _ = writeln!(text, "  {}{table}", line(place));
        if !members.is_empty() {
            let _ = writeln!(text, "    inherited by {}", members.join(", "));
        }
    }
    if !vanish.through.is_empty() {
        let _ = writeln!(text, "All paths lead through {}.", vanish.through.join(", then "));
    }
}

fn chains(text: &mut String, answer: &Answer, feature: &FeatureAnswer) {
    let labels = |ids: &[String]| {
        let label = |id: &String| answer.derivations.iter().find(|one| one.id == *id).map(|one| one.label.clone());
        ids.iter().filter_map(label).collect::<Vec<_>>().join(", ")
    };
    if !feature.on.is_empty() && !feature.off.is_empty() {
        let _ = writeln!(text, "  on in {}", labels(&feature.on));
        let _ = writeln!(text, "  off in {}", labels(&feature.off));
    }
    for chain in &feature.chains {
        let steps = chain.steps.iter().map(|step| step.text.as_str()).collect::<Vec<_>>().join(" -> ");
        let _ = writeln!(text, "\n{steps}{}", remark(chain));
        for step in &chain.steps {
            if let Some(place) = &step.place {
                let _ = writeln!(text, "  {}", line(place));
            }
            if let Some(place) = &step.inherited_from {
                let _ = writeln!(text, "    {}", line(place));
            }
        }
    }
    if feature.more_chains > 0 {
        let _ = writeln!(text, "\nand {} (--limit)", counted(feature.more_chains, "other request"));
    }
}

fn remark(chain: &Chain) -> String {
    let variant = chain.variant.as_ref().map(|variant| format!("variant {variant}"));
    let tests = chain.for_tests.then(|| "for tests".to_owned());
    let host = (chain.side == "host").then(|| "for use at compile time".to_owned());
    let remarks: Vec<String> = variant.into_iter().chain(tests).chain(host).collect();
    if remarks.is_empty() { String::new() } else { format!(" ({})", remarks.join(", ")) }
}

pub(crate) fn duplicates(answer: &Duplicates) -> String {
    let Duplicates { duplicates, crates, redundant, platform, .. } = answer;
    if duplicates.is_empty() {
        return format!("no package is built several times on {platform}: {}\n", counted(*crates, "crate"));
    }
    let mut text = format!(
        "{} built several times on {platform}: {redundant} of {crates} crates would not be needed if each package were built once\n",
        match duplicates.len() {
            1 => "1 package is".to_owned(),
            many => format!("{many} packages are"),
        }
    );
    let cost = |one: &Listed| one.seconds.map_or_else(|| one.cone.to_string(), |seconds| format!("{seconds:.1}"));
    let unit = if duplicates.iter().any(|one| one.seconds.is_some()) { "seconds" } else { "cone" };
    let _ = writeln!(text, "\n{unit:>7}  times  package");
    for one in duplicates {
        let _ = writeln!(text, "{:>7}  {:>5}  {}: {}", cost(one), one.derivations.len(), one.name, one.reason);
    }
    text
}

fn line(place: &Place) -> String {
    let mut text: String = place.text.chars().take(WIDTH).collect();
    if text.len() < place.text.len() {
        text.push_str(" ...");
    }
    format!("{}: {text}", line_number(place))
}

fn line_number(place: &Place) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.file),
        None => place.file.clone(),
    }
}

/// The first few names, and how many more there are.
fn listed(mut names: Vec<String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    if more > 1 {
        names.truncate(NAMES);
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
