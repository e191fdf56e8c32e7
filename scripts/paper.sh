#!/bin/sh
# The paper's design from end to end: the grid of configs/glue/paper.yaml with its comparison, the question how many layers need tuning,
# and what skewed classes and few inputs make of ν (MRPC and RTE).
#
#     scripts/paper.sh MODEL DATA OUTPUT [WORDS FOR spantune glue…]
#
# MODEL is the folder of a model, DATA that of GLUE's tasks. It may be stopped and started again at any time. Meant for a machine with a
# GPU; `node bin/spantune glue configs/glue/paper.yaml --dry-run` tells what it takes. In small, on two tasks:
#
#     scripts/paper.sh DIR/all-MiniLM-L6-v2 DIR/glue runs/paper --set 'tasks=[mrpc, rte]' --set 'arms=[full, top-1, top-2, selected-1, selected-2]' \
#       --set 'methods=[bottleneck]' --set 'seeds=[1]' --set run.training.epochs=3
#
# OUTPUT/grid, OUTPUT/depth and OUTPUT/robustness hold tables and plots; OUTPUT/grid/comparison.html opens offline.
set -eu
if [ $# -lt 3 ]; then
  echo "usage: scripts/paper.sh MODEL DATA OUTPUT [WORDS FOR spantune glue...]" >&2
  exit 2
fi
model=$1 data=$2 output=$3
shift 3
home=$(dirname "$0")/..
spantune() { node "$home/bin/spantune" "$@"; }

spantune glue "$home/configs/glue/paper.yaml" --set "models=[\"$model\"]" --set "data=$data" --output "$output/grid" "$@"
spantune study depth "$output/grid" --output "$output/depth"
spantune study robustness "$home/configs/mrpc-selected.yaml" "$home/configs/rte-selected.yaml" \
  --set "model=$model" --set "task.data=$data" --set classifier.pooling=first --output "$output/robustness"
