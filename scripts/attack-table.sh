#!/usr/bin/env bash
# Every recipe on one project's classifier, each from the same starts, then their closing tables side by side.
#
#     scripts/attack-table.sh NINES PROJECT [STARTS] [SEED]
#
# A run that was stopped goes on with the same command; runs that ended are not made again.
set -euo pipefail
nines=$1 project=$2 starts=${3:-50} seed=${4:-0}

# The control first. Recipes that write the completion themselves begin with prompts instead of catastrophes.
edits="random typos hole-shapes textfooler-like pwws-like hotflip gcg bert-attack-like clare-like paraphrase context
  prompt-for-completion mcmc"
writes="guided steered"
for recipe in $edits $writes; do
  echo "== $recipe" >&2
  "$nines" attack run "$recipe" --project "$project" --limit "$starts" --seed "$seed" >&2
done
