# Build scripts that run CMake. Many projects require an old version, which CMake 4 rejects without this variable.
#
# Build dependencies: cmake
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.cmake ];
  CMAKE_POLICY_VERSION_MINIMUM = "3.5";
}
