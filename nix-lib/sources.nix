# Where every Cargo.nix takes its crates from. Source: nix-lib/sources.nix of cratewright.
{
  workspace,
  registries,
  repositories,
  pkgs,
  lib,
  fetchurl,
  fetchgit,
  registryDl,
  externalSources,
}:
let
  fetchCrate =
    if fetchurl == null then pkgs.fetchCrate else pkgs.fetchCrate.override { inherit fetchurl; };
  fetchFile = if fetchurl == null then pkgs.fetchurl else fetchurl;
  fetchRepository = if fetchgit == null then pkgs.fetchgit else fetchgit;

  # `dl` of a registry's index configuration, as cargo reads it.
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

  # Cargo.lock has the checksum of the packed crate, so that is what is fetched.
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
        name = "${crateName}-${version}.tar.gz";
        url = download registries.${registry} attrs;
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

  # One fetch for all crates of a commit, with the submodules that cargo has as well.
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

  # What editors, version control and Nix leave behind, and what [workspace.metadata.cratewright] names.
  isLitter =
    path: type:
    let
      name = baseNameOf path;
      leftBehind = "[.](git|hg|jj|svn|direnv|idea|vscode|DS_Store)|.*~|[.].*[.]sw[a-z]|[.]#.*|#.*#";
      regex =
        builtins.replaceStrings
          [
            "**/"
            "**"
            "*"
            "?"
            "."
            "+"
            "("
            ")"
            "{"
            "}"
            "^"
            "$"
            "|"
          ]
          [
            "(.*/)?"
            ".*"
            "[^/]*"
            "[^/]"
            "[.]"
            "[+]"
            "[(]"
            "[)]"
            "[{]"
            "[}]"
            "\\^"
            "[$]"
            "[|]"
          ];
      # As in .gitignore: one with a slash is a path, one without is a name anywhere.
      isNamed =
        pattern:
        builtins.match (regex (lib.removePrefix "/" pattern)) (
          if lib.hasInfix "/" pattern then path else name
        ) != null;
    in
    builtins.match leftBehind name != null
    || type == "symlink" && builtins.match "result(-.*)?" name != null
    || lib.any isNamed (workspace.ignored or [ ]);

  # A local package's own directory, without the packages nested in it. With files from outside, the source starts at a
  # directory above all of them, and holds just those beside the directory.
  localSource =
    {
      crateName,
      dir,
      extraSources ? [ ],
      ...
    }:
    let
      levels = path: if lib.hasPrefix "../" path then 1 + levels (lib.removePrefix "../" path) else 0;
      inside = extraSources == [ ] && dir != "";
      given = externalSources.${dir} or null;
      # As many directories above the workspace root as any path needs.
      up = lib.foldl' lib.max 0 (map levels ([ dir ] ++ extraSources));
      top = workspace.root + lib.concatStrings (lib.genList (_: "/..") up);
      rootParts = lib.filter (part: part != "") (
        lib.splitString "/" (lib.removePrefix (toString top) (toString workspace.root))
      );
      # A path as seen from the root, as seen from there.
      at =
        path:
        let
          parts = lib.take (up - levels path) rootParts ++ lib.splitString "/" path;
        in
        lib.concatStringsSep "/" (lib.filter (part: part != "" && part != "..") parts);
      # Whether the second is the first, or in it.
      below = directory: path: directory == "" || path == directory || lib.hasPrefix "${directory}/" path;
      extra = map at extraSources;
      own = at dir;
      excluded = map at (lib.filter (path: levels path <= up) workspace.excluded);
      keep =
        base: file: type:
        let
          path = lib.removePrefix "/" (lib.removePrefix (toString base) file);
          full = if inside then "${own}/${path}" else path;
          isIgnored = full != own && isLitter (lib.removePrefix "/" (lib.removePrefix (at "") full)) type;
          isOwn = below own full && !(lib.any (other: below other full && !(below other own)) excluded);
        in
        lib.any (want: below full want) ([ own ] ++ extra)
        || (!isIgnored && (isOwn || lib.any (want: below want full) extra));
      # The name is the crate's: the result depends on the content alone, not on where the workspace lies.
      source =
        base:
        builtins.path {
          name = crateName;
          path = base;
          filter = keep base;
        };
    in
    if given != null && inside then
      {
        src = builtins.path {
          name = crateName;
          path = given;
          filter = path: type: !(isLitter path type);
        };
        workspace_member = ".";
      }
    else if up > 0 && !(builtins.pathExists (workspace.root + "/${dir}")) then
      throw ''
        ${crateName} lies outside the workspace, at ${dir}, where Nix cannot see it from ${toString workspace.root}.
        Have the flake in a directory that holds both, or say where it is:
          import ./Cargo.nix { externalSources."${dir}" = ...; }
      ''
    else if inside then
      {
        src = source (workspace.root + "/${dir}");
        workspace_member = ".";
      }
    else
      {
        src = source top;
        workspace_member = if own == "" then "." else own;
      };
in
{
  registry = attrs: { src = registrySource attrs; };
  git =
    {
      repository,
      dir ? "",
      ...
    }:
    {
      src = fetched.${repository};
      workspace_member = if dir == "" then "." else dir;
    };
  # A directory of `cargo vendor`, or a packed crate of a local registry.
  vendored =
    {
      crateName,
      version,
      vendored,
      ...
    }:
    {
      src = builtins.path {
        name = if lib.hasSuffix ".crate" vendored then "${crateName}-${version}.tar.gz" else crateName;
        path = workspace.root + "/${vendored}";
      };
    };
  local = localSource;
}
