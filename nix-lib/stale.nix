# Why a Cargo.nix is stale, in the words of `cratewright check`; no reasons mean fresh. Pure evaluation, no build.
{
  # Directory of Cargo.lock, as a path.
  root,
  # Cargo.nix, as a path.
  file,
  # What it evaluates to, which is asked for its record if it and the library are whole.
  value,
  # The file, seen from the root.
  cargoNix ? "Cargo.nix",
  # Local packages outside of the root, where they are not to be found there.
  externalSources ? { },
}:
let
  recorded = value.internal.inputs;
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    fromJSON
    genList
    hashString
    head
    isAttrs
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    readFile
    replaceStrings
    sort
    split
    stringLength
    substring
    tail
    toJSON
    ;

  now = mapAttrs withReads (import ./inputs { inherit root externalSources; }) // onCommandLine;
  # What sources read outside of their packages takes a parser for Rust to see: it is taken as it was.
  withReads =
    file: text:
    let
      isRead = line: substring 0 7 line == "(reads)";
      read = filter isRead (linesOf (recorded.${file} or ""));
      lines = sort builtins.lessThan (read ++ linesOf text);
    in
    if read == [ ] then text else concatStringsSep "" (map (line: "${line}\n") lines);
  paths = import ./inputs/paths.nix { inherit root externalSources; };
  isEmbedded = (import ./library-place.nix { inherit root cargoNix; }) == null;
  # What was said on the command line is not to be found anywhere else, but for the place of the file.
  onCommandLine =
    let
      isOfNow = line: match "(--output|[(]library[)]) = .*" line != null;
      said = filter (line: !isOfNow line) (linesOf (recorded."cratewright generate" or ""));
      output = if cargoNix == "Cargo.nix" then [ ] else [ "--output = ${toJSON cargoNix}" ];
      digest = substring 0 16 (hashString "sha256" (import ./library-text.nix));
      embedded = if isEmbedded then [ "(library) = ${toJSON digest}" ] else [ ];
      lines = sort builtins.lessThan (said ++ output ++ embedded);
    in
    if lines == [ ] then
      { }
    else
      { "cratewright generate" = concatStringsSep "" (map (line: "${line}\n") lines); };

  linesOf = text: filter (line: isString line && line != "") (split "\n" text);
  # Keys of dependencies for a platform may hold ` = ` themselves.
  parse =
    line:
    let
      forTarget = match "(target[.].*[.](dev-|build-)?dependencies[.][^. ]+) = (.*)" line;
      words = filter isString (split " = " line);
    in
    if forTarget != null then
      {
        name = elemAt forTarget 0;
        value = fromJSON (elemAt forTarget 2);
      }
    else
      {
        name = head words;
        value = fromJSON (concatStringsSep " = " (tail words));
      };
  # Keys that are inherited stand together.
  single =
    { name, value }@pair:
    let
      table = match "(.*)[.][(]workspace[)]" name;
    in
    if table == null then
      [ pair ]
    else
      map (key: {
        name = "${head table}.${key}";
        value.workspace = true;
      }) value;
  sectionOf = text: listToAttrs (concatMap (line: single (parse line)) (linesOf text));

  unionOf = a: b: attrNames (a // b);
  spaced =
    value:
    if isList value then
      "[${concatStringsSep ", " (map spaced value)}]"
    else if isAttrs value then
      "{${concatStringsSep ", " (map (key: "${toJSON key}: ${spaced value.${key}}") (attrNames value))}}"
    else
      toJSON value;

  movedKeys =
    file: key: old: new:
    if old == new then
      [ ]
    else if old != [ ] && new != [ ] && isAttrs (head old) && isAttrs (head new) then
      concatMap (below: movedKeys file "${key}.${below}" (at below (head old)) (at below (head new))) (
        unionOf (head old) (head new)
      )
    else if old == [ ] then
      [ "${file}: ${key} is new: ${spaced (head new)}" ]
    else if new == [ ] then
      [ "${file}: ${key} is gone; it was ${spaced (head old)}" ]
    else if isList (head old) && isList (head new) && differences (head old) (head new) != [ ] then
      [ "${file}: ${key}: ${concatStringsSep "; " (differences (head old) (head new))}" ]
    else
      [ "${file}: ${key}: ${spaced (head old)} -> ${spaced (head new)}" ];
  # What one list has and another has not; empty where they differ in order alone.
  differences =
    old: new:
    let
      items =
        verb: of: other:
        let
          list = filter (item: !(elem item other)) of;
        in
        if list == [ ] then [ ] else [ "${verb} ${concatStringsSep ", " (map spaced list)}" ];
    in
    items "added" new old ++ items "removed" old new;
  # A list of one value, or of none.
  at = key: set: if set ? ${key} then [ set.${key} ] else [ ];
  movedIn =
    file:
    let
      old = sectionOf (recorded.${file} or "");
      new = sectionOf (now.${file} or "");
    in
    if recorded.${file} or null == now.${file} or null then
      [ ]
    else if file == "Cargo.lock" then
      movedPackages old new
    else
      concatMap (key: movedKeys file key (at key old) (at key new)) (unionOf old new);

  # A package went from one version to another, is new or gone, or something else of it moved within a version.
  movedPackages =
    old: new:
    let
      nameOf = key: head (match "([^ ]*) .*" key);
      versionOf = key: substring (stringLength (nameOf key) + 1) (stringLength key) key;
      gone = filter (key: !(new ? ${key})) (attrNames old);
      come = filter (key: !(old ? ${key})) (attrNames new);
      other = filter (key: old ? ${key} && old.${key} != new.${key}) (attrNames new);
      within =
        key:
        let
          split' = value: filter isString (split ", " value);
          before = split' old.${key};
          after = split' new.${key};
          isOfSource = head before == "local" || head after == "local";
          shown =
            fact:
            if fact == "local" then
              fact
            else if isOfSource then
              "crates.io"
            else
              substring 0 8 fact;
          dependencies = movedKeys "Cargo.lock" "${key}: dependencies" [ (tail before) ] [ (tail after) ];
        in
        (
          if head before == head after then
            [ ]
          else
            [
              "Cargo.lock: ${key}: ${
                if isOfSource then "source" else "checksum"
              } ${shown (head before)} -> ${shown (head after)}"
            ]
        )
        ++ dependencies;
      versionsOf = list: name: map versionOf (filter (key: nameOf key == name) list);
      names = attrNames (
        listToAttrs (
          map (key: {
            name = nameOf key;
            value = null;
          }) (gone ++ come ++ other)
        )
      );
      describe =
        name:
        let
          before = versionsOf gone name;
          after = versionsOf come name;
          count = if length before > length after then length before else length after;
          one =
            ix:
            if ix >= length before then
              "Cargo.lock: ${name} ${elemAt after ix} is new"
            else if ix >= length after then
              "Cargo.lock: ${name} ${elemAt before ix} is gone"
            else
              "Cargo.lock: ${name} ${elemAt before ix} -> ${elemAt after ix}";
        in
        genList one count ++ concatMap within (filter (key: nameOf key == name) other);
    in
    concatMap describe names;

  # What the file imports, seen from its directory; nothing where the library is within, or where it has an odd name.
  imported =
    let
      parts = split "\nimport ([.][^ \n]*) [{]\n" (substring 0 4000 text);
    in
    concatMap (part: if isList part then part else [ ]) parts;
  library =
    let
      directory = if match ".*/.*" cargoNix == null then "" else dirOf cargoNix;
      shown = paths.join directory (head imported);
      path = root + "/${shown}";
      found = readFile path;
      isDirectory = (builtins.readDir (dirOf path)).${baseNameOf path} == "directory";
      isOurs = substring 0 24 found == substring 0 24 generated;
      # What is at a path that was chosen may be anyone's.
      isChosen = head imported != "./cratewright.nix";
    in
    if imported == [ ] then
      [ ]
    else if
      !builtins.pathExists path || isDirectory && !builtins.pathExists (path + "/default.nix")
    then
      [ "${shown}: it does not exist, and Cargo.nix imports it" ]
    else if isDirectory || !isOurs && isChosen || found == stamped (import ./library-text.nix) then
      [ ]
    else if !isOurs then
      [ "${shown}: the file was not generated by cratewright" ]
    else if isWhole found || formatOf found != null && head (formatOf found) != version then
      [ "${shown}: it is that of another version of cratewright" ]
    else
      [ "${shown}: it was changed by hand or cut short" ];
  stamped = body: "${header}${hashString "sha256" body}\n${body}";

  # The header has one length, so that no expression need look through the whole file.
  text = readFile file;
  generated = "# @generated by cratewright. Do not edit: run `cratewright generate`.\n";
  # `FORMAT` in crates/staleness/src/stamp.rs.
  version = "7";
  format = "# format: ${version}\n";
  digestLine = "# below: sha256:";
  header = "${generated}${format}${digestLine}";
  end = stringLength header + 64;
  isWhole =
    text:
    substring 0 (stringLength header) text == header
    &&
      hashString "sha256" (substring (end + 1) (stringLength text) text)
      == substring (stringLength header) 64 text;
  body =
    if isWhole text then
      [ ]
    else if isWhole (replaceStrings [ "\r\n" ] [ "\n" ] text) then
      [ "Cargo.nix: its lines end in CR LF; write `Cargo.nix text eol=lf` into .gitattributes" ]
    else
      [ "Cargo.nix: it was changed by hand or cut short" ];
  unreadable = reasons: {
    isReadable = false;
    inherit reasons;
  };
  formatOf = text: match "[^\n]*\n# format: ([0-9]+)\r?\n.*" (substring 0 200 text);
in
if substring 0 24 text != substring 0 24 generated then
  unreadable [ "Cargo.nix: the file was not generated by cratewright" ]
else if formatOf text != null && head (formatOf text) != version then
  unreadable [
    "Cargo.nix: it has format ${head (formatOf text)}, this version of cratewright writes format ${version}"
  ]
else if body != [ ] then
  # What such a file records may not be what it was made from; it may not even be Nix.
  unreadable body
else if library != [ ] then
  # Nor can it be read by way of a library that is not there.
  unreadable library
else
  {
    isReadable = true;
    reasons = concatMap movedIn (sort builtins.lessThan (unionOf recorded now));
  }
