# Takes away the folder with our profiles, and leaves it where there is something else in it.
set -eu
trap 'exit 0' TERM INT
rm -f /seccomp/buildkeep/*-????????????.json /seccomp/buildkeep/.*.new
rmdir /seccomp/buildkeep 2>/dev/null || ls -A /seccomp/buildkeep 2>/dev/null || true
while :; do sleep 86400 & wait $!; done
