# What every Cargo.nix does with its crates. Source: nix-lib/prelude.nix of cratewright.
{
  library,
  crates,
  members,
  variants ? { },
  rootMember,
  targets,
  platforms ? { },
  inputs,
  pkgs,
  lib,
  defaultCrateOverrides,
  profile,
  rootFeatures,
  ...
}@arguments:
let
  # Each part takes what it needs of the arguments and of other parts.
  parts = arguments // lib.mapAttrs (_: part: part parts) (removeAttrs library [ "prelude" ]);
  inherit (parts)
    checks
    compilation
    meta
    sbom
    sources
    ;
  inherit (parts.units)
    host
    target
    guards
    unitsWith
    versions
    ;
  sides = lib.foldl' (
    value: message: lib.warn message value
  ) (unitsWith (compilation profile) defaultCrateOverrides) (parts.overrides.unused versions);

  # What the entries say, for either side.
  hostEntries = sbom.entries sources (units: units);
  entries = if host == target then hostEntries else sbom.entries sources (_: hostEntries);

  # Feature sets that a member was resolved with: its default one, and those of the variants.
  featureSets =
    name:
    lib.optional (members ? ${name}) {
      features = [ "default" ];
      unit = members.${name};
    }
    ++ lib.concatMap (variant: lib.optional (variant ? ${name}) variant.${name}) (
      lib.attrValues variants
    );

  # The same outputs, if the tests pass.
  testedBy =
    test: built:
    pkgs.runCommand built.name
      {
        inherit (built) outputs version;
        passthru = {
          inherit test;
        };
      }
      ''
        : ${test}
        ${lib.concatMapStrings (output: "ln -s ${built.${output}} \"\$${output}\"\n") built.outputs}
      '';

  # What crate2nix lets `.build.override` change.
  buildMember =
    name: preferred:
    lib.makeOverridable (
      {
        features,
        crateOverrides ? null,
        runTests ? false,
        testCrateFlags ? [ ],
        testInputs ? [ ],
        testPreRun ? "",
        testPostRun ? "",
      }:
      let
        wanted = lib.unique (builtins.sort builtins.lessThan features);
        sets = featureSets name;
        found = lib.filter (set: set.features == wanted) (preferred ++ sets);
        show = set: "[ ${toString set.features} ]";
        chosen = if crateOverrides == null then sides else unitsWith (compilation profile) crateOverrides;
        unit = (lib.head found).unit;
        # A proc-macro is for the compiler, wherever the rest is to run.
        side = if entries.${unit}.procMacro or false then "host" else "units";
        built = chosen.${side}.${unit};
        test =
          if wanted != [ "default" ] then
            throw "${name}: tests have default features, and none were resolved with ${show { features = wanted; }}"
          else
            ((checks (compilation profile) chosen).tests.${name}
              or (throw "this Cargo.nix holds no tests: [workspace.metadata.cratewright] has `tests = false`")
            ).override
              (options: {
                testFlags = options.testFlags or [ ] ++ testCrateFlags;
                inputs = options.inputs or [ ] ++ testInputs;
                preRun = options.preRun or "" + "\n" + testPreRun;
                postRun = options.postRun or "" + "\n" + testPostRun;
              });
        document = sbom.bom {
          inherit host target;
          features = wanted;
        } (if side == "host" then hostEntries else entries).${unit};
      in
      if found == [ ] then
        throw ''
          ${name} was not resolved with features ${show { inherit features; }};
          this Cargo.nix has it with ${lib.concatMapStringsSep ", " show sets}.
          Declare others under [workspace.metadata.cratewright.variants] and run `cratewright generate`.
        ''
      else
        meta.describe entries.${unit} (if runTests then testedBy test built else built)
        // {
          sbom = document;
        }
    );

  workspaceMembers = lib.mapAttrs (name: packageId: rec {
    inherit packageId;
    build = buildMember name [ ] { features = rootFeatures; };
    inherit (build) sbom;
  }) members;
in
lib.optionalAttrs (rootMember != null) { rootCrate = workspaceMembers.${rootMember}; }
// checks (compilation profile) sides
// {
  inherit workspaceMembers;

  variants = lib.mapAttrs (
    _:
    lib.mapAttrs (
      name: set: rec {
        packageId = set.unit;
        build = buildMember name [ set ] { inherit (set) features; };
        inherit (build) sbom;
      }
    )
  ) variants;

  # All members' outputs in one tree.
  allWorkspaceMembers = pkgs.symlinkJoin {
    name = "all-workspace-members";
    paths = map (member: member.build) (lib.attrValues workspaceMembers);
  };

  internal = {
    units = lib.mapAttrs (key: meta.describe entries.${key}) sides.units;
    inherit targets platforms inputs;
    # Keys of each layer: what nixpkgs has for crates of this file, and all of ours and the user's.
    overrides = parts.overrides.keys {
      inherit versions;
      inherit (parts.units) defaults;
    };
  };
}
