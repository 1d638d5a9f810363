# With the feature `pkg-config` it is the system's library, without it the one that the crate brings along, as with cargo.
# Newer nixpkgs ask for the system's always.
#
# Crates: zstd-sys
{ lib, pkgs }:
attrs:
if lib.elem "pkg-config" attrs.features or [ ] then
  {
    nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
    buildInputs = [ pkgs.zstd ];
  }
else
  {
    preConfigure = ''
      unset ZSTD_SYS_USE_PKG_CONFIG
    '';
  }
