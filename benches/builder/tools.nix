# What builds of crates are run with, the same for all of them.
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

  # Crates whose use says that a build script compiles C or looks for a library.
  compilers = [
    "autotools"
    "bindgen"
    "cc"
    "cmake"
    "pkg-config"
    "system-deps"
    "vcpkg"
  ];

  # What build scripts are told of the platform, asked of rustc once for all of them.
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
