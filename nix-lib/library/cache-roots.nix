# The store paths that a binary cache must hold so that no crate is built twice. They include all crates: these are
# inputs of builds, to which the results do not refer.
{
  pkgs,
  lib,
  units,
  ...
}:
{
  # All crates by side, the builds of members for the host platform, and checks by kind and member.
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
  # The derivations and all crates that they are built from, without duplicates.
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

  # `all` and suites without a test are link farms, not builds.
  suites = lib.filter (suite: suite ? crateName) (lib.attrValues checks.tests or { });
  isSuite = lib.genAttrs (map pathOf suites) (_: true);
  # Clippy also checks targets that are not tests, such as benchmarks, which have dependencies of their own.
  checked = lib.concatMap (check: check.dependencies or [ ]) (lib.attrValues checks.clippy or { });

  packagesOf = lib.mapAttrs (_: lib.partition (key: units.isLocal units.entries.${key})) (
    lib.groupBy (key: units.entries.${key}.crateName) (lib.attrNames units.entries)
  );
  # A registry may have a crate with the name of a member. Only then are derivations compared, as a member may fail to
  # evaluate on one of the sides.
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
  # Links to all outputs, with the attribute `crates`, which `cratewright cache` reads.
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
