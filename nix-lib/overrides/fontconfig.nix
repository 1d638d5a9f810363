# nixpkgs has no override for these crates, which find their libraries by pkg-config.
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
