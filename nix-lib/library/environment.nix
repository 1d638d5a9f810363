# The environment that cargo gives build scripts and rustc.
# As in cargo's src/cargo/core/compiler/custom_build.rs and compilation.rs; nixpkgs' builder sets some of it otherwise.
{
  lib,
  units,
  workspace,
  cargoEnv ? { },
  build-script,
  ...
}:
let
  functions = builtins.toFile "cargo-environment.sh" ''
    source ${build-script}

    # What is set already, by an attribute of an override, is nobody else's to set.
    cargoBegin() {
      cargoGiven="''${!CARGO@} ''${!DEP_@} DEBUG HOST NUM_JOBS OPT_LEVEL OUT_DIR PROFILE RUSTC RUSTDOC TARGET"
      local name names=
      for name in $cargoGiven; do
        if [ -n "''${!name+set}" ]; then names+="$name "; fi
      done
      cargoGiven=$names
    }

    # Whether a variable named $1 is another's.
    cargoIsGiven() {
      [[ " $cargoGiven " == *" $1 "* ]]
    }

    # What cargo sets otherwise than the builder, or not at all, does not concern the builder. Hooks have the last word.
    cargoExport() {
      cargoOfTests=() cargoCdylibArguments=() cargoDylibs=()
      cargoSet CARGO "$(type -P cargo)"
      cargoSet CARGO_MANIFEST_PATH "$PWD/Cargo.toml"
      cargoSet CARGO_PKG_VERSION_PRE "$cargoPreRelease"
      export() {
        local word name IFS=' '
        if [[ ''${1:-} == -* || " ''${FUNCNAME[*]} " == *" runHook "* ]]; then
          for word; do cargoGiven+="''${word%%=*} "; done
          builtin export "$@"
          return
        fi
        for word; do
          name=''${word%%=*}
          if cargoIsGiven "$name"; then continue; fi
          case $word in
            OPT_LEVEL=* | DEBUG=* | CARGO_CFG_*=* | CARGO_PKG_VERSION_PRE=* | RUST_BACKTRACE=*) ;;
            CARGO_MANIFEST_LINKS=) ;;
            CARGO_PKG_*=*)
              # The builder was not told what was read from the manifest; an override may have. A build script may say
              # another thing later.
              if [ -z "''${cargoOfBuilder[$name]+set}" ]; then
                cargoOfBuilder[$name]=
                if [ -n "''${word#*=}" ] || [ -z "''${cargoManifest[$name]+set}" ]; then cargoManifest[$name]=$word; fi
                word=''${cargoManifest[$name]}
              fi
              builtin export "$word"
              ;;
            DEP_*=*)
              # The builder reads these of all crates below, cargo of those that are depended upon.
              if [[ ''${BASH_SOURCE[1]} != */env || " $cargoLinks " == *" ''${BASH_SOURCE[1]%/env} "* ]]; then
                cargoForScript "$word"
              fi
              ;;
            *) if cargoIsName "$name"; then builtin export "$word"; fi ;;
          esac
        done
      }
    }

    # What Cargo.nix does not say of a package, as cargo reads it.
    cargoReadManifest() {
      local name value
      while IFS= read -r -d "" name && IFS= read -r -d "" value; do
        cargoManifest[CARGO_PKG_$name]=CARGO_PKG_$name=$value
      done < <(cargo read-manifest --offline --manifest-path "$PWD/Cargo.toml" | jq --join-output '
        ["AUTHORS", (.authors | join(":"))],
        ["DESCRIPTION", .description], ["HOMEPAGE", .homepage], ["LICENSE", .license], ["LICENSE_FILE", .license_file],
        ["README", .readme], ["REPOSITORY", .repository], ["RUST_VERSION", .rust_version]
        | .[0], "\u0000", .[1] // "", "\u0000"')
      if [ -z "''${cargoManifest[CARGO_PKG_AUTHORS]+set}" ]; then
        echo "error: cargo cannot read the manifest of $cargoPackage" >&2
        return 1
      fi
    }

    # A variable of the build script, which may have a name that a shell has no variable for.
    cargoForScript() {
      if cargoIsName "''${1%%=*}"; then
        builtin export "$1"
      else
        printf '%s\0' "$1" >>"$NIX_BUILD_TOP/.cargo-tools/script-environment"
      fi
    }

    # For a build script: its OPT_LEVEL and DEBUG, whether there are debug assertions, the features, then what else rustc is
    # given.
    cargoBuildScript() {
      local -A cfg=([feature]=$4)
      local line name value IFS=$'\x1f'
      if [ -n "$3" ]; then cfg[debug_assertions]=; fi
      cargoSet OPT_LEVEL "$1"
      cargoSet DEBUG "$2"
      shift 4
      cargoSet CARGO_ENCODED_RUSTFLAGS "$*"
      unset IFS
      while IFS= read -r line; do
        name=''${line%%=*} value=
        if [ "$name" != "$line" ]; then value=''${line#*=\"} value=''${value%\"}; fi
        if [ "$name" = debug_assertions ]; then
          continue
        elif [ -n "''${cfg[$name]+set}" ]; then
          cfg[$name]+=,$value
        else
          cfg[$name]=$value
        fi
      done < <(rustc --print cfg "$@" ''${cargoTarget:+--target "$cargoTarget"})
      for name in "''${!cfg[@]}"; do
        value=''${name^^}
        cargoSet "CARGO_CFG_''${value//-/_}" "''${cfg[$name]}"
      done
    }

    cargoSet() {
      if ! cargoIsGiven "$1"; then builtin export "$1=$2"; fi
    }

    # Rustc sees less than a build script does, and dependents see what cargo shows them.
    cargoAfter() {
      local line key
      unset -f export
      cargoForgetScript
      if [ ! -d "$OUT_DIR" ]; then unset OUT_DIR; fi
      cargoDirectives
      if [ -e target/env ]; then : >target/env; fi
      cargoInsteadOfBuilder
      if [ -n "$cargoDylib" ]; then echo "cargoDylibs+=(''${lib-}/lib)" >>target/env; fi
      while IFS= read -r line; do
        case $line in
          rustc-env=*)
            line=''${line#rustc-env=} key=''${line%%=*}
            if ! cargoIsName "$key"; then continue; fi
            # Tests see what the manifest says, when they run.
            if [ -n "''${cargoManifest[$key]-}" ]; then cargoOfTests+=("''${cargoManifest[$key]}"); fi
            export "$line"
            ;;
          metadata=*)
            if [ -z "$cargoLinksName" ]; then continue; fi
            line=''${line#metadata=} key=''${line%%=*} key=''${key^^}
            cargoInstalled "''${line#*=}"
            printf 'export %q\n' "DEP_''${cargoLinksName}_''${key//-/_}=$REPLY" >>target/env
            ;;
        esac
      done <target/cargo/directives
      cargoForRustc
    }
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
    lib.concatStringsSep "-" (lib.tail (lib.splitString "-" (lib.head (lib.splitString "+" version))));
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
  # A shell has no variable of the name, and the builder of nixpkgs 25.11 fails to set it.
  isOdd = feature: builtins.match "[A-Za-z0-9_-]*" feature == null;
in
# Hooks of a crate, given what it is compiled with (see compilation.nix).
attrs: settings: {
  preConfigure = ''
    source ${functions}
    cargoBegin
    declare -gA cargoPaths=()
    ${lib.concatStrings (lib.mapAttrsToList (exportOf attrs) cargoEnv)}cargoBinFlags=${lib.escapeShellArg (toString settings.binFlags)}
    cargoBinNames=${lib.escapeShellArg (toString (map (bin: bin.name) attrs.crateBin or [ ]))}
    cargoDylib=${lib.optionalString (isDylib attrs) "yes"}
    cargoDynamic=${lib.optionalString (isDynamic attrs) "-Cprefer-dynamic"}
    cargoCrate=${attrs.crateName} cargoVersion=${attrs.version} cargoPackage=${attrs.crateName}-${attrs.version}
    cargoLinks=${
      lib.escapeShellArg (toString (map lib.getLib attrs.linksFrom or attrs.dependencies or [ ]))
    }
    cargoLinksName=${lib.escapeShellArg (variable attrs.links or "")}
    cargoPreRelease=${lib.escapeShellArg (preReleaseOf attrs.version)}
    cargoPrimary=${
      # One derivation is the member by itself and what other members depend upon.
      lib.optionalString (
        units.isLocal attrs && units.memberNames ? ${attrs.crateName}
      ) "CARGO_PRIMARY_PACKAGE=1"
    }
    cargoScript=${lib.escapeShellArg (scriptOf attrs.build or "build.rs")}
    cargoTarget=${settings.crossTriple}
    ${
      # sqlx looks for prepared queries beside the manifest, and asks cargo for the workspace root, which is not there.
      lib.optionalString (lib.elem ".sqlx" attrs.extraSources or [ ]) ''
        if [ ! -e .sqlx ]; then ln -s ${lib.escapeShellArg "${up attrs}.sqlx"} .sqlx; fi
      ''
    }cargoKeptBegin ${lib.escapeShellArg (dirOf attrs)}
    cargoWrapRustc
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
