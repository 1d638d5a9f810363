# Flags for a linker other than the C compiler's default, chosen by `linker` of Cargo.nix or by `-fuse-ld=` in
# `rustflags`.
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
    # In older versions of nixpkgs, `mold` is not wrapped, and does not set run paths.
    mold = if buildPackages ? mold-unwrapped then buildPackages.mold else buildPackages.mold-wrapped;
  };
  names = lib.concatStringsSep ", " (lib.attrNames programs);
  check =
    name:
    if name == null || programs ? ${name} then
      name
    else
      throw "linker: there is no `${name}`; the linkers are ${names}";
  # The triples of both sides of each pair.
  triples = lib.unique (lib.concatMap (lib.splitString " on ") targets);
  strange = if lib.isAttrs linker then lib.attrNames (removeAttrs linker triples) else [ ];
  asked =
    triple:
    if strange != [ ] then
      throw "linker: there is no platform `${lib.head strange}`; the platforms are ${lib.concatStringsSep ", " triples}"
    else
      check (if lib.isAttrs linker then linker.${triple} or null else linker);
  # As for the C compiler, the last flag takes precedence.
  ofFlags = lib.foldl' (
    found: flag:
    let
      parts = builtins.match "(-C|--codegen=)?link[-_]args?=-fuse-ld=(${lib.concatStringsSep "|" (lib.attrNames programs)})" flag;
    in
    if parts == null then found else lib.last parts
  ) null;

  # A directory with only `ld.<name>`, so that the C compiler does not pick up other tools of the package.
  directoryOf =
    side: name:
    let
      prefix = if side == "host" then "" else pkgs.stdenv.cc.targetPrefix;
    in
    buildPackages.runCommand "linker-${name}" { } ''
      mkdir -p "$out"
      ln -s ${programs.${name}}/bin/${prefix}ld.${name} "$out/ld.${name}"
    '';
  # Flags for rustc. On platforms other than Linux, the choice is ignored.
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

  # The flags for a crate; none if only its build script is linked.
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
