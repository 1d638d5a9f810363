//! Options of `crate2nix generate` that have another name or place here.

use clap::builder::UnknownArgumentValueParser as Unknown;
use clap::{Arg, ArgAction};

const FEATURES: &str = "declare a variant with these features in `[workspace.metadata.cratewright.variants]`, or pass `rootFeatures` to Cargo.nix";
const HASHES: &str =
    "hashes come from Cargo.lock, and those of git repositories are computed: there is no file of hashes to name";

/// The options, hidden: each is an error that says what to use instead.
pub(crate) fn options() -> Vec<Arg> {
    let valued = |name: &'static str, tip: &'static str| Arg::new(name).long(name).value_parser(Unknown::suggest(tip));
    let flag = |name: &'static str, tip: &'static str| valued(name, tip).action(ArgAction::SetTrue);
    let options = [
        valued("cargo-toml", "to name the manifest, use '--manifest-path'").short('f'),
        valued("nixpkgs-path", "pass `pkgs` to Cargo.nix, or set NIX_PATH").short('n'),
        valued("features", FEATURES),
        flag("all-features", FEATURES),
        flag("default-features", FEATURES),
        flag("no-default-features", FEATURES),
        valued("crate-hashes", HASHES),
        valued("registry-hashes", HASHES).short('r'),
        flag("no-cargo-lock-checksums", HASHES),
        flag("dont-read-crate-hashes", HASHES),
    ];
    options.into_iter().map(|option| option.hide(true)).collect()
}
