# With the feature `vendored`, Lua is compiled from a crate and needs only the C compiler. Otherwise pkg-config finds
# it.
#
# Crates: mlua-sys
{ lib, pkgs }:
attrs:
let
  features = attrs.features or [ ];
  packages = lib.filterAttrs (feature: _: lib.elem feature features) {
    inherit (pkgs) luajit;
    lua51 = pkgs.lua5_1;
    lua52 = pkgs.lua5_2;
    lua53 = pkgs.lua5_3;
    lua54 = pkgs.lua5_4;
  };
in
lib.optionalAttrs (!(lib.elem "vendored" features)) {
  nativeBuildInputs = [ pkgs.buildPackages.pkg-config ];
  buildInputs = lib.attrValues packages;
}
