/**
  A derivation that builds only while Cargo.nix matches Cargo.lock.

  Its source is the manifest, the lock and Cargo.nix alone, so that it runs again when one of those changes and at no
  other time. It runs `cratewright check`, which needs neither cargo nor a network.

  # Type

  ```
  lockSync :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix" } -> Derivation
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `cratewright`
  : the package of this flake

  `root`
  : directory of Cargo.lock, as a path

  `cargoNix`
  : Cargo.nix, seen from there

  # Example

  ```nix
  checks.cargo-nix-lock-sync = cratewright.lib.lockSync {
    inherit pkgs;
    cratewright = cratewright.packages.${system}.default;
    root = ./.;
  };
  ```
*/
{
  pkgs,
  cratewright,
  root,
  cargoNix ? "Cargo.nix",
}:
let
  wanted = [
    "Cargo.lock"
    "Cargo.toml"
    cargoNix
  ];
  prefix = "${toString root}/";
  src = builtins.path {
    name = "cargo-nix-lock-sync-source";
    path = root;
    filter =
      file: _:
      let
        path = pkgs.lib.removePrefix prefix file;
      in
      pkgs.lib.any (want: path == want || pkgs.lib.hasPrefix "${path}/" want) wanted;
  };
in
pkgs.runCommand "cargo-nix-lock-sync" { nativeBuildInputs = [ cratewright ]; } ''
  cd ${src}
  cratewright check --output ${cargoNix}
  touch $out
''
