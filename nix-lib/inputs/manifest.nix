# What of a Cargo.toml counts: `crates/staleness/src/manifest.rs` in Nix.
{ paths }:
let
  inherit (builtins)
    concatMap
    filter
    foldl'
    intersectAttrs
    isAttrs
    isString
    listToAttrs
    mapAttrs
    match
    replaceStrings
    ;

  inherit (paths)
    join
    optional
    pairs
    sorted
    ;

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
    "autotests"
    "autoexamples"
    "autobenches"
    "resolver"
    "forced-target"
    "default-target"
    "workspace"
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
    test = null;
    doctest = null;
    harness = null;
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
  # What is in the tables of a table, a key a line.
  subtables =
    prefix: set:
    concatMap (
      { name, value }:
      if isAttrs value then prefixed "${prefix}${name}." value else prefixed prefix { ${name} = value; }
    ) (pairs set);
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
      ++
        concatMap
          (
            kind:
            map (target: {
              name = "${kind}.${target.name or ""}";
              value = intersectAttrs targetKeys target;
            }) (lastOfEach (manifest.${kind} or [ ]))
          )
          [
            "bin"
            "test"
            "example"
            "bench"
          ]
      ++ subtables "lints." (manifest.lints or { })
      ++ prefixed "features." (mapAttrs (_: sorted) (manifest.features or { }))
      ++ map ({ key, value, ... }: {
        name = key;
        inherit value;
      }) (dependencies manifest)
      ++ subtables "profile." (manifest.profile or { })
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
          ++ subtables "workspace.lints." (workspace.lints or { })
          ++ ownMetadata "workspace" workspace
      )
    );
  # Of equal names listToAttrs keeps the first, and the last one counts.
  lastOfEach = list: foldl' (later: item: [ item ] ++ later) [ ] list;
  # Absolute paths in a section, as they are written there.
  absolutePaths =
    section:
    let
      isPath =
        key:
        match "package[.](build|license-file|readme|workspace)|workspace[.]package[.](license-file|readme)" key
        != null;
      isTarget = key: match "lib|(bin|test|example|bench)[.].*" key != null;
      pathOf =
        { name, value }:
        if isPath name then
          {
            inherit name value;
          }
        else if isTarget name then
          {
            name = "${name}.path";
            value = value.path or null;
          }
        else
          { value = null; };
      isAbsolute = { value, ... }: isString value && match "/.*" value != null;
    in
    map ({ name, value }: "${name} = \"${value}\"") (filter isAbsolute (map pathOf (pairs section)));
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
  # Where path dependencies lie; null for what leads out of the root.
  pathsOf =
    own: ownRoot: base: directory: withDev:
    concatMap (
      dependency:
      let
        shared = normalized (ownRoot.workspace.dependencies.${dependency.name} or { });
      in
      if dependency.kind == "dev-dependencies" && !withDev then
        [ ]
      else if dependency.value ? path then
        [ (join directory dependency.value.path) ]
      else if dependency.value ? workspace && shared ? path then
        [ (join base shared.path) ]
      else
        [ ]
    ) (dependencies own);
in
{
  inherit
    packageOf
    prefixed
    subtables
    patches
    replaced
    section
    absolutePaths
    inherits
    workspaceValue
    pathsOf
    ;
}
