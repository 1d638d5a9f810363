# Shell functions that set the environment of build scripts and rustc. The rules are cargo's:
# src/cargo/core/compiler/custom_build.rs and compilation.rs. nixpkgs' builder sets some variables differently.
{ build-script, manifest, ... }:
builtins.toFile "cargo-environment.sh" ''
  source ${build-script}
  source ${manifest}

  # Remembers the variables that are set already, by an attribute of an override: nothing else may change them.
  cargoBegin() {
    cargoBinFlags= cargoBinNames= cargoCfg= cargoDylib= cargoDynamic= cargoLinks= cargoLinksName= cargoPreRelease=
    cargoPrimary= cargoScript= cargoTarget=
    cargoGiven="''${!CARGO@} ''${!DEP_@} DEBUG HOST NUM_JOBS OPT_LEVEL OUT_DIR PROFILE RUSTC RUSTDOC TARGET"
    local name names=
    for name in $cargoGiven; do
      if [ -n "''${!name+set}" ]; then names+="$name "; fi
    done
    cargoGiven=$names
  }

  # Whether an override or hook has set the variable $1.
  cargoIsGiven() {
    [[ " $cargoGiven " == *" $1 "* ]]
  }

  # Replaces `export`, so that the builder does not set variables to which cargo gives another value or none. Hooks may
  # set any variable.
  cargoExport() {
    cargoOfTests=() cargoCdylibArguments=() cargoDylibs=()
    postInstallHooks+=(cargoSkipFixup)
    hash cargo
    cargoSet CARGO "''${BASH_CMDS[cargo]}"
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
            # The builder has an empty value for metadata that is read from the manifest, unless an override gave it
            # one. Only the first export is replaced: a build script may set the variable later.
            if [ -z "''${cargoOfBuilder[$name]+set}" ]; then
              cargoOfBuilder[$name]=
              if [ -n "''${word#*=}" ] || [ -z "''${cargoManifest[$name]+set}" ]; then cargoManifest[$name]=$word; fi
              word=''${cargoManifest[$name]}
            fi
            builtin export "$word"
            ;;
          DEP_*=*)
            # The builder exports these for all transitive dependencies, cargo only for direct ones.
            if [[ ''${BASH_SOURCE[1]} != */env || " $cargoLinks " == *" ''${BASH_SOURCE[1]%/env} "* ]]; then
              cargoForScript "$word"
            fi
            ;;
          *) if cargoIsName "$name"; then builtin export "$word"; fi ;;
        esac
      done
    }
  }

  # Sets a variable for the build script; its name need not be one that a shell can export.
  cargoForScript() {
    if cargoIsName "''${1%%=*}"; then
      builtin export "$1"
    else
      printf '%s\0' "$1" >>"$NIX_BUILD_TOP/.cargo-script"
    fi
  }

  # Sets the variables of the build script. $1 is OPT_LEVEL, $2 DEBUG, $3 whether there are debug assertions, $4 the
  # features; the remaining arguments are rustc's flags.
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
      if [[ $name == debug_assertions || $name == \#* ]]; then
        continue
      elif [ -n "''${cfg[$name]+set}" ]; then
        cfg[$name]+=,$value
      else
        cfg[$name]=$value
      fi
    done < <(cargoPrintCfg "$@")
    for name in "''${!cfg[@]}"; do
      value=''${name^^}
      cargoSet "CARGO_CFG_''${value//-/_}" "''${cfg[$name]}"
    done
  }

  # Reads the output of `rustc --print cfg` that all crates on one side share, unless this crate has another rustc.
  cargoPrintCfg() {
    local line=
    if [ -n "$cargoCfg" ]; then read -r line <"$cargoCfg"; fi
    if [ "$line" = "# $cargoCompiler" ]; then
      printf '%s\n' "$(<"$cargoCfg")"
    else
      "$cargoCompiler" --print cfg "$@" ''${cargoTarget:+--target "$cargoTarget"}
    fi
  }

  cargoSet() {
    if ! cargoIsGiven "$1"; then builtin export "$1=$2"; fi
  }

  # After the build script: unsets its variables for rustc, and passes its metadata on to dependents.
  cargoAfter() {
    local line key
    unset -f export
    cargoForgetScript
    cargoKeptScript
    cargoReadDirectives
    if [ -e target/env ]; then : >target/env; fi
    cargoInsteadOfBuilder
    if [ -n "$cargoDylib" ]; then echo "cargoDylibs+=(''${lib-}/lib)" >>target/env; fi
    while IFS= read -r line; do
      case $line in
        rustc-env=*)
          line=''${line#rustc-env=} key=''${line%%=*}
          if ! cargoIsName "$key"; then continue; fi
          # At run time, tests see the value from the manifest.
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
    done <"$cargoDirectives"
    cargoForRustc
  }
''
