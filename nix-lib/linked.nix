# The path of a Cargo.nix relative to the root: a link stands for the file that it leads to. Nix cannot read where a link
# leads, but the file records its own path.
root: cargoNix:
let
  inherit (builtins)
    elemAt
    fromJSON
    match
    pathExists
    readDir
    readFile
    split
    ;
  file = root + "/${cargoNix}";
  isLink = pathExists file && (readDir (dirOf file)).${baseNameOf cargoNix} or "regular" == "symlink";
  # In a record without this line, the file is at its usual place.
  recorded = split "\n      --output = " (readFile file);
in
if !isLink then
  cargoNix
else if builtins.length recorded < 3 then
  "Cargo.nix"
else
  fromJSON (elemAt (match "([^\n]*)\n?.*" (builtins.substring 0 2000 (elemAt recorded 2))) 0)
