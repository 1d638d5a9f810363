//! Commands of pages.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::place::Place;
use crate::support::console::{self, commands};
use crate::support::{self, nix};

/// Real Nix, whose progress and output path no page shows.
const NIX_BUILD: &str = "#!/bin/sh\nsays=$(\"$REAL\" \"$@\" 2>&1) || { code=$?; echo \"$says\"; exit $code; }\n";

/// The program, asked for help: what is wrong with the arguments before it is written down.
const HELP: &str =
    "#!/bin/sh\nsays=$(\"$REAL\" \"$@\" --help 2>&1 >/dev/null) || printf '%s\\n' \"$says\" >>\"$FAULTS\"\n";

/// Runs commands in a workspace, and compares what they print. Where a block shows no output, there may be any.
pub(crate) fn runs(block: &str, workspace: &str) -> Result<(), String> {
    let place = Place::named(workspace);
    let bin = tempfile::tempdir().unwrap();
    symlink(env!("CARGO_BIN_EXE_cratewright"), bin.path().join("cratewright")).unwrap();
    script(&bin.path().join("nix-build"), NIX_BUILD);
    let mut shown = commands(block);
    let is_silent = shown.iter().all(|shown| shown.prints.is_empty());
    for shown in &mut shown {
        shown.prints = shown.prints.iter().map(|line| without_times(line)).collect();
        if is_silent {
            shown.prints.push("...".to_owned());
        }
    }
    let mut bash = Command::new("bash");
    nix::set_up(&mut bash);
    let found = support::stdout(Command::new("sh").args(["-c", "command -v nix-build"]));
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    bash.current_dir(place.root()).env("PATH", path).env("REAL", found.trim()).env("NIX_CONFIG", nix::CONFIGURATION);
    bash.env_remove("CARGO_TARGET_DIR");
    console::types(&mut bash, &shown, "")
}

/// `0.13s` differs from run to run.
fn without_times(line: &str) -> String {
    let is_time = |word: &str| word.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok());
    line.split(' ').map(|word| if is_time(word) { "...s" } else { word }).collect::<Vec<_>>().join(" ")
}

/// Whether `cratewright` takes the arguments of commands, and whether this repository has the recipes and scripts that
/// they run. Nothing else is run.
pub(crate) fn is_known(block: &str) -> Result<(), String> {
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    fs::create_dir(path("bin")).unwrap();
    script(&path("bin/cratewright"), HELP);
    let commands: Vec<String> = commands(block).into_iter().map(|shown| shown.command).collect();
    let begin = "command_not_found_handle() { printf '%s\\n' \"$*\" >>\"$OTHERS\"; }\ncd() { :; }\n";
    let text = format!("PATH={}\n{begin}{}\n", path("bin").display(), commands.join("\n"));
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-c", &text]).current_dir(scratch.path());
    bash.env("REAL", env!("CARGO_BIN_EXE_cratewright")).env("FAULTS", path("faults")).env("OTHERS", path("others"));
    bash.output().unwrap();
    let faults = fs::read_to_string(path("faults")).unwrap_or_default();
    let others = fs::read_to_string(path("others")).unwrap_or_default();
    let justfile = fs::read_to_string(support::repository().join("justfile")).unwrap();
    let has = |recipe: &str| justfile.lines().any(|line| line.split([' ', ':']).next() == Some(recipe));
    let recipes = others.lines().filter_map(|line| line.strip_prefix("just ")?.split(' ').next());
    let scripts = commands.iter().filter_map(|command| command.split([' ', '\n']).next());
    let scripts = scripts.filter(|word| word.starts_with("dev/") || word.starts_with("benches/"));
    let unknown = recipes.filter(|recipe| !has(recipe)).map(|recipe| format!("there is no recipe {recipe}\n"));
    let missing = scripts.filter(|script| !support::repository().join(script).is_file());
    let missing = missing.map(|script| format!("there is no {script}\n"));
    let faults = faults + &unknown.chain(missing).collect::<String>();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}
