//! Options of crate2nix and cargo that `generate` does not have, with what to use instead.

use std::ffi::OsString;

use clap::builder::UnknownArgumentValueParser as Unknown;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, CommandFactory};

const FEATURES: &str = "declare a variant with these features in `[workspace.metadata.cratewright.variants]`, or pass `rootFeatures` to Cargo.nix";
const HASHES: &str =
    "hashes come from Cargo.lock, and those of git repositories are computed: there is no file of hashes to name";
const PROFILE: &str = "Cargo.nix has all profiles: pass `profile` to it";

/// The options, hidden: each is an error that says what to use instead.
pub(super) fn options() -> Vec<Arg> {
    let valued = |name: &'static str, tip: &'static str| Arg::new(name).long(name).value_parser(Unknown::suggest(tip));
    let flag = |name: &'static str, tip: &'static str| valued(name, tip).action(ArgAction::SetTrue);
    let options = [
        valued("cargo-nix", "to name the file to write, use '--output'"),
        valued("cargo-toml", "to name the manifest, use '--manifest-path'").short('f'),
        valued("nixpkgs-path", "pass `pkgs` to Cargo.nix, or set NIX_PATH").short('n'),
        valued("format", "Cargo.nix is the only format; `cratewright sources` and `cratewright sbom` print JSON"),
        valued("features", FEATURES),
        flag("all-features", FEATURES),
        flag("default-features", FEATURES),
        flag("no-default-features", FEATURES),
        valued("crate-hashes", HASHES),
        valued("registry-hashes", HASHES).short('r'),
        flag("no-cargo-lock-checksums", HASHES),
        flag("dont-read-crate-hashes", HASHES),
        flag("frozen", "use '--locked' and '--offline'"),
        valued("profile", PROFILE),
        flag("release", PROFILE),
    ];
    options.into_iter().map(|option| option.hide(true)).collect()
}

/// Improves an error of clap: a hidden option is not suggested, and crate2nix's `-h FILE` is not a request for help.
pub(super) fn explained(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if let Some(ContextValue::String(suggested)) = error.get(ContextKind::SuggestedArg) {
        let is_hidden =
            options().iter().filter_map(Arg::get_long).any(|name| suggested.trim_start_matches("--") == name);
        if is_hidden {
            error.remove(ContextKind::SuggestedArg);
        }
    }
    let has_file = || {
        let mut after =
            arguments.iter().skip_while(|argument| *argument != "generate").skip_while(|argument| *argument != "-h");
        after.nth(1).is_some_and(|next| !next.to_string_lossy().starts_with('-'))
    };
    match error.kind() {
        ErrorKind::DisplayHelp if has_file() => super::Args::command()
            .error(ErrorKind::UnknownArgument, format!("`-h` prints help and takes no file; {HASHES}")),
        _ => error,
    }
}
