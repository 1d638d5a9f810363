# The bundled RocksDB is compiled with headers of compression libraries: those that their crates bundle are in build
# directories that no longer exist. To use a library instead, set `ROCKSDB_LIB_DIR` and `ROCKSDB_INCLUDE_DIR`.
#
# Crates: librocksdb-sys
{ lib, pkgs }:
attrs: {
  buildInputs = map (name: pkgs.${name}) (
    lib.intersectLists attrs.features or [ ] [
      "bzip2"
      "lz4"
      "snappy"
      "zlib"
      "zstd"
    ]
  );
}
