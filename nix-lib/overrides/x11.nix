# X11 by pkg-config, or by names of libraries without a place. Where x11-dl finds a library when it is built, it looks for
# it when it runs.
#
# Crates: x11, x11-dl, xcb, xkbcommon
# Platforms: linux
{ lib, pkgs }:
attrs:
let
  # Newer nixpkgs have them outside of `xorg`.
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
