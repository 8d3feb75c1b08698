# Puts an archive in the place of all that is in Jenkins home, and keeps beside it what was there.
# Arguments: the folder of archives, Jenkins home, the archive's name or `latest`. A run that was killed is finished by
# the next. Ends with 3 where nothing was changed.
set -eu
store=$1 home=$2 wanted=$3
umask 077
work=$home/.buildkeep-restore
refuse() { echo "restore: $1" >&2; exit 3; }
[ ! -f "$work/archive" ] || begun=$(cat "$work/archive")
if [ "$wanted" = latest ]; then
  wanted=${begun:-$(cd "$store" && ls -r | grep '^home-[0-9]*T[0-9]*Z\.tar\.gz$' | head -n 1)} || true
  [ -n "$wanted" ] || refuse "there is no archive"
fi
case $wanted in
  */*) refuse "$wanted: write the name of an archive, without a folder" ;;
esac
if [ -n "${begun:-}" ]; then
  [ "$begun" = "$wanted" ] || { echo "restore: that of $begun is unfinished; run it again before any other" >&2; exit 1; }
else
  [ -f "$store/$wanted" ] || refuse "there is no archive $wanted; there are: $(cd "$store" && ls | grep -v sha256 | tr '\n' ' ')"
  (cd "$store" && sha256sum -c "$wanted.sha256" >/dev/null) || refuse "$wanted is not what was written; take another archive"
  rm -rf "$work"
  mkdir "$work" "$work/new" "$work/old"
  tar -x -z -f "$store/$wanted" -C "$work/new" || { rm -rf "$work"; refuse "$wanted cannot be unpacked; is there space for both?"; }
  [ -f "$work/new/config.xml" ] || { rm -rf "$work"; refuse "$wanted holds no config.xml"; }
  sync
  # From here on a run goes forward only.
  echo "$wanted" >"$work/archive.part"
  mv "$work/archive.part" "$work/archive"
fi
# Entries of a folder, also those whose names begin with a dot, but neither what is ours nor the volume's own.
entries() { ls -A "$1" | grep -v -x -e .buildkeep-restore -e '\.buildkeep-before-.*' -e lost+found || true; }
move() {
  entries "$1" | while IFS= read -r entry; do mv "$1/$entry" "$2/"; done
  [ -z "$(entries "$1")" ] || { echo "restore: $1 is not empty; run it again" >&2; exit 1; }
}
if [ ! -e "$work/emptied" ]; then
  move "$home" "$work/old"
  : >"$work/emptied"
fi
move "$work/new" "$home"
[ ! -e "$work/old" ] || mv "$work/old" "$home/.buildkeep-before-$(date -u +%Y%m%dT%H%M%SZ)"
sync
rm -rf "$work"
echo "restore: $wanted is in place; what was there before is in Jenkins home, in .buildkeep-before-*: delete it in time"
