# Path of the build graph's snapshot, which is next to Cargo.nix; both paths are relative to the workspace root.
cargoNix:
let
  directory = dirOf cargoNix;
in
if directory == "." then "build-graph.toml" else "${directory}/build-graph.toml"
