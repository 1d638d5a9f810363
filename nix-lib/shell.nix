# What checks of members do in the shell of their derivations. Source: nix-lib/shell.nix of cratewright.
# The rules are cargo's: src/cargo/core/compiler/mod.rs, custom_build.rs and compilation.rs, and src/cargo/ops/cargo_test.rs.
{ pkgs, lib, ... }:
let
  libraryPath =
    if pkgs.stdenv.hostPlatform.isDarwin then "DYLD_FALLBACK_LIBRARY_PATH" else "LD_LIBRARY_PATH";
in
builtins.toFile "cargo-checks.sh" ''
  # What build scripts ask for: $1 is the name of the crate, $2 where its programs go, $3 whether it has a library.
  cargoCheckFlags() {
    local line value words dependencies=() path= variable=${libraryPath} i
    set -o pipefail
    flags=() links=() failed=() hasLibrary=$3 binaries=() log=$NIX_BUILD_TOP/checks.log
    declare -gA linkArguments=()
    read -r -a dependencies <<<"$(tr '\n' ' ' <target/link)"
    flags+=("''${dependencies[@]}")
    if [ -e "target/build/$1.opt" ]; then
      while IFS= read -r line; do
        case $line in cargo::*) line=''${line#cargo::} ;; cargo:*) line=''${line#cargo:} ;; *) continue ;; esac
        value=''${line#*=}
        case $line in
          rustc-cfg=*) flags+=(--cfg "$value") ;;
          rustc-check-cfg=*) flags+=(--check-cfg "$value") ;;
          rustc-flags=*)
            read -r -a words <<<"$value"
            for ((i = 0; i < ''${#words[@]}; i++)); do
              case ''${words[i]} in
                -l) links+=(-l "''${words[++i]}") ;;
                -l*) links+=("''${words[i]}") ;;
                *) flags+=("''${words[i]}") ;;
              esac
            done
            ;;
          rustc-link-search=*) flags+=(-L "$value") ;;
          rustc-link-lib=*) links+=(-l "$value") ;;
          rustc-link-arg=*) linkArguments[all]+=$value$'\n' ;;
          rustc-link-arg-bins=*) linkArguments[bin]+=$value$'\n' ;;
          rustc-link-arg-tests=*) linkArguments[test]+=$value$'\n' ;;
          rustc-link-arg-examples=*) linkArguments[example]+=$value$'\n' ;;
          rustc-link-arg-benches=*) linkArguments[bench]+=$value$'\n' ;;
          rustc-link-arg-bin=*=*) linkArguments["bin ''${value%%=*}"]+=''${value#*=}$'\n' ;;
        esac
      done <"target/build/$1.opt"
    fi
    # Libraries that build scripts made are found when programs run, as those of rustc are.
    for value in "''${flags[@]}"; do
      value=''${value#*=}
      case $value in "$PWD"/target/deps) ;; "$PWD"/target/* | */lib/*.out | */lib/*.out/*) path+=$value: ;; esac
    done
    path+=$PWD/$2:$PWD/target/deps:$(rustc --print target-libdir ''${cargoTarget:+--target "$cargoTarget"})
    # What it means to be empty on darwin is to be said.
    case $variable in
      DYLD*) path+=:''${!variable:-$HOME/lib:/usr/local/lib:/usr/lib} ;;
      *) path+=''${!variable:+:''${!variable}} ;;
    esac
    # What programs see besides.
    seen=("''${cargoOfTests[@]}" "$variable=$path")
    mkdir -p target/tmp "$2/deps" "$2/examples"
    touch "$log"
    # Commands are not of the log that is kept: it would hold on to all that they name.
    exec {commands}>&1
    export HOME=$NIX_BUILD_TOP
  }

  # One run of rustc or its kin: $1 is the program, $2 the kind of the target, $3 its name.
  cargoCompile() {
    local program=$1 kind=$2 name=$3 of argument environment=()
    shift 3
    environment+=("CARGO_CRATE_NAME=''${name//-/_}")
    case $kind in bin | example) environment+=("CARGO_BIN_NAME=$name") ;; esac
    case $kind in test | bench) environment+=("CARGO_TARGET_TMPDIR=$PWD/target/tmp" "''${binaries[@]}") ;; esac
    # What a build script says is not for itself.
    if [ "$kind" != build ]; then
      set -- "$@" "''${flags[@]}"
      for of in all "$kind" "$kind $name"; do
        while IFS= read -r argument; do
          if [ -n "$argument" ]; then set -- "$@" -C "link-arg=$argument"; fi
        done <<<"''${linkArguments[$of]:-}"
      done
    fi
    case $program in
      rustdoc) environment+=("''${seen[@]}") ;;
      *)
        environment+=(CARGO_PRIMARY_PACKAGE=1)
        if [ "$kind" = lib ] || [ -z "$hasLibrary" ]; then set -- "$@" "''${links[@]}"; fi
        ;;
    esac
    set -- --crate-name "''${name//-/_}" "$@"
    echo "Running ''${program##*/} $*" >&"$commands"
    env "''${environment[@]}" "$program" "$@"
  }

  # A program of the package. $1 is the kind of the target.
  cargoProgram() {
    local kind=$1 environment=("''${seen[@]}")
    shift
    if [ "$kind" = test ]; then environment+=("''${binaries[@]}"); fi
    env "''${environment[@]}" "$@"
  }

  # A command whose failure does not keep the next from running. $1 is what cargo says of it.
  cargoRun() {
    local heading=$1
    shift
    printf '\n%s\n' "$heading" | tee -a "$log"
    if "$@" 2>&1 | tee -a "$log"; then :; else failed+=("''${heading#"''${heading%%[! ]*}"}"); fi
  }

  cargoEnd() {
    if [ ''${#failed[@]} -eq 0 ]; then return; fi
    printf '\nerror: %s failed:\n' "''${#failed[@]}" >&2
    printf '    %s\n' "''${failed[@]}" >&2
    exit 1
  }
''
