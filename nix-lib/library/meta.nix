# What nixpkgs says of a package, from what a manifest says.
{ lib, ... }:
let
  # By SPDX id.
  known = lib.listToAttrs (
    map (license: lib.nameValuePair license.spdxId license) (
      lib.filter (license: lib.isAttrs license && license ? spdxId) (lib.attrValues (lib.licenses or { }))
    )
  );

  # A licence that nixpkgs does not know is one all the same.
  licenseOf =
    name:
    let
      # `GPL-2.0+` is what SPDX called `GPL-2.0-or-later`.
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

  # The licences of an expression, whether all of them hold or one may be chosen: nixpkgs has lists alone. Words that no
  # operator parts are one name, so that exceptions stay with what they are for, and so does what is no expression.
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
    # What `nix run` runs. With several binaries, none of the package's name and no `default-run`, there is none.
    // lib.optionalAttrs (lib.elem attrs.crateName bins) { mainProgram = attrs.crateName; }
    // lib.optionalAttrs (lib.length bins == 1) { mainProgram = lib.head bins; }
    // lib.optionalAttrs (lib.elem attrs.default-run or null bins) { mainProgram = attrs.default-run; };

  # The derivation with `meta`, which is beside it and not in it: what licences nixpkgs refuses to build is decided by
  # the `meta` that its builder gets, and no build is to fail for that. What an override sets, holds.
  describe =
    attrs: unit:
    let
      own = unit.meta or { };
      # The builder takes the name of the crate for that of its program.
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

  # A package of the workspace goes by its own name, as others of nixpkgs do; the builder calls it `rust_...`. Cargo has
  # names that the store cannot have, such as `größe`: the crate keeps them, the derivation does not.
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
