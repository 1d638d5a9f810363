{ config, ... }:
{
  languages.rust.enable = true;

  # The package in the workspace root. `devenv build outputs.default` builds it, a derivation for each crate.
  outputs.default = config.languages.rust.import ./. { };
}
