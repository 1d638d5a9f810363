# What Cargo.nix gives, from the data in it.
library:
{
  # Layout of the data. A newer program writes both files anew.
  format,
  members,
  variants ? { },
  rootMember ? null,
  targets,
  platforms ? { },
  inputs,
  ...
}@data:
# crate2nix's arguments, then ours.
{
  nixpkgs ? <nixpkgs>,
  pkgs ? import nixpkgs { config = { }; },
  lib ? pkgs.lib,
  stdenv ? pkgs.stdenv,
  buildRustCrateForPkgs ? pkgs: pkgs.buildRustCrate,
  # Rustc, cargo, clippy and rustdoc in one derivation, for the build platform, if not nixpkgs'.
  toolchain ? null,
  # In place of those that the builder has, which are nixpkgs'.
  defaultCrateOverrides ? null,
  fetchurl ? null,
  release ? true,
  # A profile of Cargo.toml.
  profile ? if release then "release" else "dev",
  # Variables `CARGO_PROFILE_*`, which change profiles.
  env ? { },
  # `mold` or `lld`, or one of them by triple, in place of the C compiler's own linker.
  linker ? null,
  rootFeatures ? [ "default" ],
  # Overrides by crate name, `name@requirement` or `"*"`, on top of nixpkgs': lists append, phases concatenate.
  crateOverrides ? { },
  # What tests and other checks need, by member, `"*"` for all: `inputs`, `testFlags`, `preRun` and the like.
  checkOptions ? { },
  # Where crates.io crates are downloaded from, if not from where nixpkgs does: the `dl` of a mirror's index.
  registryDl ? null,
  # What fetches git repositories, if not nixpkgs' fetchgit.
  fetchgit ? null,
  # Local packages outside the workspace by their directories, where they are not to be found there.
  externalSources ? { },
  # The package of cratewright, which writes the SBOM of members.
  cratewright ? null,
  # What makes images, if not nixpkgs' dockerTools: the functions of nix2container.
  nix2container ? null,
  # Whether crates go by what they are, not by what they are made from: Nix's `ca-derivations`.
  contentAddressed ? false,
}:
let
  # Each part takes what it needs of the data, of the arguments and of other parts.
  parts =
    data
    // {
      inherit
        pkgs
        lib
        stdenv
        buildRustCrateForPkgs
        toolchain
        env
        linker
        defaultCrateOverrides
        fetchurl
        crateOverrides
        checkOptions
        registryDl
        fetchgit
        externalSources
        cratewright
        nix2container
        contentAddressed
        ;
      inherit (library) own-overrides;
    }
    // lib.mapAttrs (_: part: part parts) (
      removeAttrs library [
        "workspace"
        "own-overrides"
      ]
    );
  inherit (parts)
    cache-roots
    checks
    compilation
    image
    meta
    sbom
    ;
  inherit (parts.units)
    host
    target
    entries
    unitsWith
    versions
    ;
  sides = lib.foldl' (
    value: message: lib.warn message value
  ) (unitsWith (compilation profile) defaultCrateOverrides) (parts.override-layers.unused versions);

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

  nothing =
    { crateName, version, ... }:
    pkgs.runCommand "${crateName}-${version}" {
      inherit crateName version;
      pname = crateName;
      outputs = [
        "out"
        "lib"
      ];
    } ''mkdir "$out" "$lib"'';

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
        side = if entries.${unit}.procMacro or false then "build" else "units";
        # As cargo builds a package of which no target is enabled.
        attrs =
          if unit == null then removeAttrs entries.${packageIdOf name} [ "crateBin" ] else entries.${unit};
        built = meta.describe attrs (if unit == null then nothing attrs else chosen.${side}.${unit});
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
        result = if runTests then testedBy test built // { inherit (built) meta; } else built;
      in
      if found == [ ] then
        throw ''
          ${name} was not resolved with features ${show { inherit features; }};
          this Cargo.nix has it with ${lib.concatMapStringsSep ", " show sets}.
          Declare others under [workspace.metadata.cratewright.variants] and run `cratewright generate`.
        ''
      else
        result
        // {
          image = image result attrs;
          sbom =
            if unit == null then
              throw "${name}: nothing is built with features ${show (lib.head found)}"
            else
              sbom {
                root = unit;
                features = wanted;
              };
        }
    );

  workspaceMembers = lib.mapAttrs (name: _: rec {
    packageId = packageIdOf name;
    build = buildMember name [ ] { features = rootFeatures; };
    inherit (build) image sbom;
  }) parts.units.memberNames;

  variantMembers = lib.mapAttrs (
    _:
    lib.mapAttrs (
      name: set: rec {
        packageId = set.unit;
        build = buildMember name [ set ] { inherit (set) features; };
        inherit (build) image sbom;
      }
    )
  ) variants;

  checksOfMembers = checks (compilation profile) sides;

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
if format != 9 then
  throw ''
    this Cargo.nix has format ${toString format}, and the library beside it is for format 9.
    Write both anew: run `cratewright generate`.
  ''
else
  lib.optionalAttrs (rootMember != null) { rootCrate = workspaceMembers.${rootMember}; }
  // checksOfMembers
  // {
    inherit workspaceMembers;
    variants = variantMembers;

    cacheRoots = cache-roots {
      sides = { inherit (sides) units build linkedByTests; };
      builds = map (member: member.build) (
        lib.concatMap lib.attrValues ([ workspaceMembers ] ++ lib.attrValues variantMembers)
      );
      checks = checksOfMembers;
    };

    devShell = parts.dev-shell sides;

    # All members' outputs in one tree.
    allWorkspaceMembers = warnOfCollisions (
      pkgs.symlinkJoin {
        name = "all-workspace-members";
        paths = map (member: member.build) (lib.attrValues workspaceMembers);
      }
    );

    internal = {
      units = lib.mapAttrs (key: meta.describe entries.${key}) sides.units;
      inherit (sides) build linkedByTests;
      platform = parts.units.pair;
      inherit targets platforms inputs;
      # Keys of each layer: what nixpkgs has for crates of this file, and all of ours and the user's.
      overrides = parts.override-layers.keys parts.units.defaults;
    };
  }
