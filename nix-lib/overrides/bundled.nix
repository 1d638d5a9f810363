# These crates build their bundled library or link one that pkg-config finds. Both need only a C compiler.
#
# Crates: blake3, bzip2-sys, clang-sys, jemalloc-sys, libmimalloc-sys, libsodium-sys, libsodium-sys-stable, liblzma-sys, lz4-sys
# Crates: lzma-sys, onig_sys, psm, ring, tikv-jemalloc-sys, tree-sitter
{ lib, pkgs }: attrs: { }
