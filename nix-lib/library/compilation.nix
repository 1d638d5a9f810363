# What `[profile]` of Cargo.toml is to rustc.
# The rules are cargo's: src/cargo/core/profiles.rs, src/cargo/core/compiler/mod.rs and lto.rs.
{
  lib,
  units,
  profiles ? { },
  ...
}:
name:
let
  inherited = {
    test = "dev";
    bench = "release";
  };
  table = profiles.${name} or profiles.${inherited.${name} or name} or { };
  root = table.inherits or inherited.${name} or name;
  known = lib.unique (
    [
      "dev"
      "release"
      "test"
      "bench"
    ]
    ++ lib.attrNames profiles
  );

  defaults = {
    dev = {
      opt-level = "0";
      debug = "2";
      debug-assertions = true;
      overflow-checks = true;
    };
    release = {
      opt-level = "3";
      debug = "0";
      debug-assertions = false;
      overflow-checks = false;
    };
  };
  common = {
    lto = "false";
    # Rustc's own number, where it does not compile incrementally.
    codegen-units = 16;
    panic = "unwind";
    rpath = false;
  };

  # Of all keys, `strip` alone is forgotten by the next table.
  apply =
    below: upper:
    removeAttrs below ([ "strip" ] ++ lib.optional (upper ? debug) "debugIsDeferred") // upper;
  target = apply (common // defaults.${root}) (
    removeAttrs table [
      "inherits"
      "build-override"
      "package"
    ]
  );
  host =
    let
      plain = target // {
        opt-level = "0";
        codegen-units = 16;
        # On a native pair debug information of the host's counts for `strip`, and is left out.
        debugIsDeferred = true;
      };
    in
    if table ? build-override then apply plain table.build-override else plain;

  # One unit's, given what its crate is, and which side of the build it is on.
  resolve =
    side: attrs:
    let
      id = "${attrs.crateName}@${attrs.version}${lib.optionalString (attrs ? twin) " (${attrs.twin})"}";
      packages = table.package or { };
      layers =
        lib.optional (packages ? "*" && !(units.isLocal attrs)) packages."*"
        ++ lib.optional (packages ? ${id}) packages.${id};
    in
    lib.foldl' apply (if side == "host" then host else target) layers
    # What is for the compiler unwinds, as do tests with all they link.
    // lib.optionalAttrs (side != "target") { panic = "unwind"; };
  hasDebug = profile: profile.debug != "0";

  # Nothing is stripped where something is to be seen: in the unit, or in what it links.
  stripOf =
    profile: debugBelow:
    profile.strip or (if hasDebug profile || debugBelow then "none" else "debuginfo");

  # Cargo passes what differs from rustc's defaults. The builder has passed what `release` is to it.
  rustcs = {
    opt-level = "0";
    debug = "0";
  };
  builders = rustcs // (if isRelease then { opt-level = "3"; } else { debug = "2"; });
  flags =
    passed: profile: debug: strip:
    let
      isOptimised = profile.opt-level != "0";
      onOff = name: value: [ "-C ${name}=${if value then "on" else "off"}" ];
      inherit (profile) debug-assertions overflow-checks;
    in
    lib.optional (profile.opt-level != passed.opt-level) "-C opt-level=${profile.opt-level}"
    ++ lib.optional (debug != passed.debug) "-C debuginfo=${debug}"
    ++ lib.optional (profile ? split-debuginfo) "-C split-debuginfo=${profile.split-debuginfo}"
    ++ lib.optionals (debug-assertions != !isOptimised) (onOff "debug-assertions" debug-assertions)
    # By default as debug-assertions.
    ++ lib.optionals (overflow-checks != debug-assertions) (onOff "overflow-checks" overflow-checks)
    ++ lib.optional (profile.panic != "unwind") "-C panic=${profile.panic}"
    ++ lib.optional profile.rpath "-C rpath"
    ++ lib.optional (strip != "none") "-C strip=${strip}";

  isRelease = root == "release";
  noLto = [ "-C embed-bitcode=no" ];
  # For programs, and for libraries that are linked into none.
  ltoOf =
    profile:
    {
      "false" = noLto;
      "off" = [ "-C lto=off" ] ++ noLto;
      "true" = [ "-C lto" ];
    }
    .${profile.lto} or [ "-C lto=${profile.lto}" ];
  libraryLto =
    profile: attrs:
    let
      kinds = attrs.type or [ "lib" ];
      isFinal = lib.all (kind: kind == "cdylib" || kind == "staticlib") kinds;
    in
    if profile.lto == "false" || profile.lto == "off" || isFinal then
      ltoOf profile
    else
      {
        bitcode = [ "-C linker-plugin-lto" ];
        object = noLto;
        both = [ ];
        # There is no library.
        run = ltoOf profile;
      }
      .${attrs.lto or "bitcode"};
