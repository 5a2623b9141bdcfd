#!/bin/sh
# An init of a few lines: it passes SIGTERM on, waits for its child, and leaves with its status. It does not do the same
# for SIGINT, which its tests know.
trap 'asked=1; kill -TERM $child' TERM
"$@" &
child=$!
# The signal may have come before the child's number was known.
[ "$asked" ] && kill -TERM $child
wait $child
# A wait that a signal has interrupted says nothing of the child.
trap - TERM
wait $child
exit $?
