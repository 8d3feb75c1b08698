# Tells, in the status of its pod, how the users of this pod are mapped; and sees that its volumes can be used there.
set -eu
touch /scratch/x
ls /projected >/dev/null
cat /proc/self/uid_map >/dev/termination-log
