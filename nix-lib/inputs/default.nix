# Everything that a Cargo.nix is made from, as it is now: text by file, equal to the byte to what the file records.
# `crates/staleness` does the same in Rust, and says why each of these counts; change both or none.
{ root }:
let
  inherit (builtins)
    any
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    fromTOML
    genericClosure
    groupBy
    head
    listToAttrs
    mapAttrs
    match
    readFile
    replaceStrings
    sort
    toJSON
    ;

  paths = import ./paths.nix { inherit root; };
  manifests = import ./manifest.nix { inherit paths; };
  inherit (paths)
    within
    on
    parts
    pairs
    hasPrefix
    join
    init
    present
    entries
    isFile
    optional
    strings
    unique
    ;

  inherit (manifests)
    packageOf
    patches
    replaced
    section
    inherits
    workspaceValue
    pathsOf
    ;

  lockSection = import ./lock.nix { inherit paths; };

  fileOf = directory: within directory "Cargo.toml";
  exists = directory: isFile (fileOf directory);
  load =
    directory:
    if exists directory then
      fromTOML (readFile (on (fileOf directory)))
    else
      throw "`${fileOf directory}` does not exist, to which the workspace leads";
  top = load "";
  workspace = top.workspace or null;

  isExcluded =
    directory:
    let
      lists =
        key:
        any (path: directory == path || hasPrefix "${path}/" directory) (
          present (map (join "") (strings workspace key))
        );
    in
    lists "exclude" && !lists "members";
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
    directory:
    let
      found = entries directory;
      isDirectory =
        name:
        found.${name} == "directory" || (found.${name} == "symlink" && exists (within directory name));
    in
    filter isDirectory (attrNames found);
  matches =
    directory: part:
    if part == "**" then
      [ directory ] ++ concatMap (name: matches (within directory name) part) (directoriesIn directory)
    else
      map (within directory) (filter (name: match (regexOf part) name != null) (directoriesIn directory));
  expand =
    pattern:
    let
      step =
        found: part:
        if match ".*[*?[].*" part == null then
          present (map (directory: join directory part) found)
        else
          concatMap (directory: matches directory part) found;
      found = foldl' step [ "" ] (parts pattern);
    in
    if found == [ ] then present [ (join "" pattern) ] else found;

  members =
    let
      keyed = map (key: {
        inherit key;
      });
      wanted = filter (directory: !isExcluded directory);
      named = concatMap expand (strings workspace "members") ++ optional (packageOf top != null) "";
      closure = genericClosure {
        startSet = keyed (wanted named);
        operator =
          { key }:
          let
            manifest = load key;
          in
          if packageOf manifest == null then [ ] else keyed (wanted (pathsOf manifest top "" key true));
      };
      found = map ({ key }: key) closure;
    in
    if workspace == null then
      optional (packageOf top != null) ""
    else
      filter (directory: packageOf (load directory) != null) found;
  isMember = directory: elem directory members;

  # The workspace that a package inherits from, after the directories that were looked at on the way there.
  rootOf =
    directory:
    let
      manifest = load directory;
      climb =
        at:
        if exists at && (load at) ? workspace then
          {
            base = at;
            seen = [ at ];
          }
        else if at == "" then
          {
            base = at;
            seen = [ at ];
          }
        else
          let
            above = climb (concatStringsSep "/" (init (parts at)));
          in
          above // { seen = optional (exists at) at ++ above.seen; };
    in
    if isMember directory || inherits manifest == [ ] then
      {
        base = "";
        seen = [ ];
      }
    else
      climb directory;
  baseManifest = base: if exists base then load base else top;

  found =
    let
      keyed = map (key: {
        inherit key;
      });
      patched = map ({ value, ... }: value) (patches top ++ replaced top);
      closure = genericClosure {
        startSet = keyed (
          present (map (value: if value ? path then join "" value.path else null) patched) ++ members
        );
        operator =
          { key }:
          if !exists key then
            [ ]
          else
            let
              inherit (rootOf key) base;
            in
            keyed (pathsOf (load key) (baseManifest base) base key (isMember key));
      };
      directories = filter exists (map ({ key }: key) closure);
    in
    unique ([ "" ] ++ directories ++ concatMap (directory: (rootOf directory).seen) directories);

  filesOf =
    directory: package:
    let
      has = name: isFile (within directory name);
      bin = entries (within directory "src/bin");
      binFile =
        name:
        if bin.${name} != "regular" && has "src/bin/${name}/main.rs" then
          "src/bin/${name}/main.rs"
        else if bin.${name} != "directory" && match "[^.].*[.]rs" name != null then
          "src/bin/${name}"
        else
          null;
      readmes = filter has [
        "README.md"
        "README.txt"
        "README"
      ];
    in
    sort builtins.lessThan (
      filter has [
        "build.rs"
        "src/lib.rs"
        "src/main.rs"
      ]
      ++ present (map binFile (attrNames bin))
      ++ (if package ? readme || readmes == [ ] then [ ] else [ (head readmes) ])
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
        value = workspaceValue (baseManifest base) table key;
      }
    ) (inherits (load directory));
  allInherited = groupBy (inherited: inherited.file) (concatMap inheritedBy found);
  manifestSection =
    directory:
    let
      manifest = load directory;
      package = packageOf manifest;
      inherited = allInherited.${fileOf directory} or [ ];
    in
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
    );

  configFile = filter isFile [
    ".cargo/config.toml"
    ".cargo/config"
  ];
  config = fromTOML (readFile (on (head configFile)));
  configSection =
    listToAttrs (patches config) // (if config ? paths then { inherit (config) paths; } else { });

  lines =
    section: concatStringsSep "" (map ({ name, value }: "${name} = ${toJSON value}\n") (pairs section));
in
mapAttrs (_: lines) (
  listToAttrs (
    map (directory: {
      name = fileOf directory;
      value = manifestSection directory;
    }) found
    ++ optional (configFile != [ ] && configSection != { }) {
      name = head configFile;
      value = configSection;
    }
  )
  // {
    "Cargo.lock" = lockSection;
  }
)
