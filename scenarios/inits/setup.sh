#!/bin/bash
# Installs the inits that the profiles here are for (Debian, Ubuntu; as root). May be run again: what is there is left alone.
#
# Packages that would replace the machine's own init, or pull in one, are not installed but unpacked into layers of their own
# under /opt/harness-inits, which a profile lays over the root of its containers (`layer DIR`). Beside each stands its version.
set -euo pipefail

layers=/opt/harness-inits
systemctl_version=1.7.1097

# Nothing that is installed here is to be started on this machine.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi

apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    tini dumb-init catatonit bash dash python3 python3-pip busybox runit s6 supervisor systemd

# A program that scenarios give to systemd as a unit. Where it is not there yet, this machine's own systemd is not to start it either.
if ! command -v nginx > /dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends nginx
    rm -f /etc/systemd/system/multi-user.target.wants/nginx.service
fi

# candidate A|B: the first of these that can be installed; nothing where none can.
candidate() {
    local package policy
    for package in ${1//|/ }; do
        policy=$(LC_ALL=C apt-cache policy "$package")
        if [[ $policy =~ "Candidate: "[^\(] ]]; then
            echo "$package"
            return
        fi
    done
}

# layer NAME PACKAGE…: what is in these packages, in a directory of its own, and beside it the version of the first. Where
# /bin, /sbin and /lib are links into /usr the layer must not hide them: their files go where the links lead.
# A package may be called otherwise in another release: `libite5|libite5t64`.
layer() {
    local name=$1 work deb directory spec found
    shift
    if [ -e "$layers/$name" ] && [ -e "$layers/$name.version" ]; then return; fi
    local packages=()
    for spec in "$@"; do
        found=$(candidate "$spec")
        if [ -z "$found" ]; then
            echo "no package $spec here: $name is left out"
            return
        fi
        packages+=("$found")
    done
    set -- "${packages[@]}"
    work=$(mktemp -d)
    chmod 755 "$work"
    (cd "$work" && apt-get download -q -o APT::Sandbox::User=root "$@")
    mkdir "$work/root"
    for deb in "$work"/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
    for directory in bin sbin lib; do
        if [ -L "/$directory" ] && [ -d "$work/root/$directory" ]; then
            mkdir -p "$work/root/usr"
            cp -a "$work/root/$directory" "$work/root/usr/"
            rm -r "$work/root/$directory"
        fi
    done
    # Only what a profile says is to be started: finit's package would bring gettys and an sshd.
    rm -rf "$work/root/usr/share" "$work/root/usr/include" "$work/root/etc/finit.conf" "$work/root/etc/finit.d" \
        "$work/root/etc/init.d"
    mkdir -p "$layers"
    rm -rf "${layers:?}/$name"
    mv "$work/root" "$layers/$name"
    echo "$1 $(dpkg-deb -f "$work/$1"_*.deb Version)" > "$layers/$name.version"
    rm -r "$work"
}

layer sysvinit sysvinit-core
layer finit finit "libite5|libite5t64" "libuev3|libuev3t64"
layer openrc-init openrc "libeinfo1|libeinfo1t64" "librc1|librc1t64"

# docker-systemctl-replacement, of which one script is wanted.
if [ "$(cat "$layers/systemctl.py.version" 2> /dev/null)" != "docker-systemctl-replacement $systemctl_version" ]; then
    work=$(mktemp -d)
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --no-compile \
        --target "$work" "docker-systemctl-replacement==$systemctl_version"
    mkdir -p "$layers/systemctl.py/usr/bin"
    install -m 755 "$work/systemctl2/systemctl3.py" "$layers/systemctl.py/usr/bin/systemctl3.py"
    echo "docker-systemctl-replacement $systemctl_version" > "$layers/systemctl.py.version"
    rm -r "$work"
fi
