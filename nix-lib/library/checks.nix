# Checks of members, built on the same crates as their binaries: tests, lints, documentation, examples and benchmarks,
# by kind and member.
{
  pkgs,
  lib,
  stdenv,
  members,
  tests ? (_: { }),
  workspaceLints ? [ ],
  # Missing if the library is embedded in a Cargo.nix without checks.
  check-kinds ? null,
  toolchain,
  arguments,
  local-source,
  override-layers,
  units,
  ...
}@parts:
let
  checkOptions = override-layers.withoutAdded parts.checkOptions;
  inherit (units)
    guards
    host
    target
    entriesOn
    withNames
    settingsOf
    ;
  known = lib.attrNames arguments.forms.check;
  names = lib.splitString " " "benches clippy docs doctests examples tests";
  clippy = if toolchain == null then pkgs.buildPackages.clippy else toolchain;
  canRun = host == target || stdenv.buildPlatform.canExecute stdenv.hostPlatform;

  # The attributes of an entry that determine its dependencies and features.
  lists = {
    crateRenames = { };
    features = [ ];
    dependencies = [ ];
    buildDependencies = [ ];
  };
  listsOf = attrs: lists // builtins.intersectAttrs lists attrs;

  optionsIn = name: arguments.ofMember name (checkOptions.${name} or { });
  optionsOf =
    records: name:
    let
      strange = lib.attrNames (removeAttrs checkOptions (lib.attrNames records ++ [ "*" ]));
    in
    if strange != [ ] then
      throw "checkOptions: there is no member `${lib.head strange}`; the members are ${lib.concatStringsSep ", " (lib.attrNames records)}"
    else
      optionsIn "*" // optionsIn name;
in
# Takes a profile, and the units that were built with it.
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
  # The records of tests, completed with the dependencies and features of the package that they link.
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
      # Documentation describes the package as shipped, without dev-dependencies; all other checks use them.
      isShipped = kind == "docs" && members ? ${name};
      unit = if isShipped then members.${name} else record.unit;
      attrs = entries.${unit};
      # For a proc-macro only the library is documented, which is built for the build platform.
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
          # Build scripts do not see `DEP_` variables of dev-dependencies.
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
      given:
      let
        unknown = lib.attrNames (removeAttrs given known);
        options = arguments.ofCheck "${kind}.${name}" given;
        withSources = compiled // {
          extraSources =
            compiled.extraSources or [ ]
            ++
              local-source.listed "${kind}.${name}: `extraSources` of checkOptions"
                options.extraSources or [ ];
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
            # There are no binaries to install or fix up.
            installPhase = ":";
            dontFixup = true;
          }
        );
      in
      if unknown != [ ] then
        throw "${kind}.${name}: there is no option `${lib.head unknown}`; the options are ${lib.concatStringsSep ", " known}"
      else if this.targets == [ ] then
        pkgs.linkFarm "${name}-${attrs.version}-${kind}" [ ]
      else
        # Added to the inputs from overrides.
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
  # A member named `all` takes precedence.
  {
    all = pkgs.linkFarm kind (lib.mapAttrsToList (name: path: { inherit name path; }) each);
  }
  // each
)
