/**
  The same as `perSystem`, as a flake-parts module.

  ```nix
  imports = [ inputs.cratewright.flakeModules.default ];
  perSystem = { ... }: { cratewright.root = ./.; };
  ```
*/
# The flake of cratewright.
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
        # A toolchain file is honoured by what the flake has.
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
          description = "Cargo.nix, seen from there.";
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
          description = "Kinds of checks of members that are checks of the flake, such as `clippy`.";
        };
        package = mkOption {
          type = types.package;
          default = cratewright.packages.${system}.default;
          description = "The package of cratewright.";
        };
        arguments = mkOption {
          type = types.lazyAttrsOf types.raw;
          default = { };
          description = "Arguments of Cargo.nix, such as `crateOverrides`, and of `lib.toolchain`.";
        };
      };

      # By name, for what there is to configure must not depend on how it is configured.
      config = {
        inherit (made)
          packages
          legacyPackages
          checks
          apps
          ;
        # A shell of the user's takes the place of the default, and can have this one's inputs by its other name.
        devShells = {
          cratewright = made.devShells.default;
          default = lib.mkDefault made.devShells.default;
        };
      };
    }
  );
}
