# Derivations of all crates, for the build platform and for the host platform.
{
  targets,
  rustflags ? { },
  pkgs,
  lib,
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

  # Arguments of the builder, such as `rustc`. They can only be read while it builds a crate.
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

  # Whether a crate is local, inside or outside the workspace.
  isLocal = attrs: attrs ? dir && !(attrs ? checkout);

  # nixpkgs' builder pastes these attributes into a shell script between double quotes, without escaping.
  shellSafe = builtins.replaceStrings [ "\\" "\"" "$" "`" ] [ "\\\\" "\\\"" "\\$" "\\`" ];
  pasted =
    lib.genAttrs (lib.splitString " " "description homepage license license-file readme repository")
      (_: null);
  # Attributes of entries that the builder does not take.
  ours = lib.splitString " " (
    "checkout default-run dir documentation extraSources isDescribed key leftOut linksFrom lto registry replaces sha256"
    + " source twin undeclared vendored"
  );

  # nixpkgs' builder tells crates apart by name, version, features and dependencies. A crate that is needed from two
  # sources gets an additional feature, and a version that its dependents can refer to.
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

  # The derivation of a crate for one side of the build: `target`, `host`, or `test`, which is the target as tests link
  # it. Attributes in `extra` take precedence.
  buildOn =
    {
      side,
      pkgs,
      # Replaces the builder's own overrides, unless null.
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
        # The builder of nixpkgs 25.11 takes no clippy.
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
          # A plain function that wraps nixpkgs' builder.
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
      # The path of rustc and its output of `--print cfg`, computed once for all build scripts.
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
          # The builder would discover these files as targets. They are removed in the build, as an override may replace
          # the source.
          preConfigure = "rm -f ${lib.escapeShellArgs attrs.undeclared}\n" + ofCargo.preConfigure;
        };
      unit = buildRustCrate (
        {
          inherit (settings) release codegenUnits dontStrip;
          extraRustcOpts =
            settings.rustcFlags ++ map shellSafe settings.rustflags ++ linker-flags.ofCrate attrs side;
          # Without this attribute, the builder would discover binaries itself.
          crateBin = [ ];
        }
        // meta.names (isLocal attrs && memberNames ? ${attrs.crateName}) attrs
        // lib.optionalAttrs (attrs ? build) { extraRustcOptsForBuildRs = settings.scriptFlags; }
        // removeAttrs attrs ours
        // lib.mapAttrs (_: shellSafe) (builtins.intersectAttrs pasted attrs)
        // {
          # Always set, as the builder ignores overrides of a missing attribute.
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

  # All units for one platform. `buildOf` returns the units for build scripts and procedural macros.
  table =
    make: buildOf:
    let
      units = lib.mapAttrs (_: entry: make entry { }) (entriesOn {
        inherit units;
        build = buildOf units;
      });
    in
    units;

  # nixpkgs' builder tells crates apart by name, version, features, dependencies and platform, but not by compiler
  # flags. The host's flags differ from the target's, so the host gets another platform name.
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
      # The same value for both, as the builder compares them.
      buildPlatform = platform;
      hostPlatform = platform;
    };

  tripleOf = side: if side == "host" then host else target;

  # As with cargo, `rustflags` do not apply to the host on a cross pair, which is built with `--target`.
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

  # The units of both sides for one profile and one set of overrides.
  unitsWith =
    profile: defaults:
    if !(lib.elem pair targets) then
      throw entries.unresolved
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
        # Tests always unwind, so the crates that they link must do so too.
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
