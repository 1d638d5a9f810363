# With the feature `pkg-config` it is the system's library, without it the one that the crate brings along, as with cargo.
# Newer nixpkgs ask for the system's always.
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
