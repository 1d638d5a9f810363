# Kinds of checks: the targets of a member that each of them covers, and its commands.
# Targets are selected as cargo selects them (src/cargo/ops/cargo_compile/unit_generator.rs).
{
  lib,
  rustc,
  check-script,
  ...
}:
let
  inherit (rustc)
    clippyConfigurations
    each
    fileOf
    underscored
    targetsIn
    targetsOf
    ;
  lines = lib.concatStringsSep "\n";
  usual = target: target.kind != "example" && target.kind != "bench";
  isTested = target: target.test or (usual target);
in
# Takes a member, its compiler settings, its built binaries, and whether the build platform can run its programs.
{
  name,
  record,
  attrs,
  settings,
  binaries,
  canRun,
}:
let
  compiler = targetsOf { inherit record attrs settings; };
  inherit (compiler)
    asTest
    compileTo
    compileWith
    directory
    plainly
    testProgram
    ;

  all =
    targetsIn attrs record "lib" "libs" "src"
    ++ targetsIn attrs (record.macro or { }) "lib" "libs" "src"
    ++ targetsIn attrs record "bin" "bins" "src/bin"
    ++ targetsIn attrs record "test" "tests" "tests"
    ++ targetsIn attrs record "example" "examples" "examples"
    ++ targetsIn attrs record "bench" "benches" "benches";
  of = kind: lib.filter (target: target.kind == kind) all;
  tested = lib.filter isTested (of "lib" ++ of "bin" ++ of "test" ++ of "bench" ++ of "example");
  plainExamples = lib.filter (target: !(isTested target)) (of "example");
  doctested = lib.filter (target: target.doctest or true) (of "lib");
  # As cargo does, a binary with the name of the library is skipped: rustdoc would write both to the same directory.
  documented =
    of "lib"
    ++ lib.filter (
      bin: !(lib.any (library: underscored library.name == underscored bin.name) (of "lib"))
    ) (of "bin");
  buildScript = lib.optional (attrs ? build) {
    kind = "build";
    name = "build_script_build";
    path = attrs.build;
  };

  # Sets CARGO_BIN_EXE_* for tests and benchmarks; `place` gives the path of a binary.
  named =
    place:
    lines (
      map (bin: ''binaries+=("CARGO_BIN_EXE_${bin.name}=${place bin}")'') (
        lib.optionals (of "test" != [ ] || of "bench" != [ ]) attrs.crateBin or [ ]
      )
    );
  built = bin: "${binaries}/bin/${fileOf bin.name}";
  # Binaries are also put in the target directory, where tests that do not use CARGO_BIN_EXE_* look for them.
  beside = ''
    ${lines (
      map (bin: ''install -D -m 755 ${built bin} "${directory}/${fileOf bin.name}"'') (
        lib.optionals (of "test" != [ ]) attrs.crateBin or [ ]
      )
    )}
  '';

  # An example that is a library is written to the directory `place`, as rustc names one file for each crate type.
  isLibrary = target: target ? type;
  compileExample =
    place: target:
    if isLibrary target then
      compileWith { } "rustc" target (
        lib.splitString " " (toString (settings.testFlags false))
        ++ plainly target
        ++ [
          "--out-dir"
          place
        ]
      )
    else
      compileTo (exampleProgram target) target (plainly target);
  exampleProgram = target: "${directory}/examples/${target.name}";

  # Uses at most as many threads as Nix grants to the build.
  threads = "export RUST_TEST_THREADS=\${RUST_TEST_THREADS:-$NIX_BUILD_CORES}";
  install = target: file: ''install -D -m 755 ${file} "$out/bin/${target.name}"'';
  log = ''
    cargoEnd
    mkdir -p "$out"
    cp "$log" "$out/${name}.log"
  '';
  prepare = ''
    source ${check-script}
    cargoCheckFlags ${directory} ${lib.optionalString (of "lib" != [ ]) "yes"}
  '';
