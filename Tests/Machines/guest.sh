#!/bin/bash
# PID 1 of a machine: makes it as its line says, puts the suite to it, writes what came of it on the second disk, and switches it off.
#
# The kernel's command line has `machine.cgroups` and `machine.inside`.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc -o nosuid,noexec,nodev proc /proc
mount -t sysfs -o nosuid,noexec,nodev sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 run /run
mount -t tmpfs -o mode=1777 tmp /tmp
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
ip link set lo up
hostname machine
modprobe -a overlay 2> /dev/null

parameter() { sed -n "s/.*machine\.$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

version_1() {
    mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
    local controller
    awk '!/^#/ && $4 == 1 { print $1 }' /proc/cgroups | while read -r controller; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
    done
}
case $(parameter cgroups) in
    v2) mount -t cgroup2 cgroup2 /sys/fs/cgroup ;;
    v1) version_1 ;;
    hybrid)
        version_1
        mkdir /sys/fs/cgroup/unified
        mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
        ;;
esac

out=/tmp/out
mkdir $out
# What the machine must be afterwards as it was before.
state() {
    local file
    for file in /sys/fs/cgroup/{,job/}cgroup.{type,subtree_control} /sys/fs/cgroup/job/cgroup.procs; do
        [ -e "$file" ] && echo "$file: $(tr '\n' ' ' < "$file")"
    done
    ls -d /sys/fs/cgroup/*/ /sys/fs/cgroup/job/*/ 2> /dev/null
    grep -c . /proc/self/mounts
}
suite() {
    harness doctor > $out/doctor.txt 2>&1
    echo "status $?" >> $out/doctor.txt
    # What PID 1's exit status says is 256 times the same on every machine.
    find /opt/harness/share/harness/scenarios -name '*.scenario' ! -name 'EX01-*' > $out/files
    mapfile -t files < $out/files
    harness run --init "$(parameter inits)" "${files[@]}" --format json --output $out/report.json > $out/run.txt 2>&1
    echo "status $?" >> $out/run.txt
    harness diagnose -- sh -c 'echo no; exit 3' > $out/diagnose.txt 2>&1
    echo "status $?" >> $out/diagnose.txt
}
export out
export -f suite parameter
PATH=$PATH:/opt/harness/bin
uname -r > $out/kernel
cat /etc/debian_version > $out/debian
systemctl --version | sed -n '1s/systemd \([0-9]*\).*/\1/p' > $out/systemd
state > $out/before
if [[ $(parameter inside) = container* ]]; then
    # What systemd and Docker hand on to a container.
    echo "+cpu +memory +pids" > /sys/fs/cgroup/cgroup.subtree_control
    mkdir /sys/fs/cgroup/job
    state > $out/before
    namespaces=(--cgroup --mount)
    [ "$(parameter inside)" = container-host-pid ] || namespaces+=(--pid --fork --mount-proc)
    # The shell of a job, and what it runs beside.
    (
        echo $BASHPID > /sys/fs/cgroup/job/cgroup.procs
        exec unshare "${namespaces[@]}" bash -c \
            'umount /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; sleep 1000 & suite; kill %1'
    )
else
    suite
fi
state > $out/after
dmesg | grep -E 'BUG|Oops|WARNING' > $out/dmesg
tar -C $out -cf /dev/vdb .
sync
echo o > /proc/sysrq-trigger
sleep 60
