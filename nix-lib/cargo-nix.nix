/**
  Imports a Cargo.nix. If it is stale, evaluation fails with the list of changes, so nothing is built from a stale file.

  # Type

  ```
  cargoNix :: { pkgs, root, cargoNix ? "Cargo.nix", lockSync ? true, ... } -> AttrSet
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `root`
  : directory of Cargo.lock, as a path

  `cargoNix`
  : path of Cargo.nix, relative to `root`

  `lockSync`
  : whether to check that Cargo.nix is up to date; with `false` it is imported without a check

  `fenix`, `rust-overlay`, `toolchainHash`, `toolchainFile`, `toolchain`
  : where to take the toolchain of `rust-toolchain.toml` from, see `toolchain`

  All other arguments are passed to Cargo.nix, such as `crateOverrides`, or `cratewright` for the SBOM.

  # Example

  ```nix
  (cratewright.lib.cargoNix { inherit pkgs; root = ./.; }).workspaceMembers.app.build
  ```
*/
import ./cargo-nix-for.nix "lib.cargoNix"
