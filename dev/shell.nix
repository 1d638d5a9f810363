# The development shell of this repository: Rust, and what dev/requirements lists. Packages that nixpkgs does not have
# for the platform, such as strace on darwin, are left out.
{ pkgs }:
let
  inherit (pkgs) lib;
  rows = lib.filter (words: words != [ ] && !lib.hasPrefix "#" (lib.head words)) (
    map (line: lib.filter (word: word != "") (lib.splitString " " line)) (
      lib.splitString "\n" (builtins.readFile ./requirements)
    )
  );
  isLibrary = row: lib.head row == "-";
  package = row: lib.getAttrFromPath (lib.splitString "." (lib.elemAt row 2)) pkgs;
  available =
    rows: lib.filter (lib.meta.availableOn pkgs.stdenv.hostPlatform) (lib.unique (map package rows));
in
pkgs.mkShell {
  packages = [
    pkgs.cargo
    pkgs.clippy
    pkgs.just
    pkgs.rustc
    pkgs.rustfmt
    pkgs.statix
  ]
  ++ available (lib.filter (row: !isLibrary row) rows);
  buildInputs = available (lib.filter isLibrary rows);
}
