# The feature `vendored` configures OpenSSL with Perl.
#
# Crates: openssl-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = lib.optional (lib.elem "vendored"
    attrs.features or [ ]
  ) pkgs.buildPackages.perl;
}
