/**
  A derivation that builds only while Cargo.nix matches the workspace that it was made from.

  Its source is Cargo.nix, Cargo.lock, the manifests, and empty files that stand for targets: it runs again when one of
  those changes, or a target comes or goes, and not when a `.rs` file is edited. It runs `cratewright check`, which needs
  neither cargo nor a network.

  # Type

  ```
  lockSync :: { pkgs, cratewright, root, cargoNix ? "Cargo.nix", externalSources ? { } } -> Derivation
  ```

  # Inputs

  `pkgs`
  : nixpkgs

  `cratewright`
  : the package of this flake

  `root`
  : directory of Cargo.lock, as a path

  `cargoNix`
  : Cargo.nix, seen from there

  `externalSources`
  : as Cargo.nix has it

  # Example

  ```nix
  checks.cargo-nix-lock-sync = cratewright.lib.lockSync {
    inherit pkgs;
    cratewright = cratewright.packages.${system}.default;
    root = ./.;
  };
  ```
*/
{
  pkgs,
  cratewright,
  root,
  cargoNix ? "Cargo.nix",
  externalSources ? { },
}:
let
  inherit (pkgs) lib;
  inputs = import ./inputs { inherit root externalSources; };
  paths = import ./inputs/paths.nix { inherit root externalSources; };
  library = import ./library-place.nix { inherit root cargoNix; };
  hasLibrary = library != null && builtins.pathExists (root + "/${library}");
  wanted = lib.attrNames inputs ++ [ cargoNix ];
  # What is looked at in directories of vendored crates.
  vendored = lib.concatMap (
    lines:
    lib.filter (path: path != null) (
      map (line: builtins.match "[(]packages in (.*)[)] = .*" line) (lib.splitString "\n" lines)
    )
  ) (lib.attrValues inputs);
  isVendored =
    path:
    lib.any (
      directory:
      let
        rest = lib.removePrefix "${lib.head directory}/" path;
      in
      lib.hasPrefix "${path}/" "${lib.head directory}/"
      ||
        lib.hasPrefix "${lib.head directory}/" path
        &&
          builtins.match "[^/]*(/(Cargo[.]toml|[.]cargo-checksum[.]json|build[.]rs|src|src/lib[.]rs))?" rest
          != null
    ) vendored;
  # Manifests outside of the root, each by itself, and how many directories above it they begin.
  outside = lib.filter paths.isOutside (lib.attrNames inputs);
  aboveRoot = lib.filter paths.isOutside (outside ++ lib.optional hasLibrary library);
  levels = path: lib.count (part: part == "..") (paths.parts path);
  up = lib.foldl' lib.max 0 (map levels aboveRoot);
  prefix = "${toString root}/";
  src = builtins.path {
    name = "cargo-nix-lock-sync-source";
    path = root;
    filter =
      file: _:
      let
        path = lib.removePrefix prefix file;
      in
      lib.any (want: path == want || lib.hasPrefix "${path}/" want) wanted || isVendored path;
  };
  # What counts of a target is that it is there.
  targetsOf =
    manifest: lines:
    let
      files = builtins.match ".*[(]files[)] = ([^\n]*)\n.*" lines;
    in
    map (file: "${dirOf manifest}/${file}") (
      lib.optionals (files != null) (builtins.fromJSON (lib.head files))
    );
  targets = lib.concatLists (lib.mapAttrsToList targetsOf inputs);
in
pkgs.runCommand "cargo-nix-lock-sync" { nativeBuildInputs = [ cratewright ]; } ''
  workspace=$PWD${lib.concatStrings (lib.genList (level: "/above-${toString level}") up)}/workspace
  mkdir -p "$(dirname "$workspace")"
  cp -r ${src} "$workspace"
  chmod -R u+w "$workspace"
  cd "$workspace"
  ${
    lib.concatMapStrings (file: ''
      mkdir -p ${lib.escapeShellArg (dirOf file)}
      cp ${
        builtins.path {
          name = "Cargo.toml";
          path = paths.on file;
        }
      } ${lib.escapeShellArg file}
    '') outside
  }${lib.optionalString hasLibrary ''
    mkdir -p ${lib.escapeShellArg (dirOf library)}
    cp -r ${
      builtins.path {
        name = "library";
        path = root + "/${library}";
      }
    } ${lib.escapeShellArg library}
  ''}
  for target in ${lib.escapeShellArgs targets}; do
    mkdir -p "$(dirname "$target")"
    touch "$target"
  done
  cratewright check --manifests-only ${
    lib.optionalString (cargoNix != "Cargo.nix") "--output ${cargoNix}"
  }
  touch $out
''
