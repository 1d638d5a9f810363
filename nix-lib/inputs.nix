# Everything that a Cargo.nix is made from, as it is now: text by file, equal to the byte to what the file records.
# `crates/staleness` does the same in Rust, and says why each of these counts; change both or none.
{ root }:
let
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    fromTOML
    genericClosure
    groupBy
    hashString
    head
    intersectAttrs
    isAttrs
    isList
    isString
    length
    listToAttrs
    mapAttrs
    match
    pathExists
    readDir
    readFile
    replaceStrings
    sort
    split
    stringLength
    substring
    tail
    toJSON
    ;

  # Paths are texts, seen from the root; the root itself is empty.
  within = directory: name: if directory == "" then name else "${directory}/${name}";
  on = path: if path == "" then root else root + "/${path}";
  parts = path: filter (part: isString part && part != "" && part != ".") (split "/" path);
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  # Nothing where it leads out of the root.
  join =
    directory: path:
    let
      step =
        above: part:
        if above == null then
          null
        else if part != ".." then
          above ++ [ part ]
        else if above == [ ] then
          null
        else
          init above;
      joined = foldl' step (parts directory) (parts path);
    in
    if hasPrefix "/" path || joined == null then null else concatStringsSep "/" joined;
  init = list: map (elemAt list) (range (length list - 1));
  range = count: builtins.genList (ix: ix) count;
  present = filter (value: value != null);

  entries = directory: if pathExists (on directory) then readDir (on directory) else { };
  isFile =
    path:
    let
      segments = parts path;
      name = elemAt segments (length segments - 1);
      kind = (entries (concatStringsSep "/" (init segments))).${name} or null;
    in
    kind == "regular" || (kind == "symlink" && pathExists (on path));

  optional = condition: value: if condition then [ value ] else [ ];
  pairs =
    set:
    map (name: {
      inherit name;
      value = set.${name};
    }) (attrNames set);
  strings = table: key: filter isString (table.${key} or [ ]);
  unique = foldl' (list: item: if elem item list then list else list ++ [ item ]) [ ];
  sorted = values: if isList values then unique (sort builtins.lessThan values) else values;

  ### Manifests, see crates/staleness/src/manifest.rs

  packageKeys = [
    "name"
    "version"
    "edition"
    "rust-version"
    "authors"
    "description"
    "homepage"
    "license"
    "license-file"
    "readme"
    "repository"
    "links"
    "build"
    "autolib"
    "autobins"
    "resolver"
    "forced-target"
    "default-target"
  ];
  targetKeys = {
    name = null;
    path = null;
    crate-type = null;
    crate_type = null;
    proc-macro = null;
    proc_macro = null;
    edition = null;
    required-features = null;
  };
  packageOf = manifest: manifest.package or manifest.project or null;
  normalized =
    dependency:
    if isString dependency then
      { version = dependency; }
    else if isAttrs dependency then
      listToAttrs (
        map (
          { name, value }:
          {
            name = if name == "default_features" then "default-features" else name;
            value = if name == "features" then sorted value else value;
          }
        ) (pairs dependency)
      )
    else
      dependency;
  dependenciesIn =
    prefix: tables:
    concatMap
      (
        kind:
        let
          table = tables.${kind} or tables.${replaceStrings [ "-" ] [ "_" ] kind} or { };
        in
        map (
          { name, value }:
          {
            key = "${prefix}${kind}.${name}";
            inherit kind name;
            value = normalized value;
          }
        ) (pairs table)
      )
      [
        "dependencies"
        "dev-dependencies"
        "build-dependencies"
      ];
  dependencies =
    manifest:
    dependenciesIn "" manifest
    ++ concatMap ({ name, value }: dependenciesIn "target.${name}." value) (
      pairs (manifest.target or { })
    );
  patches =
    table:
    concatMap (
      source:
      map ({ name, value }: {
        name = "patch.${source.name}.${name}";
        value = normalized value;
      }) (pairs source.value)
    ) (pairs (table.patch or { }));
  replaced =
    manifest:
    map ({ name, value }: {
      name = "replace.${name}";
      value = normalized value;
    }) (pairs (manifest.replace or { }));
  prefixed =
    prefix: set:
    map ({ name, value }: {
      name = "${prefix}${name}";
      inherit value;
    }) (pairs set);
  ownMetadata =
    name: table: prefixed "${name}.metadata.cratewright." (table.metadata.cratewright or { });
  section =
    manifest:
    let
      package = packageOf manifest;
      workspace = manifest.workspace or null;
    in
    listToAttrs (
      optional (manifest ? cargo-features) {
        name = "cargo-features";
        value = manifest.cargo-features;
      }
      ++ (
        if package == null then
          [ ]
        else
          prefixed "package." (
            intersectAttrs (listToAttrs (
              map (name: {
                inherit name;
                value = null;
              }) packageKeys
            )) package
          )
          ++ ownMetadata "package" package
      )
      ++ optional (manifest ? lib) {
        name = "lib";
        value = intersectAttrs targetKeys manifest.lib;
      }
      ++ map (bin: {
        name = "bin.${bin.name or ""}";
        value = intersectAttrs targetKeys bin;
      }) (lastOfEach (manifest.bin or [ ]))
      ++ prefixed "features." (mapAttrs (_: sorted) (manifest.features or { }))
      ++ map ({ key, value, ... }: {
        name = key;
        inherit value;
      }) (dependencies manifest)
      ++ concatMap (
        { name, value }:
        optional (value ? inherits) {
          name = "profile.${name}.inherits";
          value = value.inherits;
        }
      ) (pairs (manifest.profile or { }))
      ++ replaced manifest
      ++ patches manifest
      ++ (
        if workspace == null then
          [ ]
        else
          optional (workspace ? resolver) {
            name = "workspace.resolver";
            value = workspace.resolver;
          }
          ++ ownMetadata "workspace" workspace
      )
    );
  # Of equal names listToAttrs keeps the first, and the last one counts.
  lastOfEach = list: foldl' (later: item: [ item ] ++ later) [ ] list;
  isInherited = value: isAttrs value && value.workspace or null == true;
  inherits =
    manifest:
    let
      package = packageOf manifest;
      keys =
        if package == null then [ ] else filter (key: isInherited (package.${key} or null)) packageKeys;
    in
    map (key: {
      table = "package";
      inherit key;
    }) keys
    ++ map (dependency: {
      table = "dependencies";
      key = dependency.name;
    }) (filter (dependency: isInherited dependency.value) (dependencies manifest));
  workspaceValue =
    manifest: table: key:
    let
      value = manifest.workspace.${table}.${key};
    in
    if table == "dependencies" then normalized value else value;
  # Path dependencies with the directory that their path is relative to.
  pathsOf =
    own: ownRoot: base: directory: withDev:
    present (
      map (
        dependency:
        let
          shared = normalized (ownRoot.workspace.dependencies.${dependency.name} or { });
        in
        if dependency.kind == "dev-dependencies" && !withDev then
          null
        else if dependency.value ? path then
          join directory dependency.value.path
        else if dependency.value ? workspace && shared ? path then
          join base shared.path
        else
          null
      ) (dependencies own)
    );

  ### The workspace, see crates/staleness/src/workspace.rs

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

  ### The lock, see crates/staleness/src/lock.rs

  lock = fromTOML (readFile (on "Cargo.lock"));
  packages = optional (lock ? root) lock.root ++ lock.package or [ ];
  byName = groupBy (package: package.name) packages;
  keyOf =
    package:
    let
      source = package.source or "registry+https://github.com/rust-lang/crates.io-index";
      suffix =
        if source == "registry+https://github.com/rust-lang/crates.io-index" then "" else " (${source})";
    in
    "${package.name} ${package.version}${suffix}";
  resolved =
    dependency:
    let
      words = match "([^ ]*)( ([^ ]*)( [(](.*)[)])?)?" dependency;
      version = elemAt words 2;
      source = elemAt words 4;
      fits =
        package:
        (version == null || package.version == version)
        && (source == null || package.source or null == source);
      fitting = filter fits (byName.${head words} or [ ]);
    in
    if fitting == [ ] then dependency else keyOf (head fitting);
  digestOf =
    package:
    let
      olderKey = "checksum ${package.name} ${package.version} (${package.source or ""})";
      checksum = package.checksum or lock.metadata.${olderKey} or "";
      facts = [
        (if package ? source then "" else "local")
        (if checksum == "<none>" then "" else checksum)
        (package.replace or "")
      ];
    in
    substring 0 16 (
      hashString "sha256" (
        concatStringsSep "\n" (facts ++ sort builtins.lessThan (map resolved (package.dependencies or [ ])))
      )
    );
  lockSection =
    if lock.version or 0 > 4 then
      throw "`Cargo.lock` has version ${toString lock.version} of the format, and 4 is the newest that is known"
    else
      listToAttrs (
        map (package: {
          name = keyOf package;
          value = digestOf package;
        }) packages
      );

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
