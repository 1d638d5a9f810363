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

  # Feature sets that a member was resolved with: its default one, which may enable nothing, and those of the variants.
  featureSets =
    name:
    [
      {
        features = [ "default" ];
        unit = members.${name} or null;
      }
    ]
    ++ lib.concatMap (variant: lib.optional (variant ? ${name}) variant.${name}) (
      lib.attrValues variants
    );
  setsWith = sets: features: lib.filter (set: set.features == sorted features) sets;
  sorted = features: lib.unique (builtins.sort builtins.lessThan features);
  # What says of a member what holds for all of its builds.
  packageIdOf = name: members.${name} or (lib.last (featureSets name)).unit;

  # As cargo builds a package of which no target is enabled.
  nothing =
    package:
    meta.describe (removeAttrs package [ "crateBin" ]) (
      pkgs.runCommand "${package.crateName}-${package.version}" {
        inherit (package) crateName version;
        pname = package.crateName;
        outputs = [
          "out"
          "lib"
        ];
      } ''mkdir "$out" "$lib"''
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
        wanted = sorted features;
        sets = featureSets name;
        found = setsWith (preferred ++ sets) features;
        show = set: "[ ${toString set.features} ]";
        chosen = if crateOverrides == null then sides else unitsWith (compilation profile) crateOverrides;
        unit = (lib.head found).unit;
        # A proc-macro is for the compiler, wherever the rest is to run.
        side = if entries.${unit}.procMacro or false then "host" else "units";
        package = entries.${packageIdOf name};
        built =
          if unit == null then nothing package else meta.describe entries.${unit} chosen.${side}.${unit};
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
        (if runTests then testedBy test built // { inherit (built) meta; } else built)
        // {
          sbom =
            if unit == null then
              throw "${name}: nothing is built with features ${show (lib.head found)}"
            else
              document;
        }
    );

  workspaceMembers = lib.mapAttrs (name: _: rec {
    packageId = packageIdOf name;
    build = buildMember name [ ] { features = rootFeatures; };
    inherit (build) sbom;
  }) parts.units.memberNames;

  # Binaries of one name, as cargo warns of them: one tree has room for one of them.
  collisions =
    let
      binsOf =
        name:
        lib.concatMap (
          set:
          lib.optionals (set.unit != null) (
            map (bin: {
              inherit name;
              bin = bin.name;
            }) entries.${set.unit}.crateBin or [ ]
          )
        ) (lib.take 1 (setsWith (featureSets name) rootFeatures));
    in
    lib.filterAttrs (_: found: lib.length found > 1) (
      lib.groupBy ({ bin, ... }: bin) (lib.concatMap binsOf (lib.attrNames workspaceMembers))
    );
  warnOfCollisions =
    tree:
    lib.foldl' (
      tree: bin:
      lib.warn
        ''
          members ${
            lib.concatMapStringsSep " and " ({ name, ... }: name) collisions.${bin}
          } have a binary `${bin}` each: allWorkspaceMembers holds that of one.
          Give them names of their own, or build the members by themselves: workspaceMembers.<name>.build''
        tree
    ) tree (lib.attrNames collisions);
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
  allWorkspaceMembers = warnOfCollisions (
    pkgs.symlinkJoin {
      name = "all-workspace-members";
      paths = map (member: member.build) (lib.attrValues workspaceMembers);
    }
  );

  internal = {
    units = lib.mapAttrs (key: meta.describe entries.${key}) sides.units;
    inherit targets platforms inputs;
    # Keys of each layer: what nixpkgs has for crates of this file, and all of ours and the user's.
    overrides = parts.overrides.keys parts.units.defaults;
  };
}
