# Some of these crates find X11 by pkg-config, others link its libraries without a search path. x11-dl loads the
# libraries at run time from where it finds them at build time.
#
# Crates: x11, x11-dl, xcb, xkbcommon
# Platforms: linux
{ lib, pkgs }:
attrs:
let
  # In newer versions of nixpkgs these packages are at the top level.
  xorg = lower: name: pkgs.${lower} or pkgs.xorg.${name};
  libraries = [
    (xorg "libx11" "libX11")
    (xorg "libxcb" "libxcb")
    (xorg "libxcursor" "libXcursor")
    (xorg "libxext" "libXext")
    (xorg "libxfixes" "libXfixes")
    (xorg "libxi" "libXi")
    (xorg "libxinerama" "libXinerama")
    (xorg "libxrandr" "libXrandr")
    (xorg "libxrender" "libXrender")
    pkgs.libxkbcommon
  ];
in
{
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = libraries;
}
// lib.optionalAttrs (attrs.crateName == "xcb" || attrs.crateName == "xkbcommon") {
  extraLinkFlags = map (library: "-L${lib.getLib library}/lib") libraries;
}
