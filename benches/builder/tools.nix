# The tools for builds of crates, the same for all crates.
pkgs:
let
  inherit (pkgs) lib;
  build = pkgs.buildPackages;
  bash = "${build.bash}/bin/bash";
  path = lib.makeBinPath [
    build.rustc
    build.cargo
    build.coreutils
    build.gnutar
    build.gzip
  ];
in
{
  inherit bash path;

  # A build script that depends on one of these crates compiles C or looks for a library.
  compilers = [
    "autotools"
    "bindgen"
    "cc"
    "cmake"
    "pkg-config"
    "system-deps"
    "vcpkg"
  ];

  # The platform's CARGO_CFG_ variables, computed once for all build scripts.
  cfg =
    target:
    derivation {
      name = "cargo-cfg-${target}";
      inherit (pkgs.stdenv.buildPlatform) system;
      builder = bash;
      args = [ ./cfg.sh ];
      inherit target path;
    };
}
