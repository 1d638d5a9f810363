# RocksDB as the crate brings it along is compiled with headers of the compression libraries, which their crates have in
# places that are gone by then. `ROCKSDB_LIB_DIR` and `ROCKSDB_INCLUDE_DIR` choose a library instead.
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
