# What a binary cache must have, so that nobody builds what somebody has built: all crates, which are inputs of builds and no
# part of what results refer to.
{
  pkgs,
  lib,
  units,
  ...
}:
{
  # All crates by side, those of members for the host platform, and checks by kind and member.
  sides,
  builds,
  checks,
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
  suites = lib.filter (suite: suite ? crateName) (lib.attrValues checks.tests or { });
  isSuite = lib.genAttrs (map pathOf suites) (_: true);
  # What checks have besides tests, such as benchmarks of a member without a test.
  checked = lib.concatMap (check: check.dependencies or [ ]) (lib.attrValues checks.clippy or { });

  packagesOf = lib.mapAttrs (_: lib.partition (key: units.isLocal units.entries.${key})) (
    lib.groupBy (key: units.entries.${key}.crateName) (lib.attrNames units.entries)
  );
  # A registry may have a crate of the same name. Only then are derivations compared, as a member need not evaluate on all
  # sides.
  isLocal =
    derivation:
    let
      inherit (packagesOf.${derivation.crateName}) right wrong;
      isOf = key: side: pathOf side.${key} == pathOf derivation;
    in
    right != [ ] && (wrong == [ ] || lib.any (key: lib.any (isOf key) (lib.attrValues sides)) right);

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
  tests = farm "cache-roots-tests" (map describe (neededBy (builds ++ suites ++ checked)));
}
