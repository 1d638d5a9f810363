# The library that a Cargo.nix imports; null if it is embedded, or its name has characters that need quotes.
{
  # Path of Cargo.nix, relative to the root.
  cargoNix,
  # Its text.
  text,
}:
let
  inherit (builtins)
    concatMap
    concatStringsSep
    elemAt
    filter
    foldl'
    genList
    head
    isList
    isString
    length
    match
    split
    substring
    ;
  # The path as written, relative to the directory of Cargo.nix.
  written = concatMap (part: if isList part then part else [ ]) (
    split "\nimport ([.][^ \n]*) [{]\n" (substring 0 4000 text)
  );
  directory = if match ".*/.*" cargoNix == null then "" else dirOf cargoNix;
  # Normalized: no `.`, and `..` only at the beginning.
  parts = filter (part: isString part && part != "" && part != ".") (
    split "/" "${directory}/${head written}"
  );
  step =
    above: part:
    if part == ".." && above != [ ] && elemAt above (length above - 1) != ".." then
      genList (elemAt above) (length above - 1)
    else
      above ++ [ part ];
in
if written == [ ] then
  null
else
  {
    # Relative to the root.
    path = concatStringsSep "/" (foldl' step [ ] parts);
    # Whether the user chose the path.
    isChosen = head written != "./cratewright.nix";
  }
