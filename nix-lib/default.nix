# What the flake offers as `lib`.
{
  cargoNix = import ./cargo-nix.nix;
  lockSync = import ./lock-sync.nix;
  perSystem = import ./per-system.nix;
}
