#!/usr/bin/env bash
# Posts the output of `cratewright impact --format markdown` on a pull request or merge request: comment.sh FILE
#
# Each pull request gets one comment, which later runs update: it is found by its hidden first line and by its author,
# the user of the token. Comments of other users are never changed. FILE may come from a fork: it is rejected if it has
# text that `cratewright impact` never prints, such as mentions, links or HTML.
#
#   CRATEWRIGHT_TOKEN            token that is allowed to comment
#   CRATEWRIGHT_PULL_REQUEST     number of the pull request (default: CI_MERGE_REQUEST_IID)
#   CRATEWRIGHT_HEAD             commit that FILE is about: nothing is posted if the pull request is at another commit
#                                (default on GitLab: the commit of the pipeline)
#   CRATEWRIGHT_HEAD_REPOSITORY  on GitHub, the repository that the commit is from; an error if the pull request is from
#                                another repository
#   CRATEWRIGHT_FORGE            github or gitlab (default: gitlab in GitLab's pipelines, otherwise github)
#   CRATEWRIGHT_API              address of the API (default: GITHUB_API_URL or CI_API_V4_URL)
#   CRATEWRIGHT_REPOSITORY       owner/name on GitHub, path or number on GitLab (default: GITHUB_REPOSITORY or
#                                CI_MERGE_REQUEST_PROJECT_ID)
#   CRATEWRIGHT_MARKER           text of the hidden line (default: cratewright-impact); in a repository with several
#                                workspaces, use a different one for each
set -euo pipefail

fail() {
  echo "error: $1" >&2
  [ $# -eq 1 ] || echo "  help: $2" >&2
  exit 2
}

[ $# -eq 1 ] || fail "expected one argument, a file" "comment.sh FILE"
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
# Error messages do not quote the number and the file: they may come from a fork and contain links.
[[ $number =~ ^[1-9][0-9]{0,9}$ ]] || fail "CRATEWRIGHT_PULL_REQUEST is not the number of a pull request"
[[ $marker =~ ^'<!-- '[a-z0-9-]+' -->'$ ]] || fail "CRATEWRIGHT_MARKER is not made of lower case letters, digits and dashes"

# The forges differ in addresses, in the names of fields, and in the maximum length of a comment.
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
    # In a merged results pipeline, CI_COMMIT_SHA is the merge commit.
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
  *) fail "CRATEWRIGHT_FORGE is \`$forge\`" "set it to github or gitlab" ;;
esac
[[ $repository != */ ]] || fail "CRATEWRIGHT_REPOSITORY is not set"
[[ $head =~ ^([0-9a-f]{40,64})?$ ]] || fail "CRATEWRIGHT_HEAD is not a commit"

if [ ! -f "$file" ] || [ -L "$file" ]; then fail "the Markdown is not a regular file"; fi
[ "$(wc -c <"$file")" -le 4000000 ] || fail "the Markdown has more than 4,000,000 bytes"
[ -s "$file" ] || fail "the Markdown is empty"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The token is not passed as an argument of curl, as other users can see arguments.
(umask 077 && printf '%s\n' "$authorization" >"$work/authorization")

# In names of crates and files these are always escaped, see `escaped` in crates/graph/src/impact/text.rs.
foreign=$(jq --raw-input '
  select(
    test("@(?!&#8203;)|&(?!(amp|lt|gt|#8203);)|\r|^\\s*/") or test("(^|[^\\\\])(\\\\\\\\)*[\\[\\]`]")
    or (test("<") and (test("^(<details><summary>[^<]*</summary>|</details>)$") | not))
  )' "$file" | wc -l)
[ "$foreign" -eq 0 ] || fail "$foreign lines of the Markdown are not from \`cratewright impact --format markdown\`"

# request METHOD PATH [FILE]: the answer is in $work/answer, its headers in $work/headers.
request() {
  local method=$1 url=${api%/}/$2 status
  local options=(--silent --show-error --max-time 60 --request "$method" --write-out '%{http_code}'
    --header "@$work/authorization" --output "$work/answer" --dump-header "$work/headers")
  # Requests with a body are not retried, as a comment could be posted twice.
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

# answer FILTER [ARGUMENT...]: the result of jq on the last answer.
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
    echo "pull request $number is at $at, not at $head: nothing is posted, and the run for that commit takes over"
    exit 0
  fi
fi

# The variables in the filters belong to jq. In comments, the login of an app ends in `[bot]`; elsewhere it may not.
# shellcheck disable=SC2016
case $forge in
  github)
    printf '{"query": "{ viewer { login } }"}' >"$work/query"
    # On GitHub Enterprise the GraphQL API is not below `/v3`.
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
    # Only the part after `?` is used, so the token is never sent to another address than the API's.
    if [[ ${line,,} == link:* && $line =~ \<[^\>]*(\?[^\>]*)\>\;\ *rel=\"next\" ]]; then query=${BASH_REMATCH[1]}; fi
  done <"$work/headers"
done

# The limit is in characters; counting bytes is on the safe side. The folded part is dropped first, then lines from the
# end.
jq --raw-input --slurp --arg marker "$marker" --arg head "$head" --argjson limit "$limit" '
  "\n> The rest is left out, as a comment has at most \($limit) characters: see the artifact of the run.\n" as $note
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
