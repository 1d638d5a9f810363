# The entries of Cargo.nix, completed: what is told by their keys, by the platform, and by others of their package.
{
  platforms ? { },
  crates,
  members,
  variants ? { },
  edition ? "2021",
  metadata ? { },
  lib,
  stdenv,
  ...
}:
let
  # In cargo's words: where crates are compiled, and what they are compiled for.
  host = stdenv.buildPlatform.rust.rustcTarget;
  target = stdenv.hostPlatform.rust.rustcTarget;
  pair = if host == target then target else "${target} on ${host}";
  memberNames = lib.foldl' (names: variant: names // variant) members (lib.attrValues variants);

  # `linux [ ... ]` is the list on Linux and empty elsewhere.
  guards = lib.mapAttrs (
    _: triples: if lib.elem pair triples then (list: list) else (list: [ ])
  ) platforms;

  # The entries as they are written, given the tables that they take their dependencies from.
  written =
    tables:
    crates (
      builtins.intersectAttrs (builtins.functionArgs crates) (
        lib.mapAttrs (_: withNames) tables
        // lib.genAttrs [ "registry" "git" "local" "vendored" ] (
          source: entry: entry // { inherit source; }
        )
        // {
          anotherBuildOf = first: entry: entry // { inherit first; };
        }
        // guards
      )
    );
  # Dependencies are named as in Cargo.lock: a name alone stands for its only version. What is in brackets stays.
  withNames = units: units // lib.mapAttrs (_: key: units.${key}) keyOf;
  keyOf = lib.listToAttrs (
    lib.concatMap (
      key:
      let
        parts = builtins.match "([^@]*)@[^ ]*(.*)" key;
        name = lib.head parts;
      in
      lib.optional (lib.length versions.${name} == 1) (lib.nameValuePair (name + lib.elemAt parts 1) key)
    ) (lib.attrNames plain)
  );
  plain = written {
    units = plain;
    build = plain;
  };

  # What entries of one package differ in.
  lists = {
    buildDependencies = null;
    crateBin = null;
    crateRenames = null;
    dependencies = null;
    features = null;
    lto = null;
  };
  # What they have in common, by the key of the first. A key is `name@version`, and in brackets what tells it from others:
  # `from=` says where a package comes from that shares name and version with another one.
  packages = lib.mapAttrs packageOf (lib.filterAttrs (_: entry: !(entry ? first)) plain);
  packageOf =
    key: entry:
    let
      parts = builtins.match "([^@]*)@([^ ]*)( [[]from=(.*)[]])?" key;
      origin = lib.elemAt parts 3;
      known = metadata.${key} or null;
    in
    {
      inherit key edition;
      crateName = lib.head parts;
      version = lib.elemAt parts 1;
      # Whether the rest of what cargo says of a package is to be found in the manifest alone.
      isDescribed = known != null;
    }
    // lib.optionalAttrs (origin != null) { twin = origin; }
    // lib.optionalAttrs (known != null) (
      lib.filterAttrs (_: value: value != null) (metadata."*" or { } // known)
    )
    // removeAttrs entry (lib.attrNames lists);
  # Entries with all that their packages have.
  entriesOn =
    tables:
    lib.mapAttrs (key: entry: packages.${entry.first or key} // builtins.intersectAttrs lists entry) (
      written tables
    );
  entries = lib.mapAttrs (unit: entry: entry // { inherit unit; }) (entriesOn {
    units = entries;
    build = entries;
  });

  # By name: versions of all crates, whatever they are built for.
  versions = lib.mapAttrs (_: map (package: package.version)) (
    lib.groupBy (package: package.crateName) (lib.attrValues packages)
  );
in
{
  inherit
    host
    target
    pair
    guards
    memberNames
    entries
    entriesOn
    withNames
    versions
    ;
}
