# The crate names the library and no place of it.
#
# Crates: libseccomp-sys
# Platforms: linux
{ lib, pkgs }:
attrs: {
  LIBSECCOMP_LIB_PATH = "${lib.getLib pkgs.libseccomp}/lib";
}
