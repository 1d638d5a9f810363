# An experimental builder for Cargo.nix: `buildRustCrateForPkgs = import ./. { pipelining = false; }`. benches/builds.py
# measures it, and docs/src/own-builder.md describes it. It takes the arguments of nixpkgs' `buildRustCrate`, and its
# results have the attributes that our library reads. Crates are plain derivations that bash builds; only build scripts
# that compile C use stdenv. Hooks that our library writes for nixpkgs' phases are left out, as this builder does their
# work itself; hooks of overrides run.
#
# With `pipelining`, a library is two derivations: its metadata, which dependents are compiled against, and its code,
# which is linked.
{
  pipelining ? false,
}:
pkgs:
let
  inherit (pkgs) lib;
  tools = import ./tools.nix pkgs;
  arguments = import ./arguments.nix { inherit lib; };

  underscored = builtins.replaceStrings [ "-" ] [ "_" ];
  uniqueUnits =
    units:
    map (entry: entry.unit) (
      builtins.genericClosure {
        startSet = map (unit: {
          key = unit.outPath;
          inherit unit;
        }) units;
        operator = _: [ ];
      }
    );
  # Direct and transitive dependencies, without those of procedural macros, which rustc does not load.
  closure =
    direct:
    uniqueUnits (
      direct ++ lib.concatMap (unit: lib.optionals (!unit.procMacro) unit.completeDeps) direct
    );

  build =
    { stdenv, defaultCrateOverrides, ... }:
    crate_:
    let
      overridden = (defaultCrateOverrides.${crate_.crateName} or (_: { })) crate_;
      crate = crate_ // overridden;
      inherit (crate) crateName version;
      target = stdenv.hostPlatform.rust.rustcTarget;
      dependencies = map lib.getLib crate.dependencies or [ ];
      buildDependencies = map lib.getLib crate.buildDependencies or [ ];
      procMacro = crate.procMacro or false;
      crateType = if procMacro then [ "proc-macro" ] else crate.type or [ "lib" ];
      libName = crate.libName or crateName;
      metadata = builtins.substring 0 10 (
        builtins.hashString "sha256" (
          lib.concatStringsSep "|" (
            [
              "${crateName}-${version}"
              (toString crate.features or [ ])
              target
            ]
            ++ map (dependency: dependency.metadata) (dependencies ++ buildDependencies)
          )
        )
      );
      bins = crate.crateBin or [ ];
      completeDeps = closure dependencies;
      completeBuildDeps = closure buildDependencies;
      isPlainLibrary = lib.all (type: type == "lib" || type == "rlib") crateType;
      # Programs need linked dependencies; plain libraries, into which nothing is linked, need only metadata.
      isSplit = pipelining && isPlainLibrary;

      # stdenv is needed if the build script uses a crate that compiles C, or if inputs have setup hooks.
      compilesC =
        crate ? build
        && lib.any (unit: lib.elem unit.crateName tools.compilers) (buildDependencies ++ completeBuildDeps)
        || crate.nativeBuildInputs or [ ] ++ crate.buildInputs or [ ] != [ ];

      texts = arguments {
        inherit
          crate
          crate_
          dependencies
          buildDependencies
          completeDeps
          completeBuildDeps
          crateType
          metadata
          stdenv
          underscored
          pipelining
          ;
        inherit (tools) cfg;
      };
      derive =
        {
          part,
          outputs ? [ "out" ],
          withC ? false,
          ...
        }@given:
        let
          attrs =
            texts.environment
            // {
              name = "rust_${crateName}-${version}${lib.optionalString (part != "all") "-${part}"}";
              inherit (crate) src;
              inherit outputs;
              inherit (stdenv.buildPlatform) system;
              tools = tools.path;
            }
            // removeAttrs given [ "withC" ];
        in
        if withC then
          stdenv.mkDerivation (
            attrs
            // {
              nativeBuildInputs = crate.nativeBuildInputs or [ ];
              buildInputs = crate.buildInputs or [ ];
              buildCommand = "source ${./build.sh}";
            }
          )
        else
          derivation (
            attrs
            // {
              builder = tools.bash;
              args = [ ./build.sh ];
            }
          );

      # The output of the build script, if that is a separate derivation.
      script = derive {
        part = "script";
        setup = texts.common + texts.script;
        withC = compilesC;
      };
      fromScript = lib.optionalString (crate ? build) "script=${script}\n";
      meta = derive {
        part = "meta";
        setup = texts.common + fromScript + texts.library "meta";
      };
      code = derive {
        part = "code";
        setup = texts.common + fromScript + texts.library "code";
      };
      all = derive {
        part = "all";
        outputs = [ "out" ] ++ lib.optional (bins != [ ]) "lib";
        setup =
          texts.common
          + lib.optionalString (crate ? build) texts.script
          + texts.library "link"
          + texts.programs { library = null; };
        withC = compilesC;
      };
      programs = derive {
        part = "programs";
        setup = texts.common + fromScript + texts.programs { library = code; };
      };

      facts = {
        inherit
          crateName
          version
          libName
          metadata
          crateType
          procMacro
          dependencies
          buildDependencies
          completeDeps
          completeBuildDeps
          ;
        crateFeatures = crate.features or [ ];
        stdlib = false;
        # Where dependents find the files that they are compiled against, the files that they link, and those of the
        # build script.
        forCompile = if isSplit then meta else library;
        forLink = library;
        made =
          if !(crate ? build) then
            null
          else if isSplit then
            script
          else
            library;
      }
      // crate.passthru or { };
      library = if isSplit then code else all.lib or all;
      main =
        if !isSplit then
          all
        else if bins != [ ] then
          programs
        else
          code;
    in
    main
    // facts
    // {
      lib = library // facts;
      meta.mainProgram = crateName;
      override = _: throw "benches/builder: `override` of a crate is not supported";
    };

  make = inputs: {
    __functor = _: build inputs;
    override = change: make (inputs // (if lib.isFunction change then change inputs else change));
  };
in
make { inherit (pkgs) stdenv defaultCrateOverrides; }
