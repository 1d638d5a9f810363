# The crate links `-lseccomp` without a search path.
#
# Crates: libseccomp-sys
# Platforms: linux
{ lib, pkgs }:
attrs: {
  LIBSECCOMP_LIB_PATH = "${lib.getLib pkgs.libseccomp}/lib";
}
