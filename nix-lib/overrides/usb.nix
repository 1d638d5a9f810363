# On Linux these crates access devices through libudev and libusb. On darwin they need only frameworks.
#
# Crates: hidapi, libusb1-sys
# Platforms: linux
{ lib, pkgs }:
attrs:
lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [
    pkgs.libusb1
    pkgs.udev
  ];
}
