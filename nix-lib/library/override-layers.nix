# Combines the layers of overrides of a crate.
{
  lib,
  pkgs,
  crateOverrides,
  overrides ? { },
  own-overrides,
  arguments,
  near-names,
  version-requirement,
  ...
}:
let
  # Keys are `*`, `(members)`, a name, or `name@requirement`, and apply in this order.
  ofLayer =
    check: layer:
    let
      parse =
        key: value:
        let
          parts = builtins.match "([^@]*)@(.*)" key;
        in
        {
          inherit key;
          name = if parts == null then key else lib.head parts;
          isFor = version: parts == null || version-requirement key (lib.elemAt parts 1) version;
          # The value is one override, or a list of overrides that are composed.
          functions = map (check key) (lib.toList value);
        };
    in
    lib.groupBy (override: override.name) (lib.mapAttrsToList parse layer);
  matching =
    layer: isMember: name: version:
    lib.concatMap (override: override.functions) (
      layer."*" or [ ]
      ++ lib.optionals isMember layer."(members)" or [ ]
      ++ lib.filter (override: override.isFor version) (layer.${name} or [ ])
    );
  users = ofLayer (arguments.ofCrate "crateOverrides") (withoutAdded crateOverrides);

  # Attributes that callPackage adds to the set that a file returns; they are not names of crates.
  added = [
    "override"
    "overrideDerivation"
  ];
  withoutAdded = set: if lib.all (name: set ? ${name}) added then removeAttrs set added else set;

  # The lowest layer, for crates of this file. `own` is the set of the builder of `from`; `given`, unless null, is the
  # user's `defaultCrateOverrides`. `given` contains nixpkgs' entries if callPackage passes it, or if the user extends
  # nixpkgs' set: these must not replace the builder's own entries. So an entry of `given` is used only if it differs
  # from nixpkgs'.
  lowest =
    {
      from,
      own,
      given,
      versions,
    }:
    let
      # On cross pairs, callPackage passes another set.
      known =
        lib.concatMap
          (set: [
            set.defaultCrateOverrides
            (set.callPackage ({ defaultCrateOverrides }@filled: filled) { }).defaultCrateOverrides
          ])
          [
            from
            pkgs
          ];
      # Nix compares functions only by identity, and only inside sets, so sets with one attribute are compared.
      entry = name: builtins.intersectAttrs { ${name} = null; };
      isKnown = set: name: lib.any (nixpkgs: entry name set == entry name nixpkgs) known;
      clean =
        set:
        if lib.any (isKnown set) added then
          removeAttrs set (lib.filter (isKnown set) added)
        else
          withoutAdded set;
      cleanOwn = clean own;
      cleanGiven = lib.mapAttrs (arguments.ofCrate "`defaultCrateOverrides`, or `crateOverrides` of `.build.override`") (
        clean given
      );
      layerOf = name: if given == null || isKnown given name then cleanOwn else cleanGiven;
    in
    lib.mapAttrs (name: _: (layerOf name).${name}) (
      lib.filterAttrs (name: _: layerOf name ? ${name}) versions
    );

  # Whether an attribute outside `env` is an environment variable.
  isVariable = name: builtins.match "[A-Z][A-Z0-9]*(_[A-Za-z0-9_]*)?" name != null;

  # Lists are appended, phases and hooks concatenated, environments merged; other attributes are replaced. `null` unsets
  # a variable.
  compose =
    below: above:
    let
      left = withoutVariablesOf above below;
      merge =
        name: value:
        let
          old = left.${name};
        in
        if name == "env" then
          lib.filterAttrs (_: value: value != null) (left.env or { } // value)
        else if !(left ? ${name}) then
          value
        else if lib.isList value && lib.isList old then
          old ++ value
        else if lib.isString value && builtins.match "(pre|post)[A-Z].*|.*Phase" name != null then
          old + "\n" + value
        else
          value;
    in
    removeAttrs (left // lib.mapAttrs merge above) (
      lib.filter (name: isVariable name && above.${name} == null) (lib.attrNames above)
    );

  # Removes variables that the upper layer sets, as they may be set inside `env` in one layer and outside in the other.
  withoutVariablesOf =
    above: below:
    removeAttrs below (lib.attrNames above.env or { })
    // lib.optionalAttrs (below ? env) { env = removeAttrs below.env (lib.attrNames above); };

  # The crate's own hooks, to which overrides are added.
  hooksOf = builtins.intersectAttrs {
    extraRustcOpts = null;
    extraRustcOptsForBuildRs = null;
    postConfigure = null;
    postInstall = null;
    preConfigure = null;
    preInstall = null;
    preUnpack = null;
  };

  # If an override replaces the source, `workspace_member` has to follow. For the same source, or a directory of it, the
  # directory is known; otherwise the builder searches for the crate by name.
  placed =
    attrs: result:
    let
      directory = attrs.workspace_member or ".";
      inside = builtins.unsafeDiscardStringContext (
        lib.removePrefix "${toString attrs.src}/" (toString result.src)
      );
    in
    if directory == "." || !(result ? src) || result ? workspace_member then
      result
    else
      result
      // {
        workspace_member =
          if toString result.src == toString attrs.src then
            directory
          else if inside == directory then
            "."
          else if lib.hasPrefix "${inside}/" directory then
            lib.removePrefix "${inside}/" directory
          else
            null;
      };

  # Names of crates are not compared with each other: a set of overrides for several workspaces may have many others.
  remedyFor =
    name:
    let
      near = lib.optionalString (lib.hasPrefix "(" name) (near-names.suggestion name [ "(members)" ]);
    in
    if near != "" then near else "correct or remove it";
