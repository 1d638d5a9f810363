# Build scripts that run CMake. Many of the projects ask for a CMake so old that version 4 refuses.
#
# Build dependencies: cmake
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.cmake ];
  CMAKE_POLICY_VERSION_MINIMUM = "3.5";
}
