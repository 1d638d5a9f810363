# A replacement for flake-parts in tests, as the stand-in for nixpkgs has no module system. It evaluates Cratewright's
# module with the options that are set; an option with neither a value nor a default is an error.
{
  outputs = _: {
    lib.mkFlake =
      { inputs }:
      {
        systems,
        imports,
        perSystem,
      }:
      let
        inherit (inputs.nixpkgs) lib;
        modules = map (
          module:
          module {
            inherit inputs;
            lib = {
              mkOption = option: option;
              types =
                lib.genAttrs [
                  "lazyAttrsOf"
                  "listOf"
                ] (_: _: null)
                // lib.genAttrs [
                  "bool"
                  "package"
                  "path"
                  "raw"
                  "str"
                ] (_: null);
            };
            flake-parts-lib.mkPerSystemOption = module: module;
          }
        ) imports;
        of =
          system:
          let
            parts = map (
              module:
              module.options.perSystem {
                inherit config system;
                pkgs = inputs.nixpkgs.legacyPackages.${system};
              }
            ) modules;
            config = lib.foldl' (all: part: all // valuesOf part.options) { } parts;
            valuesOf = lib.mapAttrs (
              group: lib.mapAttrs (name: option: perSystem.${group}.${name} or option.default)
            );
          in
          lib.foldl' (all: part: all // part.config) { } parts;
      in
      lib.genAttrs [
        "packages"
        "legacyPackages"
        "checks"
        "apps"
        "devShells"
      ] (output: lib.genAttrs systems (system: (of system).${output}));
  };
}
