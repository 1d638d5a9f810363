# Arguments and environment of rustc for one crate, as code for build.sh that sets arrays.
{ lib }:
{
  crate,
  # The crate before overrides.
  crate_,
  dependencies,
  buildDependencies,
  completeDeps,
  completeBuildDeps,
  crateType,
  metadata,
  stdenv,
  underscored,
  pipelining,
  cfg,
}:
let
  inherit (crate) crateName version;
  # Our library adds `-host` to the platform's name for crates that are built for the compiler.
  triple = lib.removeSuffix "-host" stdenv.hostPlatform.rust.rustcTarget;
  features = crate.features or [ ];
  words = lib.escapeShellArgs;
  array = name: list: "${name}=(${words list})\n";
  versionParts = lib.splitVersion version;
  variable = name: lib.toUpper (underscored name);

  # The same as in nixpkgs' builder.
  externName =
    unit:
    let
      renames = crate.crateRenames.${unit.crateName} or [ ];
      chosen = lib.findFirst (rename: rename.version == unit.version) { rename = unit.libName; } renames;
    in
    underscored chosen.rename;
  isLibrary = unit: lib.any (type: type == "lib" || type == "rlib") unit.crateType;
  fileOf =
    how: unit:
    let
      from = if how == "compile" then unit.forCompile else unit.forLink;
      extension =
        if !(isLibrary unit) then
          stdenv.buildPlatform.extensions.library
        else if how == "compile" && unit.forCompile.outPath != unit.forLink.outPath then
          ".rmeta"
        else
          ".rlib";
    in
    "${from}/lib/lib${underscored unit.libName}-${unit.metadata}${extension}";
  externs =
    how:
    lib.concatMap (unit: [
      "--extern"
      "${externName unit}=${fileOf how unit}"
    ]);
  searched =
    how: map (unit: "-Ldependency=${if how == "compile" then unit.forCompile else unit.forLink}/lib");
  made = units: map (unit: unit.made) (lib.filter (unit: unit.made != null) units);
  inputs =
    how: direct: complete:
    array "externs" (externs how direct ++ searched how complete)
    # Native libraries of dependencies are needed only for linking.
    + array "madeBelow" (lib.optionals (how == "link") (made complete));

  # The parts of hooks that overrides have added to those of our library.
  hook = name: lib.removePrefix (crate_.${name} or "") (crate.${name} or "");
  hooks = lib.filterAttrs (_: text: text != "") (
    lib.genAttrs [
      "postUnpack"
      "postPatch"
      "preConfigure"
      "postConfigure"
      "preBuild"
      "postInstall"
    ] hook
  );
  release = crate.release or true;
  optimisation = if release then "-C opt-level=3" else "-C debuginfo=2";
  edition = "--edition=${crate.edition or "2015"}";
  # The last flag takes precedence.
  optLevel = lib.foldl' (
    level: flag:
    let
      found = builtins.match ".*-C ?opt-level=([0-9sz]).*" flag;
    in
    if found == null then level else lib.head found
  ) (if release then "3" else "0") (crate.extraRustcOpts or [ ]);
  linker = lib.optionals stdenv.hasCC [
    "-C"
    "linker=${stdenv.cc}/bin/${stdenv.cc.targetPrefix}cc"
  ];
in
{
  environment =
    lib.filterAttrs (name: _: builtins.match "[A-Z].*" name != null) crate
    // crate.env or { }
    // {
      CARGO_PKG_NAME = crateName;
      CARGO_PKG_VERSION = version;
      CARGO_PKG_VERSION_MAJOR = lib.elemAt versionParts 0;
      CARGO_PKG_VERSION_MINOR = lib.elemAt versionParts 1;
      CARGO_PKG_VERSION_PATCH = lib.elemAt versionParts 2;
      CARGO_PKG_VERSION_PRE = lib.concatStringsSep "-" (
        lib.tail (lib.splitString "-" (lib.head (lib.splitString "+" version)))
      );
    };

  # As in nixpkgs' builder, flags are split into words by the shell, and stand between double quotes.
  common =
    array "cfgs" (
      lib.concatMap (feature: [
        "--cfg"
        ''feature="${feature}"''
      ]) features
    )
    + ''
      member=${lib.escapeShellArg (crate.workspace_member or ".")}
      package=${crateName}-${version}
      hasScript=${lib.optionalString (crate ? build) "yes"}
      flags="${optimisation} -C codegen-units=${toString crate.codegenUnits or 1} ${
        toString crate.extraRustcOpts or [ ]
      } ${edition}"
    ''
    + array "linker" linker
    + lib.concatStrings (lib.mapAttrsToList (name: text: "${name}() {\n${text}\n}\n") hooks)
    + "begin\n";

  script =
    inputs "link" buildDependencies completeBuildDeps
    + array "features" (map (feature: "CARGO_FEATURE_${variable feature}=1") features)
    + array "linksFrom" (made dependencies)
    + ''
      scriptFlags="${optimisation} -C codegen-units=${toString crate.codegenUnits or 1} ${
        lib.concatMapStringsSep " " toString crate.extraRustcOptsForBuildRs or [ ]
      } ${edition}"
      cfg=${cfg triple}
      export TARGET=${triple} HOST=${lib.removeSuffix "-host" stdenv.buildPlatform.rust.rustcTarget}
      export PROFILE=${if release then "release" else "debug"} OPT_LEVEL=${optLevel}
      export DEBUG=${lib.boolToString (!release)}
      linksOf=${lib.escapeShellArg crate.links or ""} linksName=${
        lib.escapeShellArg (variable crate.links or "")
      }
      buildScript ${lib.escapeShellArg crate.build}
    '';

  # `how` is `meta` or `code` for a part of the library, or `link` for the whole of it.
  library =
    how:
    let
      # Metadata, and code that is not linked, need only the metadata of dependencies.
      needs = if pipelining && how != "link" then "compile" else "link";
    in
    inputs needs dependencies completeDeps
    + array "types" (map (type: "--crate-type=${type}") crateType)
    + lib.optionalString (crate.procMacro or false) ''
      externs+=(--extern proc_macro)
    ''
    + ''
      compileLibrary ${
        words [
          how
          (underscored crate.libName or crateName)
          metadata
          (crate.libPath or "src/lib.rs")
        ]
      }
    '';

  programs =
    { library }:
    let
      bins = lib.filter (
        bin: lib.subtractLists features bin.requiredFeatures or [ ] == [ ]
      ) crate.crateBin or [ ];
    in
    lib.optionalString (bins != [ ]) (
      inputs "link" dependencies completeDeps
      + lib.optionalString (library != null) ''
        ownLibrary ${library}/lib
      ''
      + lib.concatMapStrings (
        bin:
        "compileProgram ${
          words [
            (bin.name or crateName)
            (bin.path or "")
          ]
        }\n"
      ) bins
    )
    + ''
      end
    '';
}
