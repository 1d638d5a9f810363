# What every Cargo.nix does with its crates. Source: nix-lib/prelude.nix of cratewright.
{
  workspace,
  targets,
  platforms,
  crates,
  tests,
  checks,
  members,
  variants,
  rootMember,
  pkgs,
  lib,
  stdenv,
  buildRustCrateForPkgs,
  defaultCrateOverrides,
  profile,
  rootFeatures,
  sources,
  overrides,
  profiles,
  environment,
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
  ours = lib.splitString " " "dir extraSources lto registry repository sha256 twin vendored";

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

  # One derivation, for one side of the build: `target`, `host`, or `test`, which is the target as tests link it. `extra`
  # replaces what it has.
  buildOn =
    {
      side,
      pkgs,
      crateOverrides,
      profile,
    }:
    let
      builder = buildRustCrateForPkgs (if side == "host" then asHost pkgs else pkgs);
      buildRustCrate =
        if builder ? override then
          builder.override { defaultCrateOverrides = crateOverrides; }
        else
          attrs: (builder attrs).override { inherit crateOverrides; };
    in
    source: attrs: extra:
    let
      settings = settingsOf { inherit side profile attrs; };
      unit = buildRustCrate (
        {
          inherit (settings) release codegenUnits dontStrip;
          extraRustcOpts = settings.rustcFlags;
          # Without it the builder would look for binaries by itself.
          crateBin = [ ];
        }
        // lib.optionalAttrs (attrs ? build) { extraRustcOptsForBuildRs = settings.scriptFlags; }
        // removeAttrs attrs ours
        // lib.mapAttrs (_: shellSafe) (builtins.intersectAttrs pasted attrs)
        // {
          # Without the attribute, the builder ignores overrides of it.
          features = attrs.features or [ ] ++ twinFeature attrs;
        }
        // lib.optionalAttrs (attrs ? authors) { authors = map shellSafe attrs.authors; }
        // environment attrs settings
        // source attrs
        // extra
      );
    in
    asTwin attrs (if settings.hasDebug then unit // { hasDebug = true; } else unit);

  # All units for one side. `hostOf` gives the units of build scripts and proc-macros.
  table =
    build: hostOf:
    let
      units = unitsFrom (source: attrs: build source attrs { }) {
        inherit units;
        host = hostOf units;
      };
    in
    units;

  # The crates, by what is made of each and its source.
  unitsFrom =
    make: tables:
    crates (
      guards
      // builtins.intersectAttrs (builtins.functionArgs crates) tables
      // lib.mapAttrs (_: make) (builtins.intersectAttrs (builtins.functionArgs crates) sources)
    );

  # nixpkgs' builder tells crates apart by name, version, features, dependencies and the platform's name: not by what they
  # are compiled with. On the host it is another than for the target, so the name is another as well.
  asHost =
    pkgs:
    let
      platform = pkgs.stdenv.hostPlatform // {
        rust = pkgs.stdenv.hostPlatform.rust // {
          rustcTarget = "${pkgs.stdenv.hostPlatform.rust.rustcTarget}-host";
        };
      };
    in
    pkgs
    // {
      buildRustCrate = pkgs.buildRustCrate.override {
        stdenv = pkgs.stdenv // {
          # One value, as the builder compares them.
          buildPlatform = platform;
          hostPlatform = platform;
        };
      };
    };

  settingsOf =
    {
      side,
      profile,
      attrs,
    }:
    let
      triple = if side == "host" then host else target;
    in
    profile.settings {
      inherit side attrs triple;
      rustflags = [ ];
    }
    // {
      crossTriple = lib.optionalString (triple != host) triple;
    };

  # Both sides, for one profile and one set of overrides.
  unitsWith =
    profile: defaults:
    if !(lib.elem pair targets) then
      throw ''
        this Cargo.nix was not resolved for builds on ${host} for ${target};
        known are: ${lib.concatStringsSep ", " targets}.
        Add it to `targets` or `cross` in [workspace.metadata.cratewright] and run `cratewright generate`.
      ''
    else
      let
        hostPkgs = if host == target then pkgs else pkgs.buildPackages;
        on = side: {
          inherit side pkgs profile;
          crateOverrides = overrides defaults;
        };
        hostUnits = table (buildOn {
          side = "host";
          pkgs = hostPkgs;
          crateOverrides = overrides (if host == target then defaults else hostPkgs.defaultCrateOverrides);
          inherit profile;
        }) (units: units);
      in
      rec {
        host = hostUnits;
        units = table (buildOn (on "target")) (_: hostUnits);
        # Tests unwind, and so does what they link.
        linkedByTests = if profile.aborts then table (buildOn (on "test")) (_: hostUnits) else units;
        buildTest = buildOn (on "test");
      };
  sides = unitsWith (profiles profile) defaultCrateOverrides;

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
          ofMacro = record.macro or { };
          attrs =
            plain.${record.unit}.attrs
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
            } (ofMacro // record);
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
        chosen = if crateOverrides == null then sides else unitsWith (profiles profile) crateOverrides;
        unit = (lib.head found).unit;
        # A proc-macro is for the compiler, wherever the rest is to run.
        built = chosen.${if chosen.units.${unit}.procMacro or false then "host" else "units"}.${unit};
        test =
          (checksWith (profiles profile) (
            if crateOverrides == null then defaultCrateOverrides else crateOverrides
          )).tests.${name}.override
            {
              testFlags = testCrateFlags;
              inputs = testInputs;
              preRun = testPreRun;
              postRun = testPostRun;
            };
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
        built
    );

  workspaceMembers = lib.mapAttrs (name: packageId: {
    inherit packageId;
    build = buildMember name [ ] { features = rootFeatures; };
  }) members;
in
lib.optionalAttrs (rootMember != null) { rootCrate = workspaceMembers.${rootMember}; }
// checksWith (profiles profile) defaultCrateOverrides
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
