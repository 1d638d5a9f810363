# An overlay: what buildRustCrate and the crates of the fixtures need of nixpkgs beyond stdenv, as links to the
# machine's own.
final: prev:
let
  inherit (prev) lib;
  pkgs = ../../fixtures/nixpkgs/pkgs;
  stdenvNoCC = linking;
  # Links are looked for with all that the machine has.
  linking = final.stdenvNoCC.override {
    shell = "/bin/bash";
    initialPath = [
      "/usr"
      "/"
    ];
  };
  machineTools = import (pkgs + "/machine-tools.nix") { inherit lib stdenvNoCC; };
  tools = import (pkgs + "/tools.nix") { inherit lib machineTools; };
  llvm = import (pkgs + "/llvm.nix") { inherit lib machineTools; };

  toolchain = import (pkgs + "/rust-toolchain.nix") {
    inherit lib machineTools;
    # Whatever it compiles for, it runs here.
    buildPlatform = final.stdenv.hostPlatform;
    inherit (final.stdenv) targetPlatform;
  };
  # rustup's compiler links with a linker of its own, past nixpkgs' wrapper of it.
  rustc = machineTools.package {
    name = "rustc-wrapper";
    inherit (toolchain.rustc) version;
    # nixpkgs asks for what its compiler was configured: here it has what the machine's has.
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
  # What nixpkgs looks for compilers of further platforms with.
  gcc = final.stdenv.cc;
  rustPlatform = prev.rustPlatform // {
    bindgenHook = final.makeSetupHook {
      name = "rust-bindgen-hook";
      substitutions = { inherit (llvm) libclang; };
    } (pkgs + "/bindgen-hook.sh");
  };
  runtimeShell = "${tools.bash}/bin/bash";
  fetchurl = import (pkgs + "/fetchurl.nix") { inherit lib stdenvNoCC; };
}
