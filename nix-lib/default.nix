# The `lib` output of the flake.
{
  buildGraph = import ./build-graph.nix;
  cargoNix = import ./cargo-nix.nix;
  lockSync = import ./lock-sync.nix;
  perSystem = import ./per-system.nix;
  toolchain = import ./toolchain.nix;
}
