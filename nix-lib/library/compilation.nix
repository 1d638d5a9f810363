# The compiler settings of a crate, looked up in the profiles by package, side and platform.
# The profiles are resolved in crates/renderer/src/profiles.rs.
{
  lib,
  env,
  units,
  default-profiles,
  near-names,
  profile-variables,
  profiles ? { },
  ...
}:
name:
let
  table = default-profiles // profiles;
  # Cargo reserves this name.
  isDebug = name == "debug";
  found =
    table.${name} or (throw ''
      there is no profile `${name}`; the profiles are ${lib.concatStringsSep ", " (lib.attrNames table)}
        help: ${
          let
            near = near-names.suggestion name (lib.attrNames table);
          in
          if isDebug then
            "cargo's directory `debug` is that of the profile `dev`"
          else if near == "" then
            "name one of them"
          else
            near
        }${
          lib.optionalString (!isDebug)
            "\n  help: to declare a new profile, add [profile.${name}] with `inherits = \"release\"` to Cargo.toml and run `cratewright generate`"
        }
    '');
  profile = if lib.isString found then table.${found} else found;
  settingsOf =
    attrs: side:
    let
      own =
        profile.package.${attrs.key} or (if units.isLocal attrs then { } else profile.package."*" or { });
      settings =
        default-profiles.${profile.inherits or "release"}.${side} // profile.${side} // own.${side} or { };
    in
    if env == { } then
      settings
    else
      profile-variables {
        inherit name side;
        keys = own.keys or [ ];
      } settings;
  # The settings of a package for which the profile has no table.
  plainOn = settingsOf {
    key = "";
    dir = "";
  };
  isApple = lib.genAttrs [ units.host units.target ] (lib.hasInfix "-apple-");
  splitOn = triple: of: if isApple.${triple} then of.appleFlags else [ ];
  linksDebug = lib.any (dependency: dependency.hasDebug or false);
  stripOf = of: linked: if of.keepsDebugBelow && linksDebug linked then [ ] else of.strip;
  # If a profile runs LTO, the entry of each library says whether it holds bitcode or object code. If only a variable
  # enables LTO, all libraries hold both.
  otherLto =
    if lib.any (profile: profile.target.libraryLto or { } != { }) (lib.attrValues profiles) then
      "bitcode"
    else
      "both";
  codegenUnits = of: "-C codegen-units=${toString of.codegen-units}";
in
builtins.seq profile {
  # `aborts`: tests need their own build of all crates, as tests unwind. `sharesHost`: host and target share one build.
  aborts = (plainOn "target").panic != [ ];
  sharesHost =
    if env == { } then
      profile.sharesHost or false
    else
      plainOn "target" == plainOn "host" // { inherit (plainOn "target") onNative; };

  # Arguments for the builder, and whether the crate has debug information. `rustflags` come from cargo's configuration.
  settings =
    {
      side,
      attrs,
      triple,
      isNative,
      rustflags,
    }:
    let
      isMacro = attrs.procMacro or false;
      # A procedural macro runs in the compiler, except in its own tests.
      isForCompiler = side == "host" || isMacro && side == "target";
      on = settings: settings // lib.optionalAttrs isNative settings.onNative;
      plain = settingsOf attrs (if isForCompiler then "host" else "target");
      own = on plain;
      script = on (settingsOf attrs "host");
      strip = stripOf own attrs.dependencies or [ ];
      flags = own.flags ++ lib.optionals (side == "target") own.panic ++ splitOn triple own ++ strip;
      ltoOf = isMacro: if isMacro then script.lto else own.lto;
      libraries = lib.optionalAttrs (!isMacro) own.libraryLto;
      libraryLto = libraries.${attrs.lto or otherLto} or (ltoOf isMacro);
      hasPrograms = attrs.crateBin or [ ] != [ ] && libraryLto != own.lto;
    in
    {
      inherit name rustflags;
      inherit (own) release;
      profile = own;
      hasDebug = own.debug;
      countsAsDebug = plain.debug;
      codegenUnits = own.codegen-units;
      rustcFlags = flags ++ libraryLto;
      binFlags = lib.optionals hasPrograms (own.libraryLto.undo ++ own.lto);
      testFlags = isMacro: [ (codegenUnits own) ] ++ own.builderFlags ++ flags ++ ltoOf isMacro;
      # The builder compiles build scripts with the crate's `codegen-units`.
      scriptFlags =
        script.flags
        ++ splitOn units.host script
        ++ stripOf script attrs.buildDependencies or [ ]
        ++ script.lto
        ++ lib.optional (script.codegen-units != own.codegen-units) (codegenUnits script)
        ++ map lib.escapeShellArg rustflags;
      dontStrip = strip == [ ];
    };
}