in
{
  inherit lowest withoutAdded isVariable;

  # Overrides by crate name: first those of nixpkgs for the platform, then ours, then the user's. `versions` has the
  # versions of each crate in the file, `members` the names of members.
  for =
    {
      pkgs,
      own,
      given,
      versions,
      members,
    }:
    let
      defaults = lowest {
        from = pkgs;
        inherit own given versions;
      };
      ours = ofLayer (_: override: override) (
        lib.mapAttrs (_: map (name: own-overrides.${name} { inherit lib pkgs; })) overrides
      );
    in
    lib.mapAttrs (
      name: _: attrs:
      let
        own = hooksOf attrs;
        # Overrides that extend `attrs` must not see our hooks, or these would be added twice.
        given = removeAttrs attrs (lib.attrNames own);
        results = map (override: override given) (
          lib.optional (defaults ? ${name}) defaults.${name}
          ++ matching ours (members ? ${name}) name attrs.version
          ++ matching users (members ? ${name}) name attrs.version
        );
        result = placed attrs (lib.foldl' compose own results);
      in
      result
      // {
        # The development shell reads this.
        passthru = result.passthru or { } // {
          fromOverrides = lib.foldl' compose { } results;
        };
      }
    ) versions;

  # The keys of each layer; `nixpkgs` are the names of the lowest one.
  keys = nixpkgs: {
    inherit nixpkgs;
    cratewright = lib.attrNames overrides;
    user = lib.attrNames (withoutAdded crateOverrides);
  };

  # A message for each of the user's keys that matches no crate.
  unused =
    versions:
    map
      (
        { key, name, ... }:
        "crateOverrides has `${key}`, but this Cargo.nix has "
        + (
          if versions ? ${name} then
            "only ${name} ${lib.concatStringsSep ", " versions.${name}}"
          else
            "no crate of that name"
        )
        + "; ${remedyFor name}"
      )
      (
        lib.filter (
          { name, isFor, ... }:
          name != "*" && name != "(members)" && !(lib.any isFor (versions.${name} or [ ]))
        ) (lib.concatLists (lib.attrValues users))
      );
}
