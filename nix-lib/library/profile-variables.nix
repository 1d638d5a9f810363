# Applies the `CARGO_PROFILE_*` variables in `env` of Cargo.nix to profiles. As in cargo, a variable takes precedence
# over the table of its profile, but not over the table of a more specific profile or of a package. Cargo.nix lists the
# keys of these tables.
{
  lib,
  env,
  default-profiles,
  lto-flags,
  profiles ? { },
  ...
}:
let
  same = words: lib.genAttrs (lib.splitString " " words) (word: word);
  bool = {
    "true" = true;
    "false" = false;
  };
  # The values of each key, and the corresponding values of rustc.
  values = {
    # A number.
    codegen-units = { };
    debug = same "0 1 2 line-directives-only line-tables-only" // {
      "false" = "0";
      none = "0";
      limited = "1";
      "true" = "2";
      full = "2";
    };
    debug-assertions = bool;
    # Accepted without effect, as it does not change the output of rustc.
    incremental = bool;
    lto = lib.mapAttrs (name: _: name) lto-flags;
    opt-level = same "0 1 2 3 s z";
    overflow-checks = bool;
    panic = same "abort unwind";
    rpath = bool;
    split-debuginfo = same "off packed unpacked";
    strip = same "debuginfo none symbols" // {
      "true" = "symbols";
      "false" = "none";
    };
  };
  # Keys that cargo rejects in build-override tables.
  withoutHost = [
    "lto"
    "panic"
    "rpath"
  ];

  variable =
    side: name: key:
    let
      words = "${name}_${lib.optionalString (side == "host") "build_override_"}${key}";
    in
    "CARGO_PROFILE_${lib.toUpper (builtins.replaceStrings [ "-" ] [ "_" ] words)}";
  keyOf = lib.listToAttrs (
    lib.concatMap (
      name:
      map (key: lib.nameValuePair (variable "target" name key) key) (lib.attrNames values)
      ++ map (key: lib.nameValuePair (variable "host" name key) key) (
        lib.attrNames (removeAttrs values withoutHost)
      )
    ) (lib.attrNames (default-profiles // profiles))
  );
  given = lib.mapAttrs (
    name: value:
    let
      key =
        keyOf.${name} or (throw ''
          env: `${name}` is not a variable that Cargo.nix reads
            help: it reads CARGO_PROFILE_<profile>_<key> and CARGO_PROFILE_<profile>_BUILD_OVERRIDE_<key> of the profiles ${
              lib.concatStringsSep ", " (lib.attrNames (default-profiles // profiles))
            }; variables of crates are set by `crateOverrides`'');
      text = if lib.isBool value then lib.boolToString value else toString value;
      takes =
        if key == "codegen-units" then
          "a number above 0"
        else
          "one of ${lib.concatStringsSep ", " (lib.attrNames values.${key})}";
    in
    if key == "codegen-units" && builtins.match "[1-9][0-9]*" text != null then
      builtins.fromJSON text
    else
      values.${key}.${text} or (throw "env: `${name}` is `${text}`, expected ${takes}")
  ) env;

  parentOf =
    name:
    if name == "dev" || name == "release" then
      null
    else
      profiles.${name}.parent or (default-profiles // profiles).${name}.inherits
        or (if name == "test" then "dev" else "release");
  # What sets a key: a variable (`{ value = ...; }`), a table (`{ }`), or neither (`null`).
  decision =
    side: key: name:
    let
      own = given.${variable side name key} or null;
    in
    if name == null then
      null
    else if own != null then
      { value = own; }
    else if lib.elem key profiles.${name}.keys.${side} or [ ] then
      { }
    else
      decision side key (parentOf name);
  onOff = value: if value then "on" else "off";
in
# A misspelt variable is an error even if its profile is not built. `keys` are those of the package's tables.
builtins.deepSeq given (
  {
    name,
    side,
    keys,
  }:
  settings:
  let
    ofHost = key: if side == "host" then decision "host" key name else null;
    hasHostTable = lib.any (key: ofHost key != null) (lib.attrNames values);
    decide =
      key:
      if
        lib.elem key keys
        ||
          side == "host"
          && lib.elem key [
            "lto"
            "panic"
          ]
      then
        { }
      else if ofHost key != null then
        ofHost key
      # Host units have other defaults for these keys.
      else if
        side == "host"
        && lib.elem key [
          "codegen-units"
          "opt-level"
        ]
      then
        { }
      # As in cargo, only this key is not inherited if a more specific table exists.
      else if key == "strip" && (keys != [ ] || hasHostTable) then
        null
      else
        decision "target" key name;
    isSaid = key: decide key ? value;
    say = key: otherwise: (decide key).value or otherwise;

    hasDebug = if isSaid "debug" then say "debug" null != "0" else settings.debug;
    # Host units have no debug information by default if host and target are the same platform.
    isDeferred = side == "host" && !(lib.elem "debug" keys) && ofHost "debug" == null;
    strip = decide "strip";
    changed = settings // {
      opt-level = say "opt-level" settings.opt-level;
      debug = hasDebug;
      debug-assertions = say "debug-assertions" settings.debug-assertions;
      overflow-checks = say "overflow-checks" settings.overflow-checks;
      codegen-units = say "codegen-units" settings.codegen-units;
      flags =
        settings.flags
        ++ lib.optional (isSaid "opt-level") "-C opt-level=${changed.opt-level}"
        ++ lib.optional (isSaid "debug") "-C debuginfo=${say "debug" null}"
        ++ lib.optional (
          isSaid "split-debuginfo" && hasDebug
        ) "-C split-debuginfo=${say "split-debuginfo" null}"
        # Rustc's defaults depend on `opt-level` and on each other.
        ++
          lib.optionals
            (lib.any isSaid [
              "opt-level"
              "debug-assertions"
              "overflow-checks"
            ])
            [
              "-C debug-assertions=${onOff changed.debug-assertions}"
              "-C overflow-checks=${onOff changed.overflow-checks}"
            ]
        ++ lib.optional (isSaid "rpath") "-C rpath=${if say "rpath" null then "yes" else "no"}";
      appleFlags =
        if decide "split-debuginfo" != null then
          [ ]
        else
          lib.optional hasDebug "-C split-debuginfo=unpacked";
      panic =
        if isSaid "panic" then
          lib.optional (say "panic" null == "abort") "-C panic=abort"
        else
          settings.panic;
      keepsDebugBelow = strip == null;
      strip =
        if strip == null then
          lib.optional (!hasDebug) "-C strip=debuginfo"
        else if strip ? value then
          lib.optional (strip.value != "none") "-C strip=${strip.value}"
        else
          settings.strip;
      onNative = lib.optionalAttrs (isDeferred && hasDebug) {
        debug = false;
        flags = lib.filter (flag: !(lib.hasPrefix "-C split-debuginfo=" flag)) changed.flags ++ [
          "-C debuginfo=0"
        ];
      };
    };
  in
  changed // lib.optionalAttrs (isSaid "lto") lto-flags.${say "lto" null}
)
