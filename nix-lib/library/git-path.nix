# Paths as `git add` takes them.
{ lib, ... }:
let
  # The path of a file relative to the top of the flake's repository, which contains `root`. It is null outside of a
  # flake, and for a file outside of the repository.
  of =
    root: path:
    let
      # Appending to a path resolves `..`.
      full = toString (/. + "${builtins.unsafeDiscardStringContext (toString root)}/${path}");
      topOf = path: builtins.match "(${builtins.storeDir}/[^/]+/).*" "${path}/";
      top = topOf full;
    in
    if top != null && top == topOf (toString root) then
      builtins.substring (builtins.stringLength (builtins.head top)) (-1) full
    else
      null;

in
{
  inherit of;

  # The help for files that may exist without being tracked by git. If the workspace is not at the top of the repository,
  # git is told that paths start there, whatever the user's directory.
  add =
    root: paths:
    let
      from = if of root "." == "" then "" else ":/";
    in
    "if the ${if builtins.length paths == 1 then "file exists" else "files exist"}, run `git add ${
      lib.escapeShellArgs (map (path: from + path) paths)
    }`: a flake sees only files that git tracks; add `--force` for ignored ones";
}
