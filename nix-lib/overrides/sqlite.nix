# With the feature `bundled-sqlcipher`, SQLCipher is built from source and links OpenSSL.
#
# Crates: libsqlite3-sys
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs: {
  buildInputs = lib.optional (lib.elem "bundled-sqlcipher" attrs.features or [ ]) pkgs.openssl;
}
