# The build script asks pkg-config, and gives up where that finds nothing.
#
# Crates: mysqlclient-sys
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [ pkgs.libmysqlclient ];
}
