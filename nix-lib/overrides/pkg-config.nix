# Build scripts that look for libraries. The library itself is for an override of the crate.
#
# Build dependencies: pkg-config, system-deps, metadeps
# Covers: no, the library is missing
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
}
