# Evaluates all members and all kinds of checks of a workspace on a nixpkgs, for each pair of platforms. The value is
# the number of derivations per pair; a derivation that fails to evaluate is an error.
{
  # A value for `import nixpkgs { }`.
  nixpkgs,
  workspace,
}:
let
  inherit (builtins)
    concatMap
    filter
    isString
    listToAttrs
    split
    ;

  hosts = {
    aarch64-apple-darwin = "aarch64-darwin";
    aarch64-unknown-linux-gnu = "aarch64-linux";
    x86_64-apple-darwin = "x86_64-darwin";
    x86_64-unknown-linux-gnu = "x86_64-linux";
  };
  # Targets of cross builds as `crossSystem` of nixpkgs.
  crossSystems = {
    aarch64-apple-darwin.config = "aarch64-apple-darwin";
    aarch64-unknown-linux-gnu.config = "aarch64-unknown-linux-gnu";
    wasm32-unknown-unknown = {
      config = "wasm32-unknown-none";
      rust.rustcTarget = "wasm32-unknown-unknown";
    };
    x86_64-apple-darwin.config = "x86_64-apple-darwin";
    x86_64-pc-windows-gnu.config = "x86_64-w64-mingw32";
    x86_64-unknown-linux-gnu.config = "x86_64-unknown-linux-gnu";
    x86_64-unknown-linux-musl.config = "x86_64-unknown-linux-musl";
  };

  cargoNix = pkgs: import (workspace + "/Cargo.nix") { inherit pkgs; };

  # The pairs that Cargo.nix was resolved for, `target` or `target on host`. Reading them evaluates no builds.
  pairs = concatMap (
    pair:
    let
      words = filter isString (split " on " pair);
      target = builtins.head words;
      host = builtins.elemAt (words ++ words) 1;
    in
    if hosts ? ${host} && (host == target || crossSystems ? ${target}) then
      [
        {
          name = pair;
          value = evaluated (
            import nixpkgs (
              {
                system = hosts.${host};
              }
              // (if host == target then { } else { crossSystem = crossSystems.${target}; })
            )
          );
        }
      ]
    else
      [ ]
  ) (cargoNix (import nixpkgs { })).internal.targets;

  evaluated =
    pkgs:
    let
      results = cargoNix pkgs;
      derivations = [
        results.allWorkspaceMembers
      ]
      ++ map (kind: results.${kind}.all) [
        "benches"
        "clippy"
        "docs"
        "doctests"
        "examples"
        "tests"
      ];
    in
    builtins.length (filter (derivation: isString derivation.drvPath) derivations);
in
listToAttrs pairs
