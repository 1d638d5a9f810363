# nixpkgs' libgit2 is used only if the crate accepts its version. Otherwise the crate builds its bundled copy, which
# needs headers of libssh2: those that the crate libssh2-sys bundles are in a build directory that no longer exists.
#
# Crates: libgit2-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  buildInputs = [ pkgs.libssh2 ];
  LIBGIT2_NO_VENDOR = "0";
}
