/**
  A derivation that builds only while `build-graph.toml` is the one written together with Cargo.nix, and the build graph
  stays within the limits in `[workspace.metadata.cratewright.limits]`.

  Its source is these two files alone, so it is rebuilt only when one of them changes. `lockSync` checks whether they
  are up to date.

  # Type

  ```
  buildGraph :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix" } -> Derivation
  ```

  # Inputs

  The same as those of `lockSync`.

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
}@arguments:
let
  inherit (pkgs) lib;
  cargoNix = import ./linked.nix root (arguments.cargoNix or "Cargo.nix");
  inherit
    ((import ./own-arguments.nix lib "lib.buildGraph").check { inherit (arguments) cratewright; })
    cratewright
    ;
  snapshot = import ./snapshot-place.nix cargoNix;
  isThere = file: builtins.pathExists (root + "/${file}");
  git-path = import ./library/git-path.nix { inherit lib; };
  # The path of a snapshot that may exist without being tracked by git; null if it is there, or outside of a flake.
  untracked = if isThere snapshot then null else git-path.of root snapshot;
  fileOf =
    file:
    builtins.path {
      name = baseNameOf file;
      path = root + "/${file}";
    };
in
if untracked != null then
  throw ''
    ${untracked} does not exist, but was generated with Cargo.nix
      help: ${git-path.add root [ untracked ]}
      help: otherwise, run `cratewright snapshot${import ./output-option.nix lib cargoNix}`
  ''
else
  pkgs.runCommand "build-graph" { nativeBuildInputs = [ cratewright ]; } ''
    mkdir workspace
    cd workspace
    # The command needs a workspace, but reads nothing from these two files.
    printf '[workspace]\n' >Cargo.toml
    touch Cargo.lock
    ${lib.concatMapStrings
      (file: ''
        mkdir -p ${lib.escapeShellArg (dirOf file)}
        cp ${fileOf file} ${lib.escapeShellArg file}
      '')
      (
        lib.filter isThere [
          cargoNix
          snapshot
        ]
      )
    }
    cratewright check --build-graph${import ./output-option.nix lib cargoNix}
    touch $out
  ''
