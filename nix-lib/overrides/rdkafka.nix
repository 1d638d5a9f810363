# Its `configure` begins with a path that a sandbox has not.
#
# Crates: rdkafka-sys
{ lib, pkgs }:
attrs: {
  postPatch = ''
    patchShebangs librdkafka/configure librdkafka/lds-gen.py
  '';
}
