# What a build is made of: its packages, for `cratewright sbom`, which writes them as CycloneDX.
{
  pkgs,
  lib,
  units,
  fetch,
  registries ? { },
  repositories ? { },
  cratewright,
  ...
}:
# Of the entry with this key, and the features that were asked for.
{ root, features }:
let
  inherit (units) entries host target;

  closure = map ({ key }: entries.${key}) (
    builtins.genericClosure {
      startSet = [ { key = root; } ];
      operator =
        { key }:
        map (unit: { key = unit.unit; }) (
          entries.${key}.dependencies or [ ] ++ entries.${key}.buildDependencies or [ ]
        );
    }
  );
  # Each package once, whatever units it has.
  described = lib.listToAttrs (map (entry: lib.nameValuePair entry.key entry) closure);
  manifests = lib.filterAttrs (_: entry: !entry.isDescribed) described;

  packageOf =
    entry:
    builtins.intersectAttrs {
      authors = null;
      description = null;
      homepage = null;
      license = null;
      repository = null;
      sha256 = null;
    } entry
    // {
      name = entry.crateName;
      inherit (entry) version;
      source =
        {
          registry = lib.optionalAttrs (entry ? registry) { inherit (registries.${entry.registry}) index; };
          git = {
            inherit (repositories.${entry.checkout}) url rev;
            dir = entry.dir or "";
          };
          vendored = builtins.intersectAttrs { replaces = null; } entry;
          local = { inherit (entry) dir; };
        }
        .${entry.source}
        // {
          kind = entry.source;
        };
    };
  unitOf = entry: {
    inherit (entry) key;
    inherit (entry) unit;
    procMacro = entry.procMacro or false;
    bins = entry.crateBin or [ ] != [ ];
    dependencies = map (to: to.unit) (entry.dependencies or [ ]);
    buildDependencies = map (to: to.unit) (entry.buildDependencies or [ ]);
  };
  graph = pkgs.writeText "sbom-graph.json" (
    builtins.toJSON {
      inherit
        root
        features
        host
        target
        ;
      packages = lib.mapAttrs (_: packageOf) described;
      units = map unitOf closure;
    }
  );
  inherit (entries.${root}) crateName version;
in
if cratewright == null then
  throw ''
    the SBOM of ${crateName} is written by the program: give Cargo.nix its package as `cratewright`,
    or run `cratewright sbom -p ${crateName}`.
  ''
else
  pkgs.runCommand (lib.strings.sanitizeDerivationName "${crateName}-${version}.cdx.json")
    { nativeBuildInputs = [ cratewright ]; }
    ''
      mkdir manifests
      manifest() {
        if [ -d "$2" ]; then
          cp "$2/Cargo.toml" "manifests/$1"
        else
          tar -xzOf "$2" "$3/Cargo.toml" >"manifests/$1"
        fi
      }
      ${
        lib.concatStrings (
          lib.mapAttrsToList (key: entry: ''
            manifest ${
              lib.escapeShellArgs [
                key
                (fetch entry).src
                "${entry.crateName}-${entry.version}"
              ]
            }
          '') manifests
        )
      }cratewright sbom --graph ${graph} --manifests manifests >"$out"
    ''
