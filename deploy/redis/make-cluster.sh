#!/bin/sh
# Makes a Redis Cluster of six nodes: three primaries with a replica each.
# Usage: make-cluster.sh <address:port> <address:port> <address:port> <address:port> <address:port> <address:port>
#
# May be run again at any time: it goes on where it was cut off, tells nodes that have another address now where the others are, and
# leaves a cluster that is whole as it is. (`redis-cli --cluster create` refuses what it was cut off in.)
set -eu

# At most so many tries a second apart until all nodes know of a step.
TRIES=60

ask() {
  node=$1
  shift
  redis-cli -h "${node%:*}" -p "${node##*:}" "$@"
}

# Until the `cluster info` of every node has such a line.
all_say() {
  line=$1
  shift
  for each in "$@"; do
    tries=0
    until ask "$each" cluster info | tr -d '\r' | grep -Eq "^$line\$"; do
      tries=$((tries + 1))
      if [ "$tries" -ge "$TRIES" ]; then
        echo "$each does not say $line" >&2
        exit 1
      fi
      sleep 1
    done
  done
}

# Whether a node is a primary without a slot. The line of a node in `cluster nodes` has its slots after the eighth word.
is_spare() {
  ask "$1" cluster nodes | tr -d '\r' | awk '/myself/ { found = /master/ && NF == 8 } END { exit !found }'
}

if [ "$#" -ne 6 ]; then
  echo "usage: make-cluster.sh <address:port of each of six nodes>" >&2
  exit 2
fi
first=$1
for other in "$@"; do
  [ "$other" = "$first" ] || ask "$first" cluster meet "${other%:*}" "${other##*:}"
done
all_say 'cluster_known_nodes:([6-9]|[1-9][0-9]+)' "$@"

# Slots that somebody has are refused, and stay with who has them.
if ! ask "$first" cluster info | grep -q '^cluster_slots_assigned:16384'; then
  ask "$1" cluster addslotsrange 0 5460
  ask "$2" cluster addslotsrange 5461 10922
  ask "$3" cluster addslotsrange 10923 16383
fi
all_say 'cluster_slots_assigned:16384' "$@"

replicate() {
  if is_spare "$1"; then ask "$1" cluster replicate "$(ask "$2" cluster myid)"; fi
}
replicate "$4" "$1"
replicate "$5" "$2"
replicate "$6" "$3"
all_say 'cluster_state:ok' "$@"
