# The builds of members, with the arguments of `.build.override`.
{
  pkgs,
  lib,
  members,
  variants ? { },
  inputs,
  arguments,
  checks,
  image,
  meta,
  sbom,
  units,
  ...
}:
let
  inherit (units) entries unitsWith;

  # Feature sets that a member was resolved with: the default one, which may enable no features, and those of variants.
  featureSets =
    name:
    [
      {
        features = [ "default" ];
        unit = members.${name} or null;
      }
    ]
    ++ lib.concatMap (variant: lib.optional (variant ? ${name}) variant.${name}) (
      lib.attrValues variants
    );
  setsWith = sets: features: lib.filter (set: set.features == sorted features) sets;
  sorted = features: lib.unique (builtins.sort builtins.lessThan features);
  show = features: "[ ${toString features} ]";
  # The key of an entry with the attributes that all builds of a member share.
  packageIdOf = name: members.${name} or (lib.last (featureSets name)).unit;

  # The manifest of a member, and its features according to the record.
  declarationsOf =
    name:
    let
      directory = entries.${packageIdOf name}.dir or "";
      manifest = lib.optionalString (directory != "") "${directory}/" + "Cargo.toml";
      # The record has a line for each feature and dependency in the manifest.
      keys = map (line: lib.head (lib.splitString " = " line)) (
        lib.splitString "\n" (inputs.${manifest} or "")
      );
    in
    {
      inherit manifest;
      declared = map (lib.removePrefix "features.") (lib.filter (lib.hasPrefix "features.") keys);
      # An optional dependency can be a feature, too.
      has =
        feature:
        feature == "default"
        || lib.elem "features.${feature}" keys
        || lib.any (lib.hasSuffix "dependencies.${feature}") keys;
    };

  # How to declare a variant of members.
  declaring =
    names: features:
    let
      list = values: "[${lib.concatMapStringsSep ", " builtins.toJSON values}]";
    in
    ''
      Declare the set in the root Cargo.toml, with a name of your choice, and run `cratewright generate`:
        [workspace.metadata.cratewright.variants.NAME]
        members = ${list names}
        features = ${list (lib.remove "default" features)}${
          lib.optionalString (!(lib.elem "default" features)) "\n  no-default-features = true"
        }
    '';

  # The error for features that a member was not resolved with.
  unresolved =
    name: features:
    let
      own = declarationsOf name;
      inherit (own) manifest declared;
      unknown = lib.filter (feature: !(own.has feature)) features;
      others = lib.filter (other: lib.all (declarationsOf other).has features) (
        lib.attrNames units.memberNames
      );
      # Variants of these members with the features.
      existing = lib.attrNames (
        lib.filterAttrs (
          _: variant: lib.all (other: variant.${other}.features or null == sorted features) others
        ) variants
      );
    in
    if unknown != [ ] then
      throw (
        ''
          ${name} has no feature `${lib.head unknown}`; ${manifest} declares ${
            if declared == [ ] then "no features" else lib.concatStringsSep ", " declared
          }.
          Correct `features` of `.build.override`, or `rootFeatures` of Cargo.nix.
        ''
        + lib.optionalString (others != [ ]) (
          ''
            `rootFeatures` applies to every member that is built, and each of them must declare its features. Of the
            members, only ${lib.concatStringsSep ", " others} ${
              if lib.length others == 1 then "does" else "do"
            }. To enable the features only there, build ${
              if existing == [ ] then
                "a variant of your own, such as variants.NAME.${lib.head others}.build"
              else
                "variants.${lib.head existing}.${lib.head others}.build"
            }.
          ''
          + lib.optionalString (existing == [ ]) (declaring others features)
        )
      )
    else
      throw (
        ''
          ${name} was not resolved with features ${show features};
          it was resolved with ${lib.concatMapStringsSep ", " (set: show set.features) (featureSets name)}.
        ''
        + declaring [ name ] features
      );

  nothing =
    { crateName, version, ... }:
    pkgs.runCommand "${crateName}-${version}" {
      inherit crateName version;
      pname = crateName;
      outputs = [
        "out"
        "lib"
      ];
    } ''mkdir "$out" "$lib"'';

  # The outputs of `built`, which exist only if the tests pass.
  testedBy =
    test: built:
    pkgs.runCommand built.name
      {
        inherit (built) outputs version;
        passthru = {
          inherit test;
        };
      }
      ''
        : ${test}
        ${lib.concatMapStrings (output: "ln -s ${built.${output}} \"\$${output}\"\n") built.outputs}
      '';

  # `.build.override` takes the same arguments as crate2nix's.
  buildMember =
    { compilation, sides }:
    name: preferred:
    lib.makeOverridable (
      {
        features,
        crateOverrides ? null,
        runTests ? false,
        testCrateFlags ? [ ],
        testInputs ? [ ],
        testPreRun ? "",
        testPostRun ? "",
        ...
      }@all:
      let
        given = arguments.ofBuild name {
          inherit
            features
            crateOverrides
            runTests
            testCrateFlags
            testInputs
            testPreRun
            testPostRun
            ;
        };
        wanted = sorted given.features;
        found = setsWith (preferred ++ featureSets name) given.features;
        chosen = if given.crateOverrides == null then sides else unitsWith compilation given.crateOverrides;
        unit = (lib.head found).unit;
        # A proc-macro is built for the build platform, as it runs in the compiler.
        side = if entries.${unit}.procMacro or false then "build" else "units";
        # As with cargo, a package whose targets are all disabled is an empty build.
        attrs =
          if unit == null then removeAttrs entries.${packageIdOf name} [ "crateBin" ] else entries.${unit};
        built = meta.describe attrs (if unit == null then nothing attrs else chosen.${side}.${unit});
        test =
          if wanted != [ "default" ] then
            throw ''
              ${name}: tests were resolved with default features only, not with ${show wanted}
                help: leave out `runTests` or `features`; `tests.${name}` are the tests with default features
            ''
          else
            ((checks compilation chosen).tests.${name}
              or (throw "this Cargo.nix has no tests: [workspace.metadata.cratewright] has `tests = false`")
            ).override
              (options: {
                testFlags = options.testFlags or [ ] ++ given.testCrateFlags;
                inputs = options.inputs or [ ] ++ given.testInputs;
                preRun = options.preRun or "" + "\n" + given.testPreRun;
                postRun = options.postRun or "" + "\n" + given.testPostRun;
              });
        result = if given.runTests then testedBy test built // { inherit (built) meta; } else built;
      in
      if arguments.unknownOfBuild name all != null then
        throw (arguments.unknownOfBuild name all)
      else if found == [ ] then
        unresolved name given.features
      else
        result
        // {
          image = image result attrs;
          sbom =
            if unit == null then
              throw "${name}: no target is enabled with features ${show (lib.head found).features}"
            else
              sbom {
                root = unit;
                features = wanted;
              };
        }
    );
in
{
  inherit packageIdOf buildMember;

  # The entry of a member with these features, if it was resolved with them.
  unitsWith = name: features: map (set: set.unit) (lib.take 1 (setsWith (featureSets name) features));
}
