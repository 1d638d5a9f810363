# On darwin rustc puts a bundle with debug information, `app.dSYM`, beside each program. nixpkgs' builder takes the
# files in it for programs: that of a test's bundle has the test's own name, and comes in its place. Frameworks need
# nothing: they are in Apple's SDK, which is part of stdenv.
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
