# Links to the machine's tools that stdenv itself is made of.
{ lib, machineTools }:
let
  tools = import ../../fixtures/nixpkgs/pkgs/tools.nix { inherit lib machineTools; };
  compression = lib.mapAttrs (name: args: machineTools.link ({ inherit name; } // args)) {
    bzip2.programs = [ "bzip2" ];
    xz = {
      debian = "xz-utils";
      programs = [ "xz" ];
    };
  };
  prefixed =
    targetPrefix: name: programs:
    machineTools.link {
      name = targetPrefix + name;
      programs = map (program: targetPrefix + program) programs;
      passthru = {
        inherit targetPrefix;
        isGNU = true;
        isClang = false;
        hardeningUnsupportedFlags = [ ];
      };
    };
in
{
  inherit tools;

  # Those of nixpkgs' common-path.nix.
  common = builtins.attrValues {
    inherit (tools)
      bash
      coreutils
      diffutils
      findutils
      gawk
      gnugrep
      gnumake
      gnused
      gnutar
      gzip
      patch
      ;
    inherit (compression) bzip2 xz;
  };

  # What nixpkgs' wrappers are wrapped around.
  compiler =
    targetPrefix:
    prefixed targetPrefix "gcc" [
      "cpp"
      "g++"
      "gcc"
    ];
  binutils =
    targetPrefix:
    prefixed targetPrefix "binutils" [
      "ar"
      "as"
      "ld"
      "nm"
      "objcopy"
      "objdump"
      "ranlib"
      "readelf"
      "size"
      "strings"
      "strip"
    ];
}
