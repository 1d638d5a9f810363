# Command lines of rustc, rustdoc and clippy-driver for the targets of a member.
# The arguments are cargo's (src/cargo/core/compiler/mod.rs), from which the builder's own test builds differ.
{
  pkgs,
  lib,
  workspace,
  toolchain,
  linker-flags,
  ...
}:
let
  underscored = builtins.replaceStrings [ "-" ] [ "_" ];
  each =
    flag:
    lib.concatMap (value: [
      flag
      value
    ]);

  # The same as nixpkgs' builder passes.
  externs =
    renames: dependencies:
    each "--extern" (
      map (
        dependency:
        let
          unit = lib.getLib dependency;
          chosen = lib.findFirst (rename: rename.version == unit.version) { rename = unit.libName; } (
            renames.${unit.crateName} or [ ]
          );
          isRlib = lib.any (kind: kind == "lib" || kind == "rlib") unit.crateType;
          platform = if unit.procMacro or false then pkgs.stdenv.buildPlatform else pkgs.stdenv.hostPlatform;
          extension = if isRlib then ".rlib" else platform.extensions.library;
        in
        "${underscored chosen.rename}=${unit}/lib/lib${underscored unit.libName}-${unit.metadata}${extension}"
      ) dependencies
    );

  # The linker that the builder chooses for a side, as a list of at most one.
  linkersOn =
    side:
    let
      pkgsOf = if side == "host" then pkgs.buildPackages else pkgs;
      inherit (pkgsOf.stdenv) hasCC hostPlatform;
      rustc = if toolchain == null then pkgs.buildPackages.rustc else toolchain;
    in
    if hostPlatform.linker == "lld" then
      lib.optional (rustc ? llvmPackages.lld) "${rustc.llvmPackages.lld}/bin/lld"
    else
      lib.optional hasCC "${pkgsOf.stdenv.cc}/bin/${pkgsOf.stdenv.cc.targetPrefix}cc";
in
{
  inherit underscored each linkersOn;

  # The file name that rustc gives a program.
  fileOf =
    program:
    let
      platform = pkgs.stdenv.hostPlatform;
    in
    if platform.isWindows then
      "${program}.exe"
    else if platform.isWasm then
      "${program}.wasm"
    else
      program;

  # Clippy's configuration files in the directories above the package, nearest first.
  clippyConfigurations =
    dir:
    let
      parts = lib.filter (part: part != "" && part != ".") (lib.splitString "/" dir);
      above = lib.genList (up: lib.concatStringsSep "/" (lib.take (lib.length parts - up - 1) parts)) (
        lib.length parts
      );
      files = lib.concatMap (directory: [
        (workspace.root + "/${directory}/.clippy.toml")
        (workspace.root + "/${directory}/clippy.toml")
      ]) above;
    in
    lib.optionals (!(lib.hasPrefix ".." dir)) (lib.filter builtins.pathExists files);

  # nixpkgs' builder compiles `a-b` as `a_b`, then does not find it on Windows, where the file is `a_b.exe`.
  programNames =
    attrs: settings:
    let
      dashed = lib.filter (bin: lib.hasInfix "-" bin.name) attrs.crateBin or [ ];
    in
    lib.optionalAttrs (dashed != [ ] && lib.hasInfix "-windows-" settings.crossTriple) {
      crateBin = map (bin: bin // { name = underscored bin.name; }) attrs.crateBin;
      postInstall = lib.concatMapStrings (bin: ''
        mv "$out/bin/${underscored bin.name}.exe" "$out/bin/${bin.name}.exe"
      '') dashed;
    };

  # A target is written as its name if it has no other settings.
  targetsIn =
    attrs: record: kind: list: directory:
    map (
      written:
      let
        target = if lib.isString written then { name = written; } else written;
        isMain = kind == "bin" && target.name == attrs.crateName;
      in
      {
        inherit kind;
        path =
          if kind == "lib" then
            "src/lib.rs"
          else if isMain then
            "src/main.rs"
          else
            "${directory}/${target.name}.rs";
      }
      // target
    ) record.${list} or [ ];

  # `record` has the dependencies and features of the targets, `attrs` those of the package.
  targetsOf =
    {
      record,
      attrs,
      settings,
    }:
    rec {
      directory = "target/${
        {
          dev = "debug";
          test = "debug";
          bench = "release";
        }
        .${settings.name} or settings.name
      }";
      # The path of a target that is compiled with `--test`.
      testProgram =
        target:
        let
          hash = builtins.substring 0 16 (builtins.hashString "sha256" "${target.kind} ${target.name}");
        in
        "${directory}/${
          if target.kind == "example" then "examples" else "deps"
        }/${underscored target.name}-${hash}";

      # The library of a proc-macro is built for the host, with dependencies from there.
      isMacro = target: target.kind == "lib" && record ? macro;
      isOnHost = target: settings.crossTriple != "" && (isMacro target || target.kind == "build");
      # `withLibrary` says whether the package's own library is linked.
      inputs =
        target: withLibrary:
        let
          from = if isMacro target then record.macro else record;
        in
        if target.kind == "build" then
          features attrs.features or [ ]
          ++ externs attrs.crateRenames or { } attrs.buildDependencies or [ ]
          ++ [ "-Ldependency=target/buildDeps" ]
        else
          features from.features or [ ]
          ++ externs from.crateRenames or { } (
            from.dependencies or [ ] ++ lib.optional (withLibrary && record ? library) record.library
          )
          ++ lib.optionals (isMacro target) [
            "--extern"
            "proc_macro"
          ]
          ++ [ "-Ldependency=target/deps" ];
      features = names: each "--cfg" (map (feature: ''feature="${feature}"'') names);

      # A shell command. `own` are the user's flags, which come last.
      compileWith =
        {
          linksItself ? false,
          own ? [ ],
        }:
        program: target: flags:
        "cargoCompile ${
          lib.escapeShellArgs (
            [
              program
              target.kind
              target.name
              target.path
              "--edition"
              target.edition or attrs.edition
            ]
            ++ flags
            ++ record.lints or [ ]
            ++ each "--check-cfg" [
              "cfg(docsrs,test)"
              "cfg(feature, values(${
                lib.concatMapStringsSep ", " (feature: ''"${feature}"'') record.knownFeatures or [ ]
              }))"
            ]
            ++ inputs target (linksItself || target.kind != "lib")
            ++ each "-C" (
              map (program: "linker=${program}") (linkersOn (if isOnHost target then "host" else "target"))
            )
            ++ lib.optionals (settings.crossTriple != "" && !(isOnHost target)) [
              "--target"
              settings.crossTriple
            ]
            ++ lib.optionals (!(isOnHost target)) settings.rustflags
            ++ linker-flags.on (if isOnHost target then "host" else "target")
            ++ own
          )
        }";
      compileTo =
        file: target: flags:
        compileWith { } "rustc" target (
          lib.splitString " " (toString (settings.testFlags (isMacro target)))
          ++ flags
          ++ [
            "-o"
            file
          ]
        );

      plainly =
        target:
        each "--crate-type" (
          target.type or {
            lib = if isMacro target then [ "proc-macro" ] else attrs.type or [ "lib" ];
          }
          .${target.kind} or [ "bin" ]
        );
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
    };
}
