#!/usr/bin/env bash
# Amends a bot's commit with a Cargo.nix generated again: amend.sh COMMAND...
#
# COMMAND writes Cargo.nix. Nothing is amended if it writes the same bytes, so that the push of an amended commit ends
# here when it starts the workflow again; nor if the last commit is not the bot's, as people amend their own. A push
# happens only onto the commit that was checked out: who pushed meanwhile starts a run of their own.
#
#   CRATEWRIGHT_BOTS    authors whose commits are amended, by name, one a line (default: renovate[bot], dependabot[bot])
#   CRATEWRIGHT_BRANCH  branch to push to (default: the one that is checked out)
#   CRATEWRIGHT_REMOTE  where to push to (default: origin)
#   CARGO_NIX           the file (default: Cargo.nix)
set -euo pipefail

bots=${CRATEWRIGHT_BOTS:-$'renovate[bot]\ndependabot[bot]'}
remote=${CRATEWRIGHT_REMOTE:-origin}
cargo_nix=${CARGO_NIX:-Cargo.nix}
branch=${CRATEWRIGHT_BRANCH:-$(git symbolic-ref --quiet --short HEAD || true)}

fail() {
  echo "error: $1" >&2
  exit 2
}

[ $# -gt 0 ] || fail "name the command that writes $cargo_nix"
[ -n "$branch" ] || fail "no branch is checked out: set CRATEWRIGHT_BRANCH"
git diff --quiet HEAD -- || fail "the work tree has changes that are not committed"

checked_out=$(git rev-parse HEAD)
author=$(git log -1 --format=%an)
if ! grep --quiet --line-regexp --fixed-strings -- "$author" <<<"$bots"; then
  echo "the last commit is by $author, not by a bot: nothing is amended"
  exit 0
fi
if git rev-parse --quiet --verify 'HEAD^2' >/dev/null; then
  echo "the last commit is a merge: nothing is amended"
  exit 0
fi

"$@"

git add --intent-to-add -- "$cargo_nix"
if git diff --quiet -- "$cargo_nix"; then
  echo "$cargo_nix is up to date"
  exit 0
fi
# As the bot itself, which else takes the branch for edited by somebody and leaves it alone.
GIT_COMMITTER_NAME=$(git log -1 --format=%cn) GIT_COMMITTER_EMAIL=$(git log -1 --format=%ce) \
  git commit --quiet --amend --no-edit --no-verify -- "$cargo_nix"

if git push --quiet --force-with-lease="refs/heads/$branch:$checked_out" "$remote" "HEAD:refs/heads/$branch"; then
  echo "amended $(git rev-parse --short "$checked_out") with $cargo_nix"
  exit 0
fi
there=$(git ls-remote "$remote" "refs/heads/$branch" | cut -f1)
[ "$there" != "$checked_out" ] || fail "$branch could not be pushed"
echo "$branch has moved to ${there:-nothing} meanwhile: left to the run for that"
