{
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";
  inputs.flake-parts.url = "github:hercules-ci/flake-parts";
  inputs.flake-parts.inputs.nixpkgs-lib.follows = "nixpkgs";
  inputs.cratewright.url = "github:OWNER/cratewright";
  inputs.cratewright.inputs.nixpkgs.follows = "nixpkgs";
  # The Rust of rust-toolchain.toml:
  # inputs.rust-overlay.url = "github:oxalica/rust-overlay";
  # inputs.rust-overlay.inputs.nixpkgs.follows = "nixpkgs";

  outputs =
    inputs:
    inputs.flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ];
      imports = [ inputs.cratewright.flakeModules.default ];
      perSystem.cratewright.root = ./.;
    };
}
