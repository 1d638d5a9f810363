# Another linker than that of the C compiler, for what is linked: `linker` of Cargo.nix, or `-fuse-ld=` among `rustflags`.
{
  lib,
  pkgs,
  linker,
  targets,
  entries,
  units,
  ...
}:
let
  inherit (pkgs) buildPackages;
  programs = {
    lld = buildPackages.llvmPackages.bintools;
    # In older nixpkgs, the one that knows of run paths is another.
    mold = if buildPackages ? mold-unwrapped then buildPackages.mold else buildPackages.mold-wrapped;
  };
  names = lib.concatStringsSep ", " (lib.attrNames programs);
  check =
    name:
    if name == null || programs ? ${name} then
      name
    else
      throw "linker: there is no `${name}`; there are ${names}";
  # Of both sides of each pair.
  triples = lib.unique (lib.concatMap (lib.splitString " on ") targets);
  strange = if lib.isAttrs linker then lib.attrNames (removeAttrs linker triples) else [ ];
  asked =
    triple:
    if strange != [ ] then
      throw "linker: there is no platform `${lib.head strange}`; there are ${lib.concatStringsSep ", " triples}"
    else
      check (if lib.isAttrs linker then linker.${triple} or null else linker);
  # The last of them counts.
  ofFlags = lib.foldl' (
    found: flag:
    let
      parts = builtins.match "(-C|--codegen=)?link[-_]args?=-fuse-ld=(${lib.concatStringsSep "|" (lib.attrNames programs)})" flag;
    in
    if parts == null then found else lib.last parts
  ) null;

  # The C compiler looks for `ld.<name>` in a directory of its own: other tools that come along stay where they are.
  directoryOf =
    side: name:
    let
      prefix = if side == "host" then "" else pkgs.stdenv.cc.targetPrefix;
    in
    buildPackages.runCommand "linker-${name}" { } ''
      mkdir -p "$out"
      ln -s ${programs.${name}}/bin/${prefix}ld.${name} "$out/ld.${name}"
    '';
  # Flags of rustc. Where there is no ELF, what is asked for is ignored.
  on = side: flags.${if side == "host" then side else "target"};
  flags = lib.genAttrs [ "host" "target" ] (
    side:
    let
      triple = if side == "host" then entries.host else entries.target;
      name = if asked triple != null then asked triple else ofFlags (units.rustflagsOf side);
    in
    lib.optionals (name != null && lib.hasInfix "-linux-" triple) (
      map (flag: "-Clink-arg=${flag}") [
        "-B${directoryOf side name}"
        "-fuse-ld=${name}"
      ]
    )
  );
in
{
  inherit on;

  # The same for a crate, if a linker runs for more than its build script.
  ofCrate =
    attrs: side:
    let
      isLinked =
        attrs.crateBin or [ ] != [ ]
        || attrs.procMacro or false
        || lib.any (type: type == "cdylib" || type == "dylib") attrs.type or [ ];
    in
    if on side == [ ] || !isLinked then [ ] else on side;
}
