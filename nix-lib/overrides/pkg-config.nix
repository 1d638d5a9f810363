# Build scripts that run pkg-config. The library itself has to come from an override of the crate.
#
# Build dependencies: pkg-config, system-deps, metadeps
# Covers: no, the library is missing
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
}
