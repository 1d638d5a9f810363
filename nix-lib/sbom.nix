# What a build is made of, as CycloneDX. Source: nix-lib/sbom.nix of cratewright.
# The command `cratewright sbom` writes the same, from crates/renderer/src/sbom.rs.
{
  lib,
  pkgs,
  units,
  registries ? { },
  repositories ? { },
  ...
}:
let
  # Characters with a meaning in a package URL, and those that no URL has.
  reserved = lib.stringToCharacters "% !\"#$&'()*+,;<=>?@[\\]^`{|}";
  codes = lib.splitString " " (
    "%25 %20 %21 %22 %23 %24 %26 %27 %28 %29 %2A %2B %2C %3B %3C %3D %3E %3F %40 "
    + "%5B %5C %5D %5E %60 %7B %7C %7D"
  );
  encode = builtins.replaceStrings reserved codes;

  # Where a package comes from, in the words of the type `cargo` of package URLs; crates.io goes without saying.
  fromGit = url: rev: "?vcs_url=${encode "git+${url}@${rev}"}";
  fromRegistry = index: "?repository_url=${encode (lib.removePrefix "sparse+" index)}";
  fromLock =
    source:
    let
      git = builtins.match "git[+]([^?#]*)([?].*)?#([^#]*)" source;
    in
    if git != null then
      fromGit (lib.head git) (lib.elemAt git 2)
    else
      fromRegistry (lib.removePrefix "registry+" source);
  origin = {
    registry =
      attrs: lib.optionalString (attrs ? registry) (fromRegistry registries.${attrs.registry}.index);
    git =
      attrs:
      let
        repository = repositories.${attrs.checkout};
      in
      fromGit repository.url repository.rev + lib.optionalString (attrs ? dir) "#${encode attrs.dir}";
    vendored = attrs: lib.optionalString (attrs ? replaces) (fromLock attrs.replaces);
    local =
      attrs: "?download_url=${encode "file://.${lib.optionalString (attrs.dir != "") "/${attrs.dir}"}"}";
  };
  refOf =
    attrs: "pkg:cargo/${encode attrs.crateName}@${encode attrs.version}${origin.${attrs.source} attrs}";

  # CycloneDX has its texts on one line.
  oneLine = builtins.replaceStrings (map builtins.fromJSON [
    "\"\\t\""
    "\"\\n\""
    "\"\\r\""
    "\"\\b\""
    "\"\\f\""
  ]) (lib.genList (_: " ") 5);

  isUrl =
    let
      characters = "([a-zA-Z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-fA-F][0-9a-fA-F])*";
    in
    text:
    builtins.stringLength text <= 2000
    &&
      builtins.match "[a-zA-Z][a-zA-Z0-9+.-]*://[a-zA-Z0-9.-]+(:[0-9]+)?([/?]${characters})?(#${characters})?" text
      != null;

  # Cargo once wrote `OR` as a slash, and SPDX `-or-later` as a plus.
  gnu = lib.splitString " " "GPL-1.0 GPL-2.0 GPL-2.1 GPL-3.0 GFDL-1.1 GFDL-1.2 GFDL-1.3";
  orLater = builtins.replaceStrings (map (id: "${id}+") gnu) (map (id: "${id}-or-later") gnu);
  licenses =
    attrs:
    let
      trimmed = text: lib.head (builtins.match " *(.*[^ ]|) *" text);
    in
    if attrs.spdx or true then
      {
        expression = orLater (lib.concatMapStringsSep " OR " trimmed (lib.splitString "/" attrs.license));
      }
    else
      { license.name = oneLine attrs.license; };

  componentOf =
    attrs:
    let
      references =
        lib.optional (isUrl (attrs.repository or "")) {
          type = "vcs";
          url = attrs.repository;
        }
        ++ lib.optional (isUrl (attrs.homepage or "")) {
          type = "website";
          url = attrs.homepage;
        };
    in
    {
      type = "library";
      name = attrs.crateName;
      inherit (attrs) version;
      bom-ref = refOf attrs;
      purl = refOf attrs;
    }
    // lib.optionalAttrs (attrs ? description) { description = oneLine attrs.description; }
    // lib.optionalAttrs (attrs ? authors) {
      author = oneLine (lib.concatStringsSep ", " attrs.authors);
    }
    // lib.optionalAttrs (attrs ? license) { licenses = [ (licenses attrs) ]; }
    // lib.optionalAttrs (attrs ? sha256) {
      hashes = [
        {
          alg = "SHA-256";
          content = attrs.sha256;
        }
      ];
    }
    // lib.optionalAttrs (references != [ ]) { externalReferences = references; };

  # As serde_json lays it out.
  pretty =
    indent: value:
    let
      block =
        open: close: items:
        if items == [ ] then
          open + close
        else
          "${open}\n${lib.concatMapStringsSep ",\n" (item: "${indent}  ${item}") items}\n${indent}${close}";
      below = pretty "${indent}  ";
    in
    if lib.isList value then
      block "[" "]" (map below value)
    else if lib.isAttrs value then
      block "{" "}" (lib.mapAttrsToList (name: value: "${builtins.toJSON name}: ${below value}") value)
    else
      builtins.toJSON value;

  property = name: value: {
    name = "cratewright:${name}";
    inherit value;
  };
