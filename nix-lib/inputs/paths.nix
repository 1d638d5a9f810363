# Paths as texts that are seen from the root, and what is found there.
{
  root,
  # Directories that are not to be found where their paths lead, by those paths.
  externalSources ? { },
}:
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
  givenAbove =
    path: filter (given: path == given || hasPrefix "${given}/" path) (attrNames externalSources);
  on =
    path:
    let
      # Of several the one that is nearest.
      given = sort (a: b: stringLength a > stringLength b) (givenAbove path);
      directory = elemAt given 0;
      rest = substring (stringLength directory) (stringLength path) path;
    in
    if path == "" then
      root
    else if given != [ ] then
      externalSources.${directory} + rest
    else
      root + "/${path}";
  parts = path: filter (part: isString part && part != "" && part != ".") (split "/" path);
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  # With `..` at the beginning alone; nothing where it is absolute.
  join =
    directory: path:
    let
      step =
        above: part:
        if part == ".." && above != [ ] && last above != ".." then init above else above ++ [ part ];
    in
    if hasPrefix "/" path then
      null
    else
      concatStringsSep "/" (foldl' step (parts directory) (parts path));
  isOutside = path: path == ".." || hasPrefix "../" path;
  # The directory above one; nothing above the root itself, or where there is none to look at.
  above =
    path:
    let
      segments = parts path;
    in
    if segments == [ ] then
      null
    else if last segments == ".." then
      (if length segments < 16 then "${path}/.." else null)
    else
      concatStringsSep "/" (init segments);
  last = list: elemAt list (length list - 1);
  init = list: builtins.genList (elemAt list) (length list - 1);
  present = filter (value: value != null);

  # `directory`, `regular`, `symlink`, or null for what is not there.
  kindOf =
    path:
    let
      segments = parts path;
    in
    if segments == [ ] then
      "directory"
    else if last segments == ".." || externalSources ? ${path} then
      # What Nix may not see is not there.
      (if pathExists (on path) then "directory" else null)
    else
      (entries (above path)).${last segments} or null;
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
    isOutside
    above
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
