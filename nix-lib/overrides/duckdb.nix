# DuckDB as the crate brings it along (`bundled`) needs a C++ compiler, and leaves some hundred megabytes of sources that
# nobody needs once it is built. Without that feature some versions would download a library; nixpkgs' is named instead.
#
# Crates: libduckdb-sys
{ lib, pkgs }:
attrs:
if lib.elem "bundled" attrs.features or [ ] then
  {
    preInstall = ''
      rm -rf target/build/libduckdb-sys.out/duckdb*
    '';
  }
else
  {
    buildInputs = [ pkgs.duckdb ];
    DUCKDB_INCLUDE_DIR = "${lib.getDev pkgs.duckdb}/include";
    DUCKDB_LIB_DIR = "${lib.getLib pkgs.duckdb}/lib";
  }
