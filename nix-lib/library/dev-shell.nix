# A shell in which cargo finds the libraries, programs and variables that overrides give to the crates.
{
  members,
  variants ? { },
  tests ? (_: { }),
  pkgs,
  lib,
  stdenv,
  arguments,
  checkOptions,
  units,
  override-layers,
  rustc,
  toolchain,
  ...
}:
let
  inherit (units) host target ofBuilder;
  isNative = host == target;

  # Entries with the side that they are built for; their dependencies are entries of the matching side.
  tables = {
    units = on "units";
    build = if isNative then tables.units else on "build";
  };
  on =
    side:
    lib.mapAttrs (unit: entry: entry // { inherit unit side; }) (
      units.entriesOn {
        units = tables.${side};
        inherit (tables) build;
      }
    );
  entryOf =
    unit: (if units.entries.${unit}.procMacro or false then tables.build else tables.units).${unit};
  records = lib.attrValues (
    tests (
      builtins.intersectAttrs (builtins.functionArgs tests) (
        units.guards // lib.mapAttrs (_: units.withNames) tables
      )
    )
  );
  dependenciesOf = entry: entry.dependencies or [ ] ++ entry.buildDependencies or [ ];
  roots =
    map entryOf (
      lib.filter (unit: unit != null) (
        lib.attrValues members
        ++ lib.concatMap (variant: map (set: set.unit) (lib.attrValues variant)) (lib.attrValues variants)
        ++ lib.catAttrs "unit" records
      )
    )
    ++ lib.concatMap (record: dependenciesOf record.dev or { }) (
      records ++ lib.catAttrs "macro" records
    );
  # All crates of the platform, including dev-dependencies; members come first.
  reached = map ({ entry, ... }: entry) (
    builtins.genericClosure {
      startSet = map keyed roots;
      operator = { entry, ... }: map keyed (dependenciesOf entry);
    }
  );
  keyed = entry: {
    key = "${entry.side} ${entry.unit}";
    inherit entry;
  };

  # The string that a derivation puts into the environment for an attribute.
  text =
    value:
    if lib.isList value then
      lib.concatMapStringsSep " " text value
    else if builtins.isPath value then
      "${value}"
    else
      toString value;

  # Cargo sets these variables for each crate itself, or reads them as its own configuration.
  isOfCargo =
    name:
    builtins.match "(CARGO|DEP|RUSTC)(_.*)?|DEBUG|HOST|NUM_JOBS|OPT_LEVEL|OUT_DIR|PROFILE|RUSTDOC|RUSTFLAGS|TARGET" name
    != null;
  # A value with a placeholder refers to an output of the crate, which the shell does not build.
  namesOutput =
    value:
    lib.any (name: lib.hasInfix (placeholder name) value) [
      "out"
      "lib"
    ];
  variablesOf =
    result:
    let
      linked = linkedFrom result;
    in
    lib.filterAttrs (name: value: !(isOfCargo name || namesOutput value)) (
      lib.mapAttrs (_: text) (
        lib.filterAttrs (name: _: override-layers.isVariable name) result
        // result.env or { }
        // lib.optionalAttrs (linked != [ ]) {
          NIX_LDFLAGS = lib.toList result.NIX_LDFLAGS or [ ] ++ linked;
        }
      )
    );
  # Library directories in rustc's options, in the form of the linker wrapper's variable.
  linkedFrom =
    result:
    map (word: "-L${lib.removePrefix "native=" (lib.removePrefix "-L" word)}") (
      lib.filter (lib.hasPrefix "-L") (
        lib.splitString " " (
          builtins.replaceStrings [ "-L " ] [ "-L" ] (
            text (result.extraLinkFlags or [ ] ++ result.extraRustcOpts or [ ])
          )
        )
      )
    );

  # Variables that setup hooks of inputs append to: values of several crates are joined instead of conflicting.
  separators =
    lib.genAttrs [
      "CMAKE_PREFIX_PATH"
      "CPATH"
      "CPLUS_INCLUDE_PATH"
      "C_INCLUDE_PATH"
      "LD_LIBRARY_PATH"
      "LIBRARY_PATH"
      "PATH"
      "PKG_CONFIG_PATH"
      "PYTHONPATH"
    ] (_: ":")
    // lib.genAttrs [
      "BINDGEN_EXTRA_CLANG_ARGS"
      "NIX_CFLAGS_COMPILE"
      "NIX_CFLAGS_LINK"
      "NIX_LDFLAGS"
    ] (_: " ");

  # Sets a variable; `given` lists its values with the crates that have them, of which the first takes precedence.
  assign =
    name: given:
    let
      values = lib.unique (map ({ value, ... }: value) given);
      first = lib.head given;
      other = lib.findFirst ({ value, ... }: value != first.value) null given;
      separator = separators.${name} or null;
    in
    if separator != null then
      "export ${name}=${lib.escapeShellArg (lib.concatStringsSep separator values)}\${${name}:+${separator}\$${name}}\n"
    else
      lib.warnIf (other != null)
        ''
          devShell: overrides set `${name}` to different values, and a shell has only one:
            ${first.value} for ${first.crate}, which is used
            ${other.value} for ${other.crate}
          help: choose one with `devShell.override { env.${name} = "..."; }`, or `null` to leave it out''
        "export ${name}=${lib.escapeShellArg first.value}\n";
