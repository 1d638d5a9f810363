# The environment that cargo gives build scripts and rustc. Source: nix-lib/environment.nix of cratewright.
# As in cargo's src/cargo/core/compiler/custom_build.rs and compilation.rs; nixpkgs' builder sets some of it otherwise.
{
  lib,
  units,
  workspace,
  cargoEnv ? { },
  ...
}:
let
  # What build scripts see when they run, and nothing else does.
  ofScripts =
    escape:
    "${escape}\${!DEP_@} ${escape}\${!CARGO_CFG_@} CARGO_ENCODED_RUSTFLAGS CARGO_MANIFEST_LINKS"
    + " DEBUG HOST NUM_JOBS OPT_LEVEL PROFILE RUSTC RUSTDOC TARGET";

  functions = builtins.toFile "cargo-environment.sh" ''
    # The first in PATH: some variables, and the flags of LTO, are for one run of rustc.
    cargoRustc() {
      local tools=$NIX_BUILD_TOP/.cargo-tools rustc
      rustc=$(type -P rustc)
      mkdir -p "$tools"
      cat >"$tools/rustc" <<WRAPPER
    #!$(type -P bash)
    crate= kind=
    for ((i = 1; i < \$#; i++)); do
      next=\$((i + 1))
      case \''${!i} in
        --crate-name) crate=\''${!next} ;;
        --crate-type) kind=\''${!next} ;;
      esac
    done
    if [ -n "\$crate" ]; then export CARGO_CRATE_NAME=\$crate $cargoPrimary; fi
    if [ "\$crate" = build_script_build ]; then
      unset ${ofScripts "\\"} OUT_DIR
      CARGO_CRATE_NAME=$cargoScript
    elif [ "\$kind" = bin ]; then
      set -- "\$@" $cargoBinFlags
      if [ -n "$cargoBinFlags" ]; then echo "Running rustc \$*" >&2; fi
      export CARGO_BIN_NAME=\$crate
      for name in $cargoBinNames; do
        if [ "\''${name//-/_}" = "\$crate" ]; then CARGO_BIN_NAME=\$name; fi
      done
    fi
    exec $rustc "\$@"
    WRAPPER
      chmod +x "$tools/rustc"
      export PATH=$tools:$PATH CARGO_MANIFEST_PATH=$PWD/Cargo.toml CARGO_PKG_VERSION_PRE=$cargoPreRelease CARGO
      CARGO=$(type -P cargo)
    }

    # What cargo sets otherwise than the builder, or not at all, is none of the builder's. Hooks have the last word.
    cargoExport() {
      declare -gA cargoManifest=()
      cargoOfTests=()
      export() {
        local word IFS=' '
        if [[ ''${1:-} == -* || " ''${FUNCNAME[*]} " == *" runHook "* ]]; then
          builtin export "$@"
          return
        fi
        for word; do
          case $word in
            OPT_LEVEL=* | DEBUG=* | CARGO_CFG_*=* | CARGO_PKG_VERSION_PRE=* | RUST_BACKTRACE=*) ;;
            CARGO_MANIFEST_LINKS=) ;;
            CARGO_PKG_*=*)
              cargoManifest[''${word%%=*}]=''${cargoManifest[''${word%%=*}]-$word}
              builtin export "$word"
              ;;
            DEP_*=*)
              # The builder reads these of all crates below, cargo of those that are depended upon.
              if [[ ''${BASH_SOURCE[1]} != */env || " $cargoLinks " == *" ''${BASH_SOURCE[1]%/env} "* ]]; then
                builtin export "$word"
              fi
              ;;
            *) builtin export "$word" ;;
          esac
        done
      }
    }

    # For a build script: its OPT_LEVEL and DEBUG, whether there are debug assertions, the features, then what else rustc is
    # given.
    cargoBuildScript() {
      local -A cfg=([feature]=$4)
      local line name value IFS=$'\x1f'
      if [ -n "$3" ]; then cfg[debug_assertions]=; fi
      export OPT_LEVEL=$1 DEBUG=$2
      shift 4
      export CARGO_ENCODED_RUSTFLAGS="$*"
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
        export "CARGO_CFG_''${value//-/_}=''${cfg[$name]}"
      done
    }

    # Rustc sees less than a build script does, and dependents see what cargo shows them: $1 is `links` as in DEP_ variables,
    # $2 the name of the crate.
    cargoAfter() {
      local line key
      unset -f export
      unset ${ofScripts ""}
      if [ ! -d "$OUT_DIR" ]; then unset OUT_DIR; fi
      if [ ! -e "target/build/$2.opt" ]; then return; fi
      : >target/env
      # Space around a line is none of it.
      while IFS=$' \t\r' read -r line; do
        case $line in
          cargo:rustc-env=* | cargo::rustc-env=*)
            line=''${line#*rustc-env=} key=''${line%%=*}
            # Tests see what the manifest says, when they run.
            if [ -n "''${cargoManifest[$key]-}" ]; then cargoOfTests+=("''${cargoManifest[$key]}"); fi
            export "$line"
            continue
            ;;
          cargo::metadata=*=*) line=''${line#cargo::metadata=} ;;
          cargo::* | cargo:rustc-* | cargo:rerun-if-* | cargo:warning=*) continue ;;
          cargo:*=*) line=''${line#cargo:} ;;
          *) continue ;;
        esac
        key=''${line%%=*} key=''${key^^} key=''${key//-/_}
        # What bash has no variable for is lost on the way.
        if [[ -n "$1" && $1$key != *[!A-Z0-9_]* ]]; then
          line=''${line#*=}
          # What it made lies elsewhere once it is installed.
          printf 'export DEP_%s_%s=%q\n' "$1" "$key" "''${line//"$PWD/target/build"/"''${lib-}/lib"}" >>target/env
        fi
      done <"target/build/$2.opt"
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
      set = "export ${name}=${if path == null then lib.escapeShellArg value else pathOf attrs path}";
    in
    if force then "${set}\n" else "if [ -z \"\${${name}+set}\" ]; then ${set}; fi\n";

  # A file of the workspace is in the store. A directory is where it would be, seen from the crate: what is in it is not
  # what every crate is built from.
  pathOf =
    attrs: path:
    let
      file = workspace.root + "/${path}";
      directory = builtins.dirOf file;
      isFile =
        builtins.pathExists directory && (builtins.readDir directory).${baseNameOf path} or "" == "regular";
      up = lib.concatMapStrings (_: "../") (
        lib.filter (part: part != "") (lib.splitString "/" (if units.isLocal attrs then attrs.dir else ""))
      );
    in
    if path != "" && isFile then
      "${file}"
    else
      ''"$(realpath -m "$PWD/"${lib.escapeShellArg "${up}${path}"})"'';

  underscored = builtins.replaceStrings [ "-" ] [ "_" ];
  variable = name: lib.toUpper (underscored name);
  # `1.0.0-alpha-2.beta+5` has `alpha-2.beta`.
  preReleaseOf =
    version:
    lib.concatStringsSep "-" (lib.tail (lib.splitString "-" (lib.head (lib.splitString "+" version))));
  # `build/main.rs` is compiled as `build_script_main`.
  scriptOf = path: "build_script_${underscored (lib.removeSuffix ".rs" (baseNameOf path))}";
in
# Hooks of a crate, given what it is compiled with (see nix-lib/compilation.nix).
attrs: settings: {
  preConfigure = ''
    source ${functions}
    ${lib.concatStrings (lib.mapAttrsToList (exportOf attrs) cargoEnv)}cargoBinFlags=${lib.escapeShellArg (toString settings.binFlags)}
    cargoBinNames=${lib.escapeShellArg (toString (map (bin: bin.name) attrs.crateBin or [ ]))}
    cargoLinks=${
      lib.escapeShellArg (toString (map lib.getLib attrs.linksFrom or attrs.dependencies or [ ]))
    }
    cargoPreRelease=${lib.escapeShellArg (preReleaseOf attrs.version)}
    cargoPrimary=${
      # One derivation is the member by itself and what other members depend upon.
      lib.optionalString (
        units.isLocal attrs && units.memberNames ? ${attrs.crateName}
      ) "CARGO_PRIMARY_PACKAGE=1"
    }
    cargoScript=${lib.escapeShellArg (scriptOf attrs.build or "build.rs")}
    cargoTarget=${settings.crossTriple}
    cargoRustc
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
  '';
  postConfigure = ''
    cargoAfter '${variable attrs.links or ""}' ${attrs.crateName}
  '';
}
