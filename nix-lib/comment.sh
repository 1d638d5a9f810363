#!/usr/bin/env bash
# Posts what `cratewright impact --format markdown` printed on a pull request or merge request: comment.sh FILE
#
# There is one such comment. Later runs update it: it begins with a hidden line, and is by the user of the token. Nobody
# else's comment is touched. FILE may come from a fork: it is refused if `cratewright impact` cannot have printed it,
# such as mentions, links and HTML.
#
#   CRATEWRIGHT_TOKEN            token that may comment
#   CRATEWRIGHT_PULL_REQUEST     number of the pull request (default: CI_MERGE_REQUEST_IID)
#   CRATEWRIGHT_HEAD             commit that FILE is about: if the pull request is at another one, nothing is posted
#                                (default on GitLab: that of the pipeline)
#   CRATEWRIGHT_HEAD_REPOSITORY  on GitHub, the repository that the commit is from; an error if the pull request is from
#                                another one
#   CRATEWRIGHT_FORGE            github or gitlab (default: gitlab in its pipelines, else github)
#   CRATEWRIGHT_API              address of the API (default: GITHUB_API_URL or CI_API_V4_URL)
#   CRATEWRIGHT_REPOSITORY       owner/name on GitHub, path or number on GitLab (default: GITHUB_REPOSITORY or
#                                CI_MERGE_REQUEST_PROJECT_ID)
#   CRATEWRIGHT_MARKER           what the hidden line says (default: cratewright-impact); another one for each workspace
#                                of a repository that has several
set -euo pipefail

