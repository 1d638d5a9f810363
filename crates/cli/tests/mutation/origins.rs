//! Workspaces with packages from git, from a vendored directory, and from another registry.

use std::process::Command;

use super::edits::{Edit, append, delete, edit, elsewhere, map, relocked, set, silent, write};
use super::workspaces::Make;
use crate::support::git::Scratch;
use crate::support::registry::{APPLICATION, pack, says, serve, vendored_workspace};
use crate::support::{copy_tree, run, stdout};

const CONFIG: &str = ".cargo/config.toml";

fn app(scratch: Scratch, edits: Vec<Edit>) -> Make {
    Make { scratch, tree: "app", below: "", member: "Cargo.toml", edits }
}

/// Makes cargo fetch packages that edits may add.
fn fetch(scratch: &Scratch, config: &str, dependencies: &str) {
    let manifest = format!("{APPLICATION}{dependencies}");
    scratch.write("fetched", &[("Cargo.toml", &manifest), (CONFIG, config), ("src/main.rs", "")]);
    run(scratch.environment(Command::new("cargo").args(["fetch", "--quiet"]).current_dir(scratch.path("fetched"))));
}

/// An edit that replaces a text in several files.
fn replace(name: &str, files: &'static [&'static str], says: &[&str], from: &str, to: &str) -> Edit {
    let (from, to) = (from.to_owned(), to.to_owned());
    edit(name, says, move |scratch| {
        for file in files {
            scratch.write(file, &scratch.read(file).replace(&from, &to));
        }
    })
}

pub(crate) fn git() -> Make {
    let scratch = Scratch::new();
    let manifest = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[features]\ndefault = []\nloud = []\n"
        )
    };
    let mut commits = Vec::new();
    for text in ["first", "second"] {
        for name in ["lib", "pinned"] {
            scratch.write(name, &[("Cargo.toml", &manifest(name)), ("src/lib.rs", &says(text))]);
            commits.push(scratch.commit(name));
        }
        scratch.git("lib", &["tag", text]);
    }
    let [old, pinned, new, other] = &commits[..] else { unreachable!("two commits of two repositories") };
    scratch.git("lib", &["branch", "side", old]);
    let (lib, pin) = (scratch.url("lib"), scratch.url("pinned"));
    let dependencies = format!("lib = {{ git = \"{lib}\" }}\npinned = {{ git = \"{pin}\", rev = \"{pinned}\" }}\n");
    let asked = ["branch = \"main\"", "branch = \"side\"", "tag = \"first\""].iter().enumerate();
    let asked = asked.map(|(ix, by)| format!("lib{ix} = {{ package = \"lib\", git = \"{lib}\", {by} }}\n"));
    fetch(&scratch, "", &format!("{}pinned = {{ git = \"{pin}\", rev = \"{other}\" }}\n", asked.collect::<String>()));
    let main = "fn main() {}\n";
    scratch.write("app", &[("Cargo.toml", &format!("{APPLICATION}{dependencies}")), ("src/main.rs", main)]);
    copy_tree(&scratch.path("lib/src"), &scratch.path("app/patched/src"));
    scratch.write("app/patched", &[("Cargo.toml", &manifest("lib"))]);
    let both = &["Cargo.toml", "Cargo.lock"];
    let git = format!("git = \"{lib}\"");
    let source = format!("{lib}#");
    let edits = vec![
        replace("another rev in the lock", &["Cargo.lock"], &["Cargo.lock", "lib 0.1.0"], new, old),
        replace("a rev that is not there", &["Cargo.lock"], &["Cargo.lock", "lib 0.1.0"], new, &"0".repeat(40)),
        replace("a short rev in the lock", &["Cargo.lock"], &["Cargo.lock"], new, &new[..8]),
        replace("another rev in the manifest", &["Cargo.toml"], &["dependencies.pinned.rev"], pinned, other),
        replace("another rev in both", both, &["dependencies.pinned.rev"], pinned, other),
        replace("a rev as a tag", &["Cargo.toml"], &["dependencies.pinned"], "rev = ", "tag = "),
        set("Cargo.toml", "dependencies.lib.branch", "\"main\""),
        relocked(set("Cargo.toml", "dependencies.lib.branch", "\"main\"")),
        relocked(set("Cargo.toml", "dependencies.lib.branch", "\"side\"")),
        relocked(set("Cargo.toml", "dependencies.lib.tag", "\"first\"")),
        relocked(set("Cargo.toml", "dependencies.lib.branch", "\"nowhere\"")),
        set("Cargo.toml", "dependencies.lib.git", "\"https://example.invalid/lib\""),
        replace(
            "the URL with a slash",
            &["Cargo.toml"],
            &["dependencies.lib.git"],
            &git,
            &git.replace("/lib\"", "/lib/\""),
        ),
        set("Cargo.toml", "dependencies.lib.version", "\"0.1\""),
        set("Cargo.toml", "dependencies.lib.version", "\"9\""),
        set("Cargo.toml", "dependencies.lib.features", "[\"loud\"]"),
        silent(set("Cargo.toml", "dependencies.lib.default-features", "false")),
        replace("a path for git", &["Cargo.toml"], &["dependencies.lib"], &git, "path = \"patched\""),
        relocked(replace("a path for git", &["Cargo.toml"], &["dependencies.lib"], &git, "path = \"patched\"")),
        replace("a branch in the lock alone", &["Cargo.lock"], &[], &source, &format!("{lib}?branch=main#")),
        map("no source in the lock", "Cargo.lock", &["Cargo.lock"], |text| {
            text.lines().filter(|line| !line.starts_with("source")).map(|line| format!("{line}\n")).collect()
        }),
        replace("another scheme in the lock", &["Cargo.lock"], &["Cargo.lock"], "git+file", "git+https"),
        relocked(append_patch(&lib)),
        append_patch(&lib),
        relocked(replace("another rev in the manifest", &["Cargo.toml"], &["dependencies.pinned.rev"], pinned, other)),
        write(CONFIG, "[net]\ngit-fetch-with-cli = true\noffline = true\n", &[]),
        replace("both revs in the lock swapped", &["Cargo.lock"], &["Cargo.lock"], new, pinned),
    ];
    app(scratch, edits)
}

