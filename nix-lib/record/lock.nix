# The packages of Cargo.lock, in the form that `crates/staleness/src/lock.rs` records them.
{ lock }:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    groupBy
    hashString
    head
    length
    listToAttrs
    map
    replaceStrings
    sort
    substring
    ;
  cratesIo = "registry+https://github.com/rust-lang/crates.io-index";
  keyOf =
    package:
    let
      source = package.source or cratesIo;
    in
    "${package.name} ${package.version}${if source == cratesIo then "" else " (${source})"}";
  # Version 1 of the format spells out the source of every dependency.
  short = replaceStrings [ " (${cratesIo})" ] [ "" ];
  factsOf =
    package:
    let
      older = "checksum ${package.name} ${package.version} (${package.source or ""})";
      checksum = package.checksum or lock.metadata.${older} or "<none>";
      source =
        if !(package ? source) then
          "local"
        else if checksum == "<none>" then
          "none"
        else
          substring 0 8 checksum + substring 0 8 (hashString "sha256" checksum);
      replaced = if package ? replace then [ "replaced by ${package.replace}" ] else [ ];
    in
    concatStringsSep ", " (
      [ source ] ++ replaced ++ sort builtins.lessThan (map short (package.dependencies or [ ]))
    );
  entries =
    map (package: {
      key = keyOf package;
      facts = factsOf package;
    }) (lock.package or [ ])
    ++ map (package: {
      key = "${keyOf package} in [[patch.unused]]";
      facts = "";
    }) (lock.patch.unused or [ ]);
  byKey = groupBy ({ key, ... }: key) entries;
  valueOf =
    key:
    let
      facts = map ({ facts, ... }: facts) byKey.${key};
    in
    if length facts == 1 then head facts else facts;
in
if lock ? version && lock.version != 3 && lock.version != 4 then
  throw "`Cargo.lock` has format version ${toString lock.version}, which is not supported"
else
  listToAttrs (
    map (key: {
      name = key;
      value = valueOf key;
    }) (attrNames byKey)
  )
