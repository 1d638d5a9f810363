# Where the snapshot of the build graph is, beside Cargo.nix: both seen from the workspace root.
cargoNix:
let
  directory = dirOf cargoNix;
in
if directory == "." then "build-graph.toml" else "${directory}/build-graph.toml"
