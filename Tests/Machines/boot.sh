#!/bin/busybox sh
# PID 1 of the initial RAM disk: what the disk needs, then the disk's own root.
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox mount -t proc proc /proc
while read -r module; do /bin/busybox insmod "/modules/$module"; done < /modules/order
until [ -b /dev/vdb ]; do :; done
/bin/busybox mount -t ext4 /dev/vda /root
/bin/busybox umount /proc
exec /bin/busybox switch_root /root /opt/harness/guest.sh
