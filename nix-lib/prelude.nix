# What every Cargo.nix does with its crates. Source: nix-lib/prelude.nix of cratewright.
{
  library,
  crates,
  tests ? (_: { }),
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
    memberNames
    unitsFrom
    settingsOf
    unitsWith
    versions
    ;
  sides = lib.foldl' (
    value: message: lib.warn message value
  ) (unitsWith (compilation profile) defaultCrateOverrides) (parts.overrides.unused versions);

  # What `cargo test` and its like do with a member, by kind and member, and all members of a kind in one tree of links.
  checksWith =
    profile: defaults:
    let
      sides = unitsWith profile defaults;
      plain = unitsFrom (source: attrs: { inherit source attrs; }) sides;
      records = tests (
        builtins.intersectAttrs (builtins.functionArgs tests) (
          guards
          // {
            inherit (sides) host;
            units = sides.linkedByTests;
          }
        )
      );
      ofMember =
        name: record:
        let
          inherit (plain.${record.unit}) source;
          own = plain.${record.unit}.attrs;
          ofMacro = record.macro or { };
          attrs =
            own
            // {
              crateRenames = { };
              features = [ ];
              dependencies = [ ];
              buildDependencies = [ ];
            }
            // builtins.intersectAttrs {
              crateRenames = null;
              features = null;
              dependencies = null;
              buildDependencies = null;
            } (ofMacro // record)
            // {
              linksFrom = lib.filter (dependency: lib.any (isSame dependency) (own.dependencies or [ ])) linked;
            };
          isSame =
            one: other:
            one.crateName == other.crateName && (lib.getLib one).version == (lib.getLib other).version;
          linked =
            record.dependencies or [ ]
            ++ ofMacro.dependencies or [ ]
            ++ lib.optional (record ? library) record.library;
        in
        checks {
          inherit name record attrs;
          settings = settingsOf {
            side = "test";
            inherit profile attrs;
          };
          binaries = sides.units.${record.unit};
          build =
            extra:
            sides.buildTest source attrs (
              {
                dependencies = linked;
                crateBin = [ ];
              }
              // extra
            );
        };
      byMember = lib.mapAttrs ofMember records;
      kinds = lib.attrNames (lib.foldl' (all: member: all // member) { } (lib.attrValues byMember));
    in
    lib.genAttrs kinds (
      kind:
      let
        members = lib.mapAttrs (_: checks: checks.${kind}) byMember;
      in
      members
      // {
        all = pkgs.linkFarm kind (lib.mapAttrsToList (name: path: { inherit name path; }) members);
      }
    );

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
          (checksWith (compilation profile) (
            if crateOverrides == null then defaultCrateOverrides else crateOverrides
          )).tests.${name}.override
            {
              testFlags = testCrateFlags;
              inputs = testInputs;
              preRun = testPreRun;
              postRun = testPostRun;
            };
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
      else if runTests then
        pkgs.symlinkJoin {
          inherit (built) name;
          paths = [ built ];
          passthru = { inherit test; };
          postBuild = ": ${test}";
        }
      else
        meta.describe entries.${unit} built // { sbom = document; }
    );

  workspaceMembers = lib.mapAttrs (name: packageId: rec {
    inherit packageId;
    build = buildMember name [ ] { features = rootFeatures; };
    inherit (build) sbom;
  }) members;
in
lib.optionalAttrs (rootMember != null) { rootCrate = workspaceMembers.${rootMember}; }
// checksWith (compilation profile) defaultCrateOverrides
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
