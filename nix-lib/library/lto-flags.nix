# Rustc's flags for each value of `lto` in a profile. Written by a test in crates/renderer/src/profiles.rs.
_: {
  false = {
    lto = [ "-C embed-bitcode=no" ];
    libraryLto = { };
  };
  true = {
    lto = [ "-C lto" ];
    libraryLto = {
      bitcode = [ "-C linker-plugin-lto" ];
      object = [ "-C embed-bitcode=no" ];
      both = [ ];
      undo = [ "-C linker-plugin-lto=no" ];
    };
  };
  off = {
    lto = [
      "-C lto=off"
      "-C embed-bitcode=no"
    ];
    libraryLto = { };
  };
  n = {
    lto = [
      "-C lto=off"
      "-C embed-bitcode=no"
    ];
    libraryLto = { };
  };
  no = {
    lto = [
      "-C lto=off"
      "-C embed-bitcode=no"
    ];
    libraryLto = { };
  };
  none = {
    lto = [
      "-C lto=off"
      "-C embed-bitcode=no"
    ];
    libraryLto = { };
  };
  thin = {
    lto = [ "-C lto=thin" ];
    libraryLto = {
      bitcode = [ "-C linker-plugin-lto" ];
      object = [ "-C embed-bitcode=no" ];
      both = [ ];
      undo = [ "-C linker-plugin-lto=no" ];
    };
  };
  fat = {
    lto = [ "-C lto=fat" ];
    libraryLto = {
      bitcode = [ "-C linker-plugin-lto" ];
      object = [ "-C embed-bitcode=no" ];
      both = [ ];
      undo = [ "-C linker-plugin-lto=no" ];
    };
  };
}
