{
  description = "Cargo workspaces as one Cargo.nix of per-crate buildRustCrate derivations";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      lib = import ./nix-lib;
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      perSystem = nixpkgs.lib.genAttrs systems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
          cratewright = self.packages.${system}.default;
          ours = lib.perSystem {
            inherit pkgs cratewright;
            root = ./.;
            # Tests of the command run Nix themselves, which a build cannot.
            memberChecks = [ ];
          };
        in
        ours
        // {
          packages = ours.packages // {
            default = ours.packages.cratewright;
          };
          # As crate2nix's flake has them.
          tools = import ./tools.nix { inherit pkgs cratewright; };
          devShells.default = pkgs.mkShell {
            packages = [
              pkgs.cargo
              pkgs.clippy
              pkgs.just
              pkgs.rustc
              pkgs.rustfmt
            ];
          };
        }
      );
      each = output: nixpkgs.lib.mapAttrs (_: outputs: outputs.${output}) perSystem;
    in
    {
      inherit lib;
      flakeModules.default = import ./nix-lib/flake-module.nix self;
      templates = import ./templates;
      # By name, for the templates and the library need no nixpkgs.
      packages = each "packages";
      checks = each "checks";
      apps = each "apps";
      devShells = each "devShells";
      tools = each "tools";
    };
}
