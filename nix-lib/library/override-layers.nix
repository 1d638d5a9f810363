# Layers of overrides of a crate.
{
  lib,
  pkgs,
  crateOverrides,
  overrides ? { },
  own-overrides,
  ...
}:
let
  # Whether a version meets a requirement as in Cargo.toml. Pre-releases count as what they lead to.
  meets =
    requirement: version:
    let
      numbers = lib.take 3 (lib.splitVersion version);
      part = "([0-9]+|[*xX])";
      meetsOne =
        comparator:
        let
          parsed = builtins.match " *([\\^~=<>]*) *${part}([.]${part})?([.]${part})?([-+].*)? *" comparator;
          given = map (lib.elemAt parsed) [
            1
            3
            5
          ];
          isNumber = number: number != null && builtins.match "[0-9]+" number != null;
          # Up to the first wildcard.
          wanted =
            lib.foldl'
              (
                { all, isOpen }:
                number:
                let
                  goesOn = isOpen && isNumber number;
                in
                {
                  all = all ++ lib.optional goesOn number;
                  isOpen = goesOn;
                }
              )
              {
                all = [ ];
                isOpen = true;
              }
              given;
          n = lib.length wanted.all;
          order = builtins.compareVersions (lib.concatStringsSep "." (lib.take n numbers)) (
            lib.concatStringsSep "." wanted.all
          );
          agree = count: lib.take count numbers == lib.take count wanted.all;
          isWild = lib.any (number: number != null && !(isNumber number)) given;
          # All up to the first number that is not zero.
          leading =
            lib.foldl'
              (
                count: at: if count == at && at < n && lib.elemAt wanted.all (at - 1) == "0" then at + 1 else count
              )
              1
              [
                1
                2
              ];
          operators = {
            "=" = order == 0;
            ">" = order > 0;
            ">=" = order >= 0;
            "<" = order < 0;
            "<=" = order <= 0;
            "~" = agree (lib.min n 2) && order >= 0;
            "^" = agree leading && order >= 0;
            "" = if isWild then order == 0 else operators."^";
          };
        in
        if parsed == null || !(operators ? ${lib.head parsed}) then
          throw "`${requirement}` is no version requirement, as an override has it after `@`"
        else
          operators.${lib.head parsed};
    in
    lib.all meetsOne (lib.splitString "," requirement);

  # Keys are `*`, `(members)`, a name, or `name@requirement`, and count in this order.
  ofLayer =
    layer:
    let
      parse =
        key: value:
        let
          parts = builtins.match "([^@]*)@(.*)" key;
        in
        {
          inherit key;
          name = if parts == null then key else lib.head parts;
          isFor = version: parts == null || meets (lib.elemAt parts 1) version;
          # One override, or several that compose.
          functions = lib.toList value;
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
  users = ofLayer (withoutAdded crateOverrides);

  # What callPackage adds to a set that a file evaluates to: no crate is meant.
  added = [
    "override"
    "overrideDerivation"
  ];
  withoutAdded = set: if lib.all (name: set ? ${name}) added then removeAttrs set added else set;

  # The lowest layer, for crates of this file: `own` is what the builder of `from` has, `given` stands in its place, or is
  # nothing. callPackage gives nixpkgs' set where the user gives none, and who adds to that set gives the rest of it as
  # well: neither is said against what a builder brings along. So an entry of `given` counts where it is another than
  # nixpkgs'.
  lowest =
    {
      from,
      own,
      given,
      versions,
    }:
    let
      # On cross pairs callPackage has a set of its own.
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
      # A function is equal to itself alone, and only as an attribute: sets are compared, not what they hold.
      entry = name: builtins.intersectAttrs { ${name} = null; };
      isKnown = set: name: lib.any (nixpkgs: entry name set == entry name nixpkgs) known;
      clean =
        set:
        if lib.any (isKnown set) added then
          removeAttrs set (lib.filter (isKnown set) added)
        else
          withoutAdded set;
      cleanOwn = clean own;
      cleanGiven = clean given;
      layerOf = name: if given == null || isKnown given name then cleanOwn else cleanGiven;
    in
    lib.mapAttrs (name: _: (layerOf name).${name}) (
      lib.filterAttrs (name: _: layerOf name ? ${name}) versions
    );

  # Attributes that are variables of the build, besides those in `env`.
  isVariable = name: builtins.match "[A-Z][A-Z0-9]*(_[A-Za-z0-9_]*)?" name != null;

  # Lists append, phases and hooks concatenate, environments merge, the rest is replaced. `null` unsets a variable.
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

  # A variable is set in one way alone, by the upper.
  withoutVariablesOf =
    above: below:
    removeAttrs below (lib.attrNames above.env or { })
    // lib.optionalAttrs (below ? env) { env = removeAttrs below.env (lib.attrNames above); };

  # Hooks that a crate has already are the lowest layer.
  hooksOf = builtins.intersectAttrs {
    extraRustcOpts = null;
    extraRustcOptsForBuildRs = null;
    postConfigure = null;
    postInstall = null;
    preConfigure = null;
    preInstall = null;
    preUnpack = null;
  };

  # What is below a source that an override replaces is found anew, as the builder finds it if it is told nothing: by the
  # name of the crate. A directory of the source that was there is known.
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
in
{
  inherit lowest withoutAdded isVariable;

  # Names of crates to overrides: those of nixpkgs for the platform, then ours, then the user's. `versions` has the
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
      ours = ofLayer (
        lib.mapAttrs (_: map (name: own-overrides.${name} { inherit lib pkgs; })) overrides
      );
    in
    lib.mapAttrs (
      name: _: attrs:
      let
        own = hooksOf attrs;
        # Whoever adds to what is there does not mean that, which is added to anyway.
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
        # The development shell asks for it.
        passthru = result.passthru or { } // {
          fromOverrides = lib.foldl' compose { } results;
        };
      }
    ) versions;

  # `nixpkgs` has the names of the lowest layer.
  keys = nixpkgs: {
    inherit nixpkgs;
    cratewright = lib.attrNames overrides;
    user = lib.attrNames (withoutAdded crateOverrides);
  };

  # A message for each of the user's that no crate has.
  unused =
    versions:
    map
      (
        { key, name, ... }:
        "crateOverrides has `${key}`, and this Cargo.nix has "
        + (
          if versions ? ${name} then
            "${name} in ${toString versions.${name}} only"
          else
            "no crate of that name"
        )
      )
      (
        lib.filter (
          { name, isFor, ... }:
          name != "*" && name != "(members)" && !(lib.any isFor (versions.${name} or [ ]))
        ) (lib.concatLists (lib.attrValues users))
      );
}
