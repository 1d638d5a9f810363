# Cargo's configuration in the workspace root, with what it includes: `configs` of `crates/staleness/src/workspace.rs`, and
# `Config` of `manifest.rs`, in Nix.
{
  paths,
  manifests,
  readToml,
  leaves,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    genericClosure
    hashString
    head
    isList
    isString
    listToAttrs
    mapAttrs
    pathExists
    readDir
    readFile
    substring
    ;
  inherit (paths)
    within
    on
    parts
    pairs
    join
    init
    isFile
    optional
    ;
  inherit (manifests) patches prefixed subtables;

  # Of two names the older one counts. With what it includes.
  configs =
    let
      keyed = map (key: {
        inherit key;
      });
      first = filter isFile [
        ".cargo/config"
        ".cargo/config.toml"
      ];
      closure = genericClosure {
        startSet = keyed (if first == [ ] then [ ] else [ (head first) ]);
        operator =
          { key }:
          let
            above = concatStringsSep "/" (init (parts key));
            included = path: leaves "include = \"${path}\"` of `${key}" (join above path);
          in
          keyed (filter isFile (map included (texts (readToml key).include or [ ])));
      };
    in
    listToAttrs (
      map (
        { key }:
        {
          name = key;
          value = readToml key;
        }
      ) closure
    );
  # One text or a list of them, each by itself or as the `path` of a table.
  texts =
    value:
    if isString value then
      [ value ]
    else if isList value then
      concatMap texts value
    else
      optional (value ? path) value.path;
  withoutEmpty =
    sections: removeAttrs sections (filter (file: sections.${file} == { }) (attrNames sections));
  sectionOf =
    file: config:
    let
      # Paths are seen from the directory that holds `.cargo`.
      above = segments: if segments == [ ] then [ ] else init segments;
      base = concatStringsSep "/" (above (above (parts file)));
      absolute = key: leaves "source.${key}` of `${file}";
      # What counts of packages in a directory of `cargo vendor`.
      packagesIn =
        directory:
        let
          names = if pathExists (on "${directory}/.") then attrNames (readDir (on directory)) else [ ];
          has = at: name: if pathExists (on "${at}/${name}") then name else "-";
          digest = path: hashString "sha256" (if pathExists (on path) then readFile (on path) else "");
          line =
            name:
            let
              at = within directory name;
            in
            "${name} ${digest "${at}/Cargo.toml"} ${digest "${at}/.cargo-checksum.json"} ${has at "build.rs"} ${has at "src/lib.rs"}\n";
          packages = filter (name: pathExists (on "${within directory name}/Cargo.toml")) names;
        in
        substring 0 16 (hashString "sha256" (concatStringsSep "" (map line packages)));
      ofSource =
        { name, value }:
        let
          directory = absolute "${name}.directory" (join base value.directory);
          registry = absolute "${name}.local-registry" (join base value.local-registry);
        in
        [
          {
            name = "source.${name}";
            value = builtins.seq (if value ? local-registry then registry else null) value;
          }
        ]
        ++ optional (value ? directory) {
          name = "(packages in ${directory})";
          value = packagesIn directory;
        };
      ofRegistry =
        { name, value }:
        optional (value ? index) {
          name = "registries.${name}.index";
          value = value.index;
        };
    in
    listToAttrs (
      patches config
      ++ concatMap ofSource (pairs (config.source or { }))
      ++ concatMap ofRegistry (pairs (config.registries or { }))
      ++ prefixed "build." (builtins.intersectAttrs { rustflags = null; } (config.build or { }))
      ++ concatMap (
        { name, value }:
        prefixed "target.${name}." (
          builtins.intersectAttrs {
            rustflags = null;
          } value
        )
      ) (pairs (config.target or { }))
      ++ prefixed "env." (config.env or { })
      ++ subtables "profile." (config.profile or { })
    )
    // builtins.intersectAttrs {
      paths = null;
      include = null;
    } config;
in
{
  inherit configs texts;
  # By file.
  sections = withoutEmpty (mapAttrs sectionOf configs);
}
