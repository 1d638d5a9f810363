# Sourced by dev/applications and dev/overrides: builds the programs of a table with cargo and, on the stand-in for nixpkgs,
# with Nix; runs both and compares what they print.
#
# `programs` prints the table. A line has the name, the version on crates.io or `own` for a program in `dev/KIND.d`, features,
# what is run, and Debian packages that are installed where they are missing. A script `dev/KIND.d/NAME/run` is given what
# is run; without one it is run by itself.

fail() {
  echo "$0: $*" >&2
  exit 2
}

# Prints the directory of the sources. The features are those of a variant.
workspace() {
  local name=$1 version=$2 features=$3 directory=$work/$1
  if [ "$version" = own ]; then
    rm -rf "$directory"
    cp -r "$own/$name" "$directory"
  else
    directory=$(dev/fetch-application "$name" "$version" "$work")
  fi
  if [ "$features" != - ] && ! grep -q '^\[workspace.metadata.cratewright' "$directory/Cargo.toml"; then
    printf '\n[workspace.metadata.cratewright.variants.chosen]\nfeatures = ["%s"]\n' "${features//,/\", \"}" \
      >>"$directory/Cargo.toml"
  fi
  echo "$directory"
}

by_cargo() {
  local features=() manifest=$1/Cargo.toml
  [ "$2" = - ] || features=(--features "$2")
  CARGO_TARGET_DIR=$work/cargo cargo build --quiet --release --locked --manifest-path "$manifest" "${features[@]}"
  echo "$work/cargo/release/$3"
}

by_nix() {
  local attribute=rootCrate.build built library=${3%.so}
  [ "$2" = - ] || attribute=variants.chosen.$4.build
  "$cratewright" generate --quiet --locked --manifest-path "$1/Cargo.toml" >&2
  case $3 in
    # The builder adds a hash to the names of libraries.
    *.so) built=$(echo "$(nix-build "${nix_options[@]}" "$1/Cargo.nix" -A "$attribute.lib")"/lib/"$library"-*.so) ;;
    *) built=$(nix-build "${nix_options[@]}" "$1/Cargo.nix" -A "$attribute")/bin/$3 ;;
  esac
  echo "$built"
}

# What it is linked with: a library of the machine in the place of the one that comes along may print the same.
libraries() {
  readelf --dynamic "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/links \1/p' | sort
}

# What a program needs of the store besides itself, which is nothing on the stand-in: no library of a crate, no source, no
# toolchain. Libraries of crates are for builds.
closure() {
  local output
  output=$(cut -d / -f 1-4 <<<"$1")
  [ "${1%.so}" != "$1" ] || nix-store --query --requisites "$output" | sed -n "\\,^$output\$,! s/^/needs /p"
}

# A directory of its own, so that nothing is found that lies around.
run() {
  local directory
  directory=$(mktemp -d)
  if [ -e "$own/$1/run" ]; then
    (cd "$directory" && bash "$own/$1/run" "$2")
  else
    (cd "$directory" && "$2")
  fi
  rm -r "$directory"
}

compare() {
  local name=$1 version=$2 features=$3 file=$4 directory expected printed
  directory=$(workspace "$name" "$version" "$features")
  expected=$(by_cargo "$directory" "$features" "$file")
  printed=$(by_nix "$directory" "$features" "$file" "$name")
  { libraries "$expected"; run "$name" "$expected"; } >"$work/$name.cargo"
  { closure "$printed"; libraries "$printed"; run "$name" "$printed"; } >"$work/$name.nix"
  diff "$work/$name.cargo" "$work/$name.nix"
}

# Builds the programs of those names, or all.
both_ways() { # kind name...
  local kind=$1 name version features file debian start status failed=() packages=()
  shift
  for name; do
    programs | grep "^$name " >/dev/null || fail "there is no $name; known are: $(programs | cut -d ' ' -f 1 | xargs)"
  done
  cargo build --quiet --release --locked
  cratewright=$PWD/target/release/cratewright
  own=$PWD/dev/$kind.d
  work=$PWD/target/$kind
  mkdir -p "$work"
  export NIX_PATH=nixpkgs=$PWD/fixtures/nixpkgs
  CRATEWRIGHT_RUST_SYSROOT=$(rustc --print sysroot)
  export CRATEWRIGHT_RUST_SYSROOT
  nix_options=(--option substituters '' --option sandbox false --max-jobs auto --no-out-link)
  [ "$(id -u)" -ne 0 ] || nix_options+=(--option build-users-group '')

  while read -r name version features file debian; do
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    IFS=, read -ra packages <<<"$debian"
    [ "${#packages[@]}" -eq 0 ] || dev/install "${packages[@]}" </dev/null
    start=$SECONDS
    # Bash stops at no failure in what `if` asks for. What it starts must not read the table.
    set +e
    (set -e && compare "$name" "$version" "$features" "$file") </dev/null >"$work/$name.log" 2>&1
    status=$?
    set -e
    if [ "$status" -eq 0 ]; then
      printf '%s: equal, %s lines (%s s)\n' "$name" "$(wc -l <"$work/$name.nix")" $((SECONDS - start))
    else
      failed+=("$name")
      printf '%s: failed (%s s)\n' "$name" $((SECONDS - start))
      tail -n 20 "$work/$name.log"
    fi
  done < <(programs)
  [ "${#failed[@]}" -eq 0 ] || fail "failed: ${failed[*]}; their logs are in target/$kind"
}
