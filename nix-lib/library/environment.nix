# Hooks by which nixpkgs' builder gives build scripts and rustc the environment that cargo gives them.
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

  # `[env]`: what is set already counts more, unless it is forced.
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

  # A file of the workspace is in the store. A directory is where it would be, seen from the crate: what is in it is not
  # what every crate is built from.
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
  # Whoever links it has to have it when it runs.
  isDylib =
    attrs:
    lib.elem "dylib" attrs.type or [ ] && !(lib.elem "rlib" attrs.type || lib.elem "lib" attrs.type);
  # As in cargo's `build_base_args`: where there is another member, rustc's own libraries are shared.
  isDynamic =
    attrs:
    lib.elem "dylib" attrs.type or [ ]
    && lib.any (name: name != attrs.crateName || !(units.isLocal attrs)) (
      lib.attrNames units.memberNames
    );
  # What the functions above know of a crate, as far as there is anything to know.
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
      # One derivation is the member by itself and what other members depend upon.
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

  # A shell has no variable of the name, and the builder of nixpkgs 25.11 fails to set it.
  isOdd = feature: builtins.match "[A-Za-z0-9_-]*" feature == null;
in
# Hooks of a crate, given what it is compiled with (see compilation.nix).
attrs: settings: {
  # nixpkgs asks for the time before and after each phase; a shell can tell it without another program.
  preUnpack = ''
    source ${environment-script}
    date() { if [ "$*" = +%s ]; then printf '%(%s)T\n' -1; else command date "$@"; fi; }
  '';
  preConfigure = ''
    cargoBegin
    declare -gA cargoPaths=()
    ${lib.concatStrings (lib.mapAttrsToList (exportOf attrs) cargoEnv)}${assignments (variablesOf attrs settings)}${
      # sqlx looks for prepared queries beside the manifest, and asks cargo for the workspace root, which is not there.
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
