# Stages for nixpkgs' `stdenvStages` without a bootstrap: nixpkgs' generic stdenv, setup hooks and compiler wrapper, on
# top of links to the machine's tools.
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
        # No stage may download anything.
        fetchurlBoot = throw "dev/real-nixpkgs: the bootstrap's fetchurl was called";
        cc = null;
      }
      // args
    );

  # Creates links to tools, and may use everything on the machine.
  bootStdenv = genericStdenv {
    name = "stdenv-of-links";
    shell = "/bin/bash";
    initialPath = import ../../fixtures/nixpkgs/pkgs/machine-path.nix;
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

  # nixpkgs' own wrappers around the machine's compiler and libc, so that flags, run paths and hardening are real.
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
        # Other systems are only evaluated, and clang's wrapper would need an SDK.
        if platforms.hostPlatform.isLinux then
          wrap {
            inherit targetPrefix;
            # The compiler runs on this machine and compiles for the host platform.
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
# As in nixpkgs: first the set of tools that build, then the set of packages that they build.
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
