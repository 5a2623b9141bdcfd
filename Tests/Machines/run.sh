#!/usr/bin/env bash
# The suite on other machines: `make vm`. Each line of machines.txt becomes an emulated machine with one of Debian's kernels, on which some inits are put
# to the suite; what differs from this machine's verdicts is told. As root, on Debian, whose packages it takes from where this machine does.
#
#   run.sh [NAME…]   only these machines
#
# What was made is kept in .build/machines: roots, kernels, and what each machine said. Remove it to get newer kernels.
#
# Exit status 1: a machine said nothing, or was not afterwards as it was before, or its kernel complained. That verdicts differ is what it is about.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
work=$PWD/.build/machines
mkdir -p "$work"
failed=

for command in debootstrap qemu-system-x86_64 mke2fs cpio jq modprobe; do
    command -v $command > /dev/null || missing+=" $command"
done
if [ -n "${missing:-}" ]; then
    echo "not here:$missing; apt-get install debootstrap qemu-system-x86 e2fsprogs cpio jq kmod" >&2
    exit 1
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 'Component: main' | head -n 1)
if [ -z "$mirror" ]; then
    echo "apt knows no place of Debian's packages" >&2
    exit 1
fi

# root SUITE: a root of that release, with what the suite needs of it.
root() {
    local root=$work/root-$1
    [ -e "$root.done" ] && return
    rm -rf "$root"
    debootstrap --variant=minbase --include=tini,systemd,busybox-static,kmod,iproute2,procps,nginx,python3 "$1" "$root" "$mirror" > "$root.log"
    touch "$root.done"
}

