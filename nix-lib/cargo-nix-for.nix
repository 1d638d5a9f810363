# `cargoNix`, for the function of the flake that errors name.
caller:
{
  pkgs,
  root,
  cargoNix ? "Cargo.nix",
  lockSync ? true,
  ...
}@arguments:
let
  inherit (pkgs) lib;
  own = import ./own-arguments.nix lib caller;
  given = own.check { inherit root cargoNix lockSync; };
  checked = given // {
    cargoNix = import ./linked.nix given.root given.cargoNix;
  };
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
  unknown = own.unknown (lacking ++ lib.attrNames known) arguments;
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
  git-path = import ./library/git-path.nix { inherit lib; };
  gitPath = git-path.of checked.root;
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
        ++ lib.optional (untracked != [ ]) (git-path.add checked.root untracked)
        ++ [ (if isFlake && missing != [ ] then "otherwise, ${remedy}" else remedy) ];
    in
    "${checked.cargoNix} ${why}${lib.concatMapStrings (help: "\n  help: ${help}") helps}\n";
  output = import ./output-option.nix lib checked.cargoNix;
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
