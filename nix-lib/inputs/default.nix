# Everything that a Cargo.nix is made from, as it is now: text by file, equal to the byte to what the file records.
# `crates/staleness` does the same in Rust, and says why each of these counts; change both or none.
{
  root,
  externalSources ? { },
}:
let
  inherit (builtins)
    all
    any
    attrNames
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    fromTOML
    genericClosure
    groupBy
    head
    isList
    isString
    listToAttrs
    mapAttrs
    match
    pathExists
    readFile
    replaceStrings
    split
    substring
    toJSON
    ;

  paths = import ./paths.nix { inherit root externalSources; };
  manifests = import ./manifest.nix { inherit paths; };
  inherit (paths)
    within
    on
    parts
    pairs
    hasPrefix
    join
    isOutside
    above
    present
    entries
    isDirectory
    isFile
    kindOf
    optional
    sorted
    unique
    ;

  inherit (manifests)
    packageOf
    patches
    replaced
    section
    absolutePaths
    inherits
    workspaceValue
    pathsOf
    ;

  lockSection = import ./lock.nix { inherit paths; };
  config = import ./config.nix {
    inherit
      paths
      manifests
      readToml
      leaves
      ;
  };
  inherit (config) configs texts;

  fileOf = directory: within directory "Cargo.toml";
  exists = directory: isFile (fileOf directory);
  # Nix cannot read a date, and would not say in which file.
  readToml =
    file:
    let
      text = readFile (on file);
      hasDate = line: isString line && match "[^\"'#]*= *[0-9]{4}-[0-9]{2}-[0-9]{2}.*" line != null;
    in
    if any hasDate (split "\n" text) then
      throw "`${file}` has a date, which Nix cannot read: set `lockSync = false`, and run `cratewright check` instead"
    else
      fromTOML text;
  load =
    directory:
    if exists directory then
      readToml (fileOf directory)
    else if directory == "" then
      throw "`Cargo.toml` does not exist"
    else
      throw "`${fileOf directory}` does not exist, to which `members` or a `path` leads";
  top = load "";
  workspace = top.workspace or null;

  isExcluded =
    directory:
    let
      lists =
        key:
        # Cargo compares paths as they are written: one with `..` stands for nothing, and `.` for everything.
        any (path: path == "" || directory == path || hasPrefix "${path}/" directory) (
          map (path: concatStringsSep "/" (parts path)) (
            filter (path: !hasPrefix "/" path && !elem ".." (parts path)) (listOf key)
          )
        );
      listOf =
        key:
        let
          list = workspace.${key} or [ ];
        in
        if isList list && all isString list then
          list
        else
          throw "`workspace.${key}` of `Cargo.toml` is no list of paths";
    in
    !isOutside directory && lists "exclude" && !lists "members";
  # A component of a pattern as a regular expression.
  regexOf =
    part:
    replaceStrings
      [
        "."
        "+"
        "("
        ")"
        "{"
        "}"
        "^"
        "$"
        "|"
        "*"
        "?"
        "[!"
      ]
      [
        "\\."
        "\\+"
        "\\("
        "\\)"
        "\\{"
        "\\}"
        "\\^"
        "\\$"
        "\\|"
        ".*"
        "."
        "[^"
      ]
      part;
  directoriesIn =
    directory: filter (name: isDirectory (within directory name)) (attrNames (entries directory));
  matches =
    directory: part:
    if part == "**" then
      [ directory ] ++ concatMap (name: matches (within directory name) part) (directoriesIn directory)
    else
      map (within directory) (filter (name: match (regexOf part) name != null) (directoriesIn directory));
  leaves =
    key: path:
    if path == null then
      throw "`${key}` is absolute, and would lead elsewhere on another machine"
    else
      path;
  expand =
    pattern:
    let
      isGlob = part: match ".*[*?[].*" part != null;
      # What a pattern stands for exists, what is spelled out need not.
      step =
        { found, glob }:
        part:
        if !isGlob part then
          {
            inherit glob;
            found = filter (directory: !glob || entries directory != { }) (
              map (directory: leaves "workspace.members = \"${pattern}\"" (join directory part)) found
            );
          }
        else if match ".*[*][*].*" part != null && part != "**" then
          throw "`workspace.members` of `Cargo.toml` has a pattern that is none, `${pattern}`"
        else
          {
            glob = true;
            found = concatMap (directory: matches directory part) found;
          };
      expanded = foldl' step {
        found = [ "" ];
        glob = false;
      } (parts pattern);
    in
    if hasPrefix "/" pattern then
      leaves "workspace.members = \"${pattern}\"" null
    else if expanded.found == [ ] then
      present [ (join "" pattern) ]
    else
      expanded.found;

  members =
    let
      keyed = map (key: {
        inherit key;
      });
      wanted = filter (directory: !isExcluded directory);
      named = concatMap expand (workspace.members or [ ]) ++ optional (packageOf top != null) "";
      closure = genericClosure {
        startSet = keyed (wanted named);
        operator =
          { key }:
          let
            manifest = load key;
          in
          if manifest ? workspace && key != "" then
            throw "`${fileOf key}` is a member and has a `[workspace]` of its own"
          else if packageOf manifest == null then
            [ ]
          else
            keyed (
              wanted (filter joins (map (leaves "path` of `${fileOf key}") (pathsOf manifest top "" key true)))
            );
      };
      found = map ({ key }: key) closure;
    in
    if workspace == null then
      optional (packageOf top != null) ""
    else
      filter (directory: packageOf (load directory) != null) found;
  # One outside of the root is no member, unless it says so itself.
  joins =
    directory:
    let
      package = packageOf (load directory);
    in
    !isOutside directory || !exists directory || join directory (package.workspace or ".") == "";
  isMember = directory: elem directory members;

  # Whether the workspace at a directory may hold a package below it: it does not exclude it.
  hasBelow =
    at: directory:
    let
      manifest = load at;
      below =
        if at == "" then
          directory
        else if hasPrefix "${at}/" directory then
          substring (builtins.stringLength at + 1) (-1) directory
        else
          "";
      lists =
        key:
        any (path: path == "" || below == path || hasPrefix "${path}/" below) (
          map (path: concatStringsSep "/" (parts path)) (
            filter (path: !hasPrefix "/" path && !elem ".." (parts path)) (manifest.workspace.${key} or [ ])
          )
        );
    in
    manifest ? workspace && !(lists "exclude" && !lists "members");

  # The workspace that a package inherits from, after the directories that were looked at on the way there.
  rootOf =
    directory:
    let
      manifest = load directory;
      package = packageOf manifest;
      pointer = if isString (package.workspace or null) then join directory package.workspace else null;
      climb =
        at:
        if exists at && hasBelow at directory then
          {
            base = at;
            seen = [ at ];
          }
        else if above at == null then
          {
            base = "";
            seen = [ "" ];
          }
        else
          let
            higher = climb (above at);
          in
          higher // { seen = optional (exists at) at ++ higher.seen; };
    in
    if isMember directory || inherits manifest == [ ] then
      {
        base = "";
        seen = [ ];
      }
    else if pointer != null then
      {
        base = pointer;
        seen = optional (exists pointer) pointer;
      }
    else
      climb directory;
  baseManifest = base: if exists base then load base else top;

  found =
    let
      keyed = map (key: {
        inherit key;
      });
      patched = map ({ value, ... }: value) (
        patches top ++ replaced top ++ concatMap patches (builtins.attrValues configs)
      );
      overrides = concatMap (config: texts (config.paths or [ ])) (builtins.attrValues configs);
      closure = genericClosure {
        startSet = keyed (
          map (path: leaves "path = \"${path}\"` of `Cargo.toml" (join "" path)) (
            concatMap (value: optional (value ? path) value.path) patched ++ overrides
          )
          ++ members
        );
        operator =
          { key }:
          if !exists key then
            [ ]
          else
            let
              inherit (rootOf key) base;
            in
            keyed (
              map (leaves "path` of `${fileOf key}") (
                pathsOf (load key) (baseManifest base) base key (isMember key)
              )
            );
      };
      directories = filter exists (map ({ key }: key) closure);
      everything = unique (
        [ "" ] ++ directories ++ concatMap (directory: (rootOf directory).seen) directories
      );
      # Nix copies a link as a link, so a package behind one would have no source.
      isLink =
        directory: above directory != null && (kindOf directory == "symlink" || isLink (above directory));
      links = filter isLink everything;
    in
    if links == [ ] then everything else throw "package `${head links}` lies behind a symbolic link";

  filesOf =
    directory: package:
    let
      has = name: isFile (within directory name);
      sources = entries (within directory "src");
      sourceFiles = filter (name: sources.${name} != "directory" && match ".*[.]rs" name != null) (
        attrNames sources
      );
      extra = package.metadata.cratewright.extra-sources or [ ];
      isThere =
        path:
        let
          joined = join directory path;
        in
        joined != null && (isFile joined || entries joined != { });
      targetsIn =
        place:
        let
          there = entries (within directory place);
          file =
            name:
            if there.${name} != "regular" && pathExists (on (within directory "${place}/${name}/main.rs")) then
              "${place}/${name}/main.rs"
            else if there.${name} != "directory" && match "[^.].*[.]rs" name != null then
              "${place}/${name}"
            else
              null;
        in
        present (map file (attrNames there));
      readmes = filter has [
        "README.md"
        "README.txt"
        "README"
      ];
    in
    sorted (
      filter has [
        "build.rs"
        "src/lib.rs"
        "src/main.rs"
      ]
      ++ concatMap targetsIn (
        [ "src/bin" ]
        ++ (
          if isMember directory then
            [
              "tests"
              "examples"
              "benches"
            ]
          else
            [ ]
        )
      )
      ++ (if package ? readme || readmes == [ ] then [ ] else [ (head readmes) ])
      ++ (
        # The first edition finds targets in more places.
        if package.edition or "2015" == "2015" then map (name: "src/${name}") sourceFiles else [ ]
      )
      ++ filter isThere (if isList extra then filter isString extra else [ ])
    );

  inheritedBy =
    directory:
    let
      inherit (rootOf directory) base;
    in
    map (
      { table, key }:
      {
        file = fileOf base;
        name = "workspace.${table}.${key}";
        value =
          if (baseManifest base).workspace.${table} or { } ? ${key} then
            workspaceValue (baseManifest base) table key
          else
            throw "`${fileOf directory}` inherits `workspace.${table}.${key}`, which `[workspace]` has not";
      }
    ) (inherits (load directory));
  allInherited = groupBy (inherited: inherited.file) (concatMap inheritedBy found);
  manifestSection =
    directory:
    let
      manifest = load directory;
      package = packageOf manifest;
      inherited = allInherited.${fileOf directory} or [ ];
      checked =
        section:
        let
          absolute = absolutePaths section;
        in
        if absolute == [ ] then section else leaves "${head absolute}` of `${fileOf directory}" null;
    in
    checked (
      listToAttrs (map ({ name, value, ... }: { inherit name value; }) inherited)
      // section manifest
      // (
        if package == null then
          { }
        else
          {
            "(is a member)" = isMember directory;
            "(files)" = filesOf directory package;
          }
      )
    );

  # Keys that are inherited, `key.workspace = true`, stand together in one line for each table.
  lines =
    section:
    let
      tableOf =
        { name, value }: if value == { workspace = true; } then match "(.*)[.]([^.]*)" name else null;
      inherited = groupBy head (filter (parts: parts != null) (map tableOf (pairs section)));
      together = listToAttrs (
        map (table: {
          name = "${table}.(workspace)";
          value = map (parts: elemAt parts 1) inherited.${table};
        }) (attrNames inherited)
      );
      alone = listToAttrs (filter (pair: tableOf pair == null) (pairs section));
    in
    concatStringsSep "" (
      map ({ name, value }: "${name} = ${toJSON value}\n") (pairs (alone // together))
    );
in
mapAttrs (_: lines) (
  listToAttrs (
    map (directory: {
      name = fileOf directory;
      value = manifestSection directory;
    }) found
  )
  // config.sections
  // {
    "Cargo.lock" = lockSection;
  }
)
