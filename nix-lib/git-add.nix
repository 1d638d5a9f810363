# The help for files that may exist without being tracked by git. The paths are relative to the directory of the flake.
lib: paths:
"if the ${
  if builtins.length paths == 1 then "file exists" else "files exist"
}, run `git add ${lib.escapeShellArgs paths}`: a flake sees only files that git tracks; add `--force` for ignored ones"
