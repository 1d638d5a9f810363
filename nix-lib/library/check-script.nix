# Shell functions for checks of members. The rules are cargo's: src/cargo/core/compiler/mod.rs, custom_build.rs and
# compilation.rs, and src/cargo/ops/cargo_test.rs.
{ pkgs, ... }:
let
  libraryPath =
    if pkgs.stdenv.hostPlatform.isDarwin then "DYLD_FALLBACK_LIBRARY_PATH" else "LD_LIBRARY_PATH";
in
builtins.toFile "cargo-checks.sh" ''
  # Sets the variables that programs are compiled and run with. $1 is the output directory, $2 whether the package has a
  # library.
  cargoCheckFlags() {
    local line value path= directories=() variable=${libraryPath}
    set -o pipefail
    failed=() hasLibrary=$2 binaries=() log=$NIX_BUILD_TOP/checks.log
    read -r -a linked <<<"$(tr '\n' ' ' <target/link)"
    while IFS= read -r line; do
      case $line in rustc-link-search=*) directories+=("''${line#*=}") ;; esac
    done <"$cargoDirectives"
    # Programs find libraries that build scripts created, and those of rustc, at run time.
    for value in "''${linked[@]}" "''${directories[@]}"; do
      cargoDirectoryOf "$value"
      value=$REPLY
      case $value in "$PWD"/target/deps) ;; "$PWD"/target/* | */lib/*.out | */lib/*.out/*) path+=$value: ;; esac
    done
    path+=$PWD/$1:$PWD/target/deps:$(rustc --print target-libdir ''${cargoTarget:+--target "$cargoTarget"})
    # On darwin, an unset variable has a default, which has to be spelled out.
    case $variable in
      DYLD*) path+=:''${!variable:-$HOME/lib:/usr/local/lib:/usr/lib} ;;
      *) path+=''${!variable:+:''${!variable}} ;;
    esac
    # Further variables that programs see.
    seen=("''${cargoOfTests[@]}" "$variable=$path")
    mkdir -p target/tmp "$1/deps" "$1/examples"
    touch "$log"
    # Commands are not written to the log in the output: it would refer to all store paths in them.
    exec {commands}>&1
    export HOME=$NIX_BUILD_TOP
  }

  # Runs rustc, rustdoc or clippy-driver. $1 is the program, $2 the kind of the target, $3 its name.
  cargoCompile() {
    local program=$1 kind=$2 name=$3 isCdylib= environment=() arguments=()
    shift 3
    # The directives of a build script do not apply to the build script itself.
    if [ "$kind" != build ]; then
      case " $* " in *" --test "*) ;; *" --crate-type cdylib "*) isCdylib=yes ;; esac
      case $program in
        rustdoc) cargoArguments documentation "$name" "" yes ;;
        *) cargoArguments "$kind" "$name" "$isCdylib" "$hasLibrary" ;;
      esac
      set -- "$@" "''${linked[@]}" "''${arguments[@]}"
      cargoKeptEnvironment
    fi
    environment+=("CARGO_CRATE_NAME=''${name//-/_}")
    case $kind in bin | example) environment+=("CARGO_BIN_NAME=$name") ;; esac
    case $kind in test | bench) environment+=("CARGO_TARGET_TMPDIR=$PWD/target/tmp" "''${binaries[@]}") ;; esac
    case $program in
      rustc) program=$cargoCompiler ;;
      rustdoc) environment+=("''${seen[@]}") ;;
    esac
    if [ "$program" != rustdoc ]; then environment+=(CARGO_PRIMARY_PACKAGE=1); fi
    set -- --crate-name "''${name//-/_}" "$@"
    echo "Running ''${program##*/} $*" >&"$commands"
    env "''${environment[@]}" "$program" "$@"
  }

  # Runs a program of the package. $1 is the kind of the target.
  cargoProgram() {
    local kind=$1 environment=("''${seen[@]}")
    shift
    if [ "$kind" = test ]; then environment+=("''${binaries[@]}"); fi
    env "''${environment[@]}" "$@"
  }

  # Runs a command, and records a failure instead of stopping. $1 is the heading that cargo prints.
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
