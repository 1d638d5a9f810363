# The `configure` script of librdkafka starts with `#!/usr/bin/env`, which does not exist in the sandbox. It looks for the
# libraries of its features by itself: the crates of these libraries point it to directories that their builds did not keep.
#
# Crates: rdkafka-sys
{ lib, pkgs }:
attrs:
let
  libraries = lib.filterAttrs (feature: _: lib.elem feature attrs.features or [ ]) {
    inherit (pkgs) curl zstd;
    external-lz4 = pkgs.lz4;
    gssapi = pkgs.cyrus_sasl;
    libz = pkgs.zlib;
    ssl = pkgs.openssl;
  };
in
{
  buildInputs = lib.attrValues libraries;
  postPatch = ''
    patchShebangs librdkafka/configure librdkafka/lds-gen.py
  '';
}
