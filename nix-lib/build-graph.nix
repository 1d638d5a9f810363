/**
  A derivation that builds only while `build-graph.toml` is what was written with Cargo.nix, and the limits in
  `[workspace.metadata.cratewright.limits]` are kept.

  Its source is these two files alone, so that it runs again only when one of them changes. Whether they are up to date is
  `lockSync`'s question.

  # Type

  ```
  buildGraph :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix" } -> Derivation
  ```

  # Inputs

  As for `lockSync`.

  # Example

  ```nix
  checks.build-graph = cratewright.lib.buildGraph {
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
  snapshot = import ./snapshot-place.nix cargoNix;
  fileOf =
    file:
    builtins.path {
      name = baseNameOf file;
      path = root + "/${file}";
    };
in
pkgs.runCommand "build-graph" { nativeBuildInputs = [ cratewright ]; } ''
  mkdir workspace
  cd workspace
  # What makes a directory a workspace; nothing else of it is asked for.
  printf '[workspace]\n' >Cargo.toml
  touch Cargo.lock
  ${lib.concatMapStrings
    (file: ''
      mkdir -p ${lib.escapeShellArg (dirOf file)}
      cp ${fileOf file} ${lib.escapeShellArg file}
    '')
    (
      lib.filter (file: builtins.pathExists (root + "/${file}")) [
        cargoNix
        snapshot
      ]
    )
  }
  cratewright check --build-graph --output ${lib.escapeShellArg cargoNix}
  touch $out
''
