# The packages of a build, as input for `cratewright sbom`, which writes a CycloneDX document.
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
# Takes the key of an entry, and the features that it was built with.
{ root, features }:
let
  inherit (units) entries host target;
  inherit (entries.${root}) crateName version;

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
  # Each package once, even if it has several units.
  packages = lib.listToAttrs (map (entry: lib.nameValuePair entry.key entry) closure);
  # Packages whose metadata has to be read from their manifests, with a file name for each, as keys may not be valid
  # ones.
  undescribed = lib.attrNames (lib.filterAttrs (_: entry: !entry.isDescribed) packages);
  manifests = lib.listToAttrs (
    lib.imap0 (number: key: lib.nameValuePair key "${toString number}.toml") undescribed
  );

  only = names: builtins.intersectAttrs (lib.genAttrs (lib.splitString " " names) (_: null));
  packageOf =
    key: entry:
    only "procMacro sha256" entry
    // {
      name = entry.crateName;
      inherit (entry) version;
      source = {
        kind = entry.source;
      }
      // sourceOf.${entry.source} entry;
    }
    // (
      if entry.isDescribed then
        { about = only "authors description homepage license repository" entry; }
      else
        { manifest = manifests.${key}; }
    );
  sourceOf = {
    registry =
      entry: lib.optionalAttrs (entry ? registry) { inherit (registries.${entry.registry}) index; };
    git = entry: only "rev url" repositories.${entry.checkout} // { dir = entry.dir or ""; };
    vendored = only "replaces";
    local = only "dir";
  };
  keysOf = map (to: to.unit);
  unitOf =
    entry:
    lib.nameValuePair entry.unit {
      package = entry.key;
      dependencies = keysOf entry.dependencies or [ ];
      buildDependencies = keysOf entry.buildDependencies or [ ];
    };
  graph = pkgs.writeText "sbom-graph.json" (
    builtins.toJSON {
      roots = [ root ];
      inherit features host target;
      application = entries.${root}.crateBin or [ ] != [ ];
      packages = lib.mapAttrs packageOf packages;
      units = lib.listToAttrs (map unitOf closure);
    }
  );
  # Copies the manifest from a packed crate or a directory.
  copyOf =
    key:
    let
      entry = packages.${key};
      arguments = [
        manifests.${key}
        (fetch entry).src
        "${entry.crateName}-${entry.version}"
      ];
    in
    "manifest ${lib.escapeShellArgs arguments}\n";
in
if cratewright == null then
  throw ''
    the SBOM of ${crateName} is written by cratewright: pass its package to Cargo.nix,
      import ./Cargo.nix { cratewright = ...; }
    or run `cratewright sbom -p ${crateName}`.
  ''
else
  pkgs.runCommand (lib.strings.sanitizeDerivationName "${crateName}-${version}.cdx.json")
    {
      nativeBuildInputs = [ cratewright ];
      passthru = { inherit graph; };
    }
    ''
      mkdir manifests
      manifest() {
        if [ -d "$2" ]; then
          cp "$2/Cargo.toml" "manifests/$1"
        else
          tar -xzOf "$2" "$3/Cargo.toml" >"manifests/$1"
        fi
      }
      ${lib.concatMapStrings copyOf undescribed}cratewright sbom --graph ${graph} --manifests manifests >"$out"
    ''
