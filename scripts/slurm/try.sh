#!/bin/bash
# Tries a grid's Slurm script for real, on one machine with Debian's packages:
#
#     apt-get install slurmctld slurmd slurm-client munge
#     scripts/slurm/try.sh [GRID] [FOLDER] [WORDS FOR spantune glue…]
#
# Starts a cluster of one node with its own configuration and logs under FOLDER/slurm, submits the script that `spantune glue --slurm` writes,
# waits for the comparison, and ends the daemons that it started. Needs root. Without
# arguments: the miniature with three arms, two seeds and a search for the learning rate.
set -euo pipefail
cd "$(dirname "$0")/../.."
grid=${1:-configs/glue/miniature.yaml}
folder=$(realpath -m "${2:-runs/slurm-try}")
shift $(($# < 2 ? $# : 2))
if [ $# -eq 0 ]; then
  set -- --set 'arms=[top-2, selected-2, head-only-top]' --set reference=top-2 --set 'seeds=[1, 2]' \
    --set 'learningRate={ search: { rates: { fine-tune: [3e-4, 1e-3], head-only: [1e-3, 3e-3] } } }'
fi
for program in munged slurmctld slurmd sbatch squeue; do
  command -v $program >/dev/null || { echo "$program is missing: apt-get install slurmctld slurmd slurm-client munge" >&2; exit 1; }
done

home=$folder/slurm
mkdir -p "$home"/{state,spool,munge}
export SLURM_CONF=$home/slurm.conf
cores=$(nproc)
memory=$(($(grep MemTotal /proc/meminfo | tr -dc 0-9) / 1024 - 512))
socket=$home/munge/socket
cat >"$SLURM_CONF" <<END
ClusterName=try
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$socket
CryptoType=crypto/munge
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
MailProg=/bin/true
ReturnToService=2
MinJobAge=3600
NodeName=$(hostname) NodeAddr=127.0.0.1 CPUs=$cores RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END

pids=()
stop() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
}
trap stop EXIT
head -c 1024 /dev/urandom >"$home/munge/key"
chmod 400 "$home/munge/key"
chmod 711 "$home" "$home/munge"
munged --foreground --force --key-file="$home/munge/key" --socket="$socket" --pid-file="$home/munge/pid" --log-file="$home/munge/log" --seed-file="$home/munge/seed" &
pids+=($!)
sleep 1
slurmctld -D &>"$home/slurmctld.out" &
pids+=($!)
sleep 2
slurmd -D &>"$home/slurmd.out" &
pids+=($!)
for _ in $(seq 30); do
  sinfo --noheader --format=%T 2>/dev/null | grep -q idle && break
  sleep 1
done
sinfo

# The first call builds what is stale, so that no task has to.
node bin/spantune glue "$grid" --output "$folder/grid" --slurm "$folder/submit.sh" "$@" --set run.engine.threads=1
bash "$folder/submit.sh"
while squeue --noheader | grep -q .; do
  squeue --noheader --format='%i %j %T %r'
  sleep 10
done
cat "$folder"/grid/logs/*.log
node bin/spantune compare "$folder/grid"
