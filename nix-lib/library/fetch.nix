# Where every Cargo.nix takes its crates from.
{
  workspace,
  registries ? { },
  repositories ? { },
  pkgs,
  lib,
  fetchurl,
  fetchgit,
  registryDl,
  externalSources,
  ...
}:
let
  # callPackage gives what is there anyway, and not every `fetchCrate` of an overlay has `override`.
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
  # The store does not take all names that cargo takes.
  storeName = lib.strings.sanitizeDerivationName;
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
        pattern:
        builtins.replaceStrings [ "\\*\\*/" "\\*\\*" "\\*" "\\?" ] [ "(.*/)?" ".*" "[^/]*" "[^/]" ] (
          lib.escapeRegex pattern
        );
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

  # A directory that cargo builds in, whatever `build.target-dir` and the like call it: it has cargo's mark, or, where it was
  # there before, what cargo knows of rustc.
  isBuilt =
    directory:
    let
      tag = directory + "/CACHEDIR.TAG";
    in
    builtins.pathExists (directory + "/.rustc_info.json")
    || builtins.pathExists tag && lib.hasInfix "created by cargo" (builtins.readFile tag);

  # A path seen from the workspace root, as a path of Nix: what `externalSources` has, of several the nearest.
  isAt = directory: path: path == directory || lib.hasPrefix "${directory}/" path;
  givenAbove =
    path:
    lib.sort (a: b: builtins.stringLength a > builtins.stringLength b) (
      lib.filter (given: isAt given path) (lib.attrNames externalSources)
    );
  on =
    path:
    let
      given = givenAbove path;
    in
    if path == "" then
      workspace.root
    else if given != [ ] then
      externalSources.${lib.head given} + lib.removePrefix (lib.head given) path
    else
      workspace.root + "/${path}";
  visible =
    crateName: path:
    if !(lib.hasPrefix ".." path) || builtins.pathExists (on path) then
      on path
    else
      throw ''
        ${crateName} needs ${path}, outside of the workspace, where Nix cannot see it from ${toString workspace.root}.
        Have the flake in a directory that holds both, or say where it is:
          import ./Cargo.nix { externalSources."${path}" = ...; }
      '';

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
      wanted = [ dir ] ++ extraSources;
      segments = path: lib.filter (part: part != "") (lib.splitString "/" path);
      levels = path: lib.length (lib.filter (part: part == "..") (segments path));
      # Whether the first is, or has in it, the second.
      below = directory: path: directory == "" || isAt directory path;

      # What is given stands for itself; else as many directories above the workspace root as any path needs.
      given = lib.filter (given: lib.all (isAt given) wanted) (givenAbove dir);
      up = lib.foldl' lib.max 0 (map levels wanted);
      top =
        if given != [ ] then
          externalSources.${lib.head given}
        else
          workspace.root + lib.concatStrings (lib.genList (_: "/..") up);
      rootParts = segments (lib.removePrefix (toString top) (toString workspace.root));
      # A path as seen from the root, as seen from there.
      at =
        path:
        if given != [ ] then
          lib.concatStringsSep "/" (segments (lib.removePrefix (lib.head given) path))
        else
          lib.concatStringsSep "/" (
            lib.filter (part: part != "..") (lib.take (up - levels path) rootParts ++ segments path)
          );
      reachable = path: if given != [ ] then isAt (lib.head given) path else levels path <= up;

      own = at dir;
      extra = map at extraSources;
      # The workspace is none of the package that it lies in.
      excluded =
        map at (lib.filter reachable workspace.excluded) ++ lib.optional (given == [ ] && up > 0) (at "");
      nested = lib.filter (other: below own other && other != own) excluded;
      setOf = names: lib.genAttrs names (_: null);
      isExtra = setOf extra;
      above =
        path:
        let
          parts = segments path;
        in
        lib.genList (count: lib.concatStringsSep "/" (lib.take (count + 1) parts)) (lib.length parts);
      isOnTheWay = setOf (lib.concatMap above (lib.filter (path: path != "") ([ own ] ++ extra)));

      alone = extraSources == [ ] && dir != "";
      keep =
        base: file: type:
        let
          path = lib.removePrefix "/" (lib.removePrefix (toString base) file);
          full = if alone && own != "" then "${own}/${path}" else path;
          isIgnored = isLitter (lib.removePrefix "/" (lib.removePrefix (at "") full)) type;
          isOwn = below own full && !(lib.any (other: below other full) nested);
        in
        # Pipes and the like cannot be copied.
        type != "unknown" && isOnTheWay ? ${full}
        || (
          type != "unknown"
          && !isIgnored
          && (isOwn || lib.any (directory: isExtra ? ${directory}) (above full))
          && !(type == "directory" && isBuilt (base + "/${path}"))
        );
      there =
        path:
        given != [ ]
        || builtins.pathExists (workspace.root + "/${path}")
        || throw ''
          ${crateName} reads ${path}, where Nix cannot see it from ${toString workspace.root}.
          Have the flake in a directory that holds both, or give a directory that holds both to externalSources.
        '';
      # The name is the crate's: the result depends on the content alone, not on where the workspace lies.
      source =
        base:
        builtins.path {
          name = storeName crateName;
          path = base;
          filter = keep base;
        };
    in
    if alone then
      {
        src = source (visible crateName dir);
        workspace_member = ".";
      }
    else
      # All of them have to be there, whatever comes first.
      builtins.deepSeq (map there wanted) {
        src = source top;
        workspace_member = if own == "" then "." else own;
      };
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
            path = visible crateName vendored;
          }
        else
          {
            name = storeName "${crateName}-${version}.tar.gz";
            path = visible crateName vendored;
            recursive = false;
            inherit sha256;
          }
      );
    };
  local = localSource;
}
.${attrs.source}
  attrs
