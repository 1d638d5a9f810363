# With the feature `bundled`, DuckDB is built by the C++ compiler, and its sources, some hundred megabytes, are removed
# from the output. Without it, some versions would download a library, so nixpkgs' library is used.
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