in
lib.mapAttrs (_: kind: kind // { script = options: prepare + kind.script options; }) {
  tests = {
    targets = tested ++ plainExamples;
    script =
      options:
      let
        run =
          target:
          let
            unit = lib.optionalString (target.kind != "test" && target.kind != "bench") "unittests ";
            program = testProgram target;
          in
          "cargoRun ${
            lib.escapeShellArgs (
              [
                "     Running ${unit}${target.path} (${program})"
                "cargoProgram"
                target.kind
                "./${program}"
              ]
              ++ options.testFlags or [ ]
            )
          }";
      in
      lines (
        [
          beside
          (named (bin: "$PWD/${directory}/${fileOf bin.name}"))
        ]
        ++ map (target: compileTo (testProgram target) target (asTest target)) tested
        # Examples are compiled with the tests, as `cargo test` does.
        ++ map (compileExample "${directory}/examples") plainExamples
        ++ lib.optionals canRun (
          [
            threads
            (options.preRun or "")
          ]
          ++ map run tested
          ++ [ (options.postRun or "") ]
        )
        ++ [ log ]
      );
  };

  # The targets of `cargo clippy --all-targets`, and the build script.
  clippy = {
    targets = all ++ buildScript;
    script =
      options:
      let
        lint =
          label: flagsOf: target:
          "cargoRun ${lib.escapeShellArg "    Checking ${target.path}${label}"} ${
            compileWith
              {
                own =
                  options.clippyFlags or [
                    "-D"
                    "warnings"
                  ];
              }
              "clippy-driver"
              target
              (
                flagsOf target
                ++ [
                  "--emit=metadata"
                  "--out-dir=target/clippy"
                ]
              )
          }";
        configurations = clippyConfigurations attrs.dir or "";
      in
      lines (
        [
          (named (bin: "$PWD/${directory}/${fileOf bin.name}"))
          ''export SYSROOT="$(rustc --print sysroot)"''
          (lib.optionalString (configurations != [ ]) ''
            if [ ! -e clippy.toml ] && [ ! -e .clippy.toml ]; then
              mkdir -p target/clippy
              cp ${lib.head configurations} target/clippy/clippy.toml
              export CLIPPY_CONF_DIR=$PWD/target/clippy
            fi
          '')
        ]
        ++ map (lint "" plainly) (buildScript ++ of "lib" ++ of "bin" ++ of "example")
        ++ map (lint " (test)" asTest) (tested ++ lib.filter (target: !(isTested target)) (of "bench"))
        ++ [ log ]
      );
  };

  doctests = {
    targets = doctested;
    script =
      options:
      lines (
        [ threads ]
        # `--no-run` of rustdoc is unstable.
        ++ lib.optional (!canRun) "export RUSTC_BOOTSTRAP=1"
        ++ map (
          target:
          "cargoRun ${lib.escapeShellArg "   Doc-tests ${underscored target.name}"} ${
            compileWith
              {
                linksItself = true;
                own = options.rustdocFlags or [ ];
              }
              "rustdoc"
              target
              (
                [
                  "--test"
                  "--test-run-directory=."
                ]
                ++ lib.optionals (!canRun) [
                  "-Zunstable-options"
                  "--no-run"
                ]
                ++ plainly target
                ++ each "--test-args" (options.testFlags or [ ])
              )
          }"
        ) doctested
        ++ [ log ]
      );
  };

  docs = {
    targets = documented;
    script =
      options:
      lines (
        map (
          target:
          compileWith { own = options.rustdocFlags or [ ]; } "rustdoc" target (
            plainly target
            ++ [
              "--out-dir"
              "doc"
            ]
            ++ lib.optional (target.kind == "bin") "--document-private-items"
          )
        ) documented
        ++ [ ''mkdir -p "$out/share" && cp -r doc "$out/share/doc"'' ]
      );
  };

  examples = {
    targets = of "example";
    script =
      _:
      lines (
        lib.concatMap (
          target:
          let
            place = "target/examples/${target.name}";
          in
          [
            (compileExample place target)
            (
              if isLibrary target then
                ''install -D -m 755 -t "$out/lib" ${place}/*''
              else
                install target (exampleProgram target)
            )
          ]
        ) (of "example")
      );
  };

  benches = {
    targets = of "bench";
    script =
      _:
      lines (
        [ (named built) ]
        ++ lib.concatMap (target: [
          (compileTo (testProgram target) target (asTest target))
          (install target (testProgram target))
        ]) (of "bench")
      );
  };
}
