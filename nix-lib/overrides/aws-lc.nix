# The crate would link a library that pkg-config finds, so it is told to build its bundled copy. The FIPS module is
# always built by CMake with Perl and Go.
#
# Crates: aws-lc-sys, aws-lc-fips-sys
{ lib, pkgs }:
attrs:
if attrs.crateName == "aws-lc-fips-sys" then
  {
    nativeBuildInputs = [
      pkgs.buildPackages.cmake
      pkgs.buildPackages.go
      pkgs.buildPackages.perl
    ];
    AWS_LC_FIPS_SYS_USE_SYSTEM = "0";
  }
else
  { AWS_LC_SYS_USE_SYSTEM = "0"; }
