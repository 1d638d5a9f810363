/**
  Everything that a flake offers for one workspace on one system: packages, the check, the apps, a development shell.

  # Type

  ```
  perSystem :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix", lockSync ? true, memberChecks ? [ ... ], ... }
    -> { packages, legacyPackages, checks, apps, devShells }
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `cratewright`
  : the package of cratewright's flake; it writes the SBOM of members as well

  `memberChecks`
  : kinds of checks of members that are checks of the flake, `[ "tests" "doctests" ]` if nothing is said; others are
    `"benches"`, `"clippy"`, `"docs"` and `"examples"`

  `root`, `cargoNix`, `lockSync` and further arguments
  : as for `cargoNix`

  # Outputs

  `packages`
  : a package for each member, by name, and `default`: the root package, else all members together

  `legacyPackages.cargoNix`
  : what `Cargo.nix` evaluates to, with these arguments

  `checks.cargo-nix-lock-sync`
  : see `lockSync`

  `checks.build-graph`
  : see `buildGraph`; where Cargo.nix was written with a `build-graph.toml`

  `checks.tests`, `checks.doctests`
  : those of all members, see `memberChecks`

  `apps`
  : `regenerate-cargo-nix`, `check-cargo-nix`, `regenerate-build-graph-snapshot`, and `amend-cargo-nix` for bots;
    `build-graph-impact`, and `comment-build-graph-impact`, which posts what it prints on a pull request

  `devShells.default`
  : cargo, rustc and the usual tools, with cratewright

  # Example

  ```nix
  outputs =
    { nixpkgs, cratewright, ... }:
    let
      make =
        system:
        cratewright.lib.perSystem {
          pkgs = nixpkgs.legacyPackages.${system};
          cratewright = cratewright.packages.${system}.default;
          root = ./.;
        };
      each = output: nixpkgs.lib.genAttrs [ "x86_64-linux" "aarch64-darwin" ] (system: (make system).${output});
    in
    nixpkgs.lib.genAttrs [ "packages" "legacyPackages" "checks" "apps" "devShells" ] each;
  ```
*/
{
  pkgs,
  cratewright,
  root,
  cargoNix ? "Cargo.nix",
  lockSync ? true,
  externalSources ? { },
  memberChecks ? [
    "tests"
    "doctests"
  ],
  ...
}@arguments:
let
  inherit (pkgs) lib;
  given = removeAttrs arguments [ "memberChecks" ];
  value = import ./cargo-nix.nix given;
  # The names alone: whoever looks for something else among the packages need not hear that they are stale.
  members =
    if builtins.pathExists (root + "/${cargoNix}") then
      (import ./cargo-nix.nix (given // { lockSync = false; })).workspaceMembers
    else
      { };
  # Cargo.nix was written with it, or it is there. A flake does not see a file that nobody has added to git, and the check is
  # red then.
  hasSnapshot =
    let
      isThere = file: builtins.pathExists (root + "/${file}");
    in
    isThere (import ./snapshot-place.nix cargoNix)
    || isThere cargoNix && lib.hasInfix "(build-graph) = " (builtins.readFile (root + "/${cargoNix}"));
  output = lib.optionalString (cargoNix != "Cargo.nix") "--output ${cargoNix} ";
  # Cargo and rustc of the shell that it is run from come first: they are what the project is built with.
  app = appWith [
    pkgs.cargo
    pkgs.rustc
    pkgs.git
  ];
  appWith = tools: name: text: {
    type = "app";
    program = toString (
      pkgs.writeShellScript name ''
        export PATH="$PATH:${lib.makeBinPath tools}"
        ${text}
      ''
    );
  };
in
{
  packages = lib.mapAttrs (name: _: value.workspaceMembers.${name}.build) members // {
    default = value.rootCrate.build or value.allWorkspaceMembers;
  };

  # For what takes an expression of it, such as `cratewright overrides --expr`.
  legacyPackages.cargoNix = value;

  checks =
    lib.genAttrs memberChecks (kind: value.${kind}.all)
    // {
      cargo-nix-lock-sync = import ./lock-sync.nix {
        inherit
          pkgs
          cratewright
          root
          cargoNix
          externalSources
          ;
      };
    }
    // lib.optionalAttrs hasSnapshot {
      build-graph = import ./build-graph.nix {
        inherit
          pkgs
          cratewright
          root
          cargoNix
          ;
      };
    };

  # None of these looks into Cargo.nix: they work where it is stale or not there yet.
  apps = {
    regenerate-cargo-nix = app "regenerate-cargo-nix" ''exec ${cratewright}/bin/cratewright generate ${output}"$@"'';
    check-cargo-nix = app "check-cargo-nix" ''exec ${cratewright}/bin/cratewright check ${output}"$@"'';
    regenerate-build-graph-snapshot = app "regenerate-build-graph-snapshot" ''exec ${cratewright}/bin/cratewright snapshot ${output}"$@"'';
    amend-cargo-nix = app "amend-cargo-nix" ''
      export CARGO_NIX=${cargoNix}
      exec ${pkgs.runtimeShell} ${./amend.sh} ${cratewright}/bin/cratewright generate --locked ${output}"$@"
    '';
    build-graph-impact = app "build-graph-impact" ''exec ${cratewright}/bin/cratewright impact "$@"'';
    # Neither Rust nor cratewright is fetched for it.
    comment-build-graph-impact = appWith [
      pkgs.curl
      pkgs.jq
    ] "comment-build-graph-impact" ''exec ${pkgs.runtimeShell} ${./comment.sh} "$@"'';
  };

  devShells.default = pkgs.mkShell {
    packages = [
      cratewright
      pkgs.cargo
      pkgs.clippy
      pkgs.rustc
      pkgs.rustfmt
    ];
  };
}
