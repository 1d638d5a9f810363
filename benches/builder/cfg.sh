# Writes the CARGO_CFG_ variables to a file that can be sourced.
set -eu
PATH=$path
declare -A values=()
while IFS= read -r line; do
  name=${line%%=*} value=
  if [ "$name" != "$line" ]; then value=${line#*=\"} value=${value%\"}; fi
  if [ "$name" = debug_assertions ]; then
    continue
  elif [ -n "${values[$name]+set}" ]; then
    values[$name]+=,$value
  else
    values[$name]=$value
  fi
done < <(rustc --print cfg --target "$target")
for name in "${!values[@]}"; do
  printf 'export CARGO_CFG_%s=%q\n' "${name^^}" "${values[$name]}"
done >"$out"
