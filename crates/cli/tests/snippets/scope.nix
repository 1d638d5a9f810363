# Evaluates Nix code of a page with what it speaks of: a flake with its inputs, and what Cargo.nix has around its entries.
{
  repository,
  package,
  snippet,
}:
let
  system = "x86_64-linux";
  nixpkgs = (import (repository + "/fixtures/nixpkgs/flake.nix")).outputs { };
  pkgs = nixpkgs.legacyPackages.${system}.extend (
    _: pkgs: {
      # Names of what the stand-in for nixpkgs has not.
      foo = pkgs.zlib;
      just = pkgs.zlib;
      openssl = pkgs.zlib;
      postgresql = pkgs.zlib;
      rust-bin.fromRustupToolchainFile = _: pkgs.rustc;
      rust-analyzer = pkgs.zlib;
    }
  );
  ours = (import (repository + "/flake.nix")).outputs {
    inherit nixpkgs;
    self = inputs.cratewright;
  };
  inputs = {
    inherit nixpkgs;
    self = { };
    cratewright = ours // {
      outPath = toString repository;
      packages = builtins.mapAttrs (_: _: { default = package; }) ours.packages;
    };
    flake-parts = (import (repository + "/crates/cli/tests/init/flake-parts/flake.nix")).outputs { };
    fenix = { };
    rust-overlay = { };
    shared = ./.;
  };
  cargoNix = import (dirOf snippet + "/Cargo.nix") { inherit pkgs; };
  scope = {
    inherit
      cargoNix
      inputs
      nixpkgs
      pkgs
      system
      ;
    inherit (inputs) cratewright self;
    inherit (cargoNix.workspaceMembers) web-front;
    tools = pkgs.callPackage (repository + "/tools.nix") { cratewright = package; };
    nix2container.packages.${system}.nix2container = { };
    fetchgit = pkgs.fetchgit;
    # Of entries, which are data.
    anotherBuildOf = _: entry: entry;
    build = { };
    local = entry: entry;
    registry = entry: entry;
    units = { };
    darwin = list: list;
    x86_64-unknown-linux-gnu = list: list;
    x86_64-unknown-linux-musl = list: list;
  };
  result = import snippet (builtins.intersectAttrs (builtins.functionArgs (import snippet)) scope);
  # As a default.nix is, which nix-build calls with nothing.
  isFile =
    builtins.isFunction result
    && builtins.functionArgs result != { }
    && builtins.all (isOptional: isOptional) (builtins.attrValues (builtins.functionArgs result));
  # What derivations are made of, and what else there is as far as `depth`.
  force =
    depth: value:
    if value ? drvPath then
      value.drvPath
    else if value ? allWorkspaceMembers then
      # A Cargo.nix.
      map (force 0) [
        value.allWorkspaceMembers
        value.tests.all
        value.clippy.all
      ]
    else if builtins.isAttrs value && depth > 0 then
      builtins.mapAttrs (_: force (depth - 1)) value
    else
      builtins.typeOf value;
in
force 2 (
  if builtins.isFunction (result.outputs or null) then
    result.outputs inputs
  else if isFile then
    result { }
  else
    result
)
