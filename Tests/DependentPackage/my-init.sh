#!/bin/sh
# An init of a few lines: it passes SIGTERM on, waits for its child, and leaves with its status. It does not do the same
# for SIGINT, which its tests know.
"$@" &
child=$!
trap 'kill -TERM $child' TERM
wait $child
status=$?
# A wait that a signal has interrupted says nothing of the child.
while kill -0 $child 2> /dev/null; do wait $child; status=$?; done
exit $status
