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

  All other arguments are those of Cargo.nix itself, such as `crateOverrides`.

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
  value = import file (
    removeAttrs arguments [
      "root"
      "cargoNix"
      "lockSync"
    ]
  );
  reasons = import ./stale.nix {
    inherit root file;
    recorded = value.internal.inputs;
  };
  output = if cargoNix == "Cargo.nix" then "" else " -o ${cargoNix}";
  stale = why: ''
    ${cargoNix} ${why}
      help: run `cratewright generate${output}`
  '';
in
if !lockSync then
  value
else if !(builtins.pathExists file) then
  throw (stale "does not exist")
else if reasons != [ ] then
  throw (
    stale "does not match what it was made from${
      builtins.concatStringsSep "" (map (reason: "\n  ${reason}") reasons)
    }"
  )
else
  value
