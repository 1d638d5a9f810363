//! Compares the public API of each crate, as rustdoc wrote it, with the listing `crates/NAME/public-api.txt`, or writes
//! the listings. Called by `dev/public-api/run`, which describes it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

/// One public item a line, without the traits that every type or every `derive` implements.
fn listing(json: &Path) -> Result<String, Box<dyn Error>> {
    let api = public_api::Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .map_err(|error| {
            format!(
                "{}: {error}\n  help: if another Rust wrote it, use the one for which dev/public-api/Cargo.toml has \
                 a version of `public-api`",
                json.display()
            )
        })?;
    Ok(format!("{api}\n"))
}

/// The lines that were removed and added, without those that only moved.
fn difference(old: &str, new: &str) -> Vec<String> {
    let [old_lines, new_lines] = [old, new].map(|text| text.lines().collect::<BTreeSet<_>>());
    let removed = old.lines().filter(|line| !new_lines.contains(line)).map(|line| format!("-{line}"));
    let added = new.lines().filter(|line| !old_lines.contains(line)).map(|line| format!("+{line}"));
    removed.chain(added).collect()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let update = env::var_os("UPDATE").is_some();
    let mut changed = false;
    for argument in env::args().skip(1) {
        let (listed, json) = argument.split_once('=').ok_or("usage: cratewright-public-api LISTING=JSON...")?;
        let new = listing(Path::new(json))?;
        let old = fs::read_to_string(listed).unwrap_or_default();
        if old == new {
            continue;
        }
        if update {
            fs::write(listed, new)?;
            continue;
        }
        changed = true;
        eprintln!("{listed} does not have the public API of its crate:");
        for line in difference(&old, &new) {
            eprintln!("{line}");
        }
    }
    if changed {
        eprintln!("  help: just public-api --update");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
