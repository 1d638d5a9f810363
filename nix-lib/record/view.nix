# The relevant keys of a TOML file as lines `key = JSON`, the same as `crates/staleness/src/view.rs` derives from
# `views.toml`.
let
  inherit (builtins)
    all
    any
    attrNames
    concatMap
    elem
    elemAt
    filter
    foldl'
    fromTOML
    groupBy
    hasAttr
    head
    isAttrs
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    readFile
    sort
    stringLength
    substring
    ;
  views = fromTOML (readFile ./views.toml);
  inherit (import ./lines.nix) keyOf;

  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  named = name: value: { inherit name value; };
  below = prefix: key: if prefix == "" then key else "${prefix}.${key}";

  lookInto =
    patterns: prefix: table:
    if patterns ? "*" then
      concatMap (key: take patterns."*" (below prefix key) table.${key}) (attrNames table)
    else
      concatMap (
        key:
        let
          older = views.older.${key} or key;
          present = filter (name: hasAttr name table) [
            key
            older
          ];
        in
        if present == [ ] then [ ] else take patterns.${key} (below prefix key) table.${head present}
      ) (attrNames patterns);
  take =
    pattern: key: value:
    if isAttrs pattern && isAttrs value then
      lookInto pattern key value
    else if isList pattern && isList value then
      let
        byName = groupBy (item: if isString (item.name or null) then item.name else "") value;
        items = name: map (keysOf pattern) byName.${name};
        # Cargo rejects several tables of one name; all of them are recorded, so that none is overlooked.
        single = list: if length list == 1 then head list else list;
      in
      map (name: named "${key}.${name}" (single (items name))) (attrNames byName)
    else if isList pattern then
      [ (named key (keysOf pattern value)) ]
    else if pattern == "set" then
      [ (named key (set value)) ]
    else if pattern == "dependency" then
      [ (named key (dependency value)) ]
    else
      [ (named key value) ];
  keysOf =
    keys: value:
    if isAttrs value then
      removeAttrs value (filter (key: !(elem key keys)) (attrNames value))
    else
      value;
  dependency =
    value:
    if isString value then
      { version = value; }
    else if isAttrs value then
      mapAttrs (key: value: if key == "features" then set value else value) value
    else
      value;
  set =
    value:
    if isList value && all isString value then
      let
        sorted = sort builtins.lessThan value;
        unique = list: item: if list != [ ] && head list == item then list else [ item ] ++ list;
        reversed = foldl' unique [ ] sorted;
      in
      foldl' (list: item: [ item ] ++ list) [ ] reversed
    else
      value;

  # Inherited keys (`key.workspace = true`) are collected in one line per table.
  together =
    section:
    let
      tableOf =
        { name, value }: if value == { workspace = true; } then match "(.*)[.]([^.]*)" name else null;
      parts = map (pair: pair // { table = tableOf pair; }) section;
      inherited = groupBy ({ table, ... }: head table) (filter ({ table, ... }: table != null) parts);
      line = table: {
        name = "${table}.(workspace)";
        value = sort builtins.lessThan (map ({ table, ... }: elemAt table 1) inherited.${table});
      };
    in
    filter ({ table, ... }: table == null) parts ++ map line (attrNames inherited);
in
{
  inherit hasPrefix named;
  inherit (views) files;
  # `recorded` are the recorded lines: they tell which inheritable keys of the workspace a package uses.
  section =
    view: recorded: table:
    let
      keys = listToAttrs (map (line: named (keyOf line) null) recorded);
      counts = { name, ... }: !any (table: hasPrefix table name) views.inherited || keys ? ${name};
      # For some tables, only their existence matters.
      present = filter (key: hasAttr key table) views.present;
    in
    listToAttrs (map (key: named key { }) present)
    // listToAttrs (
      map ({ name, value, ... }: named name value) (
        together (filter counts (lookInto views.${view} "" table))
      )
    );
}