# kernel SUITE: the newest kernel of a suite, and a RAM disk that finds a root with it.
kernel() {
    local suite=$1 kernel=$work/kernel-$1 base=${1%-backports} root package module version file
    [ -e "$kernel.done" ] && return
    root=$work/root-$base
    rm -rf "$kernel"
    # The root's own suite is in its list.
    [ "$suite" = "$base" ] || echo "deb $mirror $suite main" > "$root/etc/apt/sources.list.d/kernel.list"
    chroot "$root" apt-get -q update > "$kernel.log"
    # Only downloaded: nothing of it is to run.
    chroot "$root" apt-get -q -y --no-install-recommends --download-only -t "$suite" install linux-image-amd64 >> "$kernel.log"
    rm -f "$root/etc/apt/sources.list.d/kernel.list"
    mkdir -p "$kernel/ram/bin" "$kernel/ram/modules" "$kernel/ram/"{dev,proc,root}
    for package in "$root"/var/cache/apt/archives/linux-{image,binary,modules,base}-*.deb; do
        [ -e "$package" ] && dpkg-deb -x "$package" "$kernel"
    done
    rm -f "$root"/var/cache/apt/archives/*.deb
    # /lib is a link into /usr in the root, and the same here.
    if [ -d "$kernel/lib/modules" ]; then
        mkdir -p "$kernel/usr/lib/modules"
        cp -a "$kernel/lib/modules/." "$kernel/usr/lib/modules/"
        rm -r "$kernel/lib"
    fi
    version=$(ls "$kernel/usr/lib/modules")
    mv "$(find "$kernel" -name 'vmlinuz*' -type f | head -n 1)" "$kernel/vmlinuz"
    depmod --basedir "$kernel/usr" "$version" 2>> "$kernel.log"
    # Each after what it needs.
    for module in virtio_pci virtio_blk ext4; do
        modprobe --dirname "$kernel/usr" --set-version "$version" --show-depends "$module"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
        case $file in
            *.xz) xz -dc "$file" > "$kernel/ram/modules/$(basename "$file" .xz)" ;;
            *.zst) zstd -qdc "$file" > "$kernel/ram/modules/$(basename "$file" .zst)" ;;
            *) cp "$file" "$kernel/ram/modules/" ;;
        esac
        basename "$file" | sed 's/\.\(xz\|zst\)$//' >> "$kernel/ram/modules/order"
    done
    cp "$root/bin/busybox" "$kernel/ram/bin/busybox"
    install -m 755 "$here/boot.sh" "$kernel/ram/init"
    (cd "$kernel/ram" && find . | cpio --quiet -o -H newc) | gzip -1 > "$kernel/initrd"
    touch "$kernel.done"
}

# disk KERNEL USERLAND: a disk with that root, that kernel's modules, and this build of the harness.
disk() {
    local disk=$work/disk-$1-$2 root=$work/root-$2
    mkdir -p "$root/opt/harness/bin" "$root/usr/lib/modules"
    cp bin/harness bin/fake-services "$root/opt/harness/bin/"
    rm -rf "$root/opt/harness/scenarios" "$root/opt/harness/share" "$root/usr/lib/modules/"*
    mkdir -p "$root/opt/harness/share/harness"
    cp -r scenarios "$root/opt/harness/share/harness/"
    install -m 755 "$here/guest.sh" "$root/opt/harness/guest.sh"
    cp -a "$work/kernel-$1/usr/lib/modules/." "$root/usr/lib/modules/"
    rm -f "$disk"
    truncate -s 3G "$disk"
    mke2fs -q -t ext4 -O ^has_journal -d "$root" "$disk"
}

# machine NAME KERNEL USERLAND CGROUPS INSIDE INITS OPTION…: what it says is in out/NAME afterwards.
machine() {
    local name=$1 kernel=$work/kernel-$2 disk=$work/disk-$2-$3 cgroups=$4 inside=$5 inits=$6 out=$work/out/$1
    shift 6
    rm -rf "$out"
    mkdir -p "$out"
    truncate -s 64M "$out/disk"
    # Emulated, also where there is KVM: some of that runs no kernel but its own. A processor without AVX: its emulation is slow.
    timeout 400 qemu-system-x86_64 -nodefaults -no-reboot -display none -serial "file:$out/console" -m 4G -smp 2 \
        -accel tcg,thread=multi,tb-size=1024 -cpu Nehalem -kernel "$kernel/vmlinuz" -initrd "$kernel/initrd" \
        -append "console=ttyS0 quiet panic=-1 mitigations=off machine.cgroups=$cgroups machine.inside=$inside machine.inits=$inits $*" \
        -drive "file=$disk,format=raw,if=virtio,snapshot=on" -drive "file=$out/disk,format=raw,if=virtio" \
        2> "$out/qemu" || true
    tar -C "$out" -xf "$out/disk" 2> /dev/null || true
    rm "$out/disk"
}

mapfile -t lines < <(grep -v '^#' "$here/machines.txt")
if (($#)); then
    wanted=()
    for name in "$@"; do
        for line in "${lines[@]}" ""; do
            [ "${line%% *}" != "$name" ] || break
        done
        if [ -z "$line" ]; then
            echo "no machine is called $name; there are: $(printf '%s\n' "${lines[@]}" | cut -d ' ' -f 1 | paste -s -d ' ')" >&2
            exit 2
        fi
        wanted+=("$line")
    done
    lines=("${wanted[@]}")
fi
for line in "${lines[@]}"; do
    read -r name kernel userland rest <<< "$line"
    root "$userland"
    root "${kernel%-backports}"
    kernel "$kernel"
done
declare -A made
for line in "${lines[@]}"; do
    read -r name kernel userland rest <<< "$line"
    [ -n "${made[$kernel-$userland]:-}" ] || disk "$kernel" "$userland"
    made[$kernel-$userland]=yes
done

# verdicts REPORT: init, file and title, and the verdict, of each scenario that could be run, in order.
verdicts() {
    jq -r '.results[] | select(.verdict != "not-applicable")
           | "\(.init): \(.file | sub(".*scenarios/"; "")): \(.scenario)\t\(if .verdict == "error" then "error: " + (.reason | sub("^[^ ]+:[0-9]+:[0-9]+: "; "")) else .verdict end)"' "$1" \
        | LC_ALL=C sort -t $'\t' -k 1,1
}

count() { grep -c $'\t'"$1" "$2/verdicts.txt" || true; }

# This machine, with what any of the others is put to.
mapfile -t files < <(find scenarios -name '*.scenario' ! -name 'EX01-*')
inits=$(printf '%s\n' "${lines[@]}" | awk '{ print $6 }' | tr ',' '\n' | sort -u | paste -s -d ,)
bin/harness run --init "$inits" "${files[@]}" --format json --output "$work/here.json" > /dev/null || case $? in 1 | 3) ;; *) exit 1 ;; esac
verdicts "$work/here.json" > "$work/here.txt"

table=$work/table.md
{
    echo '| kernel | userland | control groups | inits | passed | failed | not judged | otherwise than here |'
    echo '| --- | --- | --- | --- | --- | --- | --- | --- |'
} > "$table"
for line in "${lines[@]}"; do
    read -ra words <<< "$line"
    name=${words[0]} out=$work/out/${words[0]} begin=$SECONDS
    machine "${words[@]}"
    if [ ! -s "$out/report.json" ]; then
        echo "$name: no answer; see $out/console"
        failed=yes
        continue
    fi
    verdicts "$out/report.json" > "$out/verdicts.txt"
    # What both could run, and answered differently.
    LC_ALL=C join -t $'\t' "$work/here.txt" "$out/verdicts.txt" | awk -F '\t' '$2 != $3 { print $1 ": " $3 ", here " $2 }' > "$out/differences.txt"
    echo "$name: Linux $(< "$out/kernel"), systemd $(< "$out/systemd"), $(wc -l < "$out/verdicts.txt") verdicts, $((SECONDS - begin)) s," \
        "$(wc -l < "$out/differences.txt") otherwise than here"
    head -n 12 "$out/differences.txt" | cut -c 1-240 | sed 's/^/  /'
    [ "$(wc -l < "$out/differences.txt")" -le 12 ] || echo "  … all of them: $out/differences.txt"
    if ! diff "$out/before" "$out/after" > "$out/changes.txt"; then
        echo "  it is not as it was before:"
        sed 's/^/    /' "$out/changes.txt"
        failed=yes
    fi
    if [ -s "$out/dmesg" ]; then
        sed 's/^/  its kernel complains: /' "$out/dmesg"
        failed=yes
    fi
    groups=${words[3]}
    case ${words[4]} in
        container) groups+=", in a privileged container" ;;
        container-host-pid) groups+=", in one with the host's PIDs" ;;
    esac
    [ ${#words[@]} -le 6 ] || groups+=", \`${words[*]:6}\`"
    echo "| $(< "$out/kernel") | Debian $(< "$out/debian"), systemd $(< "$out/systemd") | $groups | ${words[5]//,/, } |" \
        "$(count passed "$out") | $(count failed "$out") | $(count error "$out") | $(wc -l < "$out/differences.txt") |" >> "$table"
done
echo
cat "$table"
[ -z "$failed" ]
