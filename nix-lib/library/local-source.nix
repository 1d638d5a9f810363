# Sources of local packages, inside and outside the workspace.
{
  workspace,
  lib,
  externalSources,
  git-path,
  ...
}:
let
  # Files of editors, version control and Nix, and those that [workspace.metadata.cratewright] excludes.
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
      # As in .gitignore: a pattern with a slash is a path, one without matches a name in any directory.
      isNamed =
        pattern:
        builtins.match (regex (lib.removePrefix "/" pattern)) (
          if lib.hasInfix "/" pattern then path else name
        ) != null;
    in
    builtins.match leftBehind name != null
    || type == "symlink" && builtins.match "result(-.*)?" name != null
    || lib.any isNamed (workspace.ignored or [ ]);

  # Whether cargo builds in this directory, whatever its name: it has cargo's CACHEDIR.TAG, or, if it existed before
  # cargo used it, `.rustc_info.json`.
  isBuilt =
    directory:
    let
      tag = directory + "/CACHEDIR.TAG";
    in
    builtins.pathExists (directory + "/.rustc_info.json")
    || builtins.pathExists tag && lib.hasInfix "created by cargo" (builtins.readFile tag);

  # The Nix path of a path relative to the workspace root. The nearest directory in `externalSources` takes precedence.
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
  # The remedy for files that exist without being tracked by git, if the workspace may be part of a flake.
  untracked =
    path:
    let
      tracked = git-path.of workspace.root path;
    in
    lib.optionalString (tracked != null) "\n  help: ${git-path.add workspace.root [ tracked ]}";
  # Outside of the store, Nix sees all files.
  isInStore = git-path.of workspace.root "." != null;
  visible =
    crateName: path:
    if !(lib.hasPrefix ".." path) || builtins.pathExists (on path) then
      on path
    else if givenAbove path != [ ] then
      throw ''
        ${crateName} needs ${path}, which does not exist in `externalSources.${builtins.toJSON (lib.head (givenAbove path))}`
          help: pass the directory that contains it
      ''
    else if !isInStore then
      throw ''
        ${crateName} needs ${path}, which does not exist in ${toString workspace.root}
          help: restore it, or run `cratewright generate` if ${crateName} is elsewhere by now
      ''
    else
      throw ''
        ${crateName} needs ${path}, outside the workspace, which Nix cannot see from ${toString workspace.root}${untracked path}
          help: put the flake into a directory that contains both, or pass `externalSources."${path}" = ...;` to Cargo.nix${
            lib.optionalString (
              externalSources != { }
            ) "; `externalSources` has ${lib.concatStringsSep ", " (lib.attrNames externalSources)}"
          }
      '';

  # The source of a local package: its directory without nested packages, and without files that only tests, benchmarks
  # and examples use, unless the package reads them. If it reads files outside its directory, the source starts at a
  # directory that contains all of them, and holds nothing else from there.
  sourceOf =
    {
      crateName,
      dir,
      extraSources ? [ ],
      # Directories of targets that are not built.
      leftOut ? [
        "benches"
        "examples"
        "tests"
      ],
      ...
    }:
    let
      wanted = [ dir ] ++ extraSources;
      segments = path: lib.filter (part: part != "") (lib.splitString "/" path);
      levels = path: lib.length (lib.filter (part: part == "..") (segments path));
      # Whether `directory` is `path` or contains it.
      below = directory: path: directory == "" || isAt directory path;

      # The top of the source: a directory of `externalSources` that contains all paths, or the nearest directory above
      # the workspace root that does.
      given = lib.filter (given: lib.all (isAt given) wanted) (givenAbove dir);
      up = lib.foldl' lib.max 0 (map levels wanted);
      top =
        if given != [ ] then
          externalSources.${lib.head given}
        else
          workspace.root + lib.concatStrings (lib.genList (_: "/..") up);
      rootParts = segments (lib.removePrefix (toString top) (toString workspace.root));
      # A path relative to `top`, from one relative to the workspace root.
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
      # A package outside the workspace does not include the workspace, even if its directory contains it.
      excluded =
        map at (lib.filter reachable workspace.excluded) ++ lib.optional (given == [ ] && up > 0) (at "");
      nested = lib.filter (other: below own other && other != own) (
        excluded ++ map (name: if own == "" then name else "${own}/${name}") leftOut
      );
      setOf = names: lib.genAttrs names (_: null);
      isExtra = setOf extra;
      above =
        path:
        let
          parts = segments path;
        in
        lib.genList (count: lib.concatStringsSep "/" (lib.take (count + 1) parts)) (lib.length parts);
      isOnTheWay = setOf (lib.concatMap above (lib.filter (path: path != "") ([ own ] ++ extra)));

      alone = dir != "" && lib.all (below own) extra;
      keep =
        base: file: type:
        let
          path = lib.removePrefix "/" (lib.removePrefix (toString base) file);
          full = if alone && own != "" then "${own}/${path}" else path;
          isIgnored = isLitter (lib.removePrefix "/" (lib.removePrefix (at "") full)) type;
          isOwn = below own full && !(lib.any (other: below other full) nested);
        in
        # Special files such as pipes cannot be copied.
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
        || throw (
          "${crateName} reads ${path}, which Nix cannot see from ${toString workspace.root}${untracked path}\n  help: "
          + (
            if levels path == 0 then
              "if it does not exist, create it, or run `cratewright generate` if ${crateName} no longer reads it\n"
            else if !isInStore then
              "restore it, or run `cratewright generate` if ${crateName} no longer reads it\n"
            else
              "put the flake into a directory that contains both${
                # A package in the workspace root is always taken from there.
                lib.optionalString (lib.hasPrefix ".." dir) ", or pass such a directory in `externalSources`"
              }\n"
          )
        );
      # The source is named after the crate, so that its store path does not depend on the location of the workspace.
      source =
        base:
        builtins.path {
          name = lib.strings.sanitizeDerivationName crateName;
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
      # Check all paths, so that the error does not depend on the order of evaluation.
      builtins.deepSeq (map there wanted) {
        src = source top;
        workspace_member = if own == "" then "." else own;
      };
  # Paths that `owner` lists.
  listed =
    owner:
    map (
      path:
      if builtins.pathExists (on path) then
        path
      else
        throw "${owner} names ${path}, which does not exist in ${toString workspace.root}${untracked path}\n"
    );
in
{
  inherit listed sourceOf visible;
}
