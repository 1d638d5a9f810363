# Hooks for nixpkgs' builder that give build scripts and rustc the same environment as cargo.
{
  lib,
  units,
  workspace,
  cargoEnv ? { },
  environment-script,
  pkgs,
  ...
}:
let
  rustcOnce = pkgs.buildPackages.writeShellScriptBin "rustc" ''
    source ${environment-script}
    cargoRustc "$@"
  '';

  # `[env]` of cargo's configuration: a variable that is set already keeps its value, unless `force` is set.
  exportOf =
    attrs: name:
    {
      value ? null,
      path ? null,
      force ? false,
    }:
    let
      place = placeOf attrs path;
      set = "export ${name}=${lib.escapeShellArg (if path == null then value else place)}";
    in
    if path != null && place == null then
      "cargoSetPath ${
        lib.escapeShellArgs [
          name
          path
          (up attrs)
          (lib.optionalString force "yes")
        ]
      }\n"
    else if force then
      "${set}\n"
    else
      "if [ -z \"\${${name}+set}\" ]; then ${set}; fi\n";

  # A file of the workspace is copied to the store. A directory is not, as every crate would then depend on its
  # contents: its path is computed relative to the crate.
  placeOf =
    attrs: path:
    let
      file = workspace.root + "/${path}";
      directory = builtins.dirOf file;
      isFile =
        builtins.pathExists directory && (builtins.readDir directory).${baseNameOf path} or "" == "regular";
    in
    if path != "" && isFile then "${file}" else null;
  # A member's own directory, and the workspace root as seen from there.
  dirOf = attrs: if units.isLocal attrs && !(lib.hasPrefix ".." attrs.dir) then attrs.dir else "";
  up =
    attrs:
    lib.concatMapStrings (_: "../") (lib.filter (part: part != "") (lib.splitString "/" (dirOf attrs)));

  underscored = builtins.replaceStrings [ "-" ] [ "_" ];
  variable = name: lib.toUpper (underscored name);
  # `1.0.0-alpha-2.beta+5` has `alpha-2.beta`.
  preReleaseOf =
    version:
    let
      parts = builtins.match "[^-+]*-([^+]*).*" version;
    in
    if parts == null then "" else lib.head parts;
  # `build/main.rs` is compiled as `build_script_main`.
  scriptOf = path: "build_script_${underscored (lib.removeSuffix ".rs" (baseNameOf path))}";
  # Programs that link such a library need it at run time.
  isDylib =
    attrs:
    lib.elem "dylib" attrs.type or [ ] && !(lib.elem "rlib" attrs.type || lib.elem "lib" attrs.type);
  # As in cargo's `build_base_args`: with more than one member, rustc's own libraries are linked dynamically.
  isDynamic =
    attrs:
    lib.elem "dylib" attrs.type or [ ]
    && lib.any (name: name != attrs.crateName || !(units.isLocal attrs)) (
      lib.attrNames units.memberNames
    );
  # The crate's variables for the functions of environment-script.nix.
  variablesOf =
    attrs: settings:
    {
      cargoCrate = attrs.crateName;
      cargoVersion = attrs.version;
      cargoBinFlags = toString settings.binFlags;
      cargoBinNames = lib.concatMapStringsSep " " (bin: bin.name) attrs.crateBin or [ ];
      cargoDylib = lib.optionalString (isDylib attrs) "yes";
      cargoDynamic = lib.optionalString (isDynamic attrs) "-Cprefer-dynamic";
      cargoPreRelease = preReleaseOf attrs.version;
      # Set for every member: one derivation serves both as a primary package and as a dependency of other members.
      cargoPrimary = lib.optionalString (
        units.isLocal attrs && units.memberNames ? ${attrs.crateName}
      ) "CARGO_PRIMARY_PACKAGE=1";
      cargoTarget = settings.crossTriple;
    }
    // lib.optionalAttrs (attrs ? build) {
      cargoCfg = settings.cfg.out or "";
      cargoLinks = toString (map lib.getLib attrs.linksFrom or attrs.dependencies or [ ]);
      cargoLinksName = variable attrs.links or "";
      cargoScript = scriptOf attrs.build;
    };
  assignments =
    variables:
    builtins.concatStringsSep "" (
      map (
        name: if variables.${name} == "" then "" else "${name}=${lib.escapeShellArg variables.${name}}\n"
      ) (lib.attrNames variables)
    );

  # A feature whose variable has a name that a shell cannot export: the builder of nixpkgs 25.11 fails to set it.
  isOdd = feature: builtins.match "[A-Za-z0-9_-]*" feature == null;
in
# Takes a crate and its compiler settings (see compilation.nix).
attrs: settings: {
  # nixpkgs runs `date` before and after each phase; the shell's own clock saves these processes.
  preUnpack = ''
    source ${environment-script}
    date() { if [ "$*" = +%s ]; then printf '%(%s)T\n' -1; else command date "$@"; fi; }
  '';
  preConfigure = ''
    cargoBegin
    declare -gA cargoPaths=()
    ${lib.concatStrings (lib.mapAttrsToList (exportOf attrs) cargoEnv)}${assignments (variablesOf attrs settings)}${
      # sqlx looks for prepared queries next to the manifest, then in the workspace root, which does not exist here.
      lib.optionalString (lib.elem ".sqlx" attrs.extraSources or [ ]) ''
        if [ ! -e .sqlx ]; then ln -s ${lib.escapeShellArg "${up attrs}.sqlx"} .sqlx; fi
      ''
    }cargoPackage=$cargoCrate-$cargoVersion
    cargoKeptBegin ${lib.escapeShellArg (dirOf attrs)}
    cargoWrapRustc ${rustcOnce}
    declare -gA cargoManifest=() cargoOfBuilder=()
    ${lib.optionalString (!attrs.isDescribed) "cargoReadManifest"}
    cargoExport
  ''
  + lib.optionalString (attrs ? build) ''
    cargoBuildScript ${
      lib.escapeShellArgs (
        [
          settings.profile.opt-level
          (lib.boolToString settings.hasDebug)
          (lib.optionalString settings.profile.debug-assertions "yes")
          (lib.concatStringsSep "," attrs.features or [ ])
        ]
        ++ settings.rustflags
      )
    }
    ${lib.concatMapStrings (
      feature: "cargoForScript ${lib.escapeShellArg "CARGO_FEATURE_${variable feature}=1"}\n"
    ) (lib.filter isOdd attrs.features or [ ])}'';
  postConfigure = ''
    cargoAfter
  '';
  preInstall = ''
    cargoKeptUnlink
  '';
  postInstall = ''
    cargoKeep
  '';
}
