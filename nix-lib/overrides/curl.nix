# On darwin the crate names the library and no place of it, and Apple's SDK in nixpkgs has none.
#
# Crates: curl-sys
# Platforms: darwin
# Covers: no, nixpkgs does
{ lib, pkgs }:
attrs:
lib.optionalAttrs pkgs.stdenv.hostPlatform.isDarwin {
  extraLinkFlags = [ "-L${lib.getLib pkgs.curl}/lib" ];
}
