# nixpkgs has none for these.
#
# Crates: freetype-sys, yeslogic-fontconfig-sys
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [
    pkgs.fontconfig
    pkgs.freetype
    pkgs.zlib
  ];
}
