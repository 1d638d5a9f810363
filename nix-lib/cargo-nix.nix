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
  inherit (pkgs) lib;
  own = import ./own-arguments.nix lib;
  checked = own.check { inherit root cargoNix lockSync; };
  file = checked.root + "/${checked.cargoNix}";
  isThere = builtins.pathExists file;
  value =
    if unknown != null then
      throw unknown
    else
      function (
        removeAttrs (arguments // { toolchain = import ./toolchain.nix arguments; }) (own.names ++ lacking)
      );
  # An older Cargo.nix lacks these arguments: the user should read that it is stale, not that an argument is unknown.
  lacking = lib.filter (name: !(known ? ${name})) [
    "cratewright"
    "toolchain"
  ];
  known = builtins.functionArgs function;
  # `perSystem` passes its `memberChecks`, so that it is among the arguments that the error lists.
  isPerSystem = arguments ? memberChecks;
  unknown = own.unknownIn (if isPerSystem then "lib.perSystem" else "lib.cargoNix") (
    lib.remove (if isPerSystem then null else "memberChecks") own.names
    ++ lacking
    ++ lib.attrNames known
  ) arguments;
  function =
    if !isThere then
      throw (
        stale (
          if builtins.pathExists (checked.root + "/Cargo.lock") then
            {
              why = "does not exist${inDirectory}";
              missing = [ checked.cargoNix ];
            }
          else
            {
              why = "does not exist${inDirectory}, nor does Cargo.lock";
              missing = [
                "Cargo.lock"
                checked.cargoNix
              ];
              remedy = "pass the directory of the workspace root, which has Cargo.lock, as `root`";
            }
        )
      )
    else if imported != null && !(builtins.pathExists (checked.root + "/${imported.path}")) then
      throw (stale {
        why = "imports ${imported.path}, which does not exist";
        missing = [ imported.path ];
      })
    else
      import file;
  imported = import ./imported-library.nix {
    inherit (checked) cargoNix;
    text = builtins.readFile file;
  };
  verdict = import ./stale.nix {
    inherit (checked) root cargoNix;
    inherit file;
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
  gitPath = import ./library/git-path.nix { } checked.root;
  where = gitPath ".";
  inDirectory =
    if where == null then
      " in ${toString checked.root}"
    else
      lib.optionalString (where != "") " in `${where}`";
  stale =
    {
      why,
      missing,
      options ? output,
      remedy ? "run `cratewright generate${options}`${lib.optionalString (where != null) inDirectory}",
    }:
    let
      isFlake = where != null;
      outside = lib.optionals isFlake (lib.filter (path: gitPath path == null) missing);
      untracked = lib.unique (lib.filter (path: path != null) (map gitPath missing));
      helps =
        map (
          path:
          "`${path}` is outside of the flake, which cannot see it: pass `externalSources.${builtins.toJSON path} = ...;`, or put the flake into a directory that contains both"
        ) outside
        ++ lib.optional (untracked != [ ]) (import ./git-add.nix lib untracked)
        ++ [ (if isFlake && missing != [ ] then "otherwise, ${remedy}" else remedy) ];
    in
    "${checked.cargoNix} ${why}${lib.concatMapStrings (help: "\n  help: ${help}") helps}\n";
  output = if checked.cargoNix == "Cargo.nix" then "" else " -o ${checked.cargoNix}";
in
if checked.lockSync && isThere && verdict.reasons != [ ] then
  throw (stale {
    why = "does not match what it was made from${
      builtins.concatStringsSep "" (map (reason: "\n  ${reason}") verdict.reasons)
    }";
    options = if verdict.isReadable then said else output;
    inherit (verdict) missing;
  })
else
  value
