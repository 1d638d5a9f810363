# The packages of Cargo.lock: `crates/staleness/src/lock.rs` in Nix.
{ paths }:
let
  inherit (builtins)
    any
    attrNames
    length
    concatStringsSep
    elemAt
    filter
    fromTOML
    groupBy
    hashString
    head
    listToAttrs
    match
    readFile
    sort
    substring
    ;

  inherit (paths)
    isFile
    on
    ;

  lock =
    if isFile "Cargo.lock" then
      fromTOML (readFile (on "Cargo.lock"))
    else
      throw "`Cargo.lock` does not exist";
  packages = lock.package or [ ];
  byName = groupBy (package: package.name) packages;
  cratesIo = "registry+https://github.com/rust-lang/crates.io-index";
  keyOf =
    package:
    let
      source = package.source or cratesIo;
      suffix = if source == cratesIo then "" else " (${source})";
      isTwin = other: other.version == package.version && other.source or "" == cratesIo;
      local = if !(package ? source) && any isTwin byName.${package.name} then " (local)" else "";
    in
    "${package.name} ${package.version}${suffix}${local}";
  # The shortest words for the package that a dependency means.
  resolved =
    dependency:
    let
      words = match "([^ ]*)( ([^ ]*)( [(](.*)[)])?)?" dependency;
      version = elemAt words 2;
      source = elemAt words 4;
      fits =
        package:
        (version == null || package.version == version)
        && (source == null || package.source or null == source);
      fitting = filter fits (byName.${head words} or [ ]);
    in
    if fitting == [ ] then
      dependency
    else
      let
        package = head fitting;
        ofName = byName.${package.name};
      in
      if length ofName == 1 then
        package.name
      else if length (filter (other: other.version == package.version) ofName) == 1 then
        "${package.name} ${package.version}"
      else
        keyOf package;
  factsOf =
    package:
    let
      olderKey = "checksum ${package.name} ${package.version} (${package.source or ""})";
      checksum = package.checksum or lock.metadata.${olderKey} or "";
      source =
        if !(package ? source) then
          "local"
        else if checksum == "" || checksum == "<none>" then
          "none"
        else
          substring 0 8 checksum + substring 0 8 (hashString "sha256" checksum);
      replaced = if package ? replace then [ "replaced by ${package.replace}" ] else [ ];
    in
    concatStringsSep ", " (
      [ source ] ++ replaced ++ sort builtins.lessThan (map resolved (package.dependencies or [ ]))
    );
  section = listToAttrs (
    map (package: {
      name = keyOf package;
      value = factsOf package;
    }) packages
  );
  unused = listToAttrs (
    map (package: {
      name = "${package.name} ${package.version} (${package.source or "local"}) in [[patch.unused]]";
      value = "";
    }) (lock.patch.unused or [ ])
  );
  lockSection =
    if lock ? version && lock.version != 3 && lock.version != 4 then
      throw "`Cargo.lock` has version ${toString lock.version} of the format, which is not known"
    else if length (attrNames section) != length packages then
      throw "`Cargo.lock` lists a package twice"
    else
      section // unused;
in
lockSection
