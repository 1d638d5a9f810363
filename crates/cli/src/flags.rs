//! Which keys of cargo's configuration are used when crates are compiled, and which are ignored.

use std::path::Path;

use cargo_platform::Platform as Expression;
use cratewright_resolver::Platform;
use cratewright_workspace::{CargoConfig, texts};
use serde_json::Value;

/// Keys that change cargo's builds but are ignored here, and what to do instead.
const IGNORED: [(&str, &str); 5] = [
    ("build.rustc", "pass a builder with that toolchain as `buildRustCrateForPkgs`"),
    ("build.rustc-wrapper", "pass a builder whose rustc is wrapped as `buildRustCrateForPkgs`"),
    ("build.rustc-workspace-wrapper", "pass a builder whose rustc is wrapped as `buildRustCrateForPkgs`"),
    ("build.target", "list the platform in `targets` or `cross` of [workspace.metadata.cratewright]"),
    ("build.rustdocflags", "documentation is built without them"),
];

/// Wrappers of rustc that do not change its output: caches.
const CACHES: [&str; 4] = ["buildcache", "cachepot", "ccache", "sccache"];

/// Options of `-C` whose value rustc splits at spaces, with the option that takes a single word (`parse_list` in
/// `compiler/rustc_session/src/options.rs`).
const LISTS: [(&str, &str); 4] =
    [("link-args", "link-arg"), ("llvm-args", "llvm-args"), ("passes", "passes"), ("remark", "remark")];

/// Flags for everything that is compiled for a platform, as in cargo's `rustflags_from_target` and
/// `rustflags_from_build` (`src/cargo/core/compiler/build_context/target_info.rs`).
pub(crate) fn rustflags(config: &CargoConfig, platform: &Platform) -> Vec<String> {
    let by_triple = config.targets().filter(|(name, _)| **name == platform.triple);
    let by_cfg = config.targets().filter(|(name, _)| {
        name.starts_with("cfg(") && name.parse::<Expression>().is_ok_and(|cfg| platform.matches(&cfg))
    });
    let flags: Vec<String> = by_triple.chain(by_cfg).flat_map(|(_, target)| words(target.get("rustflags"))).collect();
    if flags.is_empty() { words(config.get("build.rustflags")) } else { flags }
}

/// The same flags for nixpkgs' builder, which splits them at spaces and expands patterns of file names in them.
///
/// # Errors
/// Returns the flag that cannot be passed on.
pub(crate) fn rustflags_for_nix(config: &CargoConfig, platform: &Platform) -> Result<Vec<String>, String> {
    let flags: Vec<String> = one_by_one(rustflags(config, platform)).into_iter().map(linker_by_name).collect();
    let is_split = |flag: &&String| flag.contains([' ', '\t', '\n', '*', '?', '[', ']']);
    match flags.iter().find(is_split) {
        Some(flag) => Err(flag.clone()),
        None => Ok(flags),
    }
}

/// A warning for each key that applies to one of these platforms and is ignored.
pub(crate) fn ignored(config: &CargoConfig, platforms: &[Platform]) -> Vec<String> {
    let keys = IGNORED.iter().filter(|(key, _)| match config.get(key) {
        None => false,
        Some(value) if *key == "build.target" => {
            let is_resolved = |triple: &String| platforms.iter().any(|platform| platform.triple == *triple);
            !texts(Some(value)).iter().all(is_resolved)
        }
        Some(wrapper) if key.ends_with("wrapper") => !texts(Some(wrapper)).iter().all(|path| is_cache(path)),
        Some(_) => true,
    });
    let mut ignored: Vec<String> = keys.map(|(key, what)| format!("`{key}` is ignored: {what}")).collect();
    let is_for = |name: &str, platform: &Platform| {
        name == platform.triple || name.parse::<Expression>().is_ok_and(|target| platform.matches(&target))
    };
    for (name, target) in config.targets() {
        if !platforms.iter().any(|platform| is_for(name, platform)) {
            continue;
        }
        let mut ignore = |key: &str, why: &str| ignored.push(format!("`target.{name}.{key}` is ignored: {why}"));
        for (key, value) in target {
            match key.as_str() {
                "linker" => {
                    ignore(
                        key,
                        "programs are linked by the C compiler of stdenv; set the argument `linker` of Cargo.nix instead",
                    );
                }
                "runner" => ignore(key, "tests are run directly"),
                "rustdocflags" => ignore(key, "documentation is built without them"),
                _ if value.is_object() => ignore(key, "build scripts are always run"),
                _ => {}
            }
        }
    }
    ignored
}

