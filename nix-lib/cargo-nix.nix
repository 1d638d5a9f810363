/**
  Imports a Cargo.nix. If it is stale, evaluation fails with the list of changes, so nothing is built from a stale file.

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
  : path of Cargo.nix, relative to `root`

  `lockSync`
  : whether to check that Cargo.nix is up to date; with `false` it is imported without a check

  `fenix`, `rust-overlay`, `toolchainHash`, `toolchainFile`, `toolchain`
  : where to take the toolchain of `rust-toolchain.toml` from, see `toolchain`

  All other arguments are passed to Cargo.nix, such as `crateOverrides`, or `cratewright` for the SBOM.

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
  isThere = builtins.pathExists file;
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
      # An older Cargo.nix lacks these arguments: the user should read that it is stale, not that an argument is
      # unknown.
      ++ builtins.filter (name: !(builtins.functionArgs function ? ${name})) [
        "cratewright"
        "toolchain"
      ]
    )
  );
  function =
    if !isThere then
      throw (stale {
        why = "does not exist${inDirectory}";
        options = output;
        missing = [ cargoNix ];
      })
    else if imported != null && !(builtins.pathExists (root + "/${imported.path}")) then
      throw (stale {
        why = "imports ${imported.path}, which does not exist";
        options = output;
        missing = [ imported.path ];
      })
    else
      import file;
  imported = import ./imported-library.nix {
    inherit cargoNix;
    text = builtins.readFile file;
  };
  verdict = import ./stale.nix {
    inherit root file cargoNix;
    externalSources = arguments.externalSources or { };
    inherit value;
  };
  # Repeats the options that Cargo.nix was generated with in the suggested command.
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
  # In a flake, a missing file may exist without being tracked by git, or outside of the repository.
  inherit (pkgs) lib;
  gitPath = import ./library/git-path.nix { } root;
  where = gitPath ".";
  inDirectory =
    if where == null then " in ${toString root}" else lib.optionalString (where != "") " in `${where}`";
  stale =
    {
      why,
      options,
      missing,
    }:
    let
      isFlake = where != null;
      outside = lib.optionals isFlake (lib.filter (path: gitPath path == null) missing);
      untracked = lib.unique (lib.filter (path: path != null) (map gitPath missing));
      generate = "run `cratewright generate${options}`${lib.optionalString isFlake inDirectory}";
      helps =
        map (
          path:
          "`${path}` is outside of the flake, which cannot see it: pass `externalSources.${builtins.toJSON path} = ...;`, or put the flake into a directory that contains both"
        ) outside
        ++
          lib.optional (untracked != [ ]) (import ./git-add.nix lib untracked)
        ++ [ (if isFlake && missing != [ ] then "otherwise, ${generate}" else generate) ];
    in
    "${cargoNix} ${why}${lib.concatMapStrings (help: "\n  help: ${help}") helps}\n";
  output = if cargoNix == "Cargo.nix" then "" else " -o ${cargoNix}";
in
if lockSync && isThere && verdict.reasons != [ ] then
  throw (stale {
    why = "does not match what it was made from${
      builtins.concatStringsSep "" (map (reason: "\n  ${reason}") verdict.reasons)
    }";
    options = if verdict.isReadable then said else output;
    inherit (verdict) missing;
  })
else
  value
