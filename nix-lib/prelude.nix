# What every Cargo.nix does with its crates. Source: nix-lib/prelude.nix of cratewright.
{
  workspace,
  targets,
  platforms,
  crates,
  members,
  variants,
  rootMember,
  pkgs,
  lib,
  stdenv,
  buildRustCrateForPkgs,
  defaultCrateOverrides,
  release,
  rootFeatures,
  sources,
  overrides,
  inputs,
}:
let
  host = stdenv.buildPlatform.rust.rustcTarget;
  target = stdenv.hostPlatform.rust.rustcTarget;
  pair = if host == target then target else "${target} on ${host}";

  # `linux [ ... ]` is the list on Linux and empty elsewhere.
  guards = lib.mapAttrs (
    _: triples: if lib.elem pair triples then (list: list) else (list: [ ])
  ) platforms;

  # nixpkgs' builder pastes these between double quotes into a shell script as they are.
  shellSafe = builtins.replaceStrings [ "\\" "\"" "$" "`" ] [ "\\\\" "\\\"" "\\$" "\\`" ];
  pasted =
    lib.genAttrs (lib.splitString " " "description homepage license license-file readme repository")
      (_: null);
  ours = lib.splitString " " "dir extraSources registry repository sha256 twin vendored";

  # Cargo names DEP_ variables after `links`, nixpkgs' builder after the crate.
  dependencyVariables =
    attrs:
    let
      variable = name: lib.toUpper (builtins.replaceStrings [ "-" ] [ "_" ] name);
      theirs = variable (lib.removeSuffix "-sys" attrs.crateName);
      right = variable attrs.links;
    in
    lib.optionalAttrs (attrs ? links && theirs != right && builtins.match "[A-Z0-9_]+" right != null) {
      postConfigure = ''
        if [ -e target/env ]; then
          sed -i 's/^export DEP_${theirs}_/export DEP_${right}_/I' target/env
        fi
      '';
    };
  # nixpkgs' builder tells crates apart by name, version, features and dependencies. One that is needed from two sources
  # has a feature more, and a version that its dependents can name.
  twinFeature =
    attrs:
    lib.optional (attrs ? twin)
      "twin-${builtins.substring 0 7 (builtins.hashString "sha256" attrs.twin)}";
  asTwin =
    attrs: unit:
    if attrs ? twin then
      unit
      // {
        lib = unit.lib // {
          version = "${attrs.version} (${attrs.twin})";
        };
      }
    else
      unit;

  # All units for one side of the build. `hostOf` gives the units of build scripts and proc-macros.
  table =
    sidePkgs: crateOverrides: hostOf:
    let
      builder = buildRustCrateForPkgs sidePkgs;
      buildRustCrate =
        if builder ? override then
          builder.override { defaultCrateOverrides = crateOverrides; }
        else
          attrs: (builder attrs).override { inherit crateOverrides; };
      build =
        source: attrs:
        asTwin attrs (
          buildRustCrate (
            {
              inherit release;
              # Without it the builder would look for binaries by itself.
              crateBin = [ ];
            }
            // removeAttrs attrs ours
            // lib.mapAttrs (_: shellSafe) (builtins.intersectAttrs pasted attrs)
            // {
              # Without the attribute, the builder ignores overrides of it.
              features = attrs.features or [ ] ++ twinFeature attrs;
            }
            // lib.optionalAttrs (attrs ? authors) { authors = map shellSafe attrs.authors; }
            // dependencyVariables attrs
            // source attrs
          )
        );
      units = crates (
        guards
        // lib.optionalAttrs (builtins.functionArgs crates ? host) { host = hostOf units; }
        // {
          inherit units;
        }
        // lib.mapAttrs (_: build) (builtins.intersectAttrs (builtins.functionArgs crates) sources)
      );
    in
    units;

  unitsWith =
    defaults:
    if !(lib.elem pair targets) then
      throw ''
        this Cargo.nix was not resolved for builds on ${host} for ${target};
        known are: ${lib.concatStringsSep ", " targets}.
        Add it to `targets` or `cross` in [workspace.metadata.cratewright] and run `cratewright generate`.
      ''
    else if host == target then
      rec {
        units = table pkgs (overrides defaults) (units: units);
        host = units;
      }
    else
      let
        hostPkgs = pkgs.buildPackages;
        hostUnits = table hostPkgs (overrides hostPkgs.defaultCrateOverrides) (units: units);
      in
      {
        units = table pkgs (overrides defaults) (_: hostUnits);
        host = hostUnits;
      };
  sides = unitsWith defaultCrateOverrides;

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
        chosen = if crateOverrides == null then sides else unitsWith crateOverrides;
        unit = (lib.head found).unit;
      in
      if found == [ ] then
        throw ''
          ${name} was not resolved with features ${show { inherit features; }};
          this Cargo.nix has it with ${lib.concatMapStringsSep ", " show sets}.
          Declare others under [workspace.metadata.cratewright.variants] and run `cratewright generate`.
        ''
      else if runTests then
        throw "${name}: this Cargo.nix holds no test builds"
      else
        # A proc-macro is for the compiler, wherever the rest is to run.
        chosen.${if chosen.units.${unit}.procMacro or false then "host" else "units"}.${unit}
    );

  workspaceMembers = lib.mapAttrs (name: packageId: {
    inherit packageId;
    build = buildMember name [ ] { features = rootFeatures; };
  }) members;
in
lib.optionalAttrs (rootMember != null) { rootCrate = workspaceMembers.${rootMember}; }
// {
  inherit workspaceMembers;

  variants = lib.mapAttrs (
    _:
    lib.mapAttrs (
      name: set: {
        packageId = set.unit;
        build = buildMember name [ set ] { inherit (set) features; };
      }
    )
  ) variants;

  # All members' outputs in one tree.
  allWorkspaceMembers = pkgs.symlinkJoin {
    name = "all-workspace-members";
    paths = map (member: member.build) (lib.attrValues workspaceMembers);
  };

  internal = {
    inherit (sides) units;
    inherit targets platforms inputs;
  };
}
