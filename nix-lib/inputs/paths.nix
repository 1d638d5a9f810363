# Paths as texts that are seen from the root, and what is found there.
{ root }:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    isList
    isString
    length
    pathExists
    readDir
    sort
    split
    stringLength
    substring
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
  init = list: builtins.genList (elemAt list) (length list - 1);
  present = filter (value: value != null);

  # `directory`, `regular`, `symlink`, or null for what is not there.
  kindOf =
    path:
    let
      segments = parts path;
      above = concatStringsSep "/" (init segments);
      name = elemAt segments (length segments - 1);
    in
    if segments == [ ] then "directory" else (entries above).${name} or null;
  # Nix cannot tell where a link leads. What is looked for in directories tells one that leads to a directory.
  leadsToDirectory =
    path:
    builtins.any (name: pathExists (on "${path}/${name}")) [
      "Cargo.toml"
      "bin"
      "lib.rs"
      "main.rs"
      "src"
    ];
  isDirectory =
    path:
    let
      kind = kindOf path;
    in
    kind == "directory" || (kind == "symlink" && leadsToDirectory path);
  entries = directory: if isDirectory directory then readDir (on directory) else { };
  isFile =
    path:
    let
      kind = kindOf path;
    in
    kind == "regular" || (kind == "symlink" && pathExists (on path));

  optional = condition: value: if condition then [ value ] else [ ];
  pairs =
    set:
    map (name: {
      inherit name;
      value = set.${name};
    }) (attrNames set);
  unique = foldl' (list: item: if elem item list then list else list ++ [ item ]) [ ];
  sorted = values: if isList values then unique (sort builtins.lessThan values) else values;
in
{
  inherit
    within
    on
    parts
    hasPrefix
    join
    init
    present
    entries
    isDirectory
    isFile
    kindOf
    optional
    pairs
    unique
    sorted
    ;
}