in
{
  # The entries as they are written, with their keys and what fetches them, and entries as dependencies.
  entries =
    fetchers: hostOf:
    let
      table = lib.mapAttrs (key: attrs: attrs // { inherit key; }) (
        units.cratesWith
          {
            units = table;
            host = hostOf table;
          }
          (lib.mapAttrs (
            source: _: attrs:
            attrs // { inherit source; }
          ) fetchers)
          (key: attrs: units.ofPackage table.${key} // attrs)
      );
    in
    table;

  # The document of one build: an entry, for a target on a host, with features that were asked for.
  bom =
    {
      host,
      target,
      features,
    }:
    root:
    let
      # What is linked: all but build scripts, procedural macros, and what is there for either.
      step = linked: unit: {
        key = "${lib.boolToString linked} ${unit.key}";
        inherit linked unit;
      };
      closure = builtins.genericClosure {
        startSet = [ (step true root) ];
        operator =
          { linked, unit, ... }:
          map (to: step (linked && !(to.procMacro or false)) to) (unit.dependencies or [ ])
          ++ map (step false) (unit.buildDependencies or [ ]);
      };
      # A package may be several units.
      packages = lib.groupBy (item: refOf item.unit) closure;
      dependenciesOf =
        ref: items:
        let
          units = map (item: item.unit) items;
          to = lib.concatMap (unit: unit.dependencies or [ ] ++ unit.buildDependencies or [ ]) units;
        in
        {
          inherit ref;
          dependsOn = lib.attrNames (removeAttrs (lib.genAttrs (map refOf to) (_: null)) [ ref ]);
        };
      component =
        _: items:
        componentOf (lib.head items).unit
        // (
          if lib.any (item: item.linked) items then
            { scope = "required"; }
          else
            {
              scope = "excluded";
              properties = [ (property "role" "host") ];
            }
        );
      document = {
        bomFormat = "CycloneDX";
        specVersion = "1.5";
        version = 1;
        components = lib.attrValues (lib.mapAttrs component (removeAttrs packages [ (refOf root) ]));
        dependencies = lib.attrValues (lib.mapAttrs dependenciesOf packages);
        metadata = {
          component =
            componentOf root // lib.optionalAttrs (root.crateBin or [ ] != [ ]) { type = "application"; };
          properties = [
            (property "features" (toString features))
            (property "host" host)
            (property "target" target)
          ];
        };
      };
      part = builtins.substring;
      hash = builtins.hashString "sha256" (pretty "" document);
      uuid = "${part 0 8 hash}-${part 8 4 hash}-8${part 12 3 hash}-8${part 15 3 hash}-${part 18 12 hash}";
    in
    pkgs.writeText (lib.strings.sanitizeDerivationName "${root.crateName}-${root.version}.cdx.json") (
      pretty "" (
        lib.recursiveUpdate document {
          serialNumber = "urn:uuid:${uuid}";
          metadata.tools.components = [
            {
              type = "application";
              name = "cratewright";
            }
          ];
        }
      )
      + "\n"
    );
}