/// Turns `-fuse-ld=/usr/bin/mold` into `-fuse-ld=mold`, as the path is valid on one machine only.
fn linker_by_name(flag: String) -> String {
    let found = ["-fuse-ld=", "--ld-path="].iter().find_map(|option| flag.split_once(option));
    match found.and_then(|(before, linker)| Some((before, Path::new(linker).file_name()?.to_str()?))) {
        Some((before, name)) => format!("{before}-fuse-ld={}", name.strip_prefix("ld.").unwrap_or(name)),
        None => flag,
    }
}

fn is_cache(wrapper: &str) -> bool {
    let name = Path::new(wrapper).file_stem().unwrap_or_default();
    wrapper.is_empty() || CACHES.iter().any(|cache| name == *cache)
}

/// Splits flags with lists: `-C link-args=A B` becomes `-C link-arg=A -C link-arg=B`.
fn one_by_one(flags: Vec<String>) -> Vec<String> {
    let mut single: Vec<String> = Vec::new();
    for flag in flags {
        let begin = ["--codegen=", "-C"].into_iter().find(|begin| flag.starts_with(begin) && flag != *begin);
        let is_value = begin.is_none() && single.last().is_some_and(|last| last == "-C" || last == "--codegen");
        let (begin, option) = match begin {
            Some(begin) => (begin, &flag[begin.len()..]),
            None if is_value => ("", flag.as_str()),
            None => {
                single.push(flag);
                continue;
            }
        };
        let list = option.split_once('=').filter(|(_, words)| words.contains(char::is_whitespace));
        let list = list.and_then(|(name, words)| {
            let (_, of_one) = LISTS.iter().find(|(list, _)| name.replace('_', "-") == *list)?;
            Some((of_one, words))
        });
        let Some((of_one, words)) = list else {
            single.push(flag);
            continue;
        };
        let dash = if is_value { single.pop() } else { None };
        for word in words.split_whitespace() {
            single.extend(dash.clone());
            single.push(format!("{begin}{of_one}={word}"));
        }
    }
    single
}

