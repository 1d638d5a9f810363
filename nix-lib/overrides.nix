# Layers of overrides of a crate. Source: nix-lib/overrides.nix of cratewright.
{ lib, crateOverrides, ... }:
let
  # Overrides compose: lists append, phases and hooks concatenate, environments merge, the rest is replaced.
  compose =
    lower: upper: attrs:
    let
      below = lower attrs;
      above = upper attrs;
      merge =
        name: value:
        let
          old = below.${name};
        in
        if !(below ? ${name}) then
          value
        else if lib.isList value && lib.isList old then
          old ++ value
        else if lib.isAttrs value && name == "env" then
          old // value
        else if lib.isString value && builtins.match "(pre|post)[A-Z].*|.*Phase" name != null then
          old + "\n" + value
        else
          value;
    in
    below // lib.mapAttrs merge above;

  # Hooks that a crate has already are the lowest layer.
  hooksOf = builtins.intersectAttrs {
    extraRustcOpts = null;
    extraRustcOptsForBuildRs = null;
    postConfigure = null;
    postUnpack = null;
    preConfigure = null;
  };
in
# On top of what nixpkgs has for the platform.
defaults:
lib.mapAttrs (_: compose hooksOf) (
  defaults
  // lib.mapAttrs (
    name: upper: if defaults ? ${name} then compose defaults.${name} upper else upper
  ) crateOverrides
)
