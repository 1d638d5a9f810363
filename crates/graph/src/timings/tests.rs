use super::*;
use crate::sample::{LINUX, Sample, linux};

/// The report of `cargo test --no-run --timings` of cargo 1.95 for a small workspace, without the page around it.
const REPORT: &str = include_str!("tests/cargo-timing.html");

/// A log of Nix 2.8, with the times of `ts '%.s'`. `rust_broken-1.0.0` fails.
const LOG: &str = include_str!("tests/nix.log");

fn package(name: &str, version: &str, kind: Kind, features: &[&str]) -> Subject {
    let features = features.iter().map(|&feature| feature.to_owned()).collect();
    Subject::Package { name: name.to_owned(), version: version.to_owned(), kind, features }
}

fn nix_name(name: &str) -> Subject {
    Subject::NixName(name.to_owned())
}

fn measurement(subject: Subject, seconds: f64) -> Measurement {
    Measurement { subject, seconds }
}

/// Timings of crates for the target.
fn known(crates: &[(&str, f64)]) -> Timings {
    let crates = crates.iter().map(|&(key, seconds)| (key.to_owned(), BTreeMap::from([(Side::Target, seconds)])));
    Timings { crates: crates.collect(), tests: BTreeMap::new() }
}

fn read(lines: &[&str]) -> Result<Vec<(String, f64)>, Diagnostic> {
    let found = measurements("build.log", &lines.join("\n"))?;
    let pair = |Measurement { subject, seconds }: Measurement| match subject {
        Subject::NixName(name) => (name, seconds),
        other => panic!("{other:?}"),
    };
    Ok(found.into_iter().map(pair).collect())
}

const START: &str = r#"@nix {"action":"start","id":7,"type":105,"fields":["/nix/store/00000000000000000000000000000000-rust_a-1.0.0.drv"]}"#;
const STOP: &str = r#"@nix {"action":"stop","id":7}"#;

