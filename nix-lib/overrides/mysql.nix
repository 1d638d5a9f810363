# The build script finds the library by pkg-config, and fails without it.
#
# Crates: mysqlclient-sys
{ lib, pkgs }:
attrs: {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = [ pkgs.libmysqlclient ];
}
