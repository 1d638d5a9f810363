# The package set of a real nixpkgs for `dev/real-nixpkgs`, with its own stdenv or with that of host-stdenv.nix.
{
  # A checkout of nixpkgs.
  nixpkgs,
  # Whether to use the machine's own tools, if neither bootstrap files nor a cache are available.
  hostTools ? false,
  # A directory like nixpkgs' pkgs/build-support/rust, whose buildRustCrate replaces the checkout's.
  builder ? null,
  ...
}@args:
let
  rust = if builder == null then import ./find.nix nixpkgs "build-support/rust" else builder;
  overrides = import (rust + "/default-crate-overrides.nix");

  # A cut-down checkout lacks some packages that the overrides refer to, but has those that fixtures need.
  completeOverrides = final: prev: {
    defaultCrateOverrides = final.callPackage overrides (
      builtins.mapAttrs (name: _: throw "dev/real-nixpkgs: ${toString nixpkgs} has no package ${name}") (
        removeAttrs (builtins.functionArgs overrides) (builtins.attrNames final)
      )
    );
  };
  replaceBuilder = final: prev: {
    buildRustCrate = final.callPackage (rust + "/build-rust-crate") { };
    fetchCrate = final.callPackage (rust + "/fetchcrate.nix") { };
  };
in
import nixpkgs (
  removeAttrs args [
    "nixpkgs"
    "hostTools"
    "builder"
  ]
  // {
    config = args.config or { };
    overlays =
      (if hostTools then [ (import ./host-packages.nix) ] else [ ])
      ++ [ completeOverrides ]
      ++ (if builder == null then [ ] else [ replaceBuilder ])
      ++ args.overlays or [ ];
  }
  // (if hostTools then { stdenvStages = import ./host-stdenv.nix nixpkgs; } else { })
)
