# Whether each profile is there as it is in /profiles.
cd /profiles && for file in *.json; do cmp -s "$file" "/folder/$file" || exit 1; done
