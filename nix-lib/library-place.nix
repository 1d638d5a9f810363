# Where the library of a Cargo.nix is to be, seen from the root; null where it is within the file.
{
  # Directory of Cargo.lock, as a path.
  root,
  # The file, seen from the root.
  cargoNix,
}:
let
  manifest = builtins.fromTOML (builtins.readFile (root + "/Cargo.toml"));
  chosen = manifest.workspace.metadata.cratewright.library or "beside";
  isAtRoot = builtins.match ".*/.*" cargoNix == null;
in
if chosen == "embedded" then
  null
else if chosen != "beside" then
  chosen
else if isAtRoot then
  "cratewright.nix"
else
  "${dirOf cargoNix}/cratewright.nix"
