# List the recipes.
default:
    @just --list --unsorted

# Check what CI checks on every pull request; run it before pushing.
[group('checks')]
ci:
    dev/ci

# Run the checks that take too long for `ci`. The workflow `nightly` runs this list each night.
[group('checks')]
nightly: slow-tests flake older-builder deny unused lint-nix (lint-workflows "--renovate") fuzz fuzz-random package coverage mutants impact-oracle exactness applications overrides nix-versions

# Run all tests. Those that build with Nix need it installed.
[group('checks')]
test *arguments:
    cargo test --workspace {{ arguments }}

# Run the tests that need neither Nix nor Linux. CI runs them on macOS.
[group('checks')]
test-without-nix:
    cargo test --workspace --locked --lib --bins
    cargo test --package cratewright --locked --test all -- cli:: oracle:: tidy::

# Format Rust and Nix code.
[group('checks')]
fmt:
    cargo fmt --all
    UPDATE=1 cargo test --quiet --package cratewright --test all nix_code

# Look for mistakes in Rust code.
[group('checks')]
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Look for mistakes in workflows and settings, our own and those that users copy.
[group('checks')]
lint-workflows *arguments:
    dev/lint-workflows {{ arguments }}

# Look for mistakes in Nix code.
[group('checks')]
lint-nix:
    dev/lint-nix

# Check licences, sources and advisories of dependencies.
[group('checks')]
deny:
    dev/install cargo-deny@0.20.2
    cargo deny --locked check --hide-inclusion-graph

# Look for dependencies of our crates that nothing uses. Those of fixtures are what their tests need.
[group('checks')]
unused:
    dev/install cargo-machete@0.9.2
    ! cargo machete --skip-target-dir | grep --extended-regexp --after-context=9 \
        '^[a-z-]+ -- \./(crates/[^/]+|benches)/Cargo\.toml'

# Compile with the oldest supported Rust, if it is installed; `just msrv --install` installs it.
[group('checks')]
msrv *arguments:
    dev/msrv {{ arguments }}

# Compare the public API of the libraries with its listings; `just public-api --update` writes them.
[group('checks')]
public-api *arguments:
    dev/public-api/run {{ arguments }}

# Fuzz the readers of other programs' files with libFuzzer, each target for so many seconds.
[group('long checks')]
fuzz seconds="600" *targets:
    dev/fuzz/run {{ seconds }} {{ targets }}

# Resolve random workspaces by us and by cargo until one differs, and repeat the other random tests.
[group('long checks')]
fuzz-random cases="10000":
    CRATEWRIGHT_RANDOM_CASES={{ cases }} cargo test --release --package cratewright --test all random::
    PROPTEST_CASES={{ cases }} cargo test --release --package cratewright-sources --package cratewright-graph

# Run the tests that `cargo test` lists as ignored, and the edits of `mutation` in each of its fixtures.
[group('long checks')]
slow-tests:
    cargo test --workspace --locked -- --ignored
    CRATEWRIGHT_MUTATION_ALL=1 cargo test --workspace --locked --test all -- mutation::check_fails_exactly

# Check the flake on the stand-in for nixpkgs, with its builds of this workspace in the profile `release`.
[group('long checks')]
flake *arguments:
    dev/flake {{ arguments }}

# Run the tests that build with Nix once more, with the builder of nixpkgs 25.11.
[group('long checks')]
older-builder:
    CRATEWRIGHT_STAND_IN_VINTAGE=2025-11 cargo test --locked --package cratewright --test fixtures
    CRATEWRIGHT_STAND_IN_VINTAGE=2025-11 cargo test --locked --package cratewright --test all -- \
        build_scripts:: checks:: environment:: overrides:: profiles::

# Measure which lines of each crate the tests run.
[group('long checks')]
coverage *arguments:
    dev/coverage {{ arguments }}

# Change the code that decides, one place at a time, and list the changes that no test notices: a sixteenth of them.
[group('long checks')]
mutants *arguments:
    dev/mutants {{ arguments }}

