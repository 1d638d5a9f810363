# The value of Cargo.nix, computed from its data.
library:
{
  # Version of the data's layout. `cratewright generate` writes this library and Cargo.nix in the same version.
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
  # Rustc, cargo, clippy and rustdoc in one derivation for the build platform; default: nixpkgs'.
  toolchain ? null,
  # Replaces the builder's own overrides; default: nixpkgs'.
  defaultCrateOverrides ? null,
  fetchurl ? null,
  release ? true,
  # Name of a profile of Cargo.toml.
  profile ? if release then "release" else "dev",
  # `CARGO_PROFILE_*` variables, which change profiles.
  env ? { },
  # `mold` or `lld`, or a set of these by triple; default: the C compiler's linker.
  linker ? null,
  rootFeatures ? [ "default" ],
  # Overrides by crate name, `name@requirement` or `"*"`, applied after nixpkgs': lists are appended, phases
  # concatenated.
  crateOverrides ? { },
  # Options of tests and other checks by member, `"*"` for all: `inputs`, `testFlags`, `preRun` and so on.
  checkOptions ? { },
  # Download address of crates.io crates, the `dl` of a mirror's index; default: nixpkgs'.
  registryDl ? null,
  # Function that fetches git repositories; default: nixpkgs' fetchgit.
  fetchgit ? null,
  # Local packages outside the workspace that are not at their usual place, by directory.
  externalSources ? { },
  # The cratewright package, which writes the SBOM of members.
  cratewright ? null,
  # The functions of nix2container, to build images with; default: nixpkgs' dockerTools.
  nix2container ? null,
  # Whether crates are content-addressed, which needs Nix's experimental feature `ca-derivations`.
  contentAddressed ? false,
}:
let
  # Each part takes attributes of the data, arguments and other parts.
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
  inherit (parts.units) entries unitsWith versions;
  sides = lib.foldl' (
    value: message: lib.warn message value
  ) (unitsWith (compilation profile) defaultCrateOverrides) (parts.override-layers.unused versions);

  # Feature sets that a member was resolved with: the default one, which may enable no features, and those of variants.
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
  # The key of an entry with the attributes that all builds of a member share.
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

  # The outputs of `built`, which exist only if the tests pass.
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

  # `.build.override` takes the same arguments as crate2nix's.
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
        # A proc-macro is built for the build platform, as it runs in the compiler.
        side = if entries.${unit}.procMacro or false then "build" else "units";
        # As with cargo, a package whose targets are all disabled is an empty build.
        attrs =
          if unit == null then removeAttrs entries.${packageIdOf name} [ "crateBin" ] else entries.${unit};
        built = meta.describe attrs (if unit == null then nothing attrs else chosen.${side}.${unit});
        test =
          if wanted != [ "default" ] then
            throw "${name}: tests were resolved with default features only, not with ${show { features = wanted; }}"
          else
            ((checks (compilation profile) chosen).tests.${name}
              or (throw "this Cargo.nix has no tests: [workspace.metadata.cratewright] has `tests = false`")
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
          it was resolved with ${lib.concatMapStringsSep ", " show sets}.
          Declare a variant in [workspace.metadata.cratewright.variants] and run `cratewright generate`.
        ''
      else
        result
        // {
          image = image result attrs;
          sbom =
            if unit == null then
              throw "${name}: no target is enabled with features ${show (lib.head found)}"
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

  # Binaries with the same name, of which a tree can hold only one. Cargo warns of them as well.
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
      lib.warn ''
        members ${
          lib.concatMapStringsSep " and " ({ name, ... }: name) collisions.${bin}
        } each have a binary `${bin}`: allWorkspaceMembers contains only one of them.
        Rename one, or build the members separately: workspaceMembers.<name>.build'' tree
    ) tree (lib.attrNames collisions);
in
if format != 9 then
  throw ''
    this Cargo.nix has format ${toString format}, and its library is for format 9.
    Run `cratewright generate` to write both in the same format.
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

    # The outputs of all members in one tree.
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
      # Keys of each layer of overrides: nixpkgs' for crates of this file, and all of ours and of the user's.
      overrides = parts.override-layers.keys parts.units.defaults;
    };
  }
