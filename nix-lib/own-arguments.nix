# The arguments of the flake's functions that Cargo.nix does not have.
lib:
let
  near-names = import ./library/near-names.nix { inherit lib; };
  arguments = import ./library/arguments.nix { inherit lib near-names; };
  inherit (arguments)
    attributes
    bool
    form
    listOf
    optional
    ;
  isPath =
    value: builtins.isPath value || value ? outPath || lib.isString value && lib.hasPrefix "/" value;
  isRelative = value: lib.isString value && !(lib.hasPrefix "/" value);
  path = form isPath "a path";
  forms = {
    cargoNix = form isRelative "a string with a path relative to `root`" "\"nix/Cargo.nix\"";
    fenix = optional (attributes "inputs.fenix");
    lockSync = bool "false";
    memberChecks = listOf lib.isString "a list of kinds of checks" "[ \"tests\" \"clippy\" ]";
    root = path "./.";
    rust-overlay = optional (attributes "inputs.rust-overlay");
    toolchainFile = optional (path "./rust-toolchain.toml");
    toolchainHash = optional (form lib.isString "a string with a hash" "lib.fakeHash");
  };
in
{
  names = lib.attrNames forms;
  # Checks the values of these arguments. Each is checked when it is used.
  check = lib.mapAttrs (name: arguments.check "cratewright.lib" name forms.${name});
  # The error for an argument that neither the function nor Cargo.nix has; null if there is none.
  inherit (arguments) unknownIn;
}
