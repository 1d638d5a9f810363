//! Graphs to draw.

use cratewright_graph::{Derivation, DerivationGraph, DerivationIx, Kind, Side};

/// Text with a special meaning in HTML, XML, DOT, Mermaid, YAML, JSON or a terminal.
pub(crate) const HOSTILE: [&str; 8] = [
    "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    "<!--<script>",
    "\"];n0->n0[label=\"\\",
    "]]></style></svg><b>&amp;&lt;#quot;",
    "`**bold**`\"]:::changed; end\n%%{init: {}}%%",
    "\\N\\G\\l'\u{1b}[31m\u{0}\u{202e}",
    "style: #1; click n0 href \"javascript:alert(1)\"",
    "---\ntitle: {{template}} ${value} %s",
];

/// A graph with hostile text in all fields that packages control.
pub(crate) fn hostile() -> DerivationGraph {
    let mut derivations: Vec<Derivation> = Vec::new();
    for (ix, text) in HOSTILE.into_iter().enumerate() {
        let mut derivation = Derivation::new(text, text);
        derivation.id = format!("{text}{ix}");
        derivation.key = format!("a@1 {text}");
        derivation.source = Some(text.to_owned());
        derivation.dir = Some(text.to_owned());
        derivation.features = HOSTILE.map(str::to_owned).to_vec();
        derivation.is_member = ix + 1 == HOSTILE.len();
        derivation.dependencies = (0..ix).collect();
        derivations.push(derivation);
    }
    DerivationGraph { platform: HOSTILE[0].to_owned(), derivations }
}

/// A deterministic generator of pseudorandom numbers.
struct Dice(u64);

impl Dice {
    /// A number below `below`.
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % below.max(1)
    }
}

const FIRST: [&str; 20] = [
    "async",
    "base",
    "crossbeam",
    "digest",
    "event",
    "fast",
    "graph",
    "hyper",
    "index",
    "json",
    "key",
    "lazy",
    "mime",
    "net",
    "option",
    "parse",
    "query",
    "rust",
    "serde",
    "tokio",
];
const SECOND: [&str; 16] = [
    "core", "derive", "util", "macros", "sys", "io", "map", "buf", "codec", "types", "runtime", "trait", "impl",
    "hash", "stream", "test",
];
const FEATURES: [&str; 12] =
    ["default", "std", "alloc", "derive", "full", "rt", "macros", "unicode", "tls", "simd", "logging", "serde"];

/// A graph like those of real workspaces: 1 of 40 crates is a member with tests, 1 of 8 is compiled for another
/// platform, and few packages are duplicates. Most crates depend on popular ones.
pub(crate) fn plausible(platform: &str, crates: usize) -> DerivationGraph {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let members = (crates / 40).max(1);
    let mut derivations: Vec<Derivation> = Vec::new();
    for ix in 0..crates - members {
        let (first, second) = (FIRST[ix % FIRST.len()], SECOND[ix / FIRST.len() % SECOND.len()]);
        let series = ix / (FIRST.len() * SECOND.len());
        let name = if series == 0 { format!("{first}-{second}") } else { format!("{first}-{second}-{series}") };
        let mut derivation = Derivation::new(&name, &format!("{}.{}.{}", dice.roll(3), dice.roll(30), dice.roll(9)));
        derivation.dependencies = lower(&mut dice, ix);
        match dice.roll(24) {
            // Another version or feature set of an earlier crate.
            0 if ix > 20 => derivation.name = derivations[ix - 7].name.clone(),
            1 if ix > 20 => {
                let twin = derivations[ix - 11].clone();
                (derivation.name, derivation.version) = (twin.name, twin.version);
            }
            2..5 => derivation.side = Side::Host,
            _ => (),
        }
        derivation.features = FEATURES.into_iter().filter(|_| dice.roll(3) == 0).map(str::to_owned).collect();
        derivation.features.sort_unstable();
        derivation.key = format!("{}@{}", derivation.name, derivation.version);
        if derivations.iter().any(|other| other.key == derivation.key) {
            derivation.key.push_str(&format!(" [{}]", derivation.features.join("+")));
        }
        let table = if derivation.side == Side::Host { "build" } else { "units" };
        derivation.id = format!("{table}.\"{}\"", derivation.key);
        let build = dice.roll(6);
        derivation.build_dependencies = if build == 0 { lower(&mut dice, ix) } else { Vec::new() };
        derivations.push(derivation);
    }
    let lowest_member = derivations.len();
    for ix in lowest_member..crates {
        let name = if ix + 1 == crates { "app".to_owned() } else { format!("app-{}", SECOND[ix % SECOND.len()]) };
        let mut derivation = Derivation::new(&name, "0.1.0");
        derivation.id = format!("workspaceMembers.{name}{ix}");
        (derivation.is_member, derivation.source) = (true, None);
        derivation.dir = Some(format!("crates/{name}"));
        derivation.dependencies = (0..12).map(|_| dice.roll(lowest_member)).collect();
        derivation.dependencies.extend((lowest_member..ix).filter(|_| dice.roll(3) == 0));
        derivation.dependencies.sort_unstable();
        derivation.dependencies.dedup();
        derivations.push(derivation);
    }
    use_all(&mut derivations, lowest_member);
    for ix in lowest_member..crates {
        let name = derivations[ix].name.clone();
        let dependencies = vec![dice.roll(lowest_member), ix];
        let (id, dir) = (format!("tests.{name}{ix}"), derivations[ix].dir.clone());
        let tests = Derivation {
            id,
            kind: Kind::Tests,
            is_member: true,
            source: None,
            dir,
            dependencies,
            ..Derivation::new(&name, "0.1.0")
        };
        derivations.push(tests);
    }
    DerivationGraph { platform: platform.to_owned(), derivations }
}

/// A few earlier crates, most often the first ones.
fn lower(dice: &mut Dice, ix: usize) -> Vec<DerivationIx> {
    let count = [0, 1, 1, 2, 2, 3, 4, 5, 7][dice.roll(9)];
    let mut dependencies: Vec<DerivationIx> = (0..count)
        .filter(|_| ix > 0)
        .map(|_| {
            let most = dice.roll(ix) + 1;
            dice.roll(most)
        })
        .collect();
    dependencies.sort_unstable();
    dependencies.dedup();
    dependencies
}

/// Makes the last member depend on all crates without dependents.
fn use_all(derivations: &mut [Derivation], lowest_member: DerivationIx) {
    let mut is_used = vec![false; derivations.len()];
    derivations.iter().flat_map(Derivation::all_dependencies).for_each(|ix| is_used[ix] = true);
    let (unused, members) = ((0..lowest_member).filter(|&ix| !is_used[ix]), derivations.len() - lowest_member);
    for (turn, ix) in unused.collect::<Vec<_>>().into_iter().enumerate() {
        derivations[lowest_member + turn % members].dependencies.push(ix);
    }
    derivations[lowest_member..].iter_mut().for_each(|member| {
        member.dependencies.sort_unstable();
        member.dependencies.dedup();
    });
}

/// Build times in seconds, of which a few are unknown.
pub(crate) fn seconds(graph: &DerivationGraph) -> Vec<Option<f64>> {
    let mut dice = Dice(7);
    let each = graph.derivations.iter().map(|_| match dice.roll(20) {
        0 => None,
        _ => Some((1 + dice.roll(30) * dice.roll(20)) as f64 / 10.0),
    });
    each.collect()
}
