# On darwin rustc writes a bundle with debug information, `app.dSYM`, next to each program. nixpkgs' builder would
# install the files in it as programs, and the one of a test would replace the test, as both have the same name.
# Frameworks need no override: they are in Apple's SDK, which is part of stdenv.
#
# Crates: (members)
# Platforms: darwin
{ lib, pkgs }:
attrs:
lib.optionalAttrs pkgs.stdenv.hostPlatform.isDarwin {
  preInstall = ''
    find target -name '*.dSYM' -prune -exec rm -rf {} +
  '';
}
