# Links to the machine's tools that stdenv consists of.
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

  # The same tools as in nixpkgs' common-path.nix.
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

  # The compiler and binutils that nixpkgs' wrappers call.
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
