# Runs under a profile of the node, and so shows that the runtime takes it.
trap 'exit 0' TERM INT
while :; do sleep 86400 & wait $!; done
