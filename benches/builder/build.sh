# Builds one crate, or a part of it. `setup` is code that calls these functions.
set -e -o pipefail
shopt -s nullglob
PATH=$tools${PATH:+:$PATH}
export HOME=/homeless-shelter TZ=UTC SOURCE_DATE_EPOCH=1
: "${lib:=$out}"

runHook() {
  if declare -F "$1" >/dev/null; then "$1"; fi
}

# Changes to the source. A directory in the store is compiled in place, unless a build script or hook may write to it.
begin() {
  local top=$PWD
  if [ ! -d "$src" ]; then
    tar xf "$src" --no-same-owner
    cd -- */
  elif [ -n "$hasScript" ] || declare -F postUnpack postPatch preConfigure >/dev/null; then
    cp -r --no-preserve=mode "$src" "$top/$package"
    cd "$top/$package"
  else
    cd "$src"
  fi
  common=(--cap-lints=allow --remap-path-prefix="$PWD=/$package" "${cfgs[@]}")
  runHook postUnpack
  cd "$member"
  runHook postPatch
  export CARGO_MANIFEST_DIR=$PWD CARGO_MANIFEST_PATH=$PWD/Cargo.toml CARGO=${tools%%:*}/cargo
  readManifest
  runHook preConfigure
}

# Reads CARGO_PKG_* variables from the manifest, which cargo writes in a fixed form for published packages. Inherited
# values stay empty.
readManifest() {
  local line key value isPackage= text= list=
  export CARGO_PKG_AUTHORS= CARGO_PKG_DESCRIPTION= CARGO_PKG_HOMEPAGE= CARGO_PKG_LICENSE= CARGO_PKG_LICENSE_FILE=
  export CARGO_PKG_README= CARGO_PKG_REPOSITORY= CARGO_PKG_RUST_VERSION=
  while IFS= read -r line; do
    if [ -n "$text" ]; then
      # Inside a multi-line string.
      if [[ $line == *'"""' ]]; then
        printf -v "$text" %b "$value${line%'"""'}"
        text=
      else
        value+=$line$'\n'
      fi
      continue
    elif [ -n "$list" ]; then
      if [[ $line == ']'* ]]; then list=; else addAuthors "$line"; fi
      continue
    fi
    case $line in
      '[package]') isPackage=yes ;;
      '['*) if [ -n "$isPackage" ]; then break; fi ;;
      authors\ =\ *)
        if [ -z "$isPackage" ]; then continue; fi
        if [[ $line == *']' ]]; then addAuthors "${line#*=}"; else list=yes; fi
        ;;
      description\ =\ * | homepage\ =\ * | license\ =\ * | license-file\ =\ * | readme\ =\ * | repository\ =\ * | \
        rust-version\ =\ *)
        if [ -z "$isPackage" ]; then continue; fi
        key=${line%% =*} value=${line#*= }
        key=CARGO_PKG_${key^^} key=${key//-/_}
        case $value in
          '"""'*)
            value=${value#'"""'} text=$key
            if [[ $value == *'"""' ]]; then
              printf -v "$key" %b "${value%'"""'}"
              text=
            fi
            ;;
          '"'*) value=${value#'"'} && printf -v "$key" %b "${value%'"'}" ;;
          "'"*) value=${value#"'"} && printf -v "$key" %s "${value%"'"}" ;;
        esac
        ;;
    esac
  done <Cargo.toml
}

addAuthors() {
  local rest=$1
  while [[ $rest =~ ^[^\"]*\"(([^\"\\]|\\.)*)\"(.*)$ ]]; do
    rest=${BASH_REMATCH[3]}
    printf -v REPLY %b "${BASH_REMATCH[1]}"
    CARGO_PKG_AUTHORS+=${CARGO_PKG_AUTHORS:+:}$REPLY
  done
}

# Compiles the build script and runs it. It writes directly to the output, so no path has to be changed later.
buildScript() {
  local file=$1 name=${1##*/} program unit line
  name=build_script_${name%.rs} name=${name//-/_}
  program=$NIX_BUILD_TOP/build-script
  script=$lib
  mkdir -p "$script/out"
  CARGO_CRATE_NAME=$name rustc --crate-name "$name" "$file" --crate-type=bin -o "$program" \
    $scriptFlags "${common[@]}" "${externs[@]}" $(searchedBelow) "${linker[@]}"
  (
    source "$cfg"
    for unit in "${linksFrom[@]}"; do
      while IFS= read -r line; do export "$line"; done <"$unit/env"
    done
    if [ -n "$linksName" ]; then export CARGO_MANIFEST_LINKS=$linksOf; fi
    export RUSTC=rustc RUSTDOC=rustdoc NUM_JOBS=${NIX_BUILD_CORES:-1} CARGO_ENCODED_RUSTFLAGS= OUT_DIR=$script/out
    exec env "${features[@]}" "$program"
  ) >"$script/directives" || {
    cat "$script/directives" >&2
    exit 101
  }
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      cargo:rustc-* | cargo::rustc-* | cargo:warning=* | cargo::warning=* | cargo:rerun-* | cargo::rerun-*) continue ;;
      cargo::error=*)
        echo "$line" >&2
        exit 101
        ;;
      cargo::metadata=*) line=${line#cargo::metadata=} ;;
      cargo:[!:]*) line=${line#cargo:} ;;
      *) continue ;;
    esac
    name=${line%%=*} name=${name^^}
    if [ -n "$linksName" ]; then echo "DEP_${linksName}_${name//-/_}=${line#*=}"; fi
  done <"$script/directives" >"$script/env"
}

# Search paths that build scripts of transitive dependencies have printed.
searchedBelow() {
  local unit line
  for unit in "${madeBelow[@]}"; do
    while IFS= read -r line; do
      case $line in
        cargo:rustc-link-search=* | cargo::rustc-link-search=*) echo "-L${line#*=}" ;;
        cargo:rustc-flags=* | cargo::rustc-flags=*) for line in ${line#*=}; do if [[ $line == -L?* ]]; then echo "$line"; fi; done ;;
      esac
    done <"$unit/directives"
  done
}

# Reads the output of the build script: sets `scripted` to rustc's arguments for a target of this kind. The script's
# libraries are linked to the package's library, or to its programs if it has none.
readDirectives() {
  local kind=$1 name=$2 withLibraries=$3 line value
  scripted=()
  if [ -z "$hasScript" ]; then return; fi
  export OUT_DIR=$script/out
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line/#cargo::/cargo:} value=${line#*=}
    case $line in
      cargo:rustc-cfg=*) scripted+=(--cfg "$value") ;;
      cargo:rustc-env=*) export "$value" ;;
      cargo:rustc-link-search=*) scripted+=(-L "$value") ;;
      cargo:rustc-link-lib=*) if [ -n "$withLibraries" ]; then scripted+=(-l "$value"); fi ;;
      cargo:rustc-flags=*) if [ -n "$withLibraries" ]; then scripted+=($value); fi ;;
      cargo:rustc-link-arg=*) scripted+=(-C "link-arg=$value") ;;
      cargo:rustc-link-arg-bins=*) if [ "$kind" = bin ]; then scripted+=(-C "link-arg=$value"); fi ;;
      cargo:rustc-link-arg-bin="$name"=*) if [ "$kind" = bin ]; then scripted+=(-C "link-arg=${value#*=}"); fi ;;
    esac
  done <"$script/directives"
}

