# All sources that a Cargo.lock lists, laid out as `cratewright generate --prefetched` expects them.
{
  pkgs,
  lib,
  stdenv,
  name,
  # Cargo.lock, parsed.
  lock,
  # Hashes of git repositories, in the form of crate2nix's crate-hashes.json.
  hashes,
  # Download address (`dl`) of each registry other than crates.io, by source.
  registries,
  registryDl,
  fetchurl,
}:
let
  fetch = import ./library/fetch.nix {
    inherit
      pkgs
      lib
      fetchurl
      registryDl
      ;
    fetchgit = null;
    local-source = null;
    registries = lib.mapAttrs (_: dl: { inherit dl; }) registries;
  };
  isCratesIo = source: source == "registry+https://github.com/rust-lang/crates.io-index";
  digits = text: builtins.substring 0 16 (builtins.hashString "sha256" text);
  idOf = package: "${package.name} ${package.version} (${package.source})";

  # Each source of the lock file has a `place` in the output and a `script` that fills it.
  ofGit =
    source: packages:
    let
      parts = builtins.match "git[+]([^?#]*)([?].*)?#([0-9a-f]+)" source;
      url = builtins.elemAt parts 0;
      rev = builtins.elemAt parts 2;
      base = lib.head (lib.splitString "#" source);
      given = lib.concatMap (
        package:
        lib.filter (hash: hash != null) [
          (hashes."${base}#${package.name}@${package.version}" or null)
          (hashes.${idOf package} or null)
        ]
      ) packages;
      tree =
        if given == [ ] then
          builtins.fetchGit {
            inherit url rev;
            allRefs = true;
            submodules = true;
          }
        else
          pkgs.fetchgit {
            inherit url rev;
            sha256 = lib.head given;
            fetchSubmodules = true;
          };
    in
    rec {
      place = "git/checkouts/repository-${digits url}/${rev}";
      script = ''
        mkdir -p ${dirOf place}
        ln -sfn ${tree} ${place}
      '';
    };
  ofRegistry =
    source: packages:
    let
      registry = if isCratesIo source then "crates-io" else "registry-${digits source}";
      dl =
        registries.${source} or (throw ''
          ${name}: the download address of ${source} is not known.
          Pass `dl` of that registry's configuration to generatedCargoNix:
            registries."${source}" = "https://...";
        '');
      packed =
        package:
        fetch (
          {
            source = "registry";
            crateName = package.name;
            inherit (package) version;
            sha256 = package.checksum or lock.metadata."checksum ${idOf package}";
          }
          // lib.optionalAttrs (!isCratesIo source) { registry = builtins.seq dl source; }
        );
    in
    rec {
      place = "registry/src/${registry}";
      script = ''
        mkdir -p ${place} registry/index/${registry}
      ''
      + lib.optionalString (!isCratesIo source) ''
        echo ${
          lib.escapeShellArg (builtins.toJSON { inherit dl; })
        } > registry/index/${registry}/config.json
      ''
      + lib.concatMapStrings (package: ''
        tar -xzf ${(packed package).src} -C ${place}
      '') packages;
    };
  sources =
    lib.mapAttrs (source: (if lib.hasPrefix "git+" source then ofGit else ofRegistry) source)
      (
        lib.groupBy (package: package.source) (lib.filter (package: package ? source) (lock.package or [ ]))
      );
in
stdenv.mkDerivation {
  name = "${name}-prefetched";
  preferLocalBuild = true;
  list = builtins.toJSON (lib.mapAttrs (_: source: source.place) sources);
  passAsFile = [
    "list"
    "buildCommand"
  ];
  buildCommand = ''
    mkdir "$out"
    cd "$out"
    cp "$listPath" sources.json
    ${lib.concatMapStrings (source: source.script) (lib.attrValues sources)}
  '';
}
