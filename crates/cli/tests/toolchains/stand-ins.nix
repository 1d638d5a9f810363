# Replacements for the parts of fenix and rust-overlay that toolchain files need, with the machine's toolchain. They
# accept and reject the same arguments as fenix's default.nix and flake.nix, and rust-overlay's lib/rust-bin.nix. They
# know two channels.
{ pkgs }:
let
  inherit (pkgs) lib;
  sysroot = builtins.getEnv "CRATEWRIGHT_RUST_SYSROOT";
  programs = {
    cargo = [ "cargo" ];
    clippy = [
      "cargo-clippy"
      "clippy-driver"
    ];
    rustc = [
      "rustc"
      "rustdoc"
    ];
    rustfmt = [
      "cargo-fmt"
      "rustfmt"
    ];
  };
  profiles = {
    minimal = [
      "cargo"
      "rustc"
    ];
    default = lib.attrNames programs;
  };
  make =
    name: file:
    let
      text = builtins.readFile file;
      line = builtins.match "([^\r\n]+)\r?\n?" text;
      asked = if line != null then { channel = lib.head line; } else (builtins.fromTOML text).toolchain;
      components = profiles.${asked.profile or "default"} ++ asked.components or [ ];
      unknown = removeAttrs asked [
        "channel"
        "profile"
        "components"
        "targets"
      ];
    in
    if unknown != { } then
      throw "${name}: ${lib.head (lib.attrNames unknown)} is not supported"
    else if
      !(lib.elem asked.channel [
        "1.95.0"
        "nightly-2026-01-01"
      ])
    then
      throw "${name}: ${asked.channel} is not available"
    else
      pkgs.runCommand "${name}-${asked.channel}" { } ''
        mkdir -p "$out/bin"
        for program in ${toString (lib.concatMap (component: programs.${component}) components)}; do
          ln -s ${sysroot}/bin/$program "$out/bin/"
        done
      '';
  fromToolchainFile =
    {
      root ? null,
      file ? null,
      dir ? null,
      sha256 ? null,
    }:
    if file == null || dir != null then
      throw "One and only one of `file` and `dir` should be specified"
    else if sha256 == null && !(builtins ? currentSystem) then
      throw "in pure evaluation mode, 'fetchurl' requires a 'sha256' argument"
    else
      make "rust-of-fenix" file;
in
{
  # In the flake of fenix, functions look like packages, for `nix flake check`.
  fenix.packages.${pkgs.stdenv.buildPlatform.system}.fromToolchainFile = {
    type = "derivation";
    name = "dummy-function";
    outputName = "dummy-out";
    outputs = [ ];
    __functor = _: fromToolchainFile;
  };
  rust-overlay.lib.mkRustBin =
    {
      distRoot ? null,
    }:
    pkgs: {
      fromRustupToolchainFile = make "rust-of-overlay";
    };
}
