# Path of the library of a Cargo.nix, relative to the root; null if it is embedded in Cargo.nix.
{
  # Directory of Cargo.lock, as a path.
  root,
  # Path of Cargo.nix, relative to the root.
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
