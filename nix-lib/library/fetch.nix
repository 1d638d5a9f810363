# Sources of crates.
{
  registries ? { },
  repositories ? { },
  pkgs,
  lib,
  fetchurl,
  fetchgit,
  registryDl,
  local-source,
  ...
}:
let
  # callPackage passes nixpkgs' own `fetchurl`, which needs no override: `fetchCrate` of an overlay may not have one.
  isGiven =
    fetchurl != null
    &&
      {
        inherit fetchurl;
      } != builtins.intersectAttrs { fetchurl = null; } (
        pkgs.callPackage ({ fetchurl }@filled: filled) { }
      );
  fetchCrate = if isGiven then pkgs.fetchCrate.override { inherit fetchurl; } else pkgs.fetchCrate;
  fetchFile = if fetchurl == null then pkgs.fetchurl else fetchurl;
  # Some names that cargo allows are not valid in the store.
  storeName = lib.strings.sanitizeDerivationName;
  fetchRepository = if fetchgit == null then pkgs.fetchgit else fetchgit;

  # Expands `dl` of a registry's index configuration as cargo does.
  download =
    dl:
    {
      crateName,
      version,
      sha256,
      ...
    }:
    let
      part = from: length: builtins.substring from length crateName;
      length = builtins.stringLength crateName;
      prefix =
        if length < 3 then
          toString length
        else if length == 3 then
          "3/${part 0 1}"
        else
          "${part 0 2}/${part 2 2}";
      markers = {
        "{crate}" = crateName;
        "{version}" = version;
        "{prefix}" = prefix;
        "{lowerprefix}" = lib.toLower prefix;
        "{sha256-checksum}" = sha256;
      };
      names = lib.attrNames markers;
      isTemplate = lib.any (name: lib.hasInfix name dl) names;
    in
    builtins.replaceStrings names (lib.attrValues markers) (
      if isTemplate then dl else "${dl}/{crate}/{version}/download"
    );

  # The packed crate is fetched, as Cargo.lock has its checksum.
  registrySource =
    {
      crateName,
      version,
      sha256,
      registry ? null,
      ...
    }@attrs:
    if registry != null then
      fetchFile {
        name = storeName "${crateName}-${version}.tar.gz";
        url = download registries.${registry}.dl attrs;
        inherit sha256;
      }
    else
      fetchCrate (
        {
          inherit crateName version sha256;
          unpack = false;
        }
        // lib.optionalAttrs (registryDl != null) { inherit registryDl; }
      );

  # One fetch for all crates of a commit, with submodules, as cargo does.
  fetched = lib.mapAttrs (
    name: repository:
    fetchRepository (
      repository
      // {
        inherit name;
        fetchSubmodules = true;
      }
    )
  ) repositories;
in
attrs:
{
  registry = attrs: { src = registrySource attrs; };
  git =
    {
      checkout,
      dir ? "",
      ...
    }:
    {
      src = fetched.${checkout};
      workspace_member = if dir == "" then "." else dir;
    };
  # A directory of `cargo vendor`, or a packed crate of a local registry.
  vendored =
    {
      crateName,
      version,
      vendored,
      sha256 ? null,
      ...
    }:
    {
      src = builtins.path (
        if sha256 == null then
          {
            name = storeName crateName;
            path = local-source.visible crateName vendored;
          }
        else
          {
            name = storeName "${crateName}-${version}.tar.gz";
            path = local-source.visible crateName vendored;
            recursive = false;
            inherit sha256;
          }
      );
    };
  local = local-source.sourceOf;
}
.${attrs.source}
  attrs