in
if
  !(lib.elem root [
    "dev"
    "release"
  ])
then
  throw ''
    there is no profile `${name}`; known are ${lib.concatStringsSep ", " known}.
    Add [profile.${name}] to Cargo.toml and run `cratewright generate`.
  ''
else
  {
    inherit name isRelease;
    aborts = target.panic != "unwind";
    # Whether what is for the host is compiled as for the target, so that one build serves both, as with cargo.
    sharesHost =
      target.lto == "false"
      && target.panic == "unwind"
      && removeAttrs host [ "debugIsDeferred" ] == target;

    # What the builder takes, and `debug` for dependents: whether there is debug information in it. `side` is `target`,
    # `host`, or `test` for the target's units that tests link.
    settings =
      {
        side,
        attrs,
        triple,
        isNative,
        # What cargo's configuration has for the target.
        rustflags,
      }:
      let
        plain = resolve side attrs;
        profile =
          plain
          // lib.optionalAttrs (
            hasDebug plain && !(plain ? split-debuginfo) && lib.hasInfix "-apple-" triple
          ) { split-debuginfo = "unpacked"; };
        script = resolve "host" attrs;
        debugOf = profile: if isNative && profile ? debugIsDeferred then "0" else profile.debug;
        # Of a procedural macro that is built beside what is for the target, as of others.
        debug = debugOf (if attrs.procMacro or false then resolve "host" attrs else profile);
        debugIn = lib.any (dependency: dependency.hasDebug or false);
        strip = stripOf profile (debugIn attrs.dependencies or [ ]);
        binLto = if side == "host" then noLto else ltoOf profile;
        ownLto = if side == "host" || attrs.procMacro or false then noLto else libraryLto profile attrs;
        ofBins = lib.optionals (attrs.crateBin or [ ] != [ ] && binLto != ownLto) (
          # The builder has one list for both, so the library's is taken back.
          lib.optional (ownLto == [ "-C linker-plugin-lto" ]) "-C linker-plugin-lto=no" ++ binLto
        );
      in
      {
        inherit profile name;
        hasDebug = debug != "0";
        countsAsDebug = hasDebug profile;
        release = isRelease;
        codegenUnits = profile.codegen-units;
        rustcFlags = flags builders profile debug strip ++ ownLto;
        binFlags = ofBins;
        # Of programs that the builder knows nothing of; LTO is for those that run on the target.
        testFlags =
          isMacro:
          [ "-C codegen-units=${toString profile.codegen-units}" ]
          ++ flags rustcs profile debug strip
          ++ (if isMacro then noLto else binLto);
        inherit rustflags;
        scriptFlags =
          flags builders script (debugOf script) (stripOf script (debugIn attrs.buildDependencies or [ ]))
          ++ noLto
          ++ lib.optional (
            script.codegen-units != profile.codegen-units
          ) "-C codegen-units=${toString script.codegen-units}"
          ++ map lib.escapeShellArg rustflags;
        dontStrip = strip == "none";
      };
  }
