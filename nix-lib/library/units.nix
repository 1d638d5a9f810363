# Every crate as a derivation, for the build platform and for the host platform.
{
  targets,
  rustflags ? { },
  pkgs,
  lib,
  stdenv,
  buildRustCrateForPkgs,
  toolchain,
  defaultCrateOverrides,
  contentAddressed,
  entries,
  fetch,
  override-layers,
  environment,
  linker-flags,
  meta,
  rustc,
  ...
}:
let
  inherit (entries)
    host
    target
    pair
    memberNames
    entriesOn
    versions
    ;

  # Arguments of the builder, such as `rustc`. They can only be asked of a crate that it builds.
  ofBuilder =
    let
      builder = buildRustCrateForPkgs pkgs;
      asked = builder.override (old: {
        defaultCrateOverrides.asked = _: { passthru.ofBuilder = old; };
      });
    in
    if builder ? override then
      (asked {
        crateName = "asked";
        version = "0.0.0";
        src = ./.;
      }).ofBuilder
    else
      { };

  # Names of the lowest layer of overrides.
  defaults = lib.attrNames (
    override-layers.lowest {
      from = pkgs;
      own = ofBuilder.defaultCrateOverrides or pkgs.defaultCrateOverrides;
      given = defaultCrateOverrides;
      inherit versions;
    }
  );

  # Whether it is of the workspace or beside it.
  isLocal = attrs: attrs ? dir && !(attrs ? checkout);

  # nixpkgs' builder pastes these between double quotes into a shell script as they are.
  shellSafe = builtins.replaceStrings [ "\\" "\"" "$" "`" ] [ "\\\\" "\\\"" "\\$" "\\`" ];
  pasted =
    lib.genAttrs (lib.splitString " " "description homepage license license-file readme repository")
      (_: null);
  # Attributes of entries that the builder knows nothing of.
  ours = lib.splitString " " (
    "checkout default-run dir documentation extraSources isDescribed key leftOut linksFrom lto registry replaces sha256"
    + " source twin undeclared vendored"
  );

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
      # What stands in place of the overrides that the builder has, or nothing.
      defaults,
      profile,
    }:
    let
      composed =
        own:
        override-layers.for {
          inherit pkgs own versions;
          members = memberNames;
          given = defaults;
        };
      change =
        old:
        {
          defaultCrateOverrides = composed (old.defaultCrateOverrides or pkgs.defaultCrateOverrides);
        }
        // lib.optionalAttrs (side == "host") { stdenv = hostStdenv (old.stdenv or pkgs.stdenv); }
        # nixpkgs 25.11 has no clippy there.
        // lib.optionalAttrs (toolchain != null) (
          lib.genAttrs (lib.filter (name: old ? ${name}) (lib.splitString " " "cargo clippy rustc")) (
            _: toolchain
          )
        );
      builder = buildRustCrateForPkgs pkgs;
      buildRustCrate =
        if builder ? override then
          builder.override change
        else
          # A plain function, around nixpkgs' own.
          let
            changed =
              pkgs
              // lib.optionalAttrs (pkgs.buildRustCrate ? override) {
                buildRustCrate = pkgs.buildRustCrate.override change;
              };
            crateOverrides = composed pkgs.defaultCrateOverrides;
          in
          attrs: (buildRustCrateForPkgs changed attrs).override { inherit crateOverrides; };
      flags =
        rustflagsOf side
        ++ lib.optionals (tripleOf side != host) [
          "--target"
          (tripleOf side)
        ];
      # What rustc is and says of the platform, once for all build scripts.
      cfg = buildRustCrate {
        crateName = "rustc--print-cfg";
        version = "0.0.0";
        src = builtins.toFile "none" "";
        dontUnpack = true;
        configurePhase = ":";
        buildPhase = ''
          hash rustc
          echo "# ''${BASH_CMDS[rustc]}" >"$out"
          rustc --print cfg ${lib.escapeShellArgs flags} >>"$out"
        '';
        installPhase = ":";
        outputs = [ "out" ];
        outputDev = [ "out" ];
        dontFixup = true;
      };
    in
    attrs: extra:
    let
      settings = settingsOf { inherit side profile attrs; } // {
        inherit cfg;
      };
      ofCargo = environment attrs settings;
      renamed = rustc.programNames attrs settings;
      hooks =
        ofCargo
        // renamed
        // {
          postInstall = renamed.postInstall or "" + ofCargo.postInstall;
        }
        // lib.optionalAttrs (attrs ? undeclared) {
          # The builder would take these for targets. Here it is where the package is, whatever source an override gives.
          preConfigure = "rm -f ${lib.escapeShellArgs attrs.undeclared}\n" + ofCargo.preConfigure;
        };
      unit = buildRustCrate (
        {
          inherit (settings) release codegenUnits dontStrip;
          extraRustcOpts =
            settings.rustcFlags ++ map shellSafe settings.rustflags ++ linker-flags.ofCrate attrs side;
          # Without it the builder would look for binaries by itself.
          crateBin = [ ];
        }
        // meta.names (isLocal attrs && memberNames ? ${attrs.crateName}) attrs
        // lib.optionalAttrs (attrs ? build) { extraRustcOptsForBuildRs = settings.scriptFlags; }
        // removeAttrs attrs ours
        // lib.mapAttrs (_: shellSafe) (builtins.intersectAttrs pasted attrs)
        // {
          # Without the attribute, the builder ignores overrides of it.
          features = attrs.features or [ ] ++ twinFeature attrs;
        }
        // lib.optionalAttrs (attrs ? authors) { authors = map shellSafe attrs.authors; }
        // lib.optionalAttrs contentAddressed { __contentAddressed = true; }
        // hooks
        // fetch attrs
        // extra
      );
    in
    asTwin attrs (if settings.countsAsDebug then unit // { hasDebug = true; } else unit);

  # All units for one platform. `buildOf` gives the units of build scripts and procedural macros.
  table =
    make: buildOf:
    let
      units = lib.mapAttrs (_: entry: make entry { }) (entriesOn {
        inherit units;
        build = buildOf units;
      });
    in
    units;

  # nixpkgs' builder tells crates apart by name, version, features, dependencies and the platform's name: not by what they
  # are compiled with. On the host it is another than for the target, so the name is another as well.
  hostStdenv =
    stdenv:
    let
      platform = stdenv.hostPlatform // {
        rust = stdenv.hostPlatform.rust // {
          rustcTarget = "${stdenv.hostPlatform.rust.rustcTarget}-host";
        };
      };
    in
    stdenv
    // {
      # One value, as the builder compares them.
      buildPlatform = platform;
      hostPlatform = platform;
    };

  tripleOf = side: if side == "host" then host else target;

  # As by `cargo build`, and by `cargo build --target` on a cross pair.
  rustflagsOf =
    side: lib.optionals (side != "host" || host == target) rustflags.${tripleOf side} or [ ];

  settingsOf =
    {
      side,
      profile,
      attrs,
    }:
    let
      triple = tripleOf side;
    in
    profile.settings {
      inherit side attrs triple;
      isNative = host == target;
      rustflags = rustflagsOf side;
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
        isNative = host == target;
        hostPkgs = if isNative then pkgs else pkgs.buildPackages;
        on = side: {
          inherit
            side
            pkgs
            profile
            defaults
            ;
        };
        buildUnits = table (buildOn (on "host" // { pkgs = hostPkgs; })) (units: units);
        buildOf = units: if isNative && profile.sharesHost then units else buildUnits;
        units = table (buildOn (on "target")) buildOf;
      in
      {
        inherit units;
        build = buildOf units;
        # Tests unwind, and so does what they link.
        linkedByTests = if profile.aborts then table (buildOn (on "test")) (_: buildUnits) else units;
        buildTest = buildOn (on "test");
      };
in
entries
// {
  inherit
    isLocal
    rustflagsOf
    settingsOf
    unitsWith
    ofBuilder
    defaults
    ;
}
