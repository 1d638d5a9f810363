# Reads the output of build scripts, and runs rustc accordingly.
# The rules are cargo's (`BuildOutput::parse` in custom_build.rs, `add_native_deps` in mod.rs of its compiler). nixpkgs'
# builder splits the same lines into shell words, and ignores some of them.
{ kept, ... }:
builtins.toFile "cargo-build-script.sh" ''
  source ${kept}

  # Unsets the variables that only build scripts see, while they run.
  cargoForgetScript() {
    unset ''${!DEP_@} ''${!CARGO_CFG_@} CARGO_ENCODED_RUSTFLAGS CARGO_MANIFEST_LINKS DEBUG HOST NUM_JOBS OPT_LEVEL PROFILE
    unset RUSTC RUSTDOC TARGET
  }

  cargoRefuse() {
    printf 'error: invalid output in build script of `%s`: `%s`\n%s\n' "$cargoPackage" "$1" "$2" >&2
    exit 101
  }

  # Writes the directives of the build script to a file, one per line: only keys that cargo evaluates, in the newer
  # spelling, with `rustc-flags` split into `-l` and `-L`.
  cargoReadDirectives() {
    local line key value words word failed=
    cargoDirectives=$PWD/target/cargo-directives
    : >"$cargoDirectives"
    if [ ! -e "target/build/$cargoCrate.opt" ]; then return; fi
    # Cargo trims each line.
    while IFS=$' \t\r' read -r line || [ -n "$line" ]; do
      case $line in
        cargo::*=*) line=''${line#cargo::} ;;
        cargo:rustc-flags=* | cargo:rustc-link-lib=* | cargo:rustc-link-search=* | cargo:rustc-link-arg-cdylib=* | \
          cargo:rustc-cdylib-link-arg=* | cargo:rustc-link-arg-bins=* | cargo:rustc-link-arg-bin=* | \
          cargo:rustc-link-arg-tests=* | cargo:rustc-link-arg-benches=* | cargo:rustc-link-arg-examples=* | \
          cargo:rustc-link-arg=* | cargo:rustc-cfg=* | cargo:rustc-check-cfg=* | cargo:rustc-env=* | cargo:warning=* | \
          cargo:rerun-if-changed=* | cargo:rerun-if-env-changed=*) line=''${line#cargo:} ;;
        cargo:[!:]*=*) line=metadata=''${line#cargo:} ;;
        cargo:*) cargoRefuse "$line" 'expected a line with a `=` character, but there is none' ;;
        *) continue ;;
      esac
      key=''${line%%=*} value=''${line#*=}
      case $key in
        warning | rerun-if-changed | rerun-if-env-changed) ;;
        error)
          printf 'error: %s@%s: %s\n' "$cargoCrate" "$cargoVersion" "$value" >&2
          failed=yes
          ;;
        rustc-flags)
          read -r -a words <<<"$value"
          set -- "''${words[@]}"
          while [ $# -gt 0 ]; do
            word=$1
            shift
            if [ "$word" = -l ] || [ "$word" = -L ]; then
              if [ $# -eq 0 ]; then cargoRefuse "$line" "\`$word\` has no value"; fi
              word+=$1
              shift
            fi
            case $word in
              -l*) echo "rustc-link-lib=''${word#-l}" ;;
              -L*) echo "rustc-link-search=''${word#-L}" ;;
              *) cargoRefuse "$line" 'only `-l` and `-L` flags are allowed' ;;
            esac >>"$cargoDirectives"
          done
          ;;
        rustc-cdylib-link-arg) echo "rustc-link-arg-cdylib=$value" >>"$cargoDirectives" ;;
        rustc-link-arg-bin | rustc-env | metadata)
          case $value in
            RUSTC_BOOTSTRAP=*)
              if [ "$key" = rustc-env ]; then cargoRefuse "$line" 'a build script cannot set `RUSTC_BOOTSTRAP`'; fi
              ;;
            *=*) ;;
            *) cargoRefuse "$line" "\`$key\` takes a name, a \`=\` and a value" ;;
          esac
          echo "$key=$value" >>"$cargoDirectives"
          ;;
        rustc-link-lib | rustc-link-search | rustc-link-arg-cdylib | rustc-link-arg-bins | rustc-link-arg-tests | \
          rustc-link-arg-benches | rustc-link-arg-examples | rustc-link-arg | rustc-cfg | rustc-check-cfg)
          echo "$key=$value" >>"$cargoDirectives"
          ;;
        *) cargoRefuse "$line" "unknown key: \`$key\`" ;;
      esac
    done <"target/build/$cargoCrate.opt"
    if [ -n "$failed" ]; then
      echo "error: build script of \`$cargoPackage\` logged errors" >&2
      exit 101
    fi
  }

  # Sets REPLY to the directory of a search path, without its kind.
  cargoDirectoryOf() {
    case $1 in
      native=* | crate=* | dependency=* | framework=* | all=*) REPLY=''${1#*=} ;;
      *) REPLY=$1 ;;
    esac
  }

  # Sets the array `arguments` to rustc's arguments for a target of the package. $1 is the kind of the target, $2 its
  # name, $3 whether it is a cdylib, $4 whether the package has a library.
  cargoArguments() {
    local line value directory flag made=() others=() links=() link=()
    arguments=()
    while IFS= read -r line; do
      value=''${line#*=} flag=()
      case $line in
        rustc-cfg=*) arguments+=(--cfg "$value") ;;
        rustc-check-cfg=*) arguments+=(--check-cfg "$value") ;;
        rustc-link-search=*)
          cargoDirectoryOf "$value"
          directory=$REPLY
          cargoCompiledIn "$value"
          # Cargo passes directories that the script created first.
          case $directory in
            "$PWD"/target/build/*) made+=(-L "$REPLY") ;;
            *) others+=(-L "$REPLY") ;;
          esac
          ;;
        rustc-link-lib=*) links+=(-l "$value") ;;
        rustc-link-arg=*) flag=("$value") ;;
        rustc-link-arg-cdylib=*) if [ -n "$3" ]; then flag=("$value"); fi ;;
        rustc-link-arg-bins=*) if [ "$1" = bin ]; then flag=("$value"); fi ;;
        rustc-link-arg-bin="$2"=*) if [ "$1" = bin ]; then flag=("''${value#*=}"); fi ;;
        rustc-link-arg-tests=*) if [ "$1" = test ]; then flag=("$value"); fi ;;
        rustc-link-arg-benches=*) if [ "$1" = bench ]; then flag=("$value"); fi ;;
        rustc-link-arg-examples=*) if [ "$1" = example ]; then flag=("$value"); fi ;;
      esac
      # A run path must refer to the directory that is kept.
      for value in "''${flag[@]}"; do
        cargoCompiledIn "$value"
        link+=(-C "link-arg=$REPLY")
      done
    done <"$cargoDirectives"
    arguments+=("''${made[@]}" "''${others[@]}")
    # The script's libraries are linked to the package's library, or to its binaries if it has none.
    if [ "$1" = lib ] || [ -z "$4" ]; then arguments+=("''${links[@]}"); fi
    arguments+=("''${link[@]}")
    # Cargo also applies `rustc-link-arg-cdylib` of dependencies.
    if [ -n "$3" ]; then
      for value in "''${cargoCdylibArguments[@]}"; do arguments+=(-C "link-arg=$value"); done
    fi
  }

  # Replaces the builder's own reading of the same lines. Dependents get the installed paths of created files. The
  # builder passes such paths on unquoted, so a path with a space gets a link without one.
  cargoInsteadOfBuilder() {
    local line value path link count=0
    EXTRA_BUILD= EXTRA_FEATURES= EXTRA_LINK_ARGS= EXTRA_LINK_ARGS_BINS= EXTRA_LINK_ARGS_LIB= EXTRA_LINK_LIBS=
    EXTRA_LINK_SEARCH= EXTRA_CDYLIB_LINK_ARGS= CRATE_TYPE_IS_CDYLIB= BUILD_OUT_DIR=
    while IFS= read -r line; do
      value=''${line#*=}
      case $line in
        rustc-link-search=*)
          cargoInstalled "$value"
          path=$REPLY
          if [[ $path == *[[:space:]]* ]]; then
            link=$cargoCrate.search-$((++count))
            cargoDirectoryOf "$path"
            ln -sfn "$REPLY" "target/build/$link"
            path=''${path%"$REPLY"}$lib/lib/$link
          fi
          echo "-L $path" >>target/link.final
          ;;
        rustc-link-arg-cdylib=*) printf 'cargoCdylibArguments+=(%q)\n' "$value" >>target/env ;;
      esac
    done <"$cargoDirectives"
  }

  # Adds the run paths of rustc's dylibs and of those that a program links to `arguments`. $1 is the list of crate
  # types.
  cargoRunPath() {
    local directory library isLinked=
    if [[ $1 != *bin* && $1 != *dylib* && $1 != *proc-macro* ]]; then return; fi
    for directory in "''${cargoDylibs[@]}"; do
      for library in target/deps/*; do
        if [[ $(readlink "$library") == "$directory"/* ]]; then
          isLinked=yes
          arguments+=(-C "link-arg=-Wl,-rpath,$directory")
          break
        fi
      done
    done
    if [ -n "$isLinked$cargoDynamic" ]; then
      directory=$("$cargoCompiler" --print target-libdir ''${cargoTarget:+--target "$cargoTarget"})
      arguments+=($cargoDynamic -C "link-arg=-Wl,-rpath,$directory")
    fi
  }

  # Puts a wrapper first in PATH that runs `cargoRustc` in its own shell, as some arguments and variables are for a
  # single run of rustc. $1 is the package of the wrapper.
  cargoWrapRustc() {
    hash rustc
    cargoCompiler=''${BASH_CMDS[rustc]}
    export PATH=$1/bin:$PATH
    cargoForRustc
  }

  cargoForRustc() {
    declare -p ''${!cargo@} >"$NIX_BUILD_TOP/.cargo-variables"
  }

  # Runs the compiler for the builder, or for a build script that probes for features of the compiler.
  cargoRustc() {
    local crate= name= kind=lib kinds= isCdylib= directory= hasLibrary= i next word odd=() environment=() arguments=()
    source "$NIX_BUILD_TOP/.cargo-variables"
    for ((i = 1; i < $#; i++)); do
      next=$((i + 1))
      case ''${!i} in
        --crate-name) crate=''${!next} ;;
        --crate-type)
          kinds+="''${!next} "
          case ''${!next} in bin) kind=bin ;; cdylib) isCdylib=yes ;; esac
          ;;
        --out-dir) directory=''${!next} ;;
      esac
    done
    if [ "$crate" = build_script_build ]; then
      cargoForgetScript
      unset OUT_DIR
      export CARGO_CRATE_NAME=$cargoScript $cargoPrimary
      "$cargoCompiler" "$@" || exit
      # Some variables have names that a shell cannot export, so a wrapper sets them with `env`.
      if [ -s "$NIX_BUILD_TOP/.cargo-script" ]; then
        mv "$directory/$crate" "$directory/$crate.program"
        printf '#!%s\nmapfile -d "" -t variables <%q\nexec env "''${variables[@]}" "$0.program"\n' \
          "$BASH" "$NIX_BUILD_TOP/.cargo-script" >"$directory/$crate"
        chmod +x "$directory/$crate"
      fi
      exit
    fi
    if [ ! -e "$cargoDirectives" ]; then exec "$cargoCompiler" "$@"; fi
    export CARGO_CRATE_NAME=$crate $cargoPrimary
    name=$crate
    if [ "$kind" = bin ]; then
      set -- "$@" $cargoBinFlags
      for i in $cargoBinNames; do
        if [ "''${i//-/_}" = "$crate" ]; then name=$i; fi
      done
      export CARGO_BIN_NAME=$name
    fi
    if [ -e target/cargo-library ]; then hasLibrary=yes; fi
    cargoArguments "$kind" "$name" "$isCdylib" "$hasLibrary"
    cargoRunPath "$kinds"
    if [ "$kind" = lib ]; then : >target/cargo-library; fi
    cargoKeptEnvironment
    set -- "$@" "''${arguments[@]}"
    if [ -n "$cargoKept" ]; then set -- "$@" "--remap-path-prefix=$cargoKept=/"; fi
    if [ -n "''${arguments[*]}$cargoBinFlags" ]; then echo "Running rustc $*" >&2; fi
    for word in "''${environment[@]}"; do
      if cargoIsName "''${word%%=*}"; then export "$word"; else odd+=("$word"); fi
    done
    if [ ''${#odd[@]} -gt 0 ]; then set -- "$cargoCompiler" "$@" && exec env "''${odd[@]}" "$@"; fi
    exec "$cargoCompiler" "$@"
  }
''
