# A member's program as a container image, of nixpkgs' `streamLayeredImage` or of nix2container.
{
  pkgs,
  lib,
  stdenv,
  nix2container,
  ...
}:
# What was built, and what its manifest says.
built: attrs:
let
  inherit (attrs) crateName;
  platform = stdenv.hostPlatform;
  architecture = platform.go.GOARCH;
  bins = map (bin: bin.name) attrs.crateBin or [ ];

  # By the names that the OCI image specification has for them.
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

  # Tools run where the image is made, whatever its program is for.
  make =
    if nix2container == null then
      arguments:
      pkgs.buildPackages.dockerTools.streamLayeredImage ({ inherit architecture; } // arguments)
    else
      arguments: nix2container.buildImage ({ arch = architecture; } // arguments);

  # An error of whoever asks for the image, and not of whoever asks for its `override`.
  refuse = message: lib.lazyDerivation { derivation = throw message; };
in
# `binary` and `config` are changed here; other arguments are those of the tool.
lib.makeOverridable (
  {
    # What `nix run` runs.
    binary ? built.meta.mainProgram or null,
    config ? { },
    ...
  }@arguments:
  if !platform.isLinux then
    refuse ''
      images are made of programs for Linux, and ${crateName} is evaluated for ${platform.system}.
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
          "${crateName} has several binaries, and none is the default"
        else
          "${crateName} has no binary `${binary}`"
      }: there are ${lib.concatStringsSep ", " bins}.
      Set `default-run` in Cargo.toml, or say which one the image runs: image.override { binary = "${lib.head bins}"; }
    ''
  else
    make (
      {
        name = lib.toLower (lib.strings.sanitizeDerivationName crateName);
        # A tag has no `+`.
        tag = builtins.replaceStrings [ "+" ] [ "_" ] attrs.version;
        # One for each store path, as long as there are fewer: an edit then moves the layer of the program alone.
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
