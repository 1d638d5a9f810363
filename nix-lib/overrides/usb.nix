# USB and input devices, by libudev and libusb on Linux. On darwin frameworks are all they need.
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
