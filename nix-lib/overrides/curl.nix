# On darwin the crate links `-lcurl` without a search path, and Apple's SDK in nixpkgs has no libcurl.
#
# Crates: curl-sys
# Platforms: darwin
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs:
lib.optionalAttrs pkgs.stdenv.hostPlatform.isDarwin {
  extraLinkFlags = [ "-L${lib.getLib pkgs.curl}/lib" ];
}
