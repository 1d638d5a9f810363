# A member's program as a container image, built by nixpkgs' `streamLayeredImage` or by nix2container.
{
  pkgs,
  lib,
  stdenv,
  nix2container,
  ...
}:
# Takes the built member, and the attributes from its manifest.
built: attrs:
let
  inherit (attrs) crateName;
  platform = stdenv.hostPlatform;
  architecture = platform.go.GOARCH;
  bins = map (bin: bin.name) attrs.crateBin or [ ];

  # The names are those of the OCI image specification.
  labels = {
    title = crateName;
    inherit (attrs) version;
    authors = if attrs ? authors then lib.concatStringsSep ", " attrs.authors else null;
    description = attrs.description or null;
    documentation = attrs.documentation or null;
    licenses = attrs.license or null;
    source = attrs.repository or null;
    url = attrs.homepage or null;
  };

  # The tools are those of the build platform, whatever platform the program is for.
  make =
    if nix2container == null then
      arguments:
      pkgs.buildPackages.dockerTools.streamLayeredImage ({ inherit architecture; } // arguments)
    else
      arguments: nix2container.buildImage ({ arch = architecture; } // arguments);

  # Throws only when the image is evaluated, so that `override` can still correct the arguments.
  refuse = message: lib.lazyDerivation { derivation = throw message; };
in
# `binary` and `config` are handled here; other arguments are passed to the tool.
lib.makeOverridable (
  {
    # The program that `nix run` starts.
    binary ? built.meta.mainProgram or null,
    config ? { },
    ...
  }@arguments:
  if !platform.isLinux then
    refuse ''
      images need programs for Linux, and ${crateName} is evaluated for ${platform.system}.
      Build legacyPackages.${
        if platform.isAarch64 then "aarch64" else "x86_64"
      }-linux.cargoNix.workspaceMembers.${crateName}.image, for which Nix needs
      a builder for Linux, or compile for Linux: give Cargo.nix `pkgs` of a pair that is in `cross`.
    ''
  else if bins == [ ] then
    refuse "${crateName} has no binary that an image could run"
  else if !(lib.elem binary bins) then
    refuse ''
      ${
        if binary == null then
          "${crateName} has several binaries and no default"
        else
          "${crateName} has no binary `${binary}`"
      }: the binaries are ${lib.concatStringsSep ", " bins}.
      Set `default-run` in Cargo.toml, or choose one for the image: image.override { binary = "${lib.head bins}"; }
    ''
  else
    make (
      {
        name = lib.toLower (lib.strings.sanitizeDerivationName crateName);
        # A tag must not contain `+`.
        tag = builtins.replaceStrings [ "+" ] [ "_" ] attrs.version;
        # Up to this number, each store path has a layer of its own, so an edit changes only the layer of the program.
        maxLayers = 100;
        config = lib.recursiveUpdate {
          Entrypoint = [ "${built}/bin/${binary}" ];
          Labels = lib.mapAttrs' (name: lib.nameValuePair "org.opencontainers.image.${name}") (
            lib.filterAttrs (_: value: value != null) labels
          );
        } config;
      }
      // removeAttrs arguments [
        "binary"
        "config"
      ]
    )
) { }
