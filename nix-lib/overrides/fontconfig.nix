# These crates find their libraries by pkg-config, which nixpkgs' override of freetype-sys does not add.
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