# Compare the predictions of `impact` with Nix: all kinds of changes in all fixtures and in the given workspaces.
[group('long checks')]
impact-oracle *workspaces:
    CRATEWRIGHT_IMPACT_ALL=1 CRATEWRIGHT_IMPACT_WORKSPACES="$(printf '%s:' {{ workspaces }})" \
        cargo test --package cratewright --test all impact::the_prediction -- --nocapture

# Compare the units of published applications with cargo's.
[group('long checks')]
exactness:
    dev/exactness

# Build applications with cargo and with Nix, and compare the programs.
[group('long checks')]
applications *names:
    dev/applications {{ names }}

# Build programs that need Cratewright's own overrides with cargo and with Nix: all, or those of the given override files.
[group('long checks')]
overrides *names:
    dev/overrides {{ names }}

# Build the sample projects of a checkout of crate2nix, and compare what they print with cargo.
[group('long checks')]
crate2nix-samples checkout *samples:
    dev/crate2nix-samples {{ checkout }} {{ samples }}

# Run the fixtures and tests on a checkout of nixpkgs; `just real-nixpkgs --help` lists the options.
[group('long checks')]
real-nixpkgs *arguments:
    dev/real-nixpkgs {{ arguments }}

# Run the tests with the newest Nix and Rust of Debian, in a chroot. Needs root.
[group('long checks')]
nix-versions directory="target/debian-sid":
    dev/nix-versions {{ directory }}

# Regenerate Cargo.nix.
[group('generated files')]
regenerate-cargo-nix *arguments:
    cargo run --quiet --release -- generate {{ arguments }}

# Regenerate build-graph.toml, and Cargo.nix, which has its digest.
[group('generated files')]
regenerate-build-graph-snapshot *arguments:
    cargo run --quiet --release -- snapshot {{ arguments }}

# Check whether Cargo.nix is up to date.
[group('generated files')]
check:
    cargo run --quiet --release -- check

# Show what the working tree rebuilds, compared with the default branch.
[group('generated files')]
impact *arguments:
    cargo run --quiet --release -- impact {{ arguments }}

# Write the expected files of the tests again: read the diff before committing it.
[group('generated files')]
bless:
    UPDATE=1 cargo test -p cratewright-renderer profiles
    UPDATE=1 cargo test -p cratewright --test fixtures
    UPDATE=1 TRYCMD=overwrite cargo test -p cratewright --test all -- cli:: why:: tidy::
    dev/public-api/run --update

# Build the book and the documentation of the crates.
[group('docs and releases')]
docs: book
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Build the book in target/book, and look at its pages, links and search in a browser.
[group('docs and releases')]
book:
    dev/book

# Draw the pictures of the book that are made of something in this repository.
[group('docs and releases')]
drawings:
    dev/drawings

# Download the libraries of the page of `cratewright graph` again.
[group('docs and releases')]
vendor-page-libraries *arguments:
    dev/vendor-page-libraries {{ arguments }}

# Pack the crates as they are published, and install the program from the packed files.
[group('docs and releases')]
package *arguments:
    dev/package {{ arguments }}

# Compare the public API of the libraries with that of a tag or commit.
[group('docs and releases')]
semver-checks revision:
    dev/semver-checks {{ revision }}

# Make a release: a dry run, unless `--execute` is given.
[group('docs and releases')]
release version *arguments:
    dev/release {{ version }} {{ arguments }}

# Run the benchmarks of our own code.
[group('benchmarks')]
bench *arguments:
    cargo bench --package cratewright-benches {{ arguments }}

# Compare with crate2nix in one run, on published workspaces or on the given ones.
[group('benchmarks')]
bench-peers *arguments:
    benches/peers.py {{ arguments }}

# Measure cold builds by Nix and by cargo, of published programs or of the given ones; needs strace and valgrind.
[group('benchmarks')]
bench-builds *arguments:
    benches/builds.py {{ arguments }}

# Count the programs, processes and instructions that building an empty crate takes besides rustc.
[group('benchmarks')]
bench-empty-crate *arguments:
    benches/empty_crate.py {{ arguments }}
