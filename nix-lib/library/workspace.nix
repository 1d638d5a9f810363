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
  ...
}@data:
let
  packageSet =
    pkgs:
    if pkgs ? lib && pkgs ? stdenv then
      pkgs
    else
      throw ''
        Cargo.nix: `pkgs` is not a package set of nixpkgs.
        Write for example: pkgs = nixpkgs.legacyPackages.x86_64-linux;
      '';
in
# crate2nix's arguments, then ours.
{
  nixpkgs ? <nixpkgs>,
  pkgs ? import nixpkgs { config = { }; },
  lib ? (packageSet pkgs).lib,
  stdenv ? (packageSet pkgs).stdenv,
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
  # Any other argument is an error.
  ...
}@given:
let
  # Each part takes attributes of the data, arguments and other parts.
  parts =
    data
    // lib.mapAttrs (name: parts.arguments.ofFile name) {
      inherit
        stdenv
        buildRustCrateForPkgs
        toolchain
        defaultCrateOverrides
        fetchurl
        release
        profile
        env
        linker
        rootFeatures
        crateOverrides
        checkOptions
        registryDl
        fetchgit
        externalSources
        cratewright
        nix2container
        contentAddressed
        ;
    }
    // {
      inherit pkgs lib;
      inherit (library) own-overrides;
    }
    // lib.mapAttrs (_: part: part parts) (
      removeAttrs library [
        "workspace"
        "own-overrides"
      ]
    );
  inherit (parts)
    arguments
    builds
    cache-roots
    meta
    ;
  inherit (parts.units) entries unitsWith versions;
  compilation = parts.compilation (builtins.seq parts.release parts.profile);
  sides = lib.foldl' (
    value: message: lib.warn message value
  ) (unitsWith compilation parts.defaultCrateOverrides) (parts.override-layers.unused versions);
  buildMember = builds.buildMember { inherit compilation sides; };

  workspaceMembers = lib.mapAttrs (name: _: rec {
    packageId = builds.packageIdOf name;
    build = buildMember name [ ] { features = parts.rootFeatures; };
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

  checksOfMembers = parts.checks compilation sides;

  # All binaries by name.
  bins =
    let
      binsOf =
        name:
        lib.concatMap (
          unit:
          lib.optionals (unit != null) (
            map (bin: {
              inherit name;
              bin = bin.name;
            }) entries.${unit}.crateBin or [ ]
          )
        ) (builds.unitsWith name parts.rootFeatures);
    in
    lib.groupBy ({ bin, ... }: bin) (lib.concatMap binsOf (lib.attrNames workspaceMembers));
  # Binaries with the same name, of which a tree can hold only one. Cargo warns of them as well.
  collisions = lib.filterAttrs (_: found: lib.length found > 1) bins;
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
if arguments.unknownOfFile given != null then
  throw (arguments.unknownOfFile given)
else if format != 9 then
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
        # `cargo run` needs no `--bin` either if there is only one binary.
        meta = lib.optionalAttrs (lib.length (lib.attrNames bins) == 1) {
          mainProgram = lib.head (lib.attrNames bins);
        };
      }
    );

    internal = {
      units = lib.mapAttrs (key: meta.describe entries.${key}) sides.units;
      inherit (sides) build linkedByTests;
      platform = parts.units.pair;
      inherit targets platforms;
      inherit (parts) inputs;
      # Keys of each layer of overrides: nixpkgs' for crates of this file, and all of ours and of the user's.
      overrides = parts.override-layers.keys parts.units.defaults;
    };
  }
