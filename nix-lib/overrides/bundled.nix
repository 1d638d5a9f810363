# Build what they bring along, or take a library that pkg-config finds, and need no more than a C compiler for either.
#
# Crates: blake3, bzip2-sys, clang-sys, jemalloc-sys, libmimalloc-sys, libsodium-sys, libsodium-sys-stable, liblzma-sys, lz4-sys
# Crates: lzma-sys, onig_sys, psm, ring, tikv-jemalloc-sys, tree-sitter
{ lib, pkgs }: attrs: { }
