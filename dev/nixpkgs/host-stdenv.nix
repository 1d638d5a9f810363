# Stages of a package set that bootstrap nothing: nixpkgs' generic stdenv, its setup hooks and its compiler wrapper, on
# links to the machine's tools. Passed to nixpkgs as `stdenvStages`.
nixpkgs:
{
  lib,
  localSystem,
  crossSystem,
  config,
  overlays,
  crossOverlays ? [ ],
}:
let
  find = import ./find.nix nixpkgs;

  genericStdenv =
    args:
    import (find "stdenv/generic") (
      {
        inherit config;
        name = "stdenv-host-tools";
        buildPlatform = localSystem;
        hostPlatform = localSystem;
        targetPlatform = localSystem;
        # Nothing is downloaded by what is made here.
        fetchurlBoot = throw "dev/real-nixpkgs: the bootstrap's fetchurl was asked for";
        cc = null;
      }
      // args
    );

  # Builds links to tools, with all that the machine has.
  bootStdenv = genericStdenv {
    name = "stdenv-of-links";
    shell = "/bin/bash";
    initialPath = [
      "/usr"
      "/"
    ];
  };
  machineTools = import ../../fixtures/nixpkgs/pkgs/machine-tools.nix {
    inherit lib;
    stdenvNoCC = bootStdenv;
  };
  host = import ./host-tools.nix { inherit lib machineTools; };
  inherit (host) tools;

  patchelf = bootStdenv.mkDerivation {
    name = "patchelf-hook";
    buildCommand = ''
      mkdir -p $out/bin $out/nix-support
      ln -s ${tools.patchelf}/bin/patchelf $out/bin
      cp ${find "development/tools/misc/patchelf/setup-hook.sh"} $out/nix-support/setup-hook
    '';
  };

  # Real wrappers, so that flags, rpaths and hardening are nixpkgs', around the machine's compiler and its libc.
  wrap =
    { stdenvNoCC, targetPrefix }:
    let
      common = {
        inherit lib stdenvNoCC;
        inherit (tools) coreutils gnugrep;
        runtimeShell = stdenvNoCC.shell;
        nativeTools = false;
        nativeLibc = true;
        propagateDoc = false;
        expand-response-params = "";
      };
    in
    import (find "build-support/cc-wrapper") (
      common
      // {
        name = "${targetPrefix}cc-wrapper";
        cc = host.compiler targetPrefix;
        isGNU = true;
        bintools = import (find "build-support/bintools-wrapper") (
          common
          // {
            name = "${targetPrefix}bintools-wrapper";
            bintools = host.binutils targetPrefix;
          }
        );
      }
    );

  stdenvFor =
    platforms:
    let
      withoutCompiler = genericStdenv (
        platforms
        // {
          shell = "${tools.bash}/bin/bash";
          initialPath = host.common;
          extraNativeBuildInputs = [ patchelf ];
        }
      );
      targetPrefix = lib.optionalString (
        platforms.hostPlatform != platforms.buildPlatform
      ) "${platforms.hostPlatform.config}-";
    in
    withoutCompiler.override {
      hasCC = true;
      cc =
        # What is for other systems is evaluated alone, and clang's wrapper asks for an SDK.
        if platforms.hostPlatform.isLinux then
          wrap {
            inherit targetPrefix;
            # Of the set that a compiler is built in: it runs here, and makes what runs there.
            stdenvNoCC = withoutCompiler.override {
              hostPlatform = localSystem;
              targetPlatform = platforms.hostPlatform;
            };
          }
        else
          host.compiler targetPrefix;
    };

  native = {
    buildPlatform = localSystem;
    hostPlatform = localSystem;
    targetPlatform = localSystem;
  };
in
[
  (_: {
    __raw = true;
    stdenv = bootStdenv;
  })
  (_: {
    inherit config overlays;
    stdenv = stdenvFor native;
  })
]
# As in nixpkgs: the tools that build, and then what they build.
++ lib.optionals (crossSystem != localSystem) [
  (_: {
    inherit config overlays;
    selfBuild = false;
    allowCustomOverrides = true;
    stdenv = (stdenvFor native).override { targetPlatform = crossSystem; };
  })
  (_: {
    inherit config;
    overlays = overlays ++ crossOverlays;
    selfBuild = false;
    stdenv = stdenvFor (
      native
      // {
        hostPlatform = crossSystem;
        targetPlatform = crossSystem;
      }
    );
  })
]
