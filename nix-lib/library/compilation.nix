# What a crate is compiled with, looked up in the profiles.
# Nothing is resolved here (crates/renderer/src/profiles.rs does that): it is chosen by package, side and platform.
{
  lib,
  units,
  default-profiles,
  profiles ? { },
  ...
}:
name:
let
  table = default-profiles // profiles;
  found =
    table.${name} or (throw ''
      there is no profile `${name}`; known are ${lib.concatStringsSep ", " (lib.attrNames table)}.
      Add [profile.${name}] to Cargo.toml and run `cratewright generate`.
    '');
  profile = if lib.isString found then table.${found} else found;
  settingsOf =
    attrs: side:
    let
      own =
        profile.package.${attrs.key} or (if units.isLocal attrs then { } else profile.package."*" or { });
    in
    default-profiles.${profile.inherits or "release"}.${side} // profile.${side} // own.${side} or { };
  isApple = lib.genAttrs [ units.host units.target ] (lib.hasInfix "-apple-");
  splitOn = triple: of: if isApple.${triple} then of.appleFlags else [ ];
  linksDebug = lib.any (dependency: dependency.hasDebug or false);
  stripOf = of: linked: if of.keepsDebugBelow && linksDebug linked then [ ] else of.strip;
  codegenUnits = of: "-C codegen-units=${toString of.codegen-units}";
in
builtins.seq profile {
  # Whether tests are compiled apart, as they unwind with all they link, and whether one build serves host and target.
  aborts = profile.target.panic or [ ] != [ ];
  sharesHost = profile.sharesHost or false;

  # What the builder takes, and whether there is debug information in it. `rustflags` are of cargo's configuration.
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
      # A procedural macro is for the compiler, but for its own tests.
      isForCompiler = side == "host" || isMacro && side == "target";
      on = settings: settings // lib.optionalAttrs isNative settings.onNative;
      plain = settingsOf attrs (if isForCompiler then "host" else "target");
      own = on plain;
      script = on (settingsOf attrs "host");
      strip = stripOf own attrs.dependencies or [ ];
      flags = own.flags ++ lib.optionals (side == "target") own.panic ++ splitOn triple own ++ strip;
      ltoOf = isMacro: if isMacro then script.lto else own.lto;
      libraries = lib.optionalAttrs (!isMacro) own.libraryLto;
      libraryLto = libraries.${attrs.lto or "bitcode"} or (ltoOf isMacro);
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
      # The builder gives scripts the crate's `codegen-units`.
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
