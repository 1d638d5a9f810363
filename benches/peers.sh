#!/usr/bin/env bash
# Cratewright beside crate2nix, in one run, on a published application with more than 500 packages in its lock file:
# size of Cargo.nix, cost of evaluating it, time to generate it. Needs nix, hyperfine and crate2nix 0.15.0.
set -euo pipefail
cd "$(dirname "$0")/.."
name=${1:-nu}
version=${2:-0.106.0}

for program in cargo nix-instantiate hyperfine crate2nix; do
  if ! command -v "$program" >/dev/null; then
    echo "$program is missing; for crate2nix: cargo install crate2nix --version 0.15.0 --locked" >&2
    exit 2
  fi
done

cargo build --quiet --release --locked
cratewright=$PWD/target/release/cratewright
benches=$PWD/benches
application=$(dev/fetch-application "$name" "$version" target/peers)
cd "$application"

"$cratewright" generate --quiet --output ours.nix
crate2nix generate --output theirs.nix >/dev/null
echo "## $name $version: $(grep -c '^\[\[package\]\]' Cargo.lock) packages in Cargo.lock"
echo
crate2nix --version

echo
echo "### Size in bytes"
wc -c ours.nix theirs.nix

echo
echo "### Evaluation of the root package's graph, buildRustCrate a stub"
units=$(grep -c -E '= (registry|local) \{' ours.nix)
echo "entries in ours.nix: $units"
for file in ours theirs; do
  NIX_SHOW_STATS=1 nix-instantiate --eval "$benches/evaluate.nix" --arg cargoNix "$PWD/$file.nix" >stats 2>&1
  for counter in nrFunctionCalls nrPrimOpCalls nrThunks; do
    echo "$file.nix $counter: $(grep "\"$counter\"" stats | grep -o '[0-9]*')"
  done
done

echo
echo "### Time"
hyperfine --shell=none --warmup 3 --runs 20 --style basic \
  "cargo metadata --format-version 1 --all-features --locked --offline" \
  "$cratewright generate --quiet --offline --output ours.nix" \
  "crate2nix generate --output theirs.nix" \
  "$cratewright check --output ours.nix" 2>/dev/null | grep -E 'Benchmark|Time|Range'
