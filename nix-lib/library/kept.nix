# Directories whose paths are compiled into a crate. With cargo, the source of a package and the files of its build
# script stay where they are, and crates refer to them: by `env!("CARGO_MANIFEST_DIR")` or `env!("OUT_DIR")`, in `DEP_`
# variables, by links, and as search paths. With Nix, the build directory is deleted after the build. Rustc is therefore
# given a path below `out`, which is a link to the build directory during the build, and is filled at the end if an
# installed file refers to it. It is in `out` because `lib` may refer to `out` but not the other way round: a program
# that refers to such a directory keeps only that, and no crate's library. Build scripts run in the build directory:
# paths of it that C libraries store are not replaced.
_:
builtins.toFile "cargo-kept.sh" ''
  # Sets `cargoHere`, the path of the source below `cargoKept`. $1 is a member's directory in its workspace, which is
  # kept.
  cargoKeptBegin() {
    cargoKept= cargoSource=$NIX_BUILD_TOP/''${sourceRoot-} cargoHere=$cargoPackage
    case $PWD/ in "$cargoSource"/*) ;; *) cargoSource=$PWD ;; esac
    if [ "$PWD" = "$cargoSource" ]; then cargoHere+=''${1:+/$1}; fi
    # Checks run in the build directory.
    if [ -z "''${lib-}" ]; then return; fi
    cargoKept=$out/share/cargo
    local here=$cargoKept/$cargoHere
    mkdir -p "''${here%/*}"
    ln -sfn "$cargoSource" "$here"
  }

  # The same for the output directory of the build script, if the crate has one.
  cargoKeptScript() {
    local made=$PWD/target/build/$cargoCrate.out
    if [ ! -d "$made" ]; then
      unset OUT_DIR
    elif [ -n "$cargoKept" ]; then
      ln -sfn "$made" "$cargoKept/$cargoCrate.out"
    fi
  }

  # Sets the variable $1 to the path $2, which is relative to the workspace root; $3 leads there from here. A variable
  # that is set already is replaced only if $4 is not empty.
  cargoSetPath() {
    if [ -z "$4" ] && [ -n "''${!1+set}" ]; then return; fi
    builtin export "$1=$(realpath -m "$PWD/$3$2")"
    cargoPaths[$1]=$2
  }

  # Sets REPLY to $1, with paths of the build directory replaced by those that are compiled in.
  cargoCompiledIn() {
    REPLY=$1
    if [ -z "$cargoKept" ]; then return; fi
    REPLY=''${REPLY//"$PWD/target/build/$cargoCrate.out"/"$cargoKept/$cargoCrate.out"}
    REPLY=''${REPLY//"$cargoSource"/"$cargoKept/$cargoHere"}
  }

  # Sets REPLY to $1, with paths of the build directory replaced by those that dependents find.
  cargoInstalled() {
    REPLY=$1
    if [ -n "$cargoKept" ]; then
      REPLY=''${REPLY//"$PWD/target/build"/"$lib/lib"}
      REPLY=''${REPLY//"$cargoSource"/"$cargoKept/$cargoHere"}
    fi
  }

  # Sets the array `environment` to the variables that rustc sees with other values than the shell. Variables that hooks
  # have set keep their values.
  cargoKeptEnvironment() {
    local line name
    environment=()
    for name in CARGO_MANIFEST_DIR CARGO_MANIFEST_PATH OUT_DIR; do
      if [ -n "$cargoKept" ] && [ -n "''${!name-}" ] && [[ " $cargoGiven " != *" $name "* ]]; then
        cargoCompiledIn "''${!name}"
        environment+=("$name=$REPLY")
      fi
    done
    for name in "''${!cargoPaths[@]}"; do
      if [ -n "$cargoKept" ] && [[ " $cargoGiven " != *" $name "* ]]; then
        cargoCompiledIn "''${!name}"
        if [ "$REPLY" = "''${!name}" ]; then
          REPLY=$(realpath -ms "$cargoKept/$cargoPackage/''${cargoPaths[$name]}")
        fi
        environment+=("$name=$REPLY")
      fi
    done
    while IFS= read -r line; do
      if [[ $line != rustc-env=* ]]; then continue; fi
      line=''${line#rustc-env=} name=''${line%%=*}
      if cargoIsName "$name" && [ "''${!name-}" != "''${line#*=}" ]; then continue; fi
      cargoCompiledIn "$line"
      environment+=("$REPLY")
    done <"$cargoDirectives"
  }

  cargoIsName() {
    [[ $1 =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]]
  }

  # Removes the links before the builder creates `out`, and the build script before the builder installs it.
  cargoKeptUnlink() {
    if [ -z "$cargoKept" ]; then return; fi
    rm -rf "$out" "target/build/$cargoCrate"
  }

  # Whether an installed file refers to $1 below `cargoKept`.
  cargoIsNamed() {
    local places=("$out")
    if [ -e "$lib" ]; then places+=("$lib"); fi
    grep -rqaF -- "$cargoKept/$1" "''${places[@]}"
  }

  cargoKeep() {
    if [ -z "$cargoKept" ]; then return; fi
    local made=$lib/lib/$cargoCrate.out pattern file isNamed=
    if [ -d "$made" ]; then
      if cargoIsNamed "$cargoCrate.out"; then
        mkdir -p "$cargoKept"
        mv "$made" "$cargoKept/"
        ln -s "$cargoKept/$cargoCrate.out" "$made"
        made=$cargoKept/$cargoCrate.out
      fi
      # Paths in files and links that the build script created, such as files of pkg-config, are updated to the new
      # place.
      pattern=$(sed 's/[][\\.*^$|]/\\&/g' <<<"$PWD/target/build/$cargoCrate.out")
      while IFS= read -r -d "" file; do
        sed -i "s|$pattern|$made|g" "$file"
      done < <(grep -rlIZF -- "$PWD/target/build/$cargoCrate.out" "$made/")
      while IFS= read -r -d "" file; do
        REPLY=$(readlink "$file")
        REPLY=''${REPLY//"$PWD/target/build/$cargoCrate.out"/"$made"}
        case $REPLY in "$cargoSource"/* | "$cargoSource") isNamed=yes ;; esac
        ln -sfn "''${REPLY//"$cargoSource"/"$cargoKept/$cargoHere"}" "$file"
      done < <(find "$made/" -type l -lname "$NIX_BUILD_TOP/*" -print0)
    fi
    if [ -n "$isNamed" ] || cargoIsNamed "$cargoPackage"; then
      mkdir -p "$cargoKept/$cargoHere"
      mv target "$NIX_BUILD_TOP/.cargo-target"
      cp -R "$cargoSource/." "$cargoKept/$cargoHere"
      mv "$NIX_BUILD_TOP/.cargo-target" target
      find "$cargoKept" -xtype l -delete
    fi
  }

  # The last hook of the phase. In the fixup phase nixpkgs strips programs, shortens their run paths and so on, which
  # takes longer than rustc for a small crate. Rust libraries need none of that.
  cargoSkipFixup() {
    local name file
    for name in preFixup postFixup fixupPhase setupHook propagatedBuildInputs propagatedNativeBuildInputs \
      depsBuildBuildPropagated depsBuildTargetPropagated depsHostHostPropagated depsTargetTargetPropagated; do
      if [ -n "''${!name-}" ]; then return; fi
    done
    for file in "$out"/* "''${lib-}"/* "''${lib-}"/lib/* "''${lib-}"/lib/*.out/*; do
      case $file in "$lib"/lib | "$lib"/env | "$lib"/lib/link | *.rlib | *.opt | *.out | *.rs) ;; *) return ;; esac
    done
    dontFixup=1
  }
''
