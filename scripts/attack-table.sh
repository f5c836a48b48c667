#!/usr/bin/env bash
# Every recipe on one project's classifier, each from the same starts, then their closing tables side by side.
#
#     scripts/attack-table.sh NINES PROJECT [STARTS] [SEED] [show's options]
#
# A run that was stopped goes on where it was; those that ended are kept in PROJECT/runs/attack-table, for the classifiers
# that are there.
set -euo pipefail
nines=$1 project=$2 starts=${3:-50} seed=${4:-0}
shift $(($# < 4 ? $# : 4))

# The control first. All have the same budget, and no clock, so that the result is the same on a busy machine.
recipes="random hotflip hole-shapes typos textfooler-like bert-attack-like pwws-like paraphrase gcg context clare-like
  prompt-for-completion"
ended=$project/runs/attack-table/$(cat "$project"/models/*/model.safetensors | sha256sum | cut -c1-12)
mkdir -p "$ended"
runs=()
for recipe in $recipes; do
  kept=$ended/$recipe-$starts-$seed
  if [ ! -s "$kept" ]; then
    "$nines" attack run "$recipe" --project "$project" --limit "$starts" --seed "$seed" --queries 1000 \
      --seconds 3600 --json >"$kept.json"
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["run"])' "$kept.json" >"$kept"
  fi
  runs+=("$(cat "$kept")")
done
"$nines" attack show --project "$project" "${runs[@]}" "$@"
