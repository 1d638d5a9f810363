# SQLCipher, where that is what is bundled, takes its ciphers from OpenSSL.
#
# Crates: libsqlite3-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  buildInputs = lib.optional (lib.elem "bundled-sqlcipher" attrs.features or [ ]) pkgs.openssl;
}
