# The arguments of the caller, such as `lib.perSystem`. `names` are those that Cargo.nix does not have.
lib: caller:
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
    inherit (arguments.forms.file) cratewright;
    cargoNix = form isRelative "a string with a path relative to `root`" "\"nix/Cargo.nix\"";
    fenix = optional (attributes "inputs.fenix");
    lockSync = bool "false";
    memberChecks = listOf lib.isString "a list of kinds of checks" "[ \"tests\" \"clippy\" ]";
    root = path "./.";
    rust-overlay = optional (attributes "inputs.rust-overlay");
    toolchainFile = optional (path "./rust-toolchain.toml");
    toolchainHash = optional (form lib.isString "a string with a hash" "lib.fakeHash");
  };
  names = lib.subtractLists (
    [ "cratewright" ] ++ lib.optional (caller != "lib.perSystem") "memberChecks"
  ) (lib.attrNames forms);
in
{
  inherit names;
  # Checks the values of these arguments. Each is checked when it is used.
  check = lib.mapAttrs (name: arguments.check "cratewright.${caller}" name forms.${name});
  # The error for an argument that neither the caller has nor Cargo.nix, which has `others`; null if there is none.
  unknown = others: arguments.unknownIn caller (names ++ others);
}
