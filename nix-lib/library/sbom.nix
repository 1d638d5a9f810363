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
  # Each package once, whatever units it has.
  packages = lib.listToAttrs (map (entry: lib.nameValuePair entry.key entry) closure);
  # What the rest is said of in their own manifests, and what those are called: a key may be no name of a file.
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
  # A packed crate, or a directory of one.
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
    the SBOM of ${crateName} is written by cratewright: give Cargo.nix its package,
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