/// A string of words, or a list of strings, like cargo's `StringList`.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        other => texts(other),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cratewright_staleness::Observer;
    use cratewright_workspace::Workspace;

    use super::*;

    fn config(text: &str) -> CargoConfig {
        let files = [("Cargo.toml", "[workspace]"), (".cargo/config.toml", text)];
        let files = files.map(|(file, text)| (file.to_owned(), text.to_owned()));
        Workspace::discover(&Observer::new(&BTreeMap::from(files))).unwrap().config
    }

    fn linux() -> Platform {
        Platform::parse("x86_64-unknown-linux-gnu", "unix\ntarget_os=\"linux\"").unwrap()
    }

    #[test]
    fn target_rustflags_replace_build_rustflags() {
        let both = "[build]\nrustflags = '-C a'\n[target.'cfg(unix)']\nrustflags = ['--cfg', 'b']\n\
                    [target.x86_64-unknown-linux-gnu]\nrustflags = '-Cc'\n[target.'cfg(windows)']\nrustflags = ['-Cd']";
        assert_eq!(rustflags(&config(both), &linux()), ["-Cc", "--cfg", "b"]);
        assert_eq!(rustflags(&config("[build]\nrustflags = ['-C', 'a b']"), &linux()), ["-C", "a b"]);
        assert!(rustflags(&config(""), &linux()).is_empty());
    }

    #[test]
    fn lists_of_flags_are_split_into_words() {
        let passed = |flags: &str| rustflags_for_nix(&config(&format!("[build]\nrustflags = {flags}")), &linux());
        let words = |flags: &[&str]| Ok(flags.iter().map(|flag| (*flag).to_owned()).collect());
        assert_eq!(
            passed("['-C', 'link-args=-weak_framework Metal', '-Dwarnings']"),
            words(&["-C", "link-arg=-weak_framework", "-C", "link-arg=Metal", "-Dwarnings"])
        );
        assert_eq!(passed("['-Clink-args= -a  -b ']"), words(&["-Clink-arg=-a", "-Clink-arg=-b"]));
        assert_eq!(
            passed("['--codegen=llvm_args=-a -b', '--codegen', 'link-args=  ']"),
            words(&["--codegen=llvm-args=-a", "--codegen=llvm-args=-b"])
        );
        assert_eq!(
            passed("['-C', 'target-cpu=native', '-C', 'link-args=-a']"),
            words(&["-C", "target-cpu=native", "-C", "link-args=-a"])
        );
        for flag in ["--cfg=a=\"b c\"", "-L/my dir", "-Clink-args=-a *.o", "-Clink-arg=a b"] {
            let refused = passed(&format!("['{flag}']")).unwrap_err();
            assert!(flag.ends_with(refused.rsplit('=').next().unwrap()), "{flag}: {refused}");
        }
    }

    #[test]
    fn paths_of_linkers_become_names() {
        let passed = |flags: &str| rustflags_for_nix(&config(&format!("[build]\nrustflags = {flags}")), &linux());
        for (flag, expected) in [
            ("-Clink-arg=-fuse-ld=mold", "-Clink-arg=-fuse-ld=mold"),
            ("-Clink-arg=-fuse-ld=/usr/bin/mold", "-Clink-arg=-fuse-ld=mold"),
            ("-Clink-arg=--ld-path=/usr/local/bin/ld.lld", "-Clink-arg=-fuse-ld=lld"),
            ("-Clink-arg=-fuse-ld=lld", "-Clink-arg=-fuse-ld=lld"),
        ] {
            assert_eq!(passed(&format!("['{flag}']")), Ok(vec![expected.to_owned()]), "{flag}");
        }
    }

    #[test]
    fn ignored_keys_are_reported_for_resolved_platforms() {
        let ignored = |text: &str| super::ignored(&config(text), &[linux()]);
        let text = "[build]\ntarget = 'x'\n[target.x86_64-unknown-linux-gnu]\nlinker = 'clang'\nrunner = 'qemu'\n\
                    [target.x86_64-unknown-linux-gnu.foo]\nrustc-cfg = []\n[target.'cfg(unix)']\nrustdocflags = ['-Da']";
        let said = ignored(text);
        assert_eq!(said.len(), 5, "{said:?}");
        assert!(said[0].contains("`build.target`"), "{said:?}");
        assert!(said.iter().any(|line| line.contains("`target.x86_64-unknown-linux-gnu.linker`")), "{said:?}");
        for text in [
            "[target.x86_64-pc-windows-msvc]\nlinker = 'rust-lld.exe'\nrunner = 'wine'",
            "[target.'cfg(windows)']\nlinker = 'rust-lld.exe'",
            "[build]\nincremental = false\ntarget = ['x86_64-unknown-linux-gnu']\nrustc-wrapper = '/usr/bin/sccache'",
        ] {
            assert!(ignored(text).is_empty(), "{text}");
        }
        assert_eq!(ignored("[build]\nrustc-wrapper = 'tools/own.sh'").len(), 1);
    }
}
