# Cargo.nix of a workspace, and its library, made by `cratewright generate` in a derivation.
{
  lib,
  stdenv,
  name,
  # The whole workspace, in the store.
  workspace,
  # Of Cargo.lock, seen from there.
  directory,
  # Place of the library, seen from Cargo.nix; null where it is within that.
  library,
  # What cargo would fetch.
  prefetched,
  cratewright,
  cargo,
  rustc,
  arguments,
}:
let
  # Generation asks of them whether they are there, and of all other files what they hold: what a source includes may have
  # any name. A change of these then generates nothing anew.
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
    # Of vendored crates each file has a checksum.
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
    # Nothing of whoever builds.
    export HOME=$NIX_BUILD_TOP
    cratewright generate --quiet --locked --offline --force --prefetched ${prefetched} \
      --manifest-path Cargo.toml ${lib.escapeShellArgs arguments}
    mkdir "$out"
    cp --parents Cargo.nix ${lib.escapeShellArgs (lib.optional (library != null) library)} "$out"
  '';
}
