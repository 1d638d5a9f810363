# The entries of Cargo.nix, completed with values from their keys, the platform, and other entries of the same package.
{
  targets,
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
  # Cargo's terms: `host` is the platform that compiles, `target` the one that crates are compiled for.
  host = stdenv.buildPlatform.rust.rustcTarget;
  target = stdenv.hostPlatform.rust.rustcTarget;
  pair = if host == target then target else "${target} on ${host}";
  # The error for a pair that this file was not resolved for, with the line that declares it and all others.
  unresolved =
    let
      crossOf = pair: builtins.match "(.*) on (.*)" pair;
      isNative = pair: crossOf pair == null;
      list = show: pairs: "[${lib.concatMapStringsSep ", " show pairs}]";
      showCross =
        pair:
        let
          parts = crossOf pair;
        in
        "{ host = \"${lib.last parts}\", target = \"${lib.head parts}\" }";
      line =
        if isNative pair then
          "targets = ${list builtins.toJSON (lib.filter isNative targets ++ [ pair ])}"
        else
          "cross = ${list showCross (lib.filter (pair: !(isNative pair)) targets ++ [ pair ])}";
    in
    ''
      this Cargo.nix was not resolved for builds on ${host} for ${target};
      it was resolved for ${lib.concatStringsSep ", " targets}.
      Declare the pair in the root Cargo.toml, and run `cratewright generate`:
        [workspace.metadata.cratewright]
        ${line}
    '';
  memberNames = lib.foldl' (names: variant: names // variant) members (lib.attrValues variants);

  # `linux [ ... ]` is the list on Linux and empty elsewhere.
  guards = lib.mapAttrs (
    _: triples: if lib.elem pair triples then (list: list) else (list: [ ])
  ) platforms;

  # The entries as written in Cargo.nix; `tables` are the units that dependencies are taken from.
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
  # Dependencies are written as in Cargo.lock: a name without a version stands for its only version. The part of a key
  # in brackets is kept.
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

  # The attributes in which entries of one package may differ.
  lists = {
    buildDependencies = null;
    crateBin = null;
    crateRenames = null;
    dependencies = null;
    features = null;
    lto = null;
  };
  # The attributes that entries of one package share, by the key of its first entry. A key is `name@version`, followed
  # by brackets if that is ambiguous: `[from=...]` is the source of a package whose name and version another package has
  # too.
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
      # Whether Cargo.nix holds the package's metadata; otherwise it is read from the manifest.
      isDescribed = known != null;
    }
    // lib.optionalAttrs (origin != null) { twin = origin; }
    // lib.optionalAttrs (known != null) (
      lib.filterAttrs (_: value: value != null) (metadata."*" or { } // known)
    )
    // removeAttrs entry (lib.attrNames lists);
  # Entries, completed with the attributes of their packages.
  entriesOn =
    tables:
    lib.mapAttrs (key: entry: packages.${entry.first or key} // builtins.intersectAttrs lists entry) (
      written tables
    );
  entries = lib.mapAttrs (unit: entry: entry // { inherit unit; }) (entriesOn {
    units = entries;
    build = entries;
  });

  # Versions of all crates by name, for all platforms.
  versions = lib.mapAttrs (_: map (package: package.version)) (
    lib.groupBy (package: package.crateName) (lib.attrValues packages)
  );
in
{
  inherit
    host
    target
    pair
    unresolved
    guards
    memberNames
    entries
    entriesOn
    withNames
    versions
    ;
}
