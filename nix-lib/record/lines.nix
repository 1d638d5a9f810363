# The text of a section: one line `key = JSON` for each answer.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    fromJSON
    head
    isString
    map
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
  valueOf = line: fromJSON (substring (stringLength (keyOf line) + 3) (-1) line);
}
