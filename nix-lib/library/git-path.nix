# The path of a file as `git add` takes it, relative to the directory of the flake that contains the workspace. It is
# null outside of a flake, and for a file outside of the flake's repository.
{ ... }:
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
  null
