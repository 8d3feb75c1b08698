# Shows how users of this pod are mapped, and that its volumes can be read and written there.
set -eu
touch /scratch/x
ls /projected >/dev/null
cat /proc/self/uid_map
