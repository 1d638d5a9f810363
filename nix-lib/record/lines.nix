# The text of a section: one line `key = JSON` for each answer.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    fromJSON
    head
    isString
    map
    match
    split
    stringLength
    substring
    toJSON
    ;
in
rec {
  lines =
    section: concatStringsSep "" (map (key: "${key} = ${toJSON section.${key}}\n") (attrNames section));
  linesOf = text: filter (line: isString line && line != "") (split "\n" text);
  keyOf = line: head (split " = " line);
  # The directories of `cargo vendor` that lines are about.
  vendoredIn = concatMap (
    line:
    let
      directory = match "[(]packages in (.*)[)]" (keyOf line);
    in
    if directory == null then [ ] else directory
  );
  valueOf = line: fromJSON (substring (stringLength (keyOf line) + 3) (-1) line);
}
