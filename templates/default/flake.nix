{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.cratewright.url = "github:OWNER/cratewright";
  inputs.cratewright.inputs.nixpkgs.follows = "nixpkgs";
  # The Rust of rust-toolchain.toml, here and below:
  # inputs.rust-overlay.url = "github:oxalica/rust-overlay";
  # inputs.rust-overlay.inputs.nixpkgs.follows = "nixpkgs";

  outputs =
    { nixpkgs, cratewright, ... }@inputs:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      make =
        system:
        cratewright.lib.perSystem {
          pkgs = nixpkgs.legacyPackages.${system};
          cratewright = cratewright.packages.${system}.default;
          root = ./.;
          # rust-overlay = inputs.rust-overlay;
        };
      each = output: nixpkgs.lib.genAttrs systems (system: (make system).${output});
    in
    nixpkgs.lib.genAttrs [
      "packages"
      "legacyPackages"
      "checks"
      "apps"
      "devShells"
    ] each;
}
