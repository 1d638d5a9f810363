/**
  The Rust toolchain that `rust-toolchain.toml` or `rust-toolchain` asks for, as one derivation, or `null` where nixpkgs' own
  is meant: where there is no such file, where it has no `channel`, or where nixpkgs has just that release.

  # Type

  ```
  toolchain :: { pkgs, root, toolchainFile ? <found in root>, toolchainHash ? null, fenix ? null, rust-overlay ? null,
    toolchain ? null, ... } -> Derivation | null
  ```

  # Inputs

  `pkgs`
  : nixpkgs; if it has the overlay of rust-overlay or fenix, that is used

  `root`
  : directory of Cargo.lock, where the file is looked for

  `fenix`, `rust-overlay`
  : the input of the flake

  `toolchainHash`
  : what fenix asks for: the hash of the channel's manifest

  `toolchainFile`
  : the file, if it is elsewhere; with `null` there is none, and nixpkgs' own toolchain is used

  `toolchain`
  : a toolchain, whatever a file says

  # Example

  ```nix
  cratewright.lib.toolchain { inherit pkgs; inherit (inputs) rust-overlay; root = ./.; }
  ```
*/
{
  pkgs,
  root,
  toolchain ? null,
  # Of two files, rustup takes the older name.
  toolchainFile ? pkgs.lib.findFirst builtins.pathExists null [
    (root + "/rust-toolchain")
    (root + "/rust-toolchain.toml")
  ],
  toolchainHash ? null,
  fenix ? null,
  rust-overlay ? null,
  ...
}:
let
  inherit (pkgs) buildPackages lib;
  inherit (pkgs.stdenv) buildPlatform;
  name = baseNameOf toolchainFile;
  text = builtins.readFile toolchainFile;
  # The older format is the channel alone.
  word = builtins.match "[[:space:]]*([^][:space:]#=[]+)[[:space:]]*" text;
  asked =
    if word != null then { channel = lib.head word; } else (builtins.fromTOML text).toolchain or { };
  channel = asked.channel or asked.path or null;

  # nixpkgs has a release of the stable channel.
  isOfNixpkgs =
    let
      wanted = lib.removeSuffix "-${buildPlatform.rust.rustcTarget}" channel;
    in
    wanted == "stable" || lib.hasPrefix "${wanted}." "${buildPackages.rustc.version}.";

  ofFenix =
    fenix:
    (fenix.packages.${buildPlatform.system} or fenix).fromToolchainFile {
      file = toolchainFile;
      sha256 =
        if toolchainHash == null && !(builtins ? currentSystem) then
          throw ''
            ${name} asks for Rust ${channel}, and fenix has to know the hash of that channel's manifest
              help: pass `toolchainHash = lib.fakeHash`, build, and put the hash that Nix reports in its place''
        else
          toolchainHash;
    };
  ofOverlay = rust-bin: rust-bin.fromRustupToolchainFile toolchainFile;
in
if toolchain != null then
  toolchain
else if toolchainFile == null || channel == null then
  null
else if fenix != null then
  ofFenix fenix
else if rust-overlay != null then
  ofOverlay (rust-overlay.lib.mkRustBin { } buildPackages)
else if buildPackages ? rust-bin then
  ofOverlay buildPackages.rust-bin
else if buildPackages ? fenix.fromToolchainFile then
  ofFenix buildPackages.fenix
else if isOfNixpkgs then
  null
else
  throw ''
    ${name} asks for Rust ${channel}, and nixpkgs has ${buildPackages.rustc.version}
      help: pass the input `rust-overlay` or `fenix` of your flake to lib.perSystem or lib.cargoNix;
        with `toolchainFile = null`, nixpkgs' own is used''
