# Sources of packages of the workspace and beside it.
{
  workspace,
  lib,
  externalSources,
  ...
}:
let
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

  # A local package's own directory, without the packages nested in it, and of what is only for its tests, benchmarks and
  # examples what it reads as well. With files from outside, the source starts at a directory above all of them, and holds
  # just those beside the directory.
  sourceOf =
    {
      crateName,
      dir,
      extraSources ? [ ],
      # Directories that hold targets of other kinds than are built.
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
      # All of them have to be there, whatever comes first.
      builtins.deepSeq (map there wanted) {
        src = source top;
        workspace_member = if own == "" then "." else own;
      };
in
{
  inherit sourceOf visible;
}
