# Evaluates the whole crate graph of a Cargo.nix, ours or crate2nix's, with a stub in place of `buildRustCrate`: what is
# counted is the cost of the file itself.
{
  cargoNix,
  member ? null,
}:
let
  pkgs = import ../fixtures/nixpkgs { system = "x86_64-linux"; };
  stub = {
    # The attributes that both files give to the builder, forced; then the dependencies.
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
  build = if member == null then file.rootCrate.build else file.workspaceMembers.${member}.build;
in
# Laziness shares what is shared, so each unit is forced once.
builtins.seq (builtins.deepSeq build.units null) "evaluated ${build.crateName} ${build.version}"
