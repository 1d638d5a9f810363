{ config, ... }:
{
  languages.rust.enable = true;

  # The package in the workspace root. `devenv build outputs.default` builds it, with one derivation per crate.
  outputs.default = config.languages.rust.import ./. { };
}
