# Some features link Wayland's libraries, which pkg-config finds.
#
# Crates: wayland-sys
# Platforms: linux
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [ pkgs.wayland ];
}
