# List the recipes.
default:
    @just --list

# Write Cargo.nix anew.
regenerate-cargo-nix *arguments:
    cargo run --quiet --release -- generate {{ arguments }}

# Write build-graph.toml anew, and Cargo.nix, which has its digest.
regenerate-build-graph-snapshot *arguments:
    cargo run --quiet --release -- snapshot {{ arguments }}

# What the working tree builds again, compared with the default branch.
impact *arguments:
    cargo run --quiet --release -- impact {{ arguments }}

# The prediction of `impact` beside Nix: all kinds of changes in all fixtures, and in workspaces that are named.
impact-oracle *workspaces:
    CRATEWRIGHT_IMPACT_ALL=1 CRATEWRIGHT_IMPACT_WORKSPACES="$(printf '%s:' {{ workspaces }})" \
        cargo test --package cratewright --test impact the_prediction -- --nocapture

# Say whether Cargo.nix is up to date.
check:
    cargo run --quiet --release -- check

# All tests; those that build with Nix need it installed.
test *arguments:
    cargo test --workspace {{ arguments }}

# Random workspaces, resolved by us and by cargo, until one differs.
fuzz-resolver cases="10000":
    CRATEWRIGHT_RANDOM_CASES={{ cases }} cargo test --release -p cratewright --test random

# Write the expected files of the tests anew: look at the diff before committing it.
bless:
    UPDATE=1 cargo test -p cratewright-renderer profiles
    UPDATE=1 TRYCMD=overwrite cargo test -p cratewright --test fixtures --test cli --test tidy

# Look for mistakes in the workflows and settings that users copy.
lint-workflows:
    dev/lint-templates

# Benchmarks of our own code.
bench *arguments:
    cargo bench --package cratewright-benches {{ arguments }}

# Beside crate2nix, in one run, on published workspaces or on those that are named.
bench-peers *arguments:
    benches/peers.py {{ arguments }}

# Cold builds by Nix and cargo of published programs or of those that are named; needs strace and valgrind.
bench-builds *arguments:
    benches/builds.py {{ arguments }}

# Programs, processes and instructions that building an empty crate takes besides rustc.
bench-empty-crate *arguments:
    benches/empty_crate.py {{ arguments }}

# What CI runs, and what to run before pushing.
ci:
    dev/ci
