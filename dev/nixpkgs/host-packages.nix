# An overlay with the packages besides stdenv that buildRustCrate and the fixtures need, as links to the machine's own
# files.
final: prev:
let
  inherit (prev) lib;
  pkgs = ../../fixtures/nixpkgs/pkgs;
  stdenvNoCC = linking;
  # Derivations that create links search the whole machine.
  linking = final.stdenvNoCC.override {
    shell = "/bin/bash";
    initialPath = import (pkgs + "/machine-path.nix");
  };
  machineTools = import (pkgs + "/machine-tools.nix") { inherit lib stdenvNoCC; };
  tools = import (pkgs + "/tools.nix") { inherit lib machineTools; };
  llvm = import (pkgs + "/llvm.nix") { inherit lib machineTools; };

  toolchain = import (pkgs + "/rust-toolchain.nix") {
    inherit lib machineTools;
    # The toolchain runs on this machine, whatever it compiles for.
    buildPlatform = final.stdenv.hostPlatform;
    inherit (final.stdenv) targetPlatform;
  };
  # rustup's compiler would use its own linker instead of nixpkgs' wrapper.
  rustc = machineTools.package {
    name = "rustc-wrapper";
    inherit (toolchain.rustc) version;
    # nixpkgs reads the targets from its compiler's configure flags.
    passthru.unwrapped = {
      inherit (toolchain.rustc) version;
      configureFlags = [ "--target=${final.stdenv.hostPlatform.rust.rustcTarget}" ];
    };
    buildCommand = ''
      mkdir -p "$out/bin"
      ln -s ${toolchain.rustc}/bin/rustdoc "$out/bin"
      {
        echo '#!${tools.bash}/bin/bash'
        echo 'case " $* " in *" --target "*) ;; *) set -- -Clinker-features=-lld "$@" ;; esac'
        echo 'exec ${toolchain.rustc}/bin/rustc "$@"'
      } >"$out/bin/rustc"
      chmod +x "$out/bin/rustc"
    '';
  };
in
tools
// import (pkgs + "/native-libraries.nix") { inherit lib machineTools; }
// toolchain
// {
  inherit rustc;
  inherit (llvm) clang libclang;
  # nixpkgs takes this for compilers of other platforms.
  gcc = final.stdenv.cc;
  rustPlatform = prev.rustPlatform // {
    bindgenHook = final.makeSetupHook {
      name = "rust-bindgen-hook";
      substitutions = {
        inherit (llvm) libclang;
        inherit (final.stdenv) cc;
      };
    } (pkgs + "/bindgen-hook.sh");
  };
  runtimeShell = "${tools.bash}/bin/bash";
  fetchurl = import (pkgs + "/fetchurl.nix") { inherit lib stdenvNoCC; };
}
