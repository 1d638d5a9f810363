# Directories that are compiled into a crate.
# Cargo leaves the source of each package and what its build script made where they are, and crates name them: in libraries
# by `env!("CARGO_MANIFEST_DIR")` or `env!("OUT_DIR")`, in `DEP_` variables, by links, as search paths. Here a build
# directory is gone after the build. Rustc is therefore told of a place below `out`, which leads to the build directory
# while there is one, and is filled in the end if anything installed names it. It lies in `out`, as `lib` may name `out` and
# not the other way round: a program that names such a directory keeps that, and no crate's library. Build scripts run
# where they are: what C libraries remember of that is for nobody.
_:
builtins.toFile "cargo-kept.sh" ''
  # Sets `cargoHere`, where the source goes: a member by itself lies there as in its workspace, at $1.
  cargoKeptBegin() {
    cargoKept= cargoSource=$NIX_BUILD_TOP/''${sourceRoot-} cargoHere=$cargoPackage
    case $PWD/ in "$cargoSource"/*) ;; *) cargoSource=$PWD ;; esac
    if [ "$PWD" = "$cargoSource" ]; then cargoHere+=''${1:+/$1}; fi
    # Checks run where they are built.
    if [ -z "''${lib-}" ]; then return; fi
    cargoKept=$out/share/cargo
    local here=$cargoKept/$cargoHere
    mkdir -p "''${here%/*}"
    ln -sfn "$cargoSource" "$here"
  }

  # The same for what the build script made, if there was one.
  cargoKeptScript() {
    local made=$PWD/target/build/$cargoCrate.out
    if [ ! -d "$made" ]; then
      unset OUT_DIR
    elif [ -n "$cargoKept" ]; then
      ln -sfn "$made" "$cargoKept/$cargoCrate.out"
    fi
  }

  # A variable named $1 that is a path: $2 as seen from the workspace root, which is $3 from here. Only what is forced, $4,
  # replaces what is set already.
  cargoSetPath() {
    if [ -z "$4" ] && [ -n "''${!1+set}" ]; then return; fi
    builtin export "$1=$(realpath -m "$PWD/$3$2")"
    cargoPaths[$1]=$2
  }

  # REPLY is $1, with paths of the build as they are compiled in.
  cargoCompiledIn() {
    REPLY=$1
    if [ -z "$cargoKept" ]; then return; fi
    REPLY=''${REPLY//"$PWD/target/build/$cargoCrate.out"/"$cargoKept/$cargoCrate.out"}
    REPLY=''${REPLY//"$cargoSource"/"$cargoKept/$cargoHere"}
  }

  # REPLY is $1, with paths of the build as dependents find them.
  cargoInstalled() {
    REPLY=$1
    if [ -n "$cargoKept" ]; then
      REPLY=''${REPLY//"$PWD/target/build"/"$lib/lib"}
      REPLY=''${REPLY//"$cargoSource"/"$cargoKept/$cargoHere"}
    fi
  }

  # The array `environment`: what a run of rustc sees otherwise than the shell. What hooks have set holds.
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

  # Before the builder makes `out`, and copies programs that nobody runs again.
  cargoKeptUnlink() {
    if [ -z "$cargoKept" ]; then return; fi
    rm -rf "$out" "target/build/$cargoCrate"
  }

  # Whether something installed names $1, which would be kept.
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
      # What a build script wrote and linked, such as files of pkg-config, leads to where things are now.
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

  # The last of all hooks of the phase. nixpkgs strips programs, shortens their run paths and so on, which takes longer than
  # rustc for a small crate. In libraries for rustc there is nothing of that kind.
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