fail() {
  echo "error: $1" >&2
  [ $# -eq 1 ] || echo "  help: $2" >&2
  exit 2
}

[ $# -eq 1 ] || fail "name one file" "comment.sh FILE"
file=$1
for tool in curl jq; do
  command -v "$tool" >/dev/null || fail "$tool is not on PATH"
done

token=${CRATEWRIGHT_TOKEN:-}
number=${CRATEWRIGHT_PULL_REQUEST:-${CI_MERGE_REQUEST_IID:-}}
head=${CRATEWRIGHT_HEAD:-}
head_repository=${CRATEWRIGHT_HEAD_REPOSITORY:-}
marker="<!-- ${CRATEWRIGHT_MARKER:-cratewright-impact} -->"
forge=${CRATEWRIGHT_FORGE:-}
[ -n "$forge" ] || if [ -n "${GITLAB_CI:-}" ]; then forge=gitlab; else forge=github; fi

[ -n "$token" ] || fail "CRATEWRIGHT_TOKEN is not set"
# The number and the file are not shown: they may come from a fork, and be links to something else.
[[ $number =~ ^[1-9][0-9]{0,9}$ ]] || fail "CRATEWRIGHT_PULL_REQUEST is not the number of a pull request"
[[ $marker =~ ^'<!-- '[a-z0-9-]+' -->'$ ]] || fail "CRATEWRIGHT_MARKER may have lower case letters, digits and dashes"

# What differs between the two: addresses, names in answers, and the greatest number of characters of a comment.
case $forge in
  github)
    api=${CRATEWRIGHT_API:-${GITHUB_API_URL:-https://api.github.com}}
    repository=repos/${CRATEWRIGHT_REPOSITORY:-${GITHUB_REPOSITORY:-}}
    pull_request=$repository/pulls/$number
    comments=$repository/issues/$number/comments
    comment=$repository/issues/comments
    update=PATCH
    authorization="Authorization: Bearer $token"
    head_is=.head.sha
    head_repository_is='.head.repo.full_name // "a repository that is gone"'
    limit=65536
    help="the token needs \`pull-requests: write\`"
    ;;
  gitlab)
    api=${CRATEWRIGHT_API:-${CI_API_V4_URL:-https://gitlab.com/api/v4}}
    # In a pipeline of merged results, CI_COMMIT_SHA is the merge.
    head=${head:-${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-${CI_COMMIT_SHA:-}}}
    repository=${CRATEWRIGHT_REPOSITORY:-${CI_MERGE_REQUEST_PROJECT_ID:-}}
    repository=projects/${repository//\//%2F}
    pull_request=$repository/merge_requests/$number
    comments=$pull_request/notes
    comment=$comments
    update=PUT
    authorization="PRIVATE-TOKEN: $token"
    head_is=.sha
    limit=1000000
    help="the token needs the scope \`api\`, and the role Reporter or a higher one"
    ;;
  *) fail "CRATEWRIGHT_FORGE is \`$forge\`" "say github or gitlab" ;;
esac
[[ $repository != */ ]] || fail "CRATEWRIGHT_REPOSITORY is not set"
[[ $head =~ ^([0-9a-f]{40,64})?$ ]] || fail "CRATEWRIGHT_HEAD is not a commit"

if [ ! -f "$file" ] || [ -L "$file" ]; then fail "the Markdown is not a regular file"; fi
[ "$(wc -c <"$file")" -le 4000000 ] || fail "the Markdown has more than 4,000,000 bytes"
[ -s "$file" ] || fail "the Markdown is empty"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Not an argument of curl, as these can be seen by others.
(umask 077 && printf '%s\n' "$authorization" >"$work/authorization")

# Names of crates and files have all of these escaped, see `escaped` in crates/graph/src/impact/text.rs.
foreign=$(jq --raw-input '
  select(
    test("@(?!&#8203;)|&(?!(amp|lt|gt|#8203);)|\r|^\\s*/") or test("(^|[^\\\\])(\\\\\\\\)*[\\[\\]`]")
    or (test("<") and (test("^(<details><summary>[^<]*</summary>|</details>)$") | not))
  )' "$file" | wc -l)
[ "$foreign" -eq 0 ] || fail "$foreign lines of the Markdown are not of \`cratewright impact --format markdown\`"

# request METHOD PATH [FILE]: the answer is in $work/answer, its headers in $work/headers.
request() {
  local method=$1 url=${api%/}/$2 status
  local options=(--silent --show-error --max-time 60 --request "$method" --write-out '%{http_code}'
    --header "@$work/authorization" --output "$work/answer" --dump-header "$work/headers")
  # What is sent twice might be posted twice.
  if [ $# -gt 2 ]; then
    options+=(--header "Content-Type: application/json" --data-binary "@$3")
  else
    options+=(--retry 3)
  fi
  status=$(curl "${options[@]}" "$url") || fail "$method $url: no answer"
  [[ $status == 2?? ]] && return
  local says
  says=$(jq --raw-output '.message // .error | strings' "$work/answer" 2>/dev/null | head -n 1) || true
  case $status in
    401 | 403 | 404) fail "$method $url: $status${says:+ $says}" "$help" ;;
    *) fail "$method $url: $status${says:+ $says}" ;;
  esac
}

# answer FILTER [ARGUMENT...]: what jq finds in the last answer.
answer() {
  local filter=$1
  shift
  jq --raw-output "$@" "$filter" "$work/answer" 2>/dev/null || fail "the answer of the API is not as expected"
}

if [ -n "$head$head_repository" ]; then
  request GET "$pull_request"
  from=${head_repository:+$(answer "$head_repository_is")}
  [ "$from" = "$head_repository" ] || fail "pull request $number is from $from, not from $head_repository"
  at=$(answer "$head_is")
  if [ -n "$head" ] && [ "$at" != "$head" ]; then
    echo "pull request $number is at $at, not at $head: left to the run for that"
    exit 0
  fi
fi

# Variables in the filters are jq's. The login of an app's bot ends in `[bot]` in comments, and not everywhere else.
# shellcheck disable=SC2016
case $forge in
  github)
    printf '{"query": "{ viewer { login } }"}' >"$work/query"
    # GitHub Enterprise has it elsewhere.
    api=${api%/v3} request POST graphql "$work/query"
    me=$(answer '.data.viewer.login // error')
    is_mine='.user.login == $me or .user.login == $me + "[bot]"'
    ;;
  gitlab)
    request GET user
    me=$(answer '.id // error')
    is_mine='(.author.id | tostring) == $me'
    ;;
esac

id=
query="?per_page=100"
while [ -z "$id" ] && [ -n "$query" ]; do
  request GET "$comments$query"
  id=$(answer "[.[] | select($is_mine) | select((.body // \"\") | startswith(\$marker)) | .id] | first // empty" \
    --arg me "$me" --arg marker "$marker")
  query=
  while IFS= read -r line; do
    # Only what follows `?`: the token goes to no other address than that of the API.
    if [[ ${line,,} == link:* && $line =~ \<[^\>]*(\?[^\>]*)\>\;\ *rel=\"next\" ]]; then query=${BASH_REMATCH[1]}; fi
  done <"$work/headers"
done

# Bytes are counted, as a character never has less than one. The folded part goes first, then lines from the end.
jq --raw-input --slurp --arg marker "$marker" --arg head "$head" --argjson limit "$limit" '
  "\n> The rest is left out, as a comment has at most \($limit) characters: see the artefact of the run.\n" as $note
  | ($marker + "\n") as $first
  | (if $head == "" then "" else "\nFor commit \($head).\n" end) as $last
  | ($limit - ($first + $note + $last | utf8bytelength)) as $room
  | if utf8bytelength <= $room then .
    else
      (split("\n<details>")[0] + ((split("</details>\n")[1:] | last) // "")) as $short
      | if ($short | utf8bytelength) <= $room then $short
        else $short[0:($room / 4 | floor)] | split("\n")[:-1] | map(. + "\n") | add // ""
        end
      | . + $note
    end
  | {body: ($first + . + $last)}' "$file" >"$work/body"

if [ -n "$id" ]; then
  [[ $id =~ ^[0-9]+$ ]] || fail "the answer of the API is not as expected"
  request "$update" "$comment/$id" "$work/body"
  echo "updated the comment on pull request $number"
else
  request POST "$comments" "$work/body"
  echo "commented on pull request $number"
fi
