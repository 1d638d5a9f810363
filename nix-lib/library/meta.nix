# `meta` of a package, from its manifest.
{ lib, ... }:
let
  # Licences of nixpkgs by SPDX id.
  known = lib.listToAttrs (
    map (license: lib.nameValuePair license.spdxId license) (
      lib.filter (license: lib.isAttrs license && license ? spdxId) (lib.attrValues (lib.licenses or { }))
    )
  );

  # A licence that nixpkgs does not know gets an attribute set of its own.
  licenseOf =
    name:
    let
      # `GPL-2.0+` is the deprecated SPDX id of `GPL-2.0-or-later`.
      later = "${lib.removeSuffix "+" name}-or-later";
      parts = builtins.match "(.*[^ ]) WITH ([^ ].*)" name;
      base = if parts == null then { } else licenseOf (lib.head parts);
    in
    if known ? ${name} then
      known.${name}
    else if lib.hasSuffix "+" name && known ? ${later} then
      known.${later}
    else
      removeAttrs base [ "url" ]
      // {
        spdxId = name;
        fullName = name;
        shortName = name;
      };

  # All licences of an expression: nixpkgs has only lists, which do not distinguish `AND` from `OR`. Words without an
  # operator between them form one name, so a licence keeps its exception, and an invalid expression is one name.
  licensesOf =
    expression:
    let
      words = lib.filter (word: lib.isString word && word != "") (
        builtins.split "[ \t\r\n()/]+" (builtins.replaceStrings [ "/" ] [ " OR " ] expression)
      );
      isOperator =
        word:
        lib.elem (lib.toUpper word) [
          "AND"
          "OR"
        ];
      step =
        names: word:
        if isOperator word then
          names ++ [ "" ]
        else
          lib.init names ++ [ (lib.last names + lib.optionalString (lib.last names != "") " " + word) ];
    in
    map licenseOf (lib.unique (lib.filter (name: name != "") (lib.foldl' step [ "" ] words)));

  metaOf =
    attrs:
    let
      licenses = licensesOf attrs.license;
      bins = map (bin: bin.name) (attrs.crateBin or [ ]);
      homepage = attrs.homepage or attrs.repository or null;
    in
    builtins.intersectAttrs { description = null; } attrs
    // lib.optionalAttrs (homepage != null) { inherit homepage; }
    // lib.optionalAttrs (attrs ? license && licenses != [ ]) {
      license = if lib.length licenses == 1 then lib.head licenses else licenses;
    }
    # The program that `nix run` starts. It is not set if there are several binaries, none of them has the package's
    # name, and there is no `default-run`.
    // lib.optionalAttrs (lib.elem attrs.crateName bins) { mainProgram = attrs.crateName; }
    // lib.optionalAttrs (lib.length bins == 1) { mainProgram = lib.head bins; }
    // lib.optionalAttrs (lib.elem attrs.default-run or null bins) { mainProgram = attrs.default-run; };

  # Adds `meta` to a derivation from outside: nixpkgs would refuse to build some licences if its builder got this
  # `meta`. Values from overrides take precedence.
  describe =
    attrs: unit:
    let
      own = unit.meta or { };
      # The builder sets `mainProgram` to the name of the crate, which may not be a binary.
      isDefault = own.mainProgram or null == attrs.crateName;
    in
    if !(lib.isDerivation unit) then
      unit
    else
      unit
      // {
        meta = metaOf attrs // removeAttrs own (lib.optional isDefault "mainProgram");
      }
      // lib.optionalAttrs (unit ? overrideAttrs) {
        overrideAttrs = change: describe attrs (unit.overrideAttrs change);
      };
in
{
  inherit describe;

  # Derivations of members have plain names, as other packages of nixpkgs do, instead of the builder's `rust_...`. Names
  # that are not valid in the store, such as `größe`, are replaced in the derivation but not in the crate.
  names =
    isMember:
    {
      crateName,
      version,
      buildTests ? false,
      ...
    }:
    let
      pname = lib.strings.sanitizeDerivationName crateName;
      name = "${pname}-${version}${lib.optionalString buildTests "-test"}";
    in
    if isMember then
      { inherit pname name; }
    else
      lib.optionalAttrs (pname != crateName) { name = "rust_${name}"; };
}
