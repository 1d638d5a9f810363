{
  description = "Cargo workspaces as one Cargo.nix of per-crate buildRustCrate derivations";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      lib = import ./nix-lib;
      # Newer versions of nixpkgs lack x86_64-darwin.
      systems = builtins.filter (system: nixpkgs.legacyPackages ? ${system}) [
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
            # The command's tests run Nix, which is not possible inside a build.
            memberChecks = [ ];
          };
        in
        ours
        // {
          packages = ours.packages // {
            default = ours.packages.cratewright;
          };
          # The same output as in crate2nix's flake.
          tools = import ./tools.nix { inherit pkgs cratewright; };
          devShells.default = import ./dev/shell.nix { inherit pkgs; };
        }
      );
      each = output: nixpkgs.lib.mapAttrs (_: outputs: outputs.${output}) perSystem;
    in
    {
      inherit lib;
      flakeModules.default = import ./nix-lib/flake-module.nix self;
      templates = import ./templates;
      # The outputs are listed by name, so that the templates and the library need no nixpkgs.
      packages = each "packages";
      checks = each "checks";
      apps = each "apps";
      devShells = each "devShells";
      tools = each "tools";
    };
}
