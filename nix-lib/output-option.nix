# The option for a Cargo.nix of another path, with a space before it, for the words of a shell; empty for the usual path.
lib: cargoNix: lib.optionalString (cargoNix != "Cargo.nix") " -o ${lib.escapeShellArg cargoNix}"
