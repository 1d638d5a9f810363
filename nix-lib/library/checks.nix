# Checks of members on the crate graph of their binaries: tests, lints, documentation, examples and benchmarks, by kind
# and member.
{
  pkgs,
  lib,
  stdenv,
  members,
  tests ? (_: { }),
  workspaceLints ? [ ],
  # Not there where nothing is embedded for it.
  check-kinds ? null,
  toolchain,
  override-layers,
  units,
  ...
}@arguments:
let
  checkOptions = override-layers.withoutAdded arguments.checkOptions;
  inherit (units)
    guards
    host
    target
    entriesOn
    withNames
    settingsOf
    ;
  known = lib.splitString " " "clippy clippyFlags env extraSources inputs postRun preRun rustdocFlags testFlags";
  names = lib.splitString " " "benches clippy docs doctests examples tests";
  clippy = if toolchain == null then pkgs.buildPackages.clippy else toolchain;
  canRun = host == target || stdenv.buildPlatform.canExecute stdenv.hostPlatform;

  # What a unit is made with, in the words of the entries.
  lists = {
    crateRenames = { };
    features = [ ];
    dependencies = [ ];
    buildDependencies = [ ];
  };
  listsOf = attrs: lists // builtins.intersectAttrs lists attrs;

  optionsOf =
    records: name:
    let
      strange = lib.attrNames (removeAttrs checkOptions (lib.attrNames records ++ [ "*" ]));
    in
    if strange != [ ] then
      throw "checkOptions: there is no member `${lib.head strange}`; there are ${lib.concatStringsSep ", " (lib.attrNames records)}"
    else
      checkOptions."*" or { } // checkOptions.${name} or { };
in
# For a profile, and the units that were made with it.
profile: sides:
let
  entries = entriesOn sides;
  entriesOfTests = entriesOn {
    units = sides.linkedByTests;
    inherit (sides) build;
  };
  entriesOnBuild = entriesOn {
    units = sides.build;
    inherit (sides) build;
  };
  written = tests (
    builtins.intersectAttrs (builtins.functionArgs tests) (
      guards
      // {
        build = withNames sides.build;
        units = withNames sides.linkedByTests;
      }
    )
  );
  # With all that tests have in common with the package as they link it.
  records = lib.mapAttrs (
    name: record:
    let
      unit = record.unit or members.${name};
      isMacro = entries.${unit}.procMacro or false;
      withDev =
        linked: record:
        let
          inherit (record) dev;
          own = listsOf linked.${unit};
          renames = dev.crateRenames or { };
        in
        own
        // lib.optionalAttrs (record ? dev) {
          dependencies = own.dependencies ++ dev.dependencies or [ ];
          buildDependencies = own.buildDependencies ++ dev.buildDependencies or [ ];
          crateRenames =
            own.crateRenames // lib.mapAttrs (name: list: own.crateRenames.${name} or [ ] ++ list) renames;
        }
        // record;
      targets = record.libs or [ ] ++ record.macro.libs or [ ];
    in
    withDev entriesOfTests record
    // {
      inherit unit;
      lints = if record.lints or [ ] == "workspace" then workspaceLints else record.lints or [ ];
    }
    // lib.optionalAttrs (record ? macro) { macro = withDev entriesOnBuild record.macro; }
    // lib.optionalAttrs (targets != [ ] && record.isLinked or true) {
      library = (if isMacro then sides.build else sides.linkedByTests).${unit};
    }
  ) written;

  check =
    kind: name: record:
    let
      # Documentation is of the package as it is shipped; all else has what tests have.
      isShipped = kind == "docs" && members ? ${name};
      unit = if isShipped then members.${name} else record.unit;
      attrs = entries.${unit};
      # The package of a proc-macro documents its library alone, which is for the host.
      shipped = listsOf (if record ? macro then entriesOnBuild else entries).${unit};
      used =
        if isShipped then
          record
          // shipped
          // lib.optionalAttrs (record ? macro) { macro = record.macro // shipped; }
          // lib.optionalAttrs (record ? library) {
            library = (if record ? macro then sides.build else sides.units).${unit};
          }
        else
          record;
      linked =
        used.dependencies or [ ]
        ++ used.macro.dependencies or [ ]
        ++ lib.optional (used ? library) used.library;
      compiled =
        attrs
        // listsOf (used.macro or { } // used)
        // {
          # Variables of `links` are not for dependents by their tests alone.
          linksFrom = lib.filter (dependency: lib.any (isSame dependency) (attrs.dependencies or [ ])) linked;
        };
      isSame =
        one: other:
        one.crateName == other.crateName && (lib.getLib one).version == (lib.getLib other).version;
      settings = settingsOf {
        side = "test";
        inherit profile;
        attrs = compiled;
      };
      this =
        (check-kinds {
          inherit name settings canRun;
          record = used;
          attrs = compiled;
          binaries = sides.units.${unit};
        }).${kind};
    in
    lib.makeOverridable (
      options:
      let
        unknown = lib.attrNames (removeAttrs options known);
        withSources = compiled // {
          extraSources = compiled.extraSources or [ ] ++ options.extraSources or [ ];
          leftOut = [ ];
        };
        built = sides.buildTest withSources (
          options.env or { }
          // {
            name = lib.strings.sanitizeDerivationName "${name}-${attrs.version}-${kind}";
            dependencies = linked;
            crateBin = [ ];
            outputs = [ "out" ];
            outputDev = [ "out" ];
            buildPhase = ''
              runHook preBuild
              ${this.script options}
            '';
            # Hooks after this are for binaries, which there are none of.
            installPhase = ":";
            dontFixup = true;
          }
        );
      in
      if unknown != [ ] then
        throw "${kind}.${name}: there is no option `${lib.head unknown}`; there are ${lib.concatStringsSep ", " known}"
      else if this.targets == [ ] then
        pkgs.linkFarm "${name}-${attrs.version}-${kind}" [ ]
      else
        # On top of what overrides say.
        built.override {
          nativeBuildInputs =
            options.inputs or [ ] ++ lib.optional (kind == "clippy") options.clippy or clippy;
        }
    ) (optionsOf records name);
in
lib.genAttrs names (
  kind:
  let
    each = lib.mapAttrs (check kind) records;
  in
  # A member of that name is itself.
  {
    all = pkgs.linkFarm kind (lib.mapAttrsToList (name: path: { inherit name path; }) each);
  }
  // each
)
