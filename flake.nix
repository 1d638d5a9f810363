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
      perSystem =
        make: nixpkgs.lib.genAttrs systems (system: make system nixpkgs.legacyPackages.${system});
    in
    {
      inherit lib;

      packages = perSystem (
        _: pkgs: {
          default = (import ./Cargo.nix { inherit pkgs; }).workspaceMembers.cratewright.build;
        }
      );

      checks = perSystem (
        system: pkgs: {
          cargo-nix-lock-sync = lib.lockSync {
            inherit pkgs;
            cratewright = self.packages.${system}.default;
            root = ./.;
          };
        }
      );

      apps = perSystem (
        system: pkgs: {
          regenerate-cargo-nix = {
            type = "app";
            program = toString (
              pkgs.writeShellScript "regenerate-cargo-nix" ''
                export PATH="$PATH:${pkgs.cargo}/bin:${pkgs.rustc}/bin"
                exec ${self.packages.${system}.default}/bin/cratewright generate "$@"
              ''
            );
          };
        }
      );

      devShells = perSystem (
        _: pkgs: {
          default = pkgs.mkShell {
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
    };
}
