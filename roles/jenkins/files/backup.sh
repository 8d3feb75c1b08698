# Packs Jenkins home into one archive, whole or not at all, and keeps the newest.
# Arguments: Jenkins home, the folder of archives, how many stay.
set -eu
home=$1 store=$2 keep=$3
umask 077
fail() { echo "backup: $1" >&2; exit 1; }
[ -f "$home/config.xml" ] || fail "there is no config.xml in $home: that is no Jenkins home, or Jenkins has never started"
[ ! -e "$home/.buildkeep-restore" ] || fail "a restore is unfinished in $home: finish it first, a half of each is no backup"
# What a run that was killed left behind.
rm -f "$store"/.home-*
name=home-$(date -u +%Y%m%dT%H%M%SZ).tar.gz
[ ! -e "$store/$name" ] || fail "there is a $name already; wait a second"
part=$store/.$name
trap 'rm -f "$store"/.home-*' EXIT
trap 'exit 1' TERM INT HUP
# Of what can be made again nothing is kept. A file that goes while it is being packed was not to be kept either, but
# nothing else that tar complains of is let pass.
set --
for entry in "$home"/* "$home"/.[!.]*; do
  entry=${entry##*/}
  case $entry in
    workspace | caches | war | logs | tmp | .cache | lost+found | .buildkeep-before-* | '*' | '.[!.]*') ;;
    *) set -- "$@" "./$entry" ;;
  esac
done
packed=0
tar -c -z -f "$part" -C "$home" "$@" 2>"$part.said" || packed=$?
if [ "$packed" != 0 ]; then
  cat "$part.said" >&2
  if grep -v -e '^tar: \./.*: No such file or directory$' -e '^tar: \./.*: file changed as we read it$' -e 'delayed from previous errors$' \
    "$part.said" >/dev/null; then
    df -k "$store" >&2
    fail "tar ended with $packed; with no space left, raise buildkeep_jenkins.backup.size or lower keep"
  fi
fi
tar -t -z -f "$part" >"$part.list" || fail "the archive cannot be read again"
grep -q -x './config.xml' "$part.list" || fail "config.xml is not in the archive"
(cd "$store" && sha256sum ".$name") | sed "s/ \.home/ home/" >"$part.sha256"
sync
mv "$part.sha256" "$store/$name.sha256"
mv "$part" "$store/$name"
echo "backup: $name, $(wc -l <"$part.list") entries, $(du -k "$store/$name" | cut -f1) KiB"
left=0
for old in $(cd "$store" && ls -r | grep '^home-[0-9]*T[0-9]*Z\.tar\.gz$'); do
  left=$((left + 1))
  if [ "$left" -gt "$keep" ]; then
    rm -f "$store/$old" "$store/$old.sha256"
    echo "backup: took $old away"
  fi
done