in
# Takes the units of both sides.
sides:
let
  crates =
    map (
      {
        side,
        unit,
        crateName,
        version,
        ...
      }:
      {
        crate = "${crateName} ${version}";
        isForBuild = side == "build";
        result = sides.${side}.${unit}.fromOverrides;
      }
    ) reached
    ++ lib.mapAttrsToList (
      name: given:
      let
        options = arguments.ofCheck "checkOptions.${name}" (arguments.ofMember name given);
      in
      {
        crate = "checkOptions.${name}";
        isForBuild = false;
        result = {
          nativeBuildInputs = options.inputs or [ ];
          env = options.env or { };
        };
      }
    ) (override-layers.withoutAdded checkOptions);
  inputs = list: crates: lib.unique (lib.concatMap ({ result, ... }: result.${list} or [ ]) crates);
  bySide = lib.partition ({ isForBuild, ... }: isForBuild) crates;

  valuesOf =
    crates:
    lib.zipAttrs (
      map (
        { crate, result, ... }: lib.mapAttrs (_: value: { inherit crate value; }) (variablesOf result)
      ) crates
    );
  variables = valuesOf bySide.right // valuesOf bySide.wrong;

  # On a cross pair cargo needs the linker of the host platform, and build scripts compile C for both platforms.
  ofPair = lib.optionalString (!isNative) (
    ''
      export CARGO_BUILD_TARGET=${target}
      export HOST_CC=''${CC_FOR_BUILD-} HOST_CXX=''${CXX_FOR_BUILD-} HOST_AR=''${AR_FOR_BUILD-}
    ''
    + lib.concatMapStrings (program: ''
      export CARGO_TARGET_${rustc.underscored (lib.toUpper target)}_LINKER=${program}
    '') (rustc.linkersOn "target")
  );
  tools = pkgs.buildPackages;
in
lib.makeOverridable (
  {
    env ? { },
  }:
  (pkgs.mkShell.override { stdenv = ofBuilder.stdenv or stdenv; }) {
    name = "cargo-shell";
    depsBuildBuild = lib.optionals (!isNative) (
      [ pkgs.pkgsBuildBuild.stdenv.cc ]
      ++ lib.concatMap (list: inputs list bySide.right) [
        "nativeBuildInputs"
        "buildInputs"
        "propagatedBuildInputs"
      ]
    );
    nativeBuildInputs =
      (
        if toolchain != null then
          [ toolchain ]
        else
          lib.unique [
            (ofBuilder.rustc or tools.rustc)
            (ofBuilder.cargo or tools.cargo)
            (ofBuilder.clippy or tools.clippy)
            tools.rustfmt
          ]
      )
      ++ inputs "nativeBuildInputs" bySide.wrong
      ++ inputs "propagatedNativeBuildInputs" bySide.wrong;
    buildInputs = inputs "buildInputs" bySide.wrong ++ inputs "propagatedBuildInputs" bySide.wrong;
    # Variables are set in the hook, as `inputsFrom` of another shell takes the hook but not other attributes.
    shellHook =
      ofPair
      + lib.concatStrings (
        lib.mapAttrsToList assign (removeAttrs variables (lib.attrNames env))
        ++ lib.mapAttrsToList (name: value: "export ${name}=${lib.escapeShellArg (text value)}\n") (
          lib.filterAttrs (_: value: value != null) env
        )
      );
  }
) { }
