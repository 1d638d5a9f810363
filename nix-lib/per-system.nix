/**
  All flake outputs for one workspace on one system: packages, checks, apps, and a development shell.

  # Type

  ```
  perSystem :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix", lockSync ? true, memberChecks ? [ ... ], ... }
    -> { packages, legacyPackages, checks, apps, devShells }
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `cratewright`
  : the package of cratewright's flake; it also writes the SBOM of members

  `memberChecks`
  : kinds of checks that the flake runs for all members, by default `[ "tests" "doctests" ]`; others are `"benches"`,
    `"clippy"`, `"docs"` and `"examples"`

  `root`, `cargoNix`, `lockSync` and all other arguments
  : the same as for `cargoNix`, including `fenix` or `rust-overlay`, which provide the toolchain of
    `rust-toolchain.toml`

  # Outputs

  `packages`
  : a package for each member, by name, and `default`: the root package, or all members together if there is none.
    `<name>.image` is the container image of a member, which is evaluated only on request

  `legacyPackages.cargoNix`
  : the value of `Cargo.nix` with these arguments

  `checks.cargo-nix-lock-sync`
  : see `lockSync`

  `checks.build-graph`
  : see `buildGraph`; present if Cargo.nix was written together with a `build-graph.toml`

  `checks.tests`, `checks.doctests`
  : the tests and doctests of all members, see `memberChecks`

  `apps`
  : `regenerate-cargo-nix`, `check-cargo-nix`, `regenerate-build-graph-snapshot`, and `amend-cargo-nix` for bots;
    `build-graph-impact`, and `comment-build-graph-impact`, which posts that report on a pull request

  `devShells.default`
  : `devShell` of Cargo.nix with cratewright added: cargo finds in it the libraries and tools that overrides give to the
    crates. If Cargo.nix is missing, or does not support this system, the shell has only cratewright and Rust's tools,
    of the toolchain that `rust-toolchain.toml` selects

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
  caller = "lib.perSystem";
  given = (import ./own-arguments.nix lib caller).check {
    inherit
      cargoNix
      cratewright
      memberChecks
      root
      ;
  };
  checked = given // {
    cargoNix = import ./linked.nix given.root given.cargoNix;
  };
  cargoNixWith =
    more: import ./cargo-nix-for.nix caller (arguments // { inherit memberChecks; } // more);
  value = cargoNixWith { };
  # Imported without the check: a stale Cargo.nix must still list its members and provide the shell to regenerate it in.
  asItIs = cargoNixWith { lockSync = false; };
  members = asItIs.workspaceMembers;
  # True if Cargo.nix records a snapshot, even if the file is missing: a flake does not see a file that is not added to
  # git, and the check must fail then.
  hasSnapshot =
    let
      isThere = file: builtins.pathExists (checked.root + "/${file}");
    in
    isThere (import ./snapshot-place.nix checked.cargoNix)
    ||
      isThere checked.cargoNix
      && lib.hasInfix "(build-graph) = " (builtins.readFile (checked.root + "/${checked.cargoNix}"));
  output = import ./output-option.nix lib checked.cargoNix;
  toolchain = import ./toolchain.nix arguments;
  # Cargo and rustc of the calling shell take precedence, unless a toolchain file selects the project's own.
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

  # For commands that take an expression for Cargo.nix, such as `cratewright overrides --expr`.
  legacyPackages.cargoNix = value;

  checks =
    lib.genAttrs checked.memberChecks (
      kind:
      value.${kind}.all or (throw ''
        `memberChecks` has `${kind}`, which is no kind of checks
          help: write a list of "tests", "doctests", "benches", "clippy", "docs" and "examples"
      '')
    )
    // {
      cargo-nix-lock-sync = import ./lock-sync.nix {
        inherit (checked) root cargoNix cratewright;
        inherit pkgs externalSources;
      };
    }
    // lib.optionalAttrs hasSnapshot {
      build-graph = import ./build-graph.nix {
        inherit (checked) root cargoNix cratewright;
        inherit pkgs;
      };
    };

  # None of these evaluates Cargo.nix: they work while it is stale or missing.
  apps = {
    regenerate-cargo-nix = app "regenerate-cargo-nix" ''exec ${checked.cratewright}/bin/cratewright generate${output} "$@"'';
    check-cargo-nix = app "check-cargo-nix" ''exec ${checked.cratewright}/bin/cratewright check${output} "$@"'';
    regenerate-build-graph-snapshot = app "regenerate-build-graph-snapshot" ''exec ${checked.cratewright}/bin/cratewright snapshot${output} "$@"'';
    amend-cargo-nix = app "amend-cargo-nix" ''
      export CARGO_NIX=${lib.escapeShellArg checked.cargoNix}
      exec ${pkgs.runtimeShell} ${./amend.sh} ${checked.cratewright}/bin/cratewright generate --locked${output} "$@"
    '';
    build-graph-impact = app "build-graph-impact" ''exec ${checked.cratewright}/bin/cratewright impact "$@"'';
    # This app runs in CI jobs with a token, so it depends on neither Rust nor cratewright.
    comment-build-graph-impact = appWith [
      pkgs.curl
      pkgs.jq
    ] "comment-build-graph-impact" ''exec ${pkgs.runtimeShell} ${./comment.sh} "$@"'';
  };

  devShells.default =
    let
      # An older library has no `devShell`, and one of another format throws, as does a missing Cargo.nix.
      hasShell =
        (builtins.tryEval (asItIs ? devShell && lib.elem asItIs.internal.platform asItIs.internal.targets))
        .value;
    in
    pkgs.mkShell {
      inputsFrom = lib.optional hasShell asItIs.devShell;
      packages = [
        checked.cratewright
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
