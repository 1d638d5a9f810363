# As with cargo, the feature `pkg-config` links the system's library; otherwise the bundled one is built. Newer versions
# of nixpkgs set the variable for the system's library in every case.
#
# Crates: zstd-sys
{ lib, pkgs }:
attrs:
{
  ZSTD_SYS_USE_PKG_CONFIG = null;
}
// lib.optionalAttrs (lib.elem "pkg-config" attrs.features or [ ]) {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [ pkgs.zstd ];
}
