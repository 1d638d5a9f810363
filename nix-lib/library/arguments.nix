# The forms of arguments. Each is checked when it is used: errors of Nix would name neither the argument nor the crate.
{ lib, near-names, ... }:
let
  form = is: what: example: { inherit is what example; };
  optional = form: form // { is = value: value == null || form.is value; };

  listOf =
    isItem: what: example:
    form (value: lib.isList value && lib.all isItem value) what example // { inherit isItem; };
  # A store path is a package as well. A path of a derivation that is not built yet may have another form, but it has a
  # context. A flake is a path of its source, not a package.
  isPackage =
    value:
    value ? outPath && !(value ? sourceInfo)
    || builtins.isPath value && isStorePath (toString value)
    || lib.isString value && (isStorePath value || builtins.hasContext value);
  isStorePath = lib.hasPrefix "${builtins.storeDir}/";

  bool = form lib.isBool "true or false";
  list = form lib.isList "a list";
  features = listOf lib.isString "a list of strings" "[ \"default\" \"fast\" ]";
  package = form isPackage "a package or a store path";
  function = form lib.isFunction "a function";
  attributes = form lib.isAttrs "an attribute set";
  overrides = attributes "{ openssl-sys = attrs: { buildInputs = [ pkgs.openssl ]; }; }";
  flags = list "[ \"--test-threads=1\" ]";
  # Other elements, such as paths of setup hooks, are left to Nix.
  packages = listOf (
    item: !(lib.isString item) || isPackage item
  ) "a list of packages" "[ pkgs.git ]";
  commands = form lib.isString "a string of shell commands" "\"export HOME=$TMPDIR\"";

  forms = {
    # Arguments of Cargo.nix.
    file = {
      buildRustCrateForPkgs = function "pkgs: pkgs.buildRustCrate";
      checkOptions = attributes "{ app.inputs = [ pkgs.git ]; }";
      contentAddressed = bool "true";
      crateOverrides = overrides;
      cratewright = optional (package "inputs.cratewright.packages.\${system}.default");
      defaultCrateOverrides = optional overrides;
      env = attributes "{ CARGO_PROFILE_RELEASE_LTO = \"thin\"; }";
      externalSources = attributes "{ \"../shared\" = inputs.shared; }";
      fetchgit = optional (function "pkgs.fetchgit");
      fetchurl = optional (function "pkgs.fetchurl");
      linker = optional (
        form (
          value: lib.isString value || lib.isAttrs value
        ) "the name of a linker, or a set of names by triple" "\"mold\""
      );
      nix2container = optional (attributes "inputs.nix2container.packages.\${system}.nix2container");
      profile = form lib.isString "the name of a profile" "\"release\"";
      registryDl = optional (form lib.isString "an address" "\"https://mirror.example/crates\"");
      release = bool "false";
      rootFeatures = features;
      stdenv = attributes "pkgs.clangStdenv";
      toolchain = optional (package "inputs.fenix.packages.\${system}.stable.toolchain");
    };
    # Arguments of `.build.override`.
    build = {
      inherit features;
      crateOverrides = optional overrides;
      runTests = bool "true";
      testCrateFlags = flags;
      testInputs = packages;
      testPostRun = commands;
      testPreRun = commands;
    };
    # Options of checks.
    check = {
      clippy = package "pkgs.clippy";
      clippyFlags = list "[ \"-D\" \"warnings\" ]";
      env = attributes "{ RUST_LOG = \"debug\"; }";
      extraSources =
        listOf lib.isString "a list of strings with paths relative to the workspace root"
          "[ \"../testdata\" ]";
      inputs = packages;
      postRun = commands;
      preRun = commands;
      rustdocFlags = list "[ \"--html-in-header=head.html\" ]";
      testFlags = flags;
    };
  };

  kinds = {
    bool = "a boolean";
    float = "a number";
    int = "a number";
    lambda = "a function";
    list = "a list";
    null = "null";
    set = "an attribute set";
  };
  show =
    value:
    if lib.isString value then
      "the string \"${value}\""
    else if builtins.isPath value then
      "the path ${toString value}"
    else
      kinds.${builtins.typeOf value};

  check =
    owner: name:
    {
      is,
      what,
      example,
      isItem ? null,
    }:
    value:
    let
      wrong = lib.findFirst (item: !(isItem item)) null value;
      shown = if isItem != null && lib.isList value then "a list with ${show wrong}" else show value;
    in
    if is value then
      value
    else
      throw ''
        ${owner}: `${name}` is ${shown}, not ${what}.
        Write for example: ${lib.strings.escapeNixIdentifier name} = ${example};
      '';

  unknownIn =
    owner: known: given:
    let
      # nix-shell passes `inNixShell` to every function that accepts it.
      unknown = removeAttrs given (known ++ [ "inNixShell" ]);
      name = lib.head (lib.attrNames unknown);
      near = near-names.suggestion name known;
    in
    if unknown == { } then
      null
    else if given ? callPackage && given ? stdenv then
      ''
        ${owner} takes a set of arguments, and this is nixpkgs itself
        Write for example: { inherit pkgs; }
      ''
    else
      ''
        ${owner} has no argument `${name}`${lib.optionalString (near != "") "; ${near}"}
        Its arguments are ${lib.concatStringsSep ", " known}.
      '';

  overrideExample =
    name:
    "Write for example: ${lib.strings.escapeNixIdentifier name} = attrs: { buildInputs = [ pkgs.zlib ]; };";
in
{
  inherit
    attributes
    bool
    check
    form
    forms
    listOf
    optional
    unknownIn
    ;

  # The error for an argument of an unknown name; null if there is none.
  unknownOfFile = unknownIn "Cargo.nix" (
    [
      "lib"
      "nixpkgs"
      "pkgs"
    ]
    ++ lib.attrNames forms.file
  );
  unknownOfBuild = member: unknownIn "${member}: build.override" (lib.attrNames forms.build);

  # One argument of Cargo.nix.
  ofFile = name: check "Cargo.nix" name forms.file.${name};
  # All arguments of `.build.override`, or options of a check.
  ofBuild = member: lib.mapAttrs (name: check "${member}: build.override" name forms.build.${name});
  ofCheck = owner: lib.mapAttrs (name: check owner name forms.check.${name});
  # The options of a member in `checkOptions`.
  ofMember = name: check "checkOptions" name (attributes "{ inputs = [ pkgs.git ]; }");

  # An override of a crate, whose result is checked as well. `set` is the argument that it comes from.
  ofCrate =
    set: name: override:
    if !(lib.isFunction override) then
      throw ''
        ${set}: the override of `${name}` is ${show override}, not a function of the crate's attributes.
        ${overrideExample name}
      ''
    else
      attrs:
      let
        result = override attrs;
      in
      if lib.isAttrs result then
        result
      else
        throw ''
          ${set}: the override of `${name}` returns ${show result}, not an attribute set.
          ${overrideExample name}
        '';
}
