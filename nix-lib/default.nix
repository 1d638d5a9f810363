# What the flake offers as `lib`.
{
  lockSync = import ./lock-sync.nix;
}
