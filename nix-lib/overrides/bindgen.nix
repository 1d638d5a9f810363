# Build scripts that run bindgen need libclang, and the header directories of the C compiler.
#
# Build dependencies: bindgen, clang-sys
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.rustPlatform.bindgenHook ];
}
