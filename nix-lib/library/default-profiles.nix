# Cargo's predefined profiles, which all others are based on. Written by a test in crates/renderer/src/profiles.rs.
_: {
  bench = "release";
  dev = {
    sharesHost = true;
    target = {
      release = false;
      builderFlags = [ "-C debuginfo=2" ];
      opt-level = "0";
      debug = true;
      debug-assertions = true;
      overflow-checks = true;
      codegen-units = 16;
      flags = [ ];
      appleFlags = [ "-C split-debuginfo=unpacked" ];
      panic = [ ];
      strip = [ ];
      keepsDebugBelow = false;
      lto = [ "-C embed-bitcode=no" ];
      libraryLto = { };
      onNative = { };
    };
    host = {
      release = false;
      builderFlags = [ "-C debuginfo=2" ];
      opt-level = "0";
      debug = true;
      debug-assertions = true;
      overflow-checks = true;
      codegen-units = 16;
      flags = [ ];
      appleFlags = [ "-C split-debuginfo=unpacked" ];
      panic = [ ];
      strip = [ ];
      keepsDebugBelow = false;
      lto = [ "-C embed-bitcode=no" ];
      libraryLto = { };
      onNative = {
        debug = false;
        flags = [ "-C debuginfo=0" ];
      };
    };
  };
  release = {
    target = {
      release = true;
      builderFlags = [ "-C opt-level=3" ];
      opt-level = "3";
      debug = false;
      debug-assertions = false;
      overflow-checks = false;
      codegen-units = 16;
      flags = [ ];
      appleFlags = [ ];
      panic = [ ];
      strip = [ "-C strip=debuginfo" ];
      keepsDebugBelow = false;
      lto = [ "-C embed-bitcode=no" ];
      libraryLto = { };
      onNative = { };
    };
    host = {
      release = true;
      builderFlags = [ "-C opt-level=3" ];
      opt-level = "0";
      debug = false;
      debug-assertions = false;
      overflow-checks = false;
      codegen-units = 16;
      flags = [
        "-C opt-level=0"
        "-C debug-assertions=off"
      ];
      appleFlags = [ ];
      panic = [ ];
      strip = [ "-C strip=debuginfo" ];
      keepsDebugBelow = false;
      lto = [ "-C embed-bitcode=no" ];
      libraryLto = { };
      onNative = { };
    };
  };
  test = "dev";
}