/// An edit that replaces the package from git by a local one.
fn append_patch(url: &str) -> Edit {
    let patch = format!("\n[patch.\"{url}\"]\nlib = {{ path = \"patched\" }}\n");
    edit("a patch", &["Cargo.toml", "patch"], move |scratch| {
        scratch.write("Cargo.toml", &(scratch.read("Cargo.toml") + &patch));
    })
}

pub(crate) fn vendored() -> Make {
    let scratch = Scratch::new();
    vendored_workspace(&scratch);
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "third-party/crates"]).current_dir(scratch.path("app"));
    let config = stdout(scratch.environment(&mut vendor));
    scratch.write("app", &[(CONFIG, &config)]);
    let forked = "third-party/crates/forked/src/lib.rs";
    let checksums = "third-party/crates/itoa/.cargo-checksum.json";
    let rename = |from: &'static str, to: &'static str| {
        edit(&format!("{from} moved to {to}"), &[], move |scratch| scratch.rename(from, to))
    };
    let says = &["third-party/crates"];
    let edits = vec![
        append("third-party/crates/itoa/Cargo.toml", "\n# changed\n", says),
        map("another version of a vendored package", "third-party/crates/itoa/Cargo.toml", says, |text| {
            text.replacen("\nversion = \"", "\nversion = \"9", 1)
        }),
        delete(forked, says),
        delete("third-party/crates/itoa", says),
        delete("third-party/crates/itoa/Cargo.toml", says),
        delete("third-party/crates", &[]),
        delete(checksums, says),
        write(checksums, "{", says),
        write(checksums, "{\"files\":{}}", says),
        map("another digest of a vendored file", checksums, says, |text| text.replacen(":\"", ":\"0", 2)),
        map("another digest of a vendored package", checksums, says, |text| {
            text.replacen("\"package\":\"", "\"package\":\"0", 1)
        }),
        write("third-party/crates/itoa/src/more.rs", "", &[]),
        write("third-party/crates/itoa/build.rs", "fn main() {}\n", &[]),
        edit("a directory in the place of a vendored file", says, move |scratch| {
            scratch.remove(forked);
            scratch.directory(forked);
        }),
        write("third-party/crates/notes.txt", "", &[]),
        write("third-party/crates/unused/notes.txt", "", &[]),
        edit("a vendored package that nothing needs", &[], |scratch| {
            for file in ["Cargo.toml", "src/lib.rs", ".cargo-checksum.json"] {
                let text = scratch.read(&format!("third-party/crates/forked/{file}"));
                scratch.write(&format!("third-party/crates/unused/{file}"), &text.replace("forked", "unused"));
            }
        }),
        rename("third-party/crates/itoa", "third-party/crates/itoa-renamed"),
        rename("third-party/crates", "third-party/others"),
        edit("the directory elsewhere, and named so", &[CONFIG], |scratch| {
            scratch.rename("third-party/crates", "vendor");
            scratch.write(CONFIG, &scratch.read(CONFIG).replace("third-party/crates", "vendor"));
        }),
        replace("the directory, named otherwise", &[CONFIG], &[], "third-party/crates", "./third-party/crates"),
        replace("a directory that is not there", &[CONFIG], &[CONFIG, "directory"], "third-party/crates", "nowhere"),
        delete(CONFIG, &["replace-with"]),
        map("no source replaces crates.io", CONFIG, &["source.crates-io"], |text| {
            text.replace("[source.crates-io]", "[source.others]\nregistry = \"https://example.invalid\"")
        }),
        map("the directory without its table", CONFIG, &["directory"], |text| text.replace("directory = ", "# ")),
        replace("another name of the source", &[CONFIG], &[], "vendored-sources", "third"),
        replace("a checksum in the lock", &["Cargo.lock"], &["Cargo.lock"], "checksum = \"", "checksum = \"0"),
    ];
    app(scratch, edits)
}

