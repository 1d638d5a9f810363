# Finds a file by its path below `pkgs`, in a checkout of nixpkgs or in a cut-down one, which has no directory `pkgs`
# and no categories of packages.
nixpkgs: path:
let
  inherit (builtins)
    elemAt
    filter
    head
    length
    pathExists
    split
    ;
  steps = filter builtins.isString (split "/" path);
  step = ix: elemAt steps (length steps + ix);
  candidates = filter pathExists [
    (nixpkgs + "/pkgs/${path}")
    (nixpkgs + "/${path}")
    (nixpkgs + "/pkgs/${step (-2)}/${step (-1)}")
  ];
in
if candidates == [ ] then
  throw "dev/real-nixpkgs: ${toString nixpkgs} has no ${path}, so it is not a checkout of nixpkgs"
else
  head candidates
