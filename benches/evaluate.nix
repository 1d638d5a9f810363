# Evaluates a Cargo.nix, ours or crate2nix's, with a stub instead of `buildRustCrate`, to measure the cost of the file
# itself. `evaluated` forces the crate graphs of members, each unit once.
{
  cargoNix,
  members ? [ ],
}:
let
  pkgs = import ../fixtures/nixpkgs { system = "x86_64-linux"; };
  stub = {
    # Forces the attributes that both files pass to the builder, then the dependencies.
    __functor = _: attrs: {
      inherit (attrs) crateName version;
      units = [
        attrs.crateName
        (builtins.deepSeq
          [
            attrs.features
            (attrs.crateRenames or { })
            attrs.edition
          ]
          (map (dependency: dependency.units) (attrs.dependencies or [ ] ++ attrs.buildDependencies or [ ]))
        )
      ];
    };
    override = _: stub;
  };
  file = import cargoNix {
    inherit pkgs;
    buildRustCrateForPkgs = _: stub;
  };
in
{
  members = builtins.attrNames file.workspaceMembers;
  entries = builtins.length (builtins.attrNames (file.internal.units or file.internal.crates));
  # A single `deepSeq` visits each unit only once.
  evaluated = builtins.deepSeq (map (
    member: file.workspaceMembers.${member}.build.units
  ) members) true;
}
