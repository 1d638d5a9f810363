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
  : as for `cargoNix`; among them `fenix` or `rust-overlay`, where the toolchain of `rust-toolchain.toml` comes from

  # Outputs

  `packages`
  : a package for each member, by name, and `default`: the root package, else all members together. `<name>.image` is the
    container image of a member, which nothing else evaluates

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
  : `devShell` of Cargo.nix, with cratewright: cargo finds in it what overrides give to the crates. Where Cargo.nix is not
    there, or not for this system, it has Rust's tools alone; of the toolchain that
    `rust-toolchain.toml` names

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
  # Stale or not: whoever looks for names of members, or for a shell to regenerate it in, need not hear of it.
  asItIs =
    if builtins.pathExists (root + "/${cargoNix}") then
      import ./cargo-nix.nix (given // { lockSync = false; })
    else
      { };
  members = asItIs.workspaceMembers or { };
  # Cargo.nix was written with it, or it is there. A flake does not see a file that nobody has added to git, and the check is
  # red then.
  hasSnapshot =
    let
      isThere = file: builtins.pathExists (root + "/${file}");
    in
    isThere (import ./snapshot-place.nix cargoNix)
    || isThere cargoNix && lib.hasInfix "(build-graph) = " (builtins.readFile (root + "/${cargoNix}"));
  output = lib.optionalString (cargoNix != "Cargo.nix") "--output ${cargoNix} ";
  toolchain = import ./toolchain.nix arguments;
  # Cargo and rustc of the shell that it is run from come first, unless a file says which ones the project is built with.
  app =
    name: text:
    appWith [
      pkgs.cargo
      pkgs.rustc
      pkgs.git
    ] name (lib.optionalString (toolchain != null) "export PATH=${toolchain}/bin:$PATH\n" + text);
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

  devShells.default =
    let
      # An older library has no shell, and one of another format gives nothing.
      hasShell =
        (builtins.tryEval (asItIs ? devShell && lib.elem asItIs.internal.platform asItIs.internal.targets))
        .value;
    in
    pkgs.mkShell {
      inputsFrom = lib.optional hasShell asItIs.devShell;
      packages = [
        cratewright
      ]
      ++ lib.optionals (!hasShell) (
        if toolchain != null then
          [ toolchain ]
        else
          [
            pkgs.cargo
            pkgs.clippy
            pkgs.rustc
            pkgs.rustfmt
          ]
      );
    };
}
