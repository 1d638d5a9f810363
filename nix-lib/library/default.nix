# The library of Cargo.nix, imported from its parts. `cratewright generate` writes them as a single file.
let
  nix = builtins.filter (name: builtins.match ".*[.]nix" name != null);
  filesIn = directory: nix (builtins.attrNames (builtins.readDir directory));
  partsIn =
    directory: names:
    builtins.listToAttrs (
      map (file: {
        name = builtins.head (builtins.match "(.*)[.]nix" file);
        value = import (directory + "/${file}");
      }) names
    );
  library = partsIn ./. (builtins.filter (name: name != "default.nix") (filesIn ./.)) // {
    own-overrides = partsIn ../overrides (filesIn ../overrides);
  };
in
library.workspace library
