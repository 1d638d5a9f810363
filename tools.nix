/**
  Runs `cratewright generate` in a derivation, for workspaces that do not commit a Cargo.nix. The result is imported
  during evaluation (import from derivation). docs/src/without-a-committed-file.md says when not to use this.

  Names and arguments are those of crate2nix's `tools.nix`, so code that imports it, such as devenv's
  `languages.rust.import`, can import this file instead.

  # Example

  ```nix
  (pkgs.callPackage "${cratewright}/tools.nix" { }).appliedCargoNix { name = "app"; src = ./.; }
  ```
*/
{
  pkgs,
  lib ? pkgs.lib,
  stdenv ? pkgs.stdenv,
  # Accepted for compatibility with crate2nix. It has no effect, as nothing here is deprecated.
  strictDeprecation ? true,
  # The cratewright package that generates Cargo.nix.
  cratewright ?
    (import ./Cargo.nix { pkgs = pkgs.buildPackages; }).workspaceMembers.cratewright.build,
}:
let
  /**
    A derivation to import, or to pass to `callPackage`. It holds the workspace in `crate`, with Cargo.nix.

    # Inputs

    `name`
    : name of the workspace, used in names of derivations and in messages

    `src`
    : directory that contains the workspace and all files that it reads

    `cargoToml`
    : path of the workspace root's manifest, relative to `src`

    `additionalCargoNixArgs`
    : arguments of `cratewright generate`

    `additionalCrateHashes`
    : hashes of git repositories, by `git+URL?REFERENCE#NAME@VERSION`; default: those in `crate-hashes.json` of `src`, if
      it exists. Repositories without a hash are fetched by their commit during evaluation

    `cargo`, `rustc`
    : the toolchain that `cratewright generate` runs

    `registries`
    : download addresses (`dl`) of registries other than crates.io, by source as in Cargo.lock

    `registryDl`, `fetchurl`
    : the same as for Cargo.nix
  */
  generatedCargoNix =
    {
      name,
      src,
      cargoToml ? "Cargo.toml",
      additionalCargoNixArgs ? [ ],
      additionalCrateHashes ?
        let
          file = src + "/crate-hashes.json";
        in
        lib.optionalAttrs (builtins.pathExists file) (builtins.fromJSON (builtins.readFile file)),
      cargo ? pkgs.buildPackages.cargo,
      rustc ? pkgs.buildPackages.rustc,
      registries ? { },
      registryDl ? null,
      fetchurl ? null,
    }:
    let
      directory = dirOf cargoToml;
      top = if builtins.isPath src then src else "${src}";
      root = top + "/${directory}";
      # Without files of version control, editors, Nix and cargo.
      workspace =
        (
          (import ./nix-lib/library/local-source.nix {
            inherit lib;
            git-path = import ./nix-lib/library/git-path.nix { };
            externalSources = { };
            workspace = {
              root = top;
              excluded = [ ];
            };
          }).sourceOf
          {
            crateName = name;
            dir = "";
            leftOut = [ ];
          }
        ).src;
      library = import ./nix-lib/library-place.nix {
        inherit root;
        cargoNix = "Cargo.nix";
      };
      generated = import ./nix-lib/generated.nix {
        inherit
          lib
          stdenv
          name
          workspace
          directory
          library
          cratewright
          cargo
          rustc
          ;
        arguments = additionalCargoNixArgs;
        prefetched = import ./nix-lib/prefetched.nix {
          inherit
            pkgs
            lib
            stdenv
            name
            registries
            registryDl
            fetchurl
            ;
          lock = builtins.fromTOML (builtins.readFile (root + "/Cargo.lock"));
          hashes = additionalCrateHashes;
        };
      };
      isThere = file: builtins.pathExists (root + "/${file}");
    in
    lib.throwIfNot (isThere "Cargo.toml") "${name}: there is no ${cargoToml} in `src`" lib.throwIfNot
      (isThere "Cargo.lock")
      "${name}: there is no Cargo.lock next to ${cargoToml}; run `cargo generate-lockfile`, and `git add` the file"
      lib.throwIf
      (library != null && lib.hasPrefix "../" library)
      "${name}: `library` in ${cargoToml} is outside the workspace; remove the key: the library is generated here too"
      lib.throwIf
      (isThere "crate2nix.json" || isThere "crate2nix-sources")
      "${name}: crate2nix.json and crate2nix-sources are not supported; add their packages to Cargo.toml"
      stdenv.mkDerivation
      {
        name = "${name}-cargo-nix";
        preferLocalBuild = true;
        passthru = { inherit generated; };
        buildCommand = ''
          mkdir "$out"
          cp -r ${workspace} "$out/crate"
          chmod -R u+w "$out/crate"
          cp -r ${generated}/. "$out/crate/"${lib.escapeShellArg directory}
          echo "import (./crate + "${lib.escapeShellArg (builtins.toJSON "/${directory}/Cargo.nix")}")" > "$out/default.nix"
        '';
      };
in
{
  inherit generatedCargoNix;

  # The value of Cargo.nix, called with callPackage.
  appliedCargoNix = args: pkgs.callPackage (generatedCargoNix args) { inherit cratewright; };
}
