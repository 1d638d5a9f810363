# The library that `cratewright generate` writes next to Cargo.nix, without its header, assembled from this directory.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    filter
    head
    map
    match
    readDir
    readFile
    ;
  bindings =
    directory: without:
    concatStringsSep "" (
      map (file: "${head (match "(.*)[.]nix" file)} =\n${readFile (directory + "/${file}")};\n") (
        filter (file: match ".*[.]nix" file != null && file != without) (attrNames (readDir directory))
      )
    );
in
''
  # The library that every Cargo.nix imports: Nix code common to all workspaces, which needs only nixpkgs.
  let
    library = {
''
+ bindings ./library "default.nix"
+ "own-overrides = {\n"
+ bindings ./overrides null
+ ''
  };
    };
  in
  library.workspace library
''
