# Whether a version meets the requirement of a key of overrides, written as in Cargo.toml. A pre-release is treated as
# the release that it precedes.
{ lib, ... }:
key: requirement: version:
let
  numbers = lib.take 3 (lib.splitVersion version);
  part = "([0-9]+|[*xX])";
  meetsOne =
    comparator:
    let
      parsed = builtins.match " *([\\^~=<>]*) *${part}([.]${part})?([.]${part})?([-+].*)? *" comparator;
      given = map (lib.elemAt parsed) [
        1
        3
        5
      ];
      isNumber = number: number != null && builtins.match "[0-9]+" number != null;
      # The numbers before the first wildcard.
      wanted =
        lib.foldl'
          (
            { all, isOpen }:
            number:
            let
              goesOn = isOpen && isNumber number;
            in
            {
              all = all ++ lib.optional goesOn number;
              isOpen = goesOn;
            }
          )
          {
            all = [ ];
            isOpen = true;
          }
          given;
      n = lib.length wanted.all;
      order = builtins.compareVersions (lib.concatStringsSep "." (lib.take n numbers)) (
        lib.concatStringsSep "." wanted.all
      );
      agree = count: lib.take count numbers == lib.take count wanted.all;
      isWild = lib.any (number: number != null && !(isNumber number)) given;
      # How many numbers a caret requirement fixes: up to the first one that is not zero.
      leading =
        lib.foldl'
          (
            count: at: if count == at && at < n && lib.elemAt wanted.all (at - 1) == "0" then at + 1 else count
          )
          1
          [
            1
            2
          ];
      operators = {
        "=" = order == 0;
        ">" = order > 0;
        ">=" = order >= 0;
        "<" = order < 0;
        "<=" = order <= 0;
        "~" = agree (lib.min n 2) && order >= 0;
        "^" = agree leading && order >= 0;
        "" = if isWild then order == 0 else operators."^";
      };
    in
    if parsed == null || !(operators ? ${lib.head parsed}) then
      throw ''
        crateOverrides."${key}": `${requirement}` is not a valid version requirement.
        Write it as in Cargo.toml, for example: "${lib.head (lib.splitString "@" key)}@>=1.2, <2"
      ''
    else
      operators.${lib.head parsed};
in
lib.all meetsOne (lib.splitString "," requirement)
