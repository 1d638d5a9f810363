# Suggestions for misspelt names.
{ lib, ... }:
let
  charactersOf = name: lib.stringToCharacters (lib.toLower name);
  # Number of characters that are the same at the beginning of two lists.
  common =
    a: b:
    if a == [ ] || b == [ ] || lib.head a != lib.head b then
      0
    else
      1 + common (lib.tail a) (lib.tail b);
  # Two names are near if they differ in at most two adjacent characters, or if one contains the other.
  isNear =
    name: known:
    let
      a = charactersOf name;
      b = charactersOf known;
      start = common a b;
      end = common (lib.reverseList (lib.drop start a)) (lib.reverseList (lib.drop start b));
      differing = lib.max (lib.length a) (lib.length b) - start - end;
    in
    differing <= 2 && start + end > differing || contains a b || contains b a;
  contains =
    part: whole: lib.length part > 2 && lib.hasInfix (lib.concatStrings part) (lib.concatStrings whole);
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
