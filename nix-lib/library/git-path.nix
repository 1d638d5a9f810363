# Paths as `git add` takes them.
{ lib, ... }:
{
  # The path of a file relative to the directory of the flake that contains `root`. It is null outside of a flake, and for
  # a file outside of the flake's repository.
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

  # The help for files that may exist without being tracked by git.
  add =
    paths:
    "if the ${
      if builtins.length paths == 1 then "file exists" else "files exist"
    }, run `git add ${lib.escapeShellArgs paths}`: a flake sees only files that git tracks; add `--force` for ignored ones";
}
