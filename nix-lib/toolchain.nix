/**
  The Rust toolchain that `rust-toolchain.toml` or `rust-toolchain` requests, as one derivation, or `null` for nixpkgs'
  own toolchain: if there is no such file, if it has no `channel`, or if nixpkgs has that release.

  # Type

  ```
  toolchain :: { pkgs, root, toolchainFile ? <found in root>, toolchainHash ? null, fenix ? null, rust-overlay ? null,
    toolchain ? null, ... } -> Derivation | null
  ```

  # Inputs

  `pkgs`
  : nixpkgs; an overlay of rust-overlay or fenix in it is used if neither input is passed

  `root`
  : directory of Cargo.lock, which is searched for the toolchain file

  `fenix`, `rust-overlay`
  : the flake input of that name

  `toolchainHash`
  : hash of the channel's manifest, which fenix needs

  `toolchainFile`
  : path of the toolchain file if it is elsewhere; `null` ignores the file and uses nixpkgs' toolchain

  `toolchain`
  : a toolchain that takes precedence over the file

  # Example

  ```nix
  cratewright.lib.toolchain { inherit pkgs; inherit (inputs) rust-overlay; root = ./.; }
  ```
*/
{
  pkgs,
  root,
  toolchain ? null,
  # If both files exist, rustup reads the one with the older name.
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
  # The other functions pass these arguments on.
  given = (import ./own-arguments.nix lib "lib").check {
    inherit
      fenix
      rust-overlay
      toolchainFile
      toolchainHash
      ;
  };
  file = given.toolchainFile;
  name = baseNameOf file;
  text = builtins.readFile file;
  # In the older format, the file holds only the name of the channel.
  word = builtins.match "[[:space:]]*([^][:space:]#=[]+)[[:space:]]*" text;
  tables = builtins.fromTOML text;
  asked = if word != null then { channel = lib.head word; } else tables.toolchain or { };
  # As in rustup (src/config.rs).
  known = [
    "channel"
    "components"
    "path"
    "profile"
    "targets"
  ];
  unknown = lib.attrNames (removeAttrs asked known);
  profiles = [
    "minimal"
    "default"
    "complete"
  ];
  channel =
    if word == null && !(tables ? toolchain) then
      throw ''
        ${name} has no table [toolchain]
          help: write it with a channel, or pass `toolchainFile = null` to use nixpkgs' toolchain''
    else if unknown != [ ] then
      throw ''
        ${name}: [toolchain] has no key `${lib.head unknown}`
          help: its keys are ${lib.concatStringsSep ", " known}''
    else if asked ? path then
      throw ''
        ${name}: `path` is not supported, as Nix needs a toolchain that it can build with
          help: pass a derivation as `toolchain`, or `toolchainFile = null` to use nixpkgs' toolchain''
    else if !(lib.isString asked.channel or "") then
      throw ''
        ${name}: `channel` is not a string
          help: put it into quotes: channel = "${toString asked.channel}"''
    else if !(lib.elem asked.profile or "default" profiles) then
      throw ''
        ${name}: there is no profile `${toString asked.profile}`
          help: write ${lib.concatStringsSep " or " profiles}''
    else
      asked.channel or null;

  # Every rustc in nixpkgs is a release of the stable channel.
  isOfNixpkgs =
    let
      wanted = lib.removeSuffix "-${buildPlatform.rust.rustcTarget}" channel;
    in
    wanted == "stable" || lib.hasPrefix "${wanted}." "${buildPackages.rustc.version}.";

  ofFenix =
    fenix:
    (fenix.packages.${buildPlatform.system} or fenix).fromToolchainFile {
      inherit file;
      sha256 =
        if given.toolchainHash == null && !(builtins ? currentSystem) then
          throw ''
            ${name} asks for Rust ${channel}, and fenix needs the hash of that channel's manifest
              help: pass `toolchainHash = lib.fakeHash`, build, and replace it with the hash that Nix reports''
        else
          given.toolchainHash;
    };
  ofOverlay = rust-bin: rust-bin.fromRustupToolchainFile file;
in
if toolchain != null then
  toolchain
else if file == null || channel == null then
  null
else if given.fenix != null then
  ofFenix given.fenix
else if given.rust-overlay != null then
  ofOverlay (given.rust-overlay.lib.mkRustBin { } buildPackages)
else if buildPackages ? rust-bin then
  ofOverlay buildPackages.rust-bin
else if buildPackages ? fenix.fromToolchainFile then
  ofFenix buildPackages.fenix
else if isOfNixpkgs then
  null
else
  throw ''
    ${name} asks for Rust ${channel}, and nixpkgs has ${buildPackages.rustc.version}
      help: pass the input `rust-overlay` or `fenix` of your flake to lib.perSystem or lib.cargoNix,
        or `toolchainFile = null` to use nixpkgs' toolchain''
