# Tests, lints, documentation, examples and benchmarks of a member. Source: nix-lib/checks.nix of cratewright.
# The builder configures the package and runs its build script; what follows is for rustc's arguments as cargo has them
# (src/cargo/core/compiler/mod.rs), which the builder's own test builds have not.
{
  pkgs,
  lib,
  workspace,
  checkOptions,
  ...
}:
let
  functions = builtins.toFile "cargo-checks.sh" ''
    # What the build script asks for. $1 is the name of the crate.
    cargoCheckFlags() {
      local line value
      set -o pipefail
      flags=() libFlags=() binFlags=() testFlags=() exampleFlags=() benchFlags=() failed=()
      read -r -a flags <<<"$(tr '\n' ' ' <target/link)"
      if [ ! -e "target/build/$1.opt" ]; then return; fi
      while IFS= read -r line; do
        case $line in cargo::*) line=''${line#cargo::} ;; cargo:*) line=''${line#cargo:} ;; *) continue ;; esac
        value=''${line#*=}
        case $line in
          rustc-cfg=*) flags+=(--cfg "$value") ;;
          rustc-check-cfg=*) flags+=(--check-cfg "$value") ;;
          rustc-flags=*) read -r -a line <<<"$value" && flags+=("''${line[@]}") ;;
          rustc-link-search=*)
            flags+=(-L "$value")
            case ''${value#*=} in "$PWD"/*) libraries+=:''${value#*=} ;; esac
            ;;
          rustc-link-lib=*) libFlags+=(-l "$value") ;;
          rustc-link-arg=*) flags+=(-C "link-arg=$value") ;;
          rustc-link-arg-bins=*) binFlags+=(-C "link-arg=$value") ;;
          rustc-link-arg-tests=*) testFlags+=(-C "link-arg=$value") ;;
          rustc-link-arg-examples=*) exampleFlags+=(-C "link-arg=$value") ;;
          rustc-link-arg-benches=*) benchFlags+=(-C "link-arg=$value") ;;
        esac
      done <"target/build/$1.opt"
    }

    # One run of rustc or its kin: $1 is the program, $2 the kind of the target, $3 its name.
    cargoCompile() {
      local program=$1 kind=$2 name=$3 own="$2Flags[@]" environment=()
      shift 3
      environment+=("CARGO_CRATE_NAME=''${name//-/_}")
      case $kind in bin | example) environment+=("CARGO_BIN_NAME=$name") ;; esac
      case $kind in test | bench) environment+=("CARGO_TARGET_TMPDIR=$PWD/target/tmp" "''${binaries[@]}") ;; esac
      case $program in rustdoc) environment+=("''${seen[@]}") ;; *) environment+=(CARGO_PRIMARY_PACKAGE=1) ;; esac
      echo "Running ''${program##*/} --crate-name ''${name//-/_} $* ''${flags[*]} ''${!own}"
      env "''${environment[@]}" "$program" --crate-name "''${name//-/_}" "$@" "''${flags[@]}" "''${!own}"
    }

    # What programs see, and where they find shared objects: $1 is the variable that says so, $2 the directory of the profile.
    cargoProgramsSee() {
      local value=''${libraries:+''${libraries#:}:}$PWD/$2:$PWD/target/deps
      value+=:$(rustc --print target-libdir ''${cargoTarget:+--target "$cargoTarget"})
      # What it means to be empty there is to be said.
      case $1 in DYLD*) value+=:''${!1:-$HOME/lib:/usr/local/lib:/usr/lib} ;; *) value+=''${!1:+:''${!1}} ;; esac
      seen=("''${cargoOfTests[@]}" "$1=$value")
    }

    # One program, and what became of it. $1 is what it is called, $2 the kind of the target, the rest the command.
    cargoRun() {
      local name=$1 kind=$2
      shift 2
      printf '\n     Running %s\n' "$name" | tee -a "$log"
      case $kind in
        doctest) ;;
        test) set -- env "''${seen[@]}" "''${binaries[@]}" "$@" ;;
        *) set -- env "''${seen[@]}" "$@" ;;
      esac
      if "$@" 2>&1 | tee -a "$log"; then :; else failed+=("$name"); fi
    }

    cargoEnd() {
      if [ ''${#failed[@]} -eq 0 ]; then return; fi
      printf '\nerror: %s of the programs failed:\n' "''${#failed[@]}" >&2
      printf '  %s\n' "''${failed[@]}" >&2
      exit 1
    }
  '';

  underscored = builtins.replaceStrings [ "-" ] [ "_" ];
  externs =
    renames: dependencies:
    lib.concatMap (
      dependency:
      let
        unit = lib.getLib dependency;
        chosen = lib.findFirst (rename: rename.version == unit.version) { rename = unit.libName; } (
          renames.${unit.crateName} or [ ]
        );
        isRlib = lib.any (kind: kind == "lib" || kind == "rlib") unit.crateType;
        platform = if unit.procMacro or false then pkgs.stdenv.buildPlatform else pkgs.stdenv.hostPlatform;
        file = "lib${underscored unit.libName}-${unit.metadata}";
      in
      [
        "--extern"
        "${underscored chosen.rename}=${unit}/lib/${file}${
          if isRlib then ".rlib" else platform.extensions.library
        }"
      ]
    ) dependencies;

  lines = lib.concatStringsSep "\n";
  known = lib.splitString " " "clippy clippyFlags env inputs postRun preRun testFlags";

  # Configuration of clippy in the workspace root, for packages that have none of their own.
  clippyConfiguration = lib.findFirst (file: builtins.pathExists (workspace.root + "/${file}")) null [
    ".clippy.toml"
    "clippy.toml"
  ];
in
{
  name,
  # The entry of `tests`, and the attributes of its unit.
  record,
  attrs,
  settings,
  # The unit with its binaries.
  binaries,
  # Makes a derivation of the package, given attributes that replace the builder's.
  build,
}:
let
  ofMacro = record.macro or { };
  targets = record.targets or [ ] ++ ofMacro.targets or [ ];
  of = kind: lib.filter (target: target.kind == kind) targets;
  isTested = target: target.test or (target.kind != "example");
  tested = lib.filter isTested (of "lib" ++ of "bin" ++ of "test" ++ of "example");

  directory = "target/${
    {
      dev = "debug";
      test = "debug";
      bench = "release";
    }
    .${settings.name} or settings.name
  }";
  program =
    target:
    if target.kind == "example" then
      "${directory}/examples/${target.name}"
    else
      "${directory}/deps/${target.name}-${
        builtins.substring 0 16 (builtins.hashString "sha256" target.kind)
      }";

  features = lib.concatMap (feature: [
    "--cfg"
    ''feature="${feature}"''
  ]);
  # The library of a proc-macro is compiled for the host, with what is there.
  isMacro = target: target.kind == "lib" && record ? macro;
  inputsOf =
    target: withLibrary:
    let
      from = if isMacro target then ofMacro else record;
    in
    features from.features or [ ]
    ++ externs from.crateRenames or { } (
      from.dependencies or [ ] ++ lib.optional (withLibrary && record ? library) record.library
    )
    ++ lib.optionals (isMacro target) [
      "--extern"
      "proc_macro"
    ];
  compile =
    program: target: flags: inputs:
    "cargoCompile ${program} ${target.kind} ${
      lib.escapeShellArgs (
        [
          target.name
          target.path
          "--edition"
          attrs.edition
        ]
        ++ flags
        ++ record.lints or [ ]
        ++ [
          "--check-cfg"
          "cfg(docsrs,test)"
          "--check-cfg"
          "cfg(feature, values(${
            lib.concatMapStringsSep ", " (feature: ''"${feature}"'') record.knownFeatures or [ ]
          }))"
          "-L"
          "dependency=target/deps"
        ]
        ++ inputs
        ++ lib.optionals pkgs.stdenv.hasCC [
          "-C"
          "linker=${pkgs.stdenv.cc}/bin/${pkgs.stdenv.cc.targetPrefix}cc"
        ]
        ++ lib.optionals (settings.crossTriple != "") [
          "--target"
          settings.crossTriple
        ]
        ++ settings.rustflags
      )
    }";
  compileTo =
    target: flags:
    compile "rustc" target (
      lib.splitString " " (toString (settings.testFlags (isMacro target)))
      ++ flags
      ++ [
        "-o"
        (program target)
      ]
    ) (inputsOf target (target.kind != "lib"));
  crateTypes =
    target:
    lib.concatMap
      (kind: [
        "--crate-type"
        kind
      ])
      target.type or {
        lib = if record ? macro then [ "proc-macro" ] else attrs.type or [ "lib" ];
      }
      .${target.kind} or [ "bin" ];
  asTest =
    target:
    if target.harness or true then
      [ "--test" ]
    else
      [
        "--crate-type"
        "bin"
        "--cfg"
        "test"
      ];
  plainly = target: compileTo target (crateTypes target);

  run =
    options: target:
    let
      label = "${
        lib.optionalString (target.kind == "lib" || target.kind == "bin") "unittests "
      }${target.path} (${program target})";
    in
    "cargoRun ${
      lib.escapeShellArgs (
        [
          label
          target.kind
          "./${program target}"
        ]
        ++ options.testFlags or [ ]
      )
    }";
  # No more than Nix gives the build.
  threads = "export RUST_TEST_THREADS=\${RUST_TEST_THREADS:-$NIX_BUILD_CORES}";
  end = ''
    cargoEnd
    mkdir -p "$out"
    cp "$log" "$out/${name}.log"
  '';
  install =
    directory: target: ''install -D -m 755 ${program target} "$out/${directory}/${target.name}"'';

  scripts = {
    tests =
      options:
      lines (
        map (target: compileTo target (asTest target)) tested
        # Cargo compiles them, so that they do not rot.
        ++ map plainly (lib.filter (target: !(isTested target)) (of "example"))
        ++ [
          threads
          (options.preRun or "")
        ]
        ++ map (run options) tested
        ++ [
          (options.postRun or "")
          end
        ]
      );

    clippy =
      options:
      let
        lint =
          target: flags:
          compile "clippy-driver" target (
            flags
            ++ [
              "--emit=metadata"
              "--out-dir=target/clippy"
            ]
            ++ options.clippyFlags or [
              "-D"
              "warnings"
            ]
          ) (inputsOf target (target.kind != "lib"));
      in
      lines (
        [
          ''export SYSROOT="$(rustc --print sysroot)"''
          (lib.optionalString (clippyConfiguration != null) ''
            if [ ! -e clippy.toml ] && [ ! -e .clippy.toml ]; then
              mkdir -p target/clippy
              cp ${workspace.root + "/${clippyConfiguration}"} target/clippy/clippy.toml
              export CLIPPY_CONF_DIR=$PWD/target/clippy
            fi
          '')
        ]
        ++ map (target: lint target (crateTypes target)) (of "lib" ++ of "bin" ++ of "example")
        ++ map (target: lint target (asTest target)) (
          lib.filter isTested (of "lib" ++ of "bin") ++ of "test" ++ of "bench"
        )
        ++ [ ''mkdir -p "$out"'' ]
      );

    doctests =
      options:
      lines (
        [ threads ]
        ++ lib.concatMap (
          target:
          lib.optional (target.doctest or true) (
            "cargoRun ${lib.escapeShellArg "doc-tests of ${name}"} doctest "
            + compile "rustdoc" target (
              [
                "--test"
                "--test-run-directory=."
              ]
              ++ crateTypes target
              ++ lib.concatMap (flag: [
                "--test-args"
                flag
              ]) options.testFlags or [ ]
            ) (inputsOf target true)
          )
        ) (of "lib")
        ++ [ end ]
      );

    docs =
      _:
      lines (
        map
          (
            target:
            compile "rustdoc" target (
              crateTypes target
              ++ [
                "--out-dir"
                "doc"
              ]
              ++ lib.optional (target.kind == "bin") "--document-private-items"
            ) (inputsOf target (target.kind != "lib"))
          )
          (
            of "lib"
            ++ lib.filter (
              bin: !(lib.any (library: underscored library.name == underscored bin.name) (of "lib"))
            ) (of "bin")
          )
        ++ [ ''mkdir -p "$out/share" && cp -r doc "$out/share/doc"'' ]
      );

    examples =
      _:
      lines (
        [ ''mkdir -p "$out"'' ]
        ++ lib.concatMap (target: [
          (plainly target)
          (install "examples" target)
        ]) (of "example")
      );

    benches =
      _:
      lines (
        [ ''mkdir -p "$out"'' ]
        ++ lib.concatMap (target: [
          (compileTo target (asTest target))
          (install "benches" target)
        ]) (of "bench")
      );
  };

  check =
    kind:
    lib.makeOverridable (
      options:
      let
        unknown = lib.attrNames (removeAttrs options known);
      in
      if unknown != [ ] then
        throw "${kind}.${name}: there is no option `${lib.head unknown}`; there are ${lib.concatStringsSep ", " known}"
      else
        build (
          options.env or { }
          // {
            name = "${name}-${attrs.version}-${kind}";
            outputs = [ "out" ];
            outputDev = [ "out" ];
            nativeBuildInputs =
              options.inputs or [ ]
              ++ lib.optional (kind == "clippy") options.clippy or pkgs.buildPackages.clippy;
            buildPhase = ''
              runHook preBuild
              source ${functions}
              cargoCheckFlags ${attrs.crateName}
              binaries=()
              ${lines (
                map
                  (bin: ''
                    install -D -m 755 ${binaries}/bin/${bin} ${directory}/${bin}
                    binaries+=("CARGO_BIN_EXE_${bin}=$PWD/${directory}/${bin}")
                  '')
                  (lib.optionals (of "test" != [ ] || of "bench" != [ ]) (map (bin: bin.name) attrs.crateBin or [ ]))
              )}
              mkdir -p ${directory}/{deps,examples} target/tmp
              export HOME=$NIX_BUILD_TOP
              cargoProgramsSee ${
                if pkgs.stdenv.hostPlatform.isDarwin then "DYLD_FALLBACK_LIBRARY_PATH" else "LD_LIBRARY_PATH"
              } ${directory}
              log=$NIX_BUILD_TOP/checks.log
              touch "$log"
              ${scripts.${kind} options}
              runHook postBuild
            '';
            installPhase = "runHook preInstall; runHook postInstall";
            dontStrip = true;
          }
        )
    ) (checkOptions."*" or { } // checkOptions.${name} or { });
in
lib.mapAttrs (kind: _: check kind) scripts