#[track_caller]
fn takes(start: &str, stop: &str, seconds: f64) {
    let found = read(&[&format!("{start}{START}"), &format!("{stop}{STOP}")]).unwrap();
    let [(name, taken)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(name, "rust_a-1.0.0");
    assert!((taken - seconds).abs() < 1e-3, "{taken}");
}

#[test]
fn common_formats_of_times_in_front_of_lines_are_read() {
    takes("1700000000.25 ", "1700000002.5 ", 2.25);
    takes("[12.5] ", "[13.0] ", 0.5);
    takes("00:00:01 ", "00:01:02 ", 61.0);
    takes("Nov 29 14:00:01 ", "Nov 29 14:00:05 ", 4.0);
    takes("2025-11-29T14:00:01.1234567Z ", "2025-11-29T14:00:02.6234567Z ", 1.5);
    takes("2025-11-29T14:00:01+02:00 builder | ", "2025-11-29T14:00:02+02:00 builder | ", 1.0);
    // Midnight, and a clock that was set back.
    takes("23:59:59.5 ", "00:00:01.0 ", 1.5);
    takes("14:00:05 ", "14:00:04 ", 0.0);
}

#[test]
fn lines_can_have_their_time_of_arrival() {
    let mut log = NixLog::new("-");
    log.line("building...", Some(0.0)).unwrap();
    log.line(START, Some(1.0)).unwrap();
    log.line(STOP, Some(3.5)).unwrap();
    let built = log.finish().unwrap();
    assert_eq!(built[0].seconds, 2.5);
    let path = built[0].derivation.clone();
    assert_eq!(built[0].measurement(&BTreeMap::new()), measurement(nix_name("rust_a-1.0.0"), 2.5));
    let ids = BTreeMap::from([(path, "units.\"a@1.0.0\"".to_owned())]);
    assert_eq!(built[0].measurement(&ids), measurement(Subject::Id("units.\"a@1.0.0\"".to_owned()), 2.5));
}

#[test]
fn only_builds_that_succeed_are_measured() {
    let failed = "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"\\u001b[31;1merror:\\u001b[0m builder for \
        '\\u001b[35;1m/nix/store/00000000000000000000000000000000-rust_a-1.0.0.drv\\u001b[0m' failed with exit code 1\"}";
    assert_eq!(read(&[&format!("1 {START}"), &format!("2 {STOP}"), failed]).unwrap(), []);
    assert_eq!(read(&[&format!("1 {START}"), failed, &format!("2 {STOP}")]).unwrap(), []);
    // An interrupted build, and an activity that is not a build.
    assert_eq!(read(&[&format!("1 {START}")]).unwrap(), []);
    assert_eq!(read(&[&format!("1 {START}"), &format!("2 {STOP}"), &format!("9 {STOP}")]).unwrap()[0].1, 1.0);
    let other = START.replace("105", "108");
    assert_eq!(read(&[&other, STOP]).unwrap(), []);
}

#[test]
fn a_real_log_of_nix_is_read() {
    let found = measurements("nix.log", LOG).unwrap();
    let names: Vec<String> = found.iter().map(|found| format!("{:?} {:.1}", found.subject, found.seconds)).collect();
    assert_eq!(names, ["NixName(\"rust_leaf-1.0.0\") 1.0", "NixName(\"app-0.1.0\") 0.5"]);
}

#[track_caller]
fn fails(text: &str, message: &str, position: &str) {
    let error = measurements("build.log", text).unwrap_err();
    assert_eq!((error.code, error.message.as_str()), ("invalid-timings", message));
    assert_eq!(error.file.as_deref(), Some("build.log"));
    assert_eq!(error.position.map(|position| position.to_string()).as_deref(), Some(position));
    assert!(error.help.is_some());
}

#[test]
fn an_invalid_log_is_an_error_with_line_and_expectation() {
    fails("", "no line has a message of Nix, expected `@nix {\"action\":...}`", "1:1");
    fails("a\nb\n", "no line has a message of Nix, expected `@nix {\"action\":...}`", "1:1");
    fails(
        "1 @nix {\"action\":\"msg\",\"level\":3,\"msg\":\"\"}\n2 @nix {\"action\":\"st",
        "the message cannot be read, expected a message of `--log-format internal-json`: \
            EOF while parsing a string at line 1 column 13",
        "2:20",
    );
    fails(&format!("\n{START}"), "a build starts or stops on this line, but the line has no time", "2:1");
    fails(&format!("yesterday {START}"), "a build starts or stops on this line, but the line has no time", "1:1");
    fails(&format!("1 {START}\n{STOP}"), "a build starts or stops on this line, but the line has no time", "2:1");
    fails(
        "1 @nix {\"action\":\"start\",\"id\":7,\"type\":105}",
        "the message about the start of a build has no derivation path in `fields`",
        "1:3",
    );
}

#[test]
fn units_of_cargo_are_summed_by_package() {
    let found = measurements("cargo-timing.html", REPORT).unwrap();
    let seconds = |subject: &Subject| {
        let one = found.iter().find(|found| found.subject == *subject);
        one.unwrap_or_else(|| panic!("{subject:?} is not in {found:#?}")).seconds
    };
    let close = |one: f64, other: f64| assert!((one - other).abs() < 1e-6, "{one} {other}");
    // Compiling the build script, running it, and compiling the library.
    close(seconds(&package("leaf", "1.2.3", Kind::Crate, &["default", "loud"])), 0.06 + 0.30 + 0.03);
    // The library and the binary without the example; then the unit tests of both, and those in `tests`.
    close(seconds(&package("app", "0.1.0", Kind::Crate, &[])), 0.03 + 0.08);
    close(seconds(&package("app", "0.1.0", Kind::Tests, &[])), 0.08 + 0.09 + 0.10);
    close(seconds(&package("leaf", "1.2.3", Kind::Tests, &["default", "loud"])), 0.09);
    assert_eq!(found.len(), 4);
}

#[test]
fn a_package_that_cargo_compiles_twice_takes_the_mean() {
    let unit = |target: &str, duration: f64| {
        format!(
            "{{\"name\":\"a\",\"version\":\"1.0.0\",\"target\":\"{target}\",\"features\":[\"b\",\"a\"],\"duration\":{duration}}}"
        )
    };
    let units = [unit("", 4.0), unit("", 2.0), unit(" build-script", 1.0), unit(" build-script (run)", 1.0)];
    let report = format!("<html>\nconst UNIT_DATA = [{}];\n", units.join(","));
    let found = measurements("report", &report).unwrap();
    assert_eq!(found, [measurement(package("a", "1.0.0", Kind::Crate, &["a", "b"]), 4.0)]);
}

#[test]
fn an_invalid_report_is_an_error_with_line_and_expectation() {
    fails("<html></html>", "the page has no list of units, expected `const UNIT_DATA = [...]`", "1:1");
    fails(
        "<html>\nconst UNIT_DATA = [{}];",
        "the list of units cannot be read, expected units of cargo 1.60 or later: missing field `name` at line 1 column 3",
        "2:19",
    );
    let check = "{\"name\":\"a\",\"version\":\"1.0.0\",\"target\":\" lib (check)\",\"features\":[],\"duration\":1}";
    let nothing = "nothing was compiled in this build, expected units that cargo has built";
    fails(&format!("<html>\nconst UNIT_DATA = [{check}];"), nothing, "2:19");
    fails("<html>\nconst UNIT_DATA = [];", nothing, "2:19");
}

#[test]
fn measurements_find_their_derivations() {
    let mut timings = Timings::default();
    let recorded = timings.record(
        &[linux()],
        &[
            measurement(nix_name("rust_libc-0.2.177"), 3.0),
            measurement(Subject::Id("units.\"openssl-sys@0.9.100\"".to_owned()), 40.0),
            measurement(nix_name("rust_openssl-sys-0.9.100"), 1.0),
            measurement(nix_name("core-0.1.0"), 5.0),
            measurement(nix_name("core-0.1.0"), 7.0),
            measurement(nix_name("core-0.1.0-tests"), 9.0),
            measurement(nix_name("source.tar.gz"), 1.0),
        ],
    );
    let graph = linux();
    let of = |name: &str, kind: Kind, side: Side| {
        let is_meant =
            |derivation: &&Derivation| (&*derivation.name, derivation.kind, derivation.side) == (name, kind, side);
        timings.timing(graph.derivations.iter().find(is_meant).unwrap()).map(|timing| timing.seconds)
    };
    // Nix has the same name for both.
    assert_eq!(of("libc", Kind::Crate, Side::Target), Some(3.0));
    assert_eq!(of("libc", Kind::Crate, Side::Host), Some(3.0));
    assert_eq!(of("openssl-sys", Kind::Crate, Side::Target), Some(40.0));
    assert_eq!(of("core", Kind::Crate, Side::Target), Some(6.0));
    assert_eq!(of("core", Kind::Tests, Side::Target), Some(9.0));
    assert_eq!(of("serde", Kind::Crate, Side::Target), None);
    let unmatched = vec![nix_name("rust_openssl-sys-0.9.100"), nix_name("source.tar.gz")];
    assert_eq!(recorded, Recorded { n_derivations: 5, unmatched });
    assert_eq!(timings.seconds(&graph).iter().flatten().sum::<f64>(), 3.0 + 3.0 + 40.0 + 6.0 + 9.0);
}

#[test]
fn features_distinguish_packages_of_cargo() {
    let mut sample = Sample::default();
    sample.add("syn one", "2.0.1", "default", &[]);
    sample.add("syn two", "2.0.1", "default full", &[]);
    sample.add("syn three", "2.0.1", "printing", &[]);
    let mut graph = sample.graph(LINUX);
    for (derivation, label) in graph.derivations.iter_mut().zip(["", " [test]", " [build]"]) {
        derivation.key += label;
    }
    let mut timings = Timings::default();
    timings.record(
        &[graph.clone()],
        &[
            measurement(package("syn", "2.0.1", Kind::Crate, &["default"]), 2.0),
            measurement(package("syn", "2.0.1", Kind::Crate, &["default", "full"]), 6.0),
            measurement(package("syn", "2.0.1", Kind::Tests, &[]), 100.0),
            measurement(package("synstructure", "2.0.1", Kind::Crate, &[]), 100.0),
        ],
    );
    assert_eq!(timings.seconds(&graph), [Some(2.0), Some(6.0), Some(4.0)]);
}

#[test]
fn an_unmeasured_version_takes_the_time_of_the_nearest() {
    #[track_caller]
    fn check(key: &str, expected: Option<(f64, Option<&str>)>) {
        let timings = known(&[
            ("serde@0.9.0", 1.0),
            ("serde@1.0.100", 2.0),
            ("serde@1.0.200", 3.0),
            ("serde@1.0.200 [test]", 4.0),
            ("serde_json@1.0.210", 5.0),
        ]);
        let derivation = Derivation {
            key: key.to_owned(),
            ..Derivation::new(key.split('@').next().unwrap(), key.split(['@', ' ']).nth(1).unwrap())
        };
        let found = timings.timing(&derivation);
        let found = found.as_ref().map(|timing| match &timing.origin {
            Origin::Exact => (timing.seconds, None),
            Origin::Other(key) => (timing.seconds, Some(key.as_str())),
        });
        assert_eq!(found, expected);
    }
    check("serde@1.0.200", Some((3.0, None)));
    check("serde@1.0.199", Some((3.0, Some("serde@1.0.200"))));
    check("serde@1.0.101", Some((2.0, Some("serde@1.0.100"))));
    check("serde@1.0.201 [test]", Some((4.0, Some("serde@1.0.200 [test]"))));
    check("serde@1.0.200 [variant=loud]", Some((4.0, Some("serde@1.0.200 [test]"))));
    check("serde@1.0.150", Some((2.0, Some("serde@1.0.100"))));
    check("serde@2.0.0", Some((3.0, Some("serde@1.0.200"))));
    check("serd@1.0.200", None);
}

#[test]
fn times_of_another_side_do_not_count() {
    let timings = known(&[("serde@1.0.200", 3.0)]);
    assert_eq!(timings.timing(&Derivation { side: Side::Host, ..Derivation::new("serde", "1.0.200") }), None);
}

#[test]
fn newer_timings_replace_older_ones_and_keep_the_rest() {
    let mut timings = known(&[("a@1.0.0", 1.0), ("b@1.0.0", 1.0)]);
    timings.merge(known(&[("b@1.0.0", 2.0), ("c@1.0.0", 2.0)]));
    assert_eq!(timings, known(&[("a@1.0.0", 1.0), ("b@1.0.0", 2.0), ("c@1.0.0", 2.0)]));
}

#[test]
fn the_file_is_sorted_json() {
    let mut timings = Timings::default();
    timings.record(
        &[linux()],
        &[
            measurement(nix_name("rust_serde-1.0.228"), 1.23456),
            measurement(nix_name("rust_libc-0.2.177"), 3.0),
            measurement(nix_name("core-0.1.0-tests"), 9.0),
        ],
    );
    let text = timings.to_json();
    let expected = r#"{
  "format": 1,
  "crates": {
    "libc@0.2.177": {
      "target": 3.0,
      "host": 3.0
    },
    "serde@1.0.228": {
      "target": 1.235
    }
  },
  "tests": {
    "core@0.1.0": {
      "target": 9.0
    }
  }
}
"#;
    assert_eq!(text, expected);
    let read = Timings::parse("timings.json", &text).unwrap();
    assert_eq!(read.to_json(), text);
}

#[test]
fn an_invalid_file_is_an_error_with_a_position() {
    let check = |text: &str| {
        let error = Timings::parse("timings.json", text).unwrap_err();
        assert_eq!(error.code, "invalid-timings");
        (error.message, error.position.map(|position| position.to_string()))
    };
    let (message, position) = check("{\n  \"format\": 1,\n");
    assert_eq!(message, "the file is not a valid timings file: EOF while parsing a value at line 3 column 0");
    assert_eq!(position.as_deref(), Some("3:1"));
    assert_eq!(
        check("{\"format\": 2, \"more\": []}"),
        ("the file has format 2; this version of Cratewright reads 1".to_owned(), None)
    );
}
