/**
  The same as `perSystem`, as a flake-parts module.

  ```nix
  imports = [ inputs.cratewright.flakeModules.default ];
  perSystem = { ... }: { cratewright.root = ./.; };
  ```
*/
# `cratewright` is the flake itself.
cratewright:
{
  lib,
  flake-parts-lib,
  inputs,
  ...
}:
let
  inherit (lib) mkOption types;
in
{
  options.perSystem = flake-parts-lib.mkPerSystemOption (
    {
      config,
      pkgs,
      system,
      ...
    }:
    let
      options = config.cratewright;
      made = import ./per-system.nix (
        # The flake's inputs `fenix` and `rust-overlay` provide the toolchain of a toolchain file.
        builtins.intersectAttrs {
          fenix = null;
          rust-overlay = null;
        } inputs
        // options.arguments
        // {
          inherit pkgs;
          inherit (options)
            root
            cargoNix
            lockSync
            memberChecks
            ;
          cratewright = options.package;
        }
      );
    in
    {
      options.cratewright = {
        root = mkOption {
          type = types.path;
          description = "Directory of Cargo.lock.";
        };
        cargoNix = mkOption {
          type = types.str;
          default = "Cargo.nix";
          description = "Path of Cargo.nix, relative to `root`.";
        };
        lockSync = mkOption {
          type = types.bool;
          default = true;
          description = "Whether a stale Cargo.nix is an evaluation error.";
        };
        memberChecks = mkOption {
          type = types.listOf types.str;
          default = [
            "tests"
            "doctests"
          ];
          description = "Kinds of checks, such as `clippy`, that the flake runs for all members.";
        };
        package = mkOption {
          type = types.package;
          default = cratewright.packages.${system}.default;
          description = "The cratewright package.";
        };
        arguments = mkOption {
          type = types.lazyAttrsOf types.raw;
          default = { };
          description = "Arguments for Cargo.nix, such as `crateOverrides`, and for `lib.toolchain`.";
        };
      };

      # The outputs are listed by name: the module system needs their names before it evaluates the options.
      config = {
        inherit (made)
          packages
          legacyPackages
          checks
          apps
          ;
        # A user's own default shell replaces ours, and can take its inputs from `devShells.cratewright`.
        devShells = {
          cratewright = made.devShells.default;
          default = lib.mkDefault made.devShells.default;
        };
      };
    }
  );
}
