# Wayland's libraries, by pkg-config where the features ask for them.
#
# Crates: wayland-sys
# Platforms: linux
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [ pkgs.wayland ];
}
