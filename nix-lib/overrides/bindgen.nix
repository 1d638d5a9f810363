# Build scripts that run bindgen load libclang, and bindgen asks the compiler where its headers are.
#
# Build dependencies: bindgen, clang-sys
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.rustPlatform.bindgenHook ];
}
