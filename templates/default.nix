# What `nix flake init -t` offers. `cratewright init` writes the same files, with what it finds in the workspace.
let
  next = files: ''
    Set the address of Cratewright in ${files}, and run `cratewright generate`.
    Nix sees only files that git knows: `git add` them, with Cargo.nix and cratewright.nix.
  '';
in
{
  default = {
    path = ./default;
    description = "A Cargo workspace, a derivation for each crate";
    welcomeText = next "flake.nix";
  };
  flake-parts = {
    path = ./flake-parts;
    description = "The same with flake-parts";
    welcomeText = next "flake.nix";
  };
  devenv = {
    path = ./devenv;
    description = "devenv with `languages.rust.import`, a derivation for each crate";
    welcomeText = "Set the address of Cratewright in devenv.yaml, and run `devenv build`.\n";
  };
  ci = {
    path = ./ci;
    description = "Workflows for GitHub and GitLab, which run the apps of the flake";
    welcomeText = "For GitLab, include .gitlab/regenerate-cargo-nix.yml from .gitlab-ci.yml.\n";
  };
}
