# Suggestions for misspelt names.
{ lib, ... }:
let
  charactersOf = name: lib.stringToCharacters (lib.toLower name);
  # Whether at most so many characters are to be added, left out or replaced to get from one list to the other.
  differBy =
    count: a: b:
    if a == [ ] || b == [ ] then
      lib.length a + lib.length b <= count
    else if lib.head a == lib.head b then
      differBy count (lib.tail a) (lib.tail b)
    else
      count > 0
      && (
        differBy (count - 1) (lib.tail a) (lib.tail b)
        || differBy (count - 1) a (lib.tail b)
        || differBy (count - 1) (lib.tail a) b
      );
  contains =
    part: whole: lib.length part > 2 && lib.hasInfix (lib.concatStrings part) (lib.concatStrings whole);
  # Two names are near if they differ in at most two characters, or if one contains the other.
  isNear =
    name: known:
    let
      a = charactersOf name;
      b = charactersOf known;
      # Short names differ in nearly all characters from most others.
      count = lib.min 2 (lib.length b / 3);
    in
    differBy count a b || contains a b || contains b a;
  quote = name: "`${name}`";
in
{
  # A question that names the known names that are near; empty if there are none.
  suggestion =
    name: known:
    let
      near = lib.filter (isNear name) known;
    in
    lib.optionalString (near != [ ]) "did you mean ${lib.concatMapStringsSep " or " quote near}?";
}
