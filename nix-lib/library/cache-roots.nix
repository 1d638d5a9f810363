# What a binary cache must have, so that nobody builds what somebody has built: all crates, which are inputs of builds and no
# part of what results refer to.
{
  pkgs,
  lib,
  units,
  ...
}:
{
  # All crates by side, those of members for the host platform, and test suites by member.
  sides,
  builds,
  tests,
}:
let
  pathOf = derivation: builtins.unsafeDiscardStringContext derivation.drvPath;
  itemOf = derivation: {
    key = pathOf derivation;
    inherit derivation;
  };
  # These and all crates that they are built from, each once.
  neededBy =
    derivations:
    map (item: item.derivation) (
      builtins.genericClosure {
        startSet = map itemOf derivations;
        operator =
          { derivation, ... }:
          map itemOf (derivation.dependencies or [ ] ++ derivation.buildDependencies or [ ]);
      }
    );

  # `all` and suites without a test are made of others.
  suites = lib.filter (suite: suite ? crateName) (lib.attrValues tests);
  isSuite = lib.genAttrs (map pathOf suites) (_: true);
  localKeys = lib.groupBy (key: units.entries.${key}.crateName) (
    lib.filter (key: units.isLocal units.entries.${key}) (lib.attrNames units.entries)
  );
  # A registry may have a crate of the same name.
  isLocal =
    derivation:
    lib.any (
      key: lib.any (side: pathOf side.${key} == pathOf derivation) (lib.attrValues sides)
    ) localKeys.${derivation.crateName} or [ ];

  describe = derivation: {
    name = derivation.crateName;
    inherit (derivation) version drvPath;
    outputs = lib.genAttrs derivation.outputs (output: derivation.${output}.outPath);
    kind =
      if isSuite ? ${pathOf derivation} then
        "tests"
      else if isLocal derivation then
        "member"
      else
        "dependency";
  };
  # A link to each output, and what they are for `cratewright cache`.
  farm =
    name: crates:
    pkgs.linkFarm name (
      map (path: {
        name = builtins.unsafeDiscardStringContext (baseNameOf path);
        inherit path;
      }) (lib.concatMap (one: lib.attrValues one.outputs) crates)
    )
    // {
      inherit crates;
    };
  crates = map describe (neededBy builds);
in
farm "cache-roots" crates
// {
  dependencies = farm "cache-roots-dependencies" (lib.filter (one: one.kind == "dependency") crates);
  tests = farm "cache-roots-tests" (map describe (neededBy (builds ++ suites)));
}