pub(crate) fn registry() -> Make {
    let scratch = Scratch::with_own_registries();
    let address = serve(scratch.path("served"));
    for (index, text) in [("index", "a"), ("other", "other a")] {
        let line = pack("a", "1.0.0", &says(text), "", &scratch.path(&format!("served/{index}/dl/a/1.0.0/download")));
        let config = format!("{{\"dl\":\"{address}/{index}/dl\"}}");
        scratch.write(&format!("served/{index}"), &[("config.json", &config), ("1/a", &line)]);
    }
    // A package that is the same in both registries.
    let line = pack("b", "1.0.0", &says("b"), "", &scratch.path("served/index/dl/b/1.0.0/download"));
    for name in ["index", "other"] {
        scratch.write(&format!("served/{name}"), &[("1/b", &line)]);
    }
    copy_tree(&scratch.path("served/index/dl/b"), &scratch.path("served/other/dl/b"));
    let config = ["index", "other"].map(|name| format!("[registries.{name}]\nindex = \"sparse+{address}/{name}/\"\n"));
    fetch(&scratch, &config.concat(), "b = { version = \"1\", registry = \"other\" }\n");
    let b = "b = { version = \"1\", registry = \"index\" }";
    let dependencies = format!(
        "{b}\na = {{ version = \"1\", registry = \"index\" }}\nother = {{ package = \"a\", version = \"1\", registry-index = \"sparse+{address}/other/\" }}\n"
    );
    scratch.write(
        "app",
        &[
            (CONFIG, &config.concat()),
            ("Cargo.toml", &format!("{APPLICATION}{dependencies}")),
            ("src/main.rs", "fn main() {}\n"),
        ],
    );
    let lock = &["Cargo.lock"];
    let edits = vec![
        replace("another index in the configuration", &[CONFIG], &[CONFIG, "registries.index"], "/index/", "/other/"),
        replace("an index that is not there", &[CONFIG], &[CONFIG, "registries.index"], "/index/", "/nowhere/"),
        replace("a git index", &[CONFIG], &[CONFIG, "registries.index"], "sparse+", ""),
        replace("another index in the lock", lock, &["Cargo.lock"], "/index/", "/other/"),
        replace("an index in the lock that is not there", lock, &["Cargo.lock"], "/index/", "/nowhere/"),
        replace("a name that is not configured", &[CONFIG], &["registries"], "s.index]", "s.renamed]"),
        edit("another name of a registry", &["dependencies.a.registry"], |scratch| {
            scratch.write(CONFIG, &scratch.read(CONFIG).replace("s.index]", "s.renamed]"));
            scratch.write("Cargo.toml", &scratch.read("Cargo.toml").replace("\"index\"", "\"renamed\""));
        }),
        replace("another registry in the manifest", &["Cargo.toml"], &["dependencies.a"], "\"index\"", "\"other\""),
        replace("another registry for b", &["Cargo.toml"], &["dependencies.b"], b, &b.replace("index", "other")),
        relocked(replace(
            "another registry for b",
            &["Cargo.toml"],
            &["dependencies.b"],
            b,
            &b.replace("index", "other"),
        )),
        replace("a registry that is not configured", &["Cargo.toml"], &["dependencies.a"], "\"index\"", "\"absent\""),
        replace(
            "an index for the name",
            &["Cargo.toml"],
            &["dependencies.a"],
            "registry = \"index\"",
            &format!("registry-index = \"sparse+{address}/index/\""),
        ),
        replace("the other index in the manifest", &["Cargo.toml"], &["dependencies.other"], "/other/", "/index/"),
        replace("a checksum", lock, &["Cargo.lock"], "checksum = \"", "checksum = \"0"),
        map("digits of both checksums", "Cargo.lock", &["Cargo.lock"], |text| {
            let digits =
                |line: &str| line.starts_with("checksum").then(|| format!("checksum = \"{}\"\n", "0".repeat(64)));
            text.lines().map(|line| digits(line).unwrap_or_else(|| format!("{line}\n"))).collect()
        }),
        delete(CONFIG, &["registries"]),
        silent(set(CONFIG, "registry.default", "\"other\"")),
        silent(set(CONFIG, "registry.global-credential-providers", "[\"cargo:token\"]")),
        silent(set(CONFIG, "registries.index.token", "\"secret\"")),
        elsewhere(set(CONFIG, "source.index", "{ replace-with = \"other\" }")),
        edit("the registries under each other's name", &["registries"], |scratch| {
            let text = scratch.read(CONFIG).replace("s.index]", "s.other-]").replace("s.other]", "s.index]");
            scratch.write(CONFIG, &text.replace("s.other-]", "s.other]"));
        }),
        edit("one registry in the place of another", &["source"], {
            let address = address.clone();
            move |scratch| {
                let sources = format!(
                    "[source.a]\nregistry = \"sparse+{address}/index/\"\nreplace-with = \"b\"\n[source.b]\nregistry = \"sparse+{address}/other/\"\n"
                );
                scratch.write(CONFIG, &(scratch.read(CONFIG) + &sources));
            }
        }),
        edit("the configuration in the file of the old name", &[], |scratch| scratch.rename(CONFIG, ".cargo/config")),
    ];
    app(scratch, edits)
}
