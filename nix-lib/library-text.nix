# The file that `cratewright generate` writes beside Cargo.nix, but for its first lines, from what is in this directory.
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
  # What every Cargo.nix is given to: Nix code that is the same for all workspaces, and needs nixpkgs alone.
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