# Compiles the library: the whole of it (link), or in two derivations with the same rustc command, metadata (meta) and
# code.
compileLibrary() {
  local how=$1 name=$2 metadata=$3 file=$4 line arguments found=
  # Only the source tells whether a package with programs has a library.
  if [ ! -e "$file" ]; then
    mkdir -p "$lib"
    return
  fi
  export CARGO_CRATE_NAME=$name
  readDirectives lib "$name" yes
  runHook postConfigure
  runHook preBuild
  arguments=(--crate-name "$name" "$file" "${types[@]}" -C "metadata=$metadata" -C "extra-filename=-$metadata"
    $flags "${common[@]}" "${externs[@]}" "${scripted[@]}")
  if [ "${types[*]}" != --crate-type=lib ]; then arguments+=($(searchedBelow) "${linker[@]}"); fi
  case $how in
    link)
      rustc "${arguments[@]}" --out-dir "$lib/lib"
      own=(--extern "$name=$lib/lib/lib$name-$metadata.rlib" "-Ldependency=$lib/lib")
      ;;
    code)
      # These options are part of the hash by which rustc matches metadata and code.
      rustc "${arguments[@]}" --out-dir "$lib/lib" --error-format=json --json=artifacts \
        --emit="metadata=$NIX_BUILD_TOP/$name.rmeta,link"
      ;;
    meta)
      # Rustc reports when it has written the metadata, before it generates code. `--emit=metadata` alone would omit the
      # parts from which dependents generate code.
      mkdir -p "$out/lib"
      exec {notices}< <(exec rustc "${arguments[@]}" --out-dir "$NIX_BUILD_TOP" --error-format=json --json=artifacts \
        --emit="metadata=$out/lib/lib$name-$metadata.rmeta,link" 2>&1)
      while IFS= read -r line <&"$notices"; do
        case $line in
          *'"emit":"metadata"'*)
            found=yes
            kill -KILL $! || true
            wait $! || true
            break
            ;;
          *) echo "$line" >&2 ;;
        esac
      done
      if [ -z "$found" ]; then exit 1; fi
      ;;
  esac
}

# Finds the package's library for programs that are built in another derivation.
ownLibrary() {
  local file name
  for file in "$1"/*.rlib; do
    name=${file##*/lib} name=${name%-*}
    own=(--extern "$name=$file" "-Ldependency=$1")
  done
}

compileProgram() {
  local name=$1 file=$2 crate=${1//-/_} guess
  if [ -z "$file" ]; then
    for guess in "src/bin/$name.rs" "src/bin/$name/main.rs" src/main.rs; do
      if [ -e "$guess" ]; then
        file=$guess
        break
      fi
    done
  fi
  export CARGO_CRATE_NAME=$crate CARGO_BIN_NAME=$name
  readDirectives bin "$name" "$(if [ -z "${own[*]}" ]; then echo yes; fi)"
  mkdir -p "$out/bin"
  rustc --crate-name "$crate" "$file" --crate-type=bin -o "$out/bin/$name" \
    $flags "${common[@]}" "${externs[@]}" "${own[@]}" "${scripted[@]}" $(searchedBelow) "${linker[@]}"
}

end() {
  runHook postInstall
  mkdir -p "$out" "$lib"
}

own=()
eval "$setup"
