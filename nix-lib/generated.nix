# A derivation that runs `cratewright generate` and holds the resulting Cargo.nix and its library.
{
  lib,
  stdenv,
  name,
  # The whole workspace, as a store path.
  workspace,
  # Directory of Cargo.lock, relative to `workspace`.
  directory,
  # Path of the library, relative to Cargo.nix; null if it is embedded in Cargo.nix.
  library,
  # The sources that cargo would fetch, see prefetched.nix.
  prefetched,
  cratewright,
  cargo,
  rustc,
  arguments,
}:
let
  # Generation depends only on the existence of files with these extensions, so their contents are left out: editing
  # them must not regenerate Cargo.nix. All other files are kept, as a Rust file that `include!` reads may have any
  # name.
  isBare =
    file:
    builtins.match ".*[.](css|csv|gif|html|ico|jpe?g|js|json|md|nix|pdf|png|snap|sql|svg|tsx?|webp|woff2?|ya?ml)" file
    != null
    && file != lib.removePrefix "./" "${directory}/${toString library}";
  bareIn =
    below:
    let
      entries = builtins.readDir "${workspace}/${below}";
      visit =
        name: type:
        if type == "directory" then
          bareIn "${below}${name}/"
        else
          lib.optional (type == "regular" && isBare (below + name)) (below + name);
    in
    # Vendored crates are kept whole: their files are listed with checksums.
    if entries ? ".cargo-checksum.json" then
      [ ]
    else
      lib.concatLists (lib.attrValues (lib.mapAttrs visit entries));
  bare = bareIn "";
  isLeftOut = lib.genAttrs bare (_: null);
in
stdenv.mkDerivation {
  name = "${name}-generated";
  preferLocalBuild = true;
  nativeBuildInputs = [
    cratewright
    cargo
    rustc
  ];
  bare = lib.concatMapStrings (file: "${file}\n") bare;
  passAsFile = [ "bare" ];
  src = builtins.path {
    name = "${name}-to-generate-from";
    path = workspace;
    filter = file: _: !(isLeftOut ? ${lib.removePrefix "${workspace}/" file});
  };
  buildCommand = ''
    cp -r "$src" workspace
    chmod -R u+w workspace
    (cd workspace && while read -r file; do touch "$file"; done < "$barePath")
    cd workspace/${lib.escapeShellArg directory}
    # Cargo must not read the configuration of the user who builds.
    export HOME=$NIX_BUILD_TOP
    cratewright generate --quiet --locked --offline --force --prefetched ${prefetched} \
      --manifest-path Cargo.toml ${lib.escapeShellArgs arguments}
    mkdir "$out"
    cp --parents Cargo.nix ${lib.escapeShellArgs (lib.optional (library != null) library)} "$out"
  '';
}
