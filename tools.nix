/**
  What `cratewright generate` would write, made in a derivation, for workspaces that commit no Cargo.nix. It is read while
  Nix evaluates (import from derivation). docs/src/without-a-committed-file.md says when not to.

  Names and arguments are those of crate2nix's `tools.nix`: who imports that, such as devenv's `languages.rust.import`,
  can import this.

  # Example

  ```nix
  (pkgs.callPackage "${cratewright}/tools.nix" { }).appliedCargoNix { name = "app"; src = ./.; }
  ```
*/
{
  pkgs,
  lib ? pkgs.lib,
  stdenv ? pkgs.stdenv,
  # Of crate2nix, and without effect: nothing here is deprecated.
  strictDeprecation ? true,
  # The program that generates.
  cratewright ?
    (import ./Cargo.nix { pkgs = pkgs.buildPackages; }).workspaceMembers.cratewright.build,
}:
let
  /**
    A derivation to import, or to give to `callPackage`: the workspace in `crate`, with Cargo.nix.

    # Inputs

    `name`
    : part of the derivation's name

    `src`
    : directory that holds the workspace, and everything that it reads

    `cargoToml`
    : the manifest in the workspace root, seen from there

    `additionalCargoNixArgs`
    : arguments of `cratewright generate`

    `additionalCrateHashes`
    : hashes of git repositories, by `git+URL?REFERENCE#NAME@VERSION`; default: `crate-hashes.json` in `src`, if it is there.
      Repositories without one are fetched by their commit, while Nix evaluates

    `cargo`, `rustc`
    : the toolchain that generates

    `registries`
    : download addresses of registries other than crates.io, as `dl` in their configuration, by source as in Cargo.lock

    `registryDl`, `fetchurl`
    : as Cargo.nix takes them
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
      # Without what version control, editors, Nix and cargo leave behind.
      workspace =
        (
          (import ./nix-lib/library/local-source.nix {
            inherit lib;
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
      "${name}: there is no Cargo.lock beside ${cargoToml}; `cargo generate-lockfile` writes one, and Nix sees what git knows of"
      lib.throwIf
      (library != null && lib.hasPrefix "../" library)
      "${name}: `library` in ${cargoToml} leads out of the workspace; leave it out, as the library is generated here too"
      lib.throwIf
      (isThere "crate2nix.json" || isThere "crate2nix-sources")
      "${name}: crate2nix.json and crate2nix-sources are not read; put these packages into Cargo.toml"
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

  # What Cargo.nix gives, with the arguments that callPackage fills in.
  appliedCargoNix = args: pkgs.callPackage (generatedCargoNix args) { inherit cratewright; };
}
