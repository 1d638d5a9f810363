# Answers the questions recorded in a Cargo.nix from the current workspace, in the form of the record: text by section,
# null for a file that no longer exists. `crates/staleness` defines the questions; only recorded questions are asked.
{
  root,
  # `internal.inputs` of Cargo.nix.
  recorded,
  # Local packages outside the root that are not at their usual place, by directory.
  externalSources ? { },
}:
let
  inherit (builtins)
    any
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    fromTOML
    genList
    hashString
    head
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    pathExists
    readDir
    readFile
    replaceStrings
    sort
    split
    stringLength
    substring
    ;
  view = import ./view.nix;
  inherit (view) hasPrefix named;
  inherit (import ./lines.nix)
    keyOf
    lines
    linesOf
    valueOf
    ;

  # Paths are strings, relative to the root; the root itself is the empty string.
  child = directory: name: if directory == "" then name else "${directory}/${name}";
  parent =
    path:
    let
      parts = match "(.*)/[^/]*" path;
    in
    if parts == null then "" else head parts;
  # If several directories of `externalSources` contain a path, the nearest one is used.
  given = sort (a: b: stringLength a > stringLength b) (attrNames externalSources);
  on =
    path:
    let
      above = filter (directory: path == directory || hasPrefix "${directory}/" path) given;
      directory = head above;
    in
    if above != [ ] then
      externalSources.${directory} + substring (stringLength directory) (stringLength path) path
    else if path == "" then
      root
    else
      root + "/${path}";
  exists = path: pathExists (on path);

  # Nix cannot resolve a link. A link is taken for a directory if one of these files exists below it.
  isDirectory =
    path: kind: files:
    kind == "directory" || kind == "symlink" && any (file: exists (child path file)) files;

  # The entries of a directory. Directories of packages and their parents are read once.
  listing = path: listings.${path} or (list path);
  list =
    path:
    let
      isGiven = path == "" || baseNameOf path == ".." || externalSources ? ${path};
      isThere =
        if isGiven then exists path else (listing (parent path)).${baseNameOf path} or null == "directory";
    in
    if isThere then readDir (on path) else { };
  manifests = filter (name: match "(.*/)?Cargo[.]toml" name != null) (attrNames recorded);
  above = path: if path == "" then [ "" ] else above (parent path) ++ [ path ];
  listings = listToAttrs (
    map (path: named path (list path)) (concatMap (manifest: above (parent manifest)) manifests)
  );
  isBehindLink =
    path:
    path != ""
    && ((listing (parent path)).${baseNameOf path} or null == "symlink" || isBehindLink (parent path));

  # Nix cannot read dates in TOML, and its error does not name the file.
  readToml =
    file:
    let
      text = readFile (on file);
      mayHaveDate = length (split "= *[0-9]{4}-[0-9]{2}-[0-9]{2}" text) > 1;
      hasDate = line: isString line && match "[^\"'#]*= *[0-9]{4}-[0-9]{2}-[0-9]{2}.*" line != null;
    in
    if mayHaveDate && any hasDate (split "\n" text) then
      throw "`${file}` has a date, which Nix cannot read: set `lockSync = false` and run `cratewright check` instead"
    else
      fromTOML text;

  # The files of a package that match patterns with `*`; directories end in a slash. `known` lists the recorded matches.
  matching =
    package: listing: known: patterns:
    let
      namesIn =
        directory:
        if directory == "" then
          listing
        else
          let
            path = child package directory;
            kind = (namesIn (parent directory)).${baseNameOf directory} or null;
            below = filter (hasPrefix "${directory}/") known;
            probes = map (file: substring (stringLength directory + 1) (-1) file) below;
          in
          if isDirectory path kind probes then readDir (on path) else { };
      standsFor =
        part: name:
        let
          end = substring 1 (-1) part;
          from = stringLength name - stringLength end;
        in
        if hasPrefix "*" part then
          !hasPrefix "." name && from >= 0 && substring from (-1) name == end
        else
          name == part;
      step =
        found: part:
        concatMap (
          directory: map (child directory) (filter (standsFor part) (attrNames (namesIn directory)))
        ) found;
      there =
        pattern: path:
        let
          kind = (namesIn (parent path)).${baseNameOf path};
          isOneOf = hasPrefix "*" (baseNameOf pattern);
        in
        if kind == "regular" || kind == "symlink" && exists (child package path) then
          [ path ]
        else if kind == "directory" && !isOneOf then
          [ "${path}/" ]
        else
          [ ];
      expand =
        pattern: concatMap (there pattern) (foldl' step [ "" ] (filter isString (split "/" pattern)));
    in
    attrNames (listToAttrs (map (file: named file null) (concatMap expand patterns)));

  # Digest of the packages in a directory of `cargo vendor`.
  packagesIn =
    directory:
    let
      digest = path: hashString "sha256" (if exists path then readFile (on path) else "");
      line =
        name:
        let
          at = child directory name;
          detected =
            matching at (readDir (on at))
              [ ]
              [
                "build.rs"
                "src/lib.rs"
              ];
        in
        "${name} ${digest "${at}/Cargo.toml"} ${digest "${at}/.cargo-checksum.json"} ${concatStringsSep " " detected}\n";
      packages = filter (name: exists (child directory "${name}/Cargo.toml")) (
        attrNames (listing directory)
      );
    in
    substring 0 16 (hashString "sha256" (concatStringsSep "" (map line packages)));

  # Answers to a section's questions in parentheses, which are not about keys of the file.
  extra =
    file: section:
    let
      package = parent file;
      answer =
        line:
        let
          key = keyOf line;
          vendored = match "[(]packages in (.*)[)]" key;
        in
        if vendored != null then
          packagesIn (head vendored)
        else if view.files ? ${key} then
          matching package (listing package) (valueOf line) view.files.${key}
        else
          # Finding files that sources read outside their packages needs a Rust parser, so the recorded answer is kept.
          valueOf line;
    in
    listToAttrs (
      map (line: named (keyOf line) (answer line)) (filter (hasPrefix "(") (linesOf section))
    );

  # Excluded directories are kept as recorded: their existence does not matter.
  directoriesFor =
    pattern: section:
    let
      excluded = listToAttrs (
        map (line: named (keyOf line) (valueOf line)) (
          filter (line: match ".* = \"excluded\"" line != null) (linesOf section)
        )
      );
      directory = parent pattern;
      regex = regexOf (baseNameOf pattern);
      there = listing directory;
      counts =
        name: match regex name != null && isDirectory (child directory name) there.${name} [ "Cargo.toml" ];
    in
    listToAttrs (map (name: named (child directory name) true) (filter counts (attrNames there)))
    // excluded;
  # A component of a glob pattern as a regular expression.
  regexOf =
    pattern:
    let
      characters = genList (at: substring at 1 pattern) (stringLength pattern);
      special = filter isString (split "" ".+(){}^$|");
      regex =
        character:
        if character == "*" then
          ".*"
        else if character == "?" then
          "."
        else if elem character special then
          "\\${character}"
        else
          character;
    in
    replaceStrings [ "[!" ] [ "[^" ] (concatStringsSep "" (map regex characters));

  answer =
    name: section:
    let
      pattern = match "[(]directories[)] (.*)" name;
      isManifest = match "(.*/)?Cargo[.]toml" name != null;
    in
    if name == "cratewright generate" then
      section
    else if name == "(paths)" then
      lines (listToAttrs (map (line: named (keyOf line) (exists (keyOf line))) (linesOf section)))
    else if pattern != null then
      lines (directoriesFor (head pattern) section)
    else if !exists name then
      # A missing configuration file is the same as an empty one.
      (if isManifest || name == "Cargo.lock" then null else "")
    else if name == "Cargo.lock" then
      lines (import ./lock.nix { lock = fromTOML (readFile (on name)); })
    else if isManifest && isBehindLink (parent name) then
      throw "package `${parent name}` is behind a symbolic link"
    else
      lines (
        view.section (if isManifest then "manifest" else "config") (linesOf section) (readToml name)
        // extra name section
      );
in
{
  inherit on;
  now = mapAttrs answer recorded;
}
