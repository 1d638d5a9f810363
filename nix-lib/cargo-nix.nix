/**
  What a Cargo.nix gives, or an evaluation error that says what moved if it is stale: nothing is ever built from a stale one.

  # Type

  ```
  cargoNix :: { pkgs, root, cargoNix ? "Cargo.nix", lockSync ? true, ... } -> AttrSet
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `root`
  : directory of Cargo.lock, as a path

  `cargoNix`
  : Cargo.nix, seen from there

  `lockSync`
  : whether to look; with `false` it is imported as it is

  `fenix`, `rust-overlay`, `toolchainHash`, `toolchainFile`, `toolchain`
  : where the toolchain of `rust-toolchain.toml` comes from, see `toolchain`

  All other arguments are those of Cargo.nix itself, such as `crateOverrides`, or `cratewright` for the SBOM.

  # Example

  ```nix
  (cratewright.lib.cargoNix { inherit pkgs; root = ./.; }).workspaceMembers.app.build
  ```
*/
{
  pkgs,
  root,
  cargoNix ? "Cargo.nix",
  lockSync ? true,
  ...
}@arguments:
let
  file = root + "/${cargoNix}";
  value = function (
    removeAttrs (arguments // { toolchain = import ./toolchain.nix arguments; }) (
      [
        "root"
        "cargoNix"
        "lockSync"
        "fenix"
        "rust-overlay"
        "toolchainFile"
        "toolchainHash"
      ]
      # An older one is to say that it is stale, not that it knows no such argument.
      ++ builtins.filter (name: !(builtins.functionArgs function ? ${name})) [
        "cratewright"
        "toolchain"
      ]
    )
  );
  function = import file;
  verdict = import ./stale.nix {
    inherit root file cargoNix;
    externalSources = arguments.externalSources or { };
    inherit value;
  };
  # The options that it was generated with, said again.
  said =
    let
      section = value.internal.inputs."cratewright generate" or "";
      of =
        option:
        let
          list = builtins.match ".*${option} = ([^\n]*)\n.*" "\n${section}";
        in
        builtins.concatStringsSep "" (
          map (word: " ${option} ${word}") (
            if list == null then [ ] else builtins.fromJSON (builtins.head list)
          )
        );
    in
    of "--target" + of "--cross" + output;
  stale = why: options: ''
    ${cargoNix} ${why}
      help: run `cratewright generate${options}`
  '';
  output = if cargoNix == "Cargo.nix" then "" else " -o ${cargoNix}";
in
if !lockSync then
  value
else if !(builtins.pathExists file) then
  throw (stale "does not exist" output)
else if verdict.reasons != [ ] then
  throw (
    stale "does not match what it was made from${
      builtins.concatStringsSep "" (map (reason: "\n  ${reason}") verdict.reasons)
    }" (if verdict.isReadable then said else output)
  )
else
  value
