# The templates of `nix flake init -t`. `cratewright init` writes the same files, adapted to the workspace.
let
  next = files: ''
    Set the address of Cratewright in ${files}, and run `cratewright generate`.
    Nix sees only files that git knows: run `git add` for all of them, including Cargo.nix and cratewright.nix.
  '';
in
{
  default = {
    path = ./default;
    description = "A Cargo workspace with one derivation per crate";
    welcomeText = next "flake.nix";
  };
  flake-parts = {
    path = ./flake-parts;
    description = "A Cargo workspace with one derivation per crate, with flake-parts";
    welcomeText = next "flake.nix";
  };
  devenv = {
    path = ./devenv;
    description = "devenv with `languages.rust.import`, with one derivation per crate";
    welcomeText = "Set the address of Cratewright in devenv.yaml, and run `devenv build`.\n";
  };
  ci = {
    path = ./ci;
    description = "Workflows for GitHub and GitLab that run the apps of the flake";
    welcomeText = "For GitLab, include .gitlab/regenerate-cargo-nix.yml from .gitlab-ci.yml.\n";
  };
}
