/**
  A derivation that builds only while Cargo.nix matches the workspace that it was made from.

  Its source is Cargo.nix, Cargo.lock, the manifests, and empty files that stand for targets: it runs again when one of
  those changes, or a target comes or goes, and not when a `.rs` file is edited. It runs `cratewright check`, which needs
  neither cargo nor a network.

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
  inherit (pkgs) lib;
  inputs = import ./inputs { inherit root; };
  wanted = lib.attrNames inputs ++ [ cargoNix ];
  prefix = "${toString root}/";
  src = builtins.path {
    name = "cargo-nix-lock-sync-source";
    path = root;
    filter =
      file: _:
      let
        path = lib.removePrefix prefix file;
      in
      lib.any (want: path == want || lib.hasPrefix "${path}/" want) wanted;
  };
  # What counts of a target is that it is there.
  targetsOf =
    manifest: lines:
    let
      files = builtins.match ".*[(]files[)] = ([^\n]*)\n.*" lines;
    in
    map (file: "${dirOf manifest}/${file}") (
      lib.optionals (files != null) (builtins.fromJSON (lib.head files))
    );
  targets = lib.concatLists (lib.mapAttrsToList targetsOf inputs);
in
pkgs.runCommand "cargo-nix-lock-sync" { nativeBuildInputs = [ cratewright ]; } ''
  cp -r ${src} workspace
  chmod -R u+w workspace
  cd workspace
  for target in ${lib.escapeShellArgs targets}; do
    mkdir -p "$(dirname "$target")"
    touch "$target"
  done
  cratewright check ${lib.optionalString (cargoNix != "Cargo.nix") "--output ${cargoNix}"}
  touch $out
''
