# Built as the crate brings it along, libgit2 is compiled with headers of its neighbours, which their crates have in
# places that are gone by then. nixpkgs' library is taken where the crate accepts its version, and only there.
#
# Crates: libgit2-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  buildInputs = [ pkgs.libssh2 ];
  LIBGIT2_NO_VENDOR = "0";
}
