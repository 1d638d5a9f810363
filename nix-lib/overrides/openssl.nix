# With the feature `vendored`, OpenSSL is built from source, and its `Configure` is a Perl script.
#
# Crates: openssl-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = lib.optional (lib.elem "vendored"
    attrs.features or [ ]
  ) pkgs.buildPackages.perl;
}
