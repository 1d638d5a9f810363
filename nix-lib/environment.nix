# The environment that cargo gives build scripts and rustc. Source: nix-lib/environment.nix of cratewright.
# As in cargo's src/cargo/core/compiler/custom_build.rs and compilation.rs; nixpkgs' builder sets some of it otherwise.
{
  lib,
  cargoEnv ? { },
  ...
}:
let
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
    if [ -n "\$crate" ]; then export CARGO_CRATE_NAME=\$crate; fi
    if [ "\$kind" = bin ] && [ "\$crate" != build_script_build ]; then
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
      export PATH=$tools:$PATH CARGO_MANIFEST_PATH=$PWD/Cargo.toml CARGO
      CARGO=$(type -P cargo)
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
      # What is set so far, the builder does not set again.
      export() {
        local word
        if [[ ''${1:-} == -* ]]; then
          builtin export "$@"
          return
        fi
        for word; do
          case ''${word%%=*} in
            OPT_LEVEL | DEBUG | CARGO_CFG_*) ;;
            *) builtin export "$word" ;;
          esac
        done
      }
    }

    # Rustc sees less than a build script does, and dependents see what cargo shows them: $1 is `links` as in DEP_ variables,
    # $2 the name of the crate.
    cargoAfter() {
      local line key
      unset -f export
      unset ''${!DEP_@} ''${!CARGO_CFG_@} CARGO_ENCODED_RUSTFLAGS CARGO_MANIFEST_LINKS DEBUG HOST NUM_JOBS OPT_LEVEL
      unset PROFILE RUSTC RUSTDOC RUST_BACKTRACE TARGET
      if [ ! -d "$OUT_DIR" ]; then unset OUT_DIR; fi
      if [ ! -e "target/build/$2.opt" ]; then return; fi
      : >target/env
      while IFS= read -r line; do
        case $line in
          cargo:rustc-env=* | cargo::rustc-env=*)
            export "''${line#*rustc-env=}"
            continue
            ;;
          cargo::metadata=*=*) line=''${line#cargo::metadata=} ;;
          cargo::* | cargo:rustc-* | cargo:rerun-if-* | cargo:warning=*) continue ;;
          cargo:*=*) line=''${line#cargo:} ;;
          *) continue ;;
        esac
        if [ -n "$1" ]; then
          key=''${line%%=*} key=''${key^^}
          line=''${line#*=}
          # What it made lies elsewhere once it is installed.
          printf 'export DEP_%s_%s=%q\n' "$1" "''${key//-/_}" "''${line//"$PWD/target/build"/"''${lib-}/lib"}" >>target/env
        fi
      done <"target/build/$2.opt"
    }
  '';
  # `[env]`: what is set already counts more, unless it is forced.
  exportOf =
    name:
    {
      value,
      force ? false,
    }:
    let
      set = "export ${name}=${lib.escapeShellArg "${value}"}";
    in
    if force then "${set}\n" else "if [ -z \"\${${name}+set}\" ]; then ${set}; fi\n";
  variable = name: lib.toUpper (builtins.replaceStrings [ "-" ] [ "_" ] name);
in
# Hooks of a crate, given what it is compiled with (see nix-lib/compilation.nix).
attrs: settings: {
  preConfigure = ''
    source ${functions}
    ${lib.concatStrings (lib.mapAttrsToList exportOf cargoEnv)}    cargoBinFlags=${lib.escapeShellArg (toString settings.binFlags)}
    cargoBinNames=${lib.escapeShellArg (toString (map (bin: bin.name) attrs.crateBin or [ ]))}
    cargoTarget=${settings.crossTriple}
    cargoRustc
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
