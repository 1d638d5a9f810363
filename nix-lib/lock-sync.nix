/**
  A derivation that builds only while Cargo.nix matches the workspace that it was generated from.

  It runs `cratewright check`, which needs neither cargo nor a network. Its source holds what Cargo.nix depends on:
  Cargo.nix itself, Cargo.lock, manifests, cargo's configuration, and an empty file for each target. It is rebuilt when
  one of these changes or a target is added or removed, but not when a `.rs` file is edited.

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
  : path of Cargo.nix, relative to `root`

  `externalSources`
  : the same as for Cargo.nix

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
}@arguments:
let
  inherit (pkgs) lib;
  cargoNix = import ./linked.nix root (arguments.cargoNix or "Cargo.nix");
  inherit ((import ./own-arguments.nix lib "lib.lockSync").check { inherit (arguments) cratewright; })
    cratewright
    ;
  file = root + "/${cargoNix}";
  verdict = import ./stale.nix {
    inherit
      root
      file
      cargoNix
      externalSources
      ;
    value = import ./cargo-nix.nix {
      inherit
        pkgs
        root
        cargoNix
        externalSources
        ;
      lockSync = false;
    };
  };
  # The recorded questions with today's answers. A file that is missing or unreadable is left for the check to report.
  answers =
    if builtins.pathExists file && verdict.isReadable then
      lib.filterAttrs (_: answer: answer != null) verdict.now
    else
      {
        "Cargo.lock" = "";
        "Cargo.toml" = "";
      };
  library = import ./library-place.nix { inherit root cargoNix; };
  hasLibrary = library != null && builtins.pathExists (root + "/${library}");
  isFile = name: !lib.hasPrefix "(" name && name != "cratewright generate";
  files = lib.filter isFile (lib.attrNames answers);
  wanted = files ++ [ cargoNix ];
  record = import ./record/lines.nix;
  inherit (record) keyOf valueOf vendoredIn;
  linesOf = name: record.linesOf (answers.${name} or "");
  # Directories of vendored crates, of which the check reads a few files.
  vendored = lib.concatMap (name: vendoredIn (linesOf name)) files;
  isVendored =
    path:
    lib.any (
      directory:
      lib.hasPrefix "${path}/" "${directory}/"
      ||
        lib.hasPrefix "${directory}/" path
        &&
          builtins.match "[^/]*(/(Cargo[.]toml|[.]cargo-checksum[.]json|build[.]rs|src|src/lib[.]rs))?" (
            lib.removePrefix "${directory}/" path
          ) != null
    ) vendored;
  # Manifests outside the root are copied one by one; `up` is how many directories above the root they start.
  isOutside = lib.hasPrefix "../";
  outside = lib.filter isOutside files;
  aboveRoot = lib.filter isOutside (outside ++ lib.optional hasLibrary library);
  levels = path: lib.count (part: part == "..") (lib.splitString "/" path);
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
  # Only the existence of these files matters, so they are created empty.
  targetsOf =
    name:
    lib.concatMap (line: map (target: "./${dirOf name}/${target}") (valueOf line)) (
      lib.filter (lib.hasPrefix "(files") (linesOf name)
    );
  there = map keyOf (lib.filter (lib.hasSuffix " = true") (linesOf "(paths)"));
  targets = lib.concatMap targetsOf files ++ there;
  directories = lib.concatMap (
    name: map keyOf (lib.filter (lib.hasSuffix " = true") (linesOf name))
  ) (lib.filter (lib.hasPrefix "(directories) ") (lib.attrNames answers));
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
          path = verdict.on file;
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
  mkdir -p . ${lib.escapeShellArgs directories}
  for target in ${lib.escapeShellArgs targets}; do
    mkdir -p "$(dirname "$target")"
    case $target in
      */) mkdir -p "$target" ;;
      *) [ -e "$target" ] || touch "$target" ;;
    esac
  done
  cratewright check --manifests-only${import ./output-option.nix lib cargoNix}
  touch $out
''
