#!/bin/sh -e
# Packs what `make build-static` has left, for machines that have no Swift toolchain: an archive, a Debian package and an image.
#
#   deploy/dist.sh BUILD OUTPUT
#
# BUILD has harness and fake-services, both static. The same sources give the same bytes: every time is that of the last commit
# (SOURCE_DATE_EPOCH, reproducible-builds.org), every owner is 0, every list is sorted.
build=$1
output=$2
sources=$(cd "$(dirname "$0")/.." && pwd)
export LC_ALL=C TZ=UTC
umask 022

version=$("$build/harness" --version | sed -n '1s/^harness \([0-9.]*\).*/\1/p')
[ -n "$version" ] || { echo "dist: $build/harness does not tell its version" >&2; exit 1; }
machine=$(uname -m)
case $machine in
x86_64) debian=amd64 oci=amd64 ;;
aarch64) debian=arm64 oci=arm64 ;;
*) echo "dist: $machine is not known to Debian by a name of ours" >&2; exit 1 ;;
esac
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$sources" log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$output"

# deterministic DIRECTORY: a tar of what is in it.
deterministic() {
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar -C "$1" -cf - .
}
digest() { sha256sum "$1" | cut -d ' ' -f 1; }

# tree PREFIX: everything that is installed, below $work/tree/PREFIX.
rm -rf "$work/tree"
prefix=$work/tree/usr
mkdir -p "$prefix/bin" "$prefix/libexec/harness" "$prefix/share/harness" "$prefix/share/man/man1" "$prefix/share/doc/harness" \
    "$prefix/share/bash-completion/completions" "$prefix/share/zsh/vendor-completions" "$prefix/share/fish/vendor_completions.d"
install -m 755 "$build/harness" "$prefix/bin/harness"
install -m 755 "$build/fake-services" "$prefix/libexec/harness/fake-services"
# What is in git, and nothing else.
git -C "$sources" archive HEAD scenarios docs | tar -x -C "$work"
cp -R "$work/scenarios" "$prefix/share/harness/scenarios"
"$build/harness" man | gzip -n -9 > "$prefix/share/man/man1/harness.1.gz"
"$build/harness" completions bash > "$prefix/share/bash-completion/completions/harness"
"$build/harness" completions zsh > "$prefix/share/zsh/vendor-completions/_harness"
"$build/harness" completions fish > "$prefix/share/fish/vendor_completions.d/harness.fish"
cp "$sources/README.md" "$prefix/share/doc/harness/README.md"
cp -R "$work/docs" "$prefix/share/doc/harness/docs"
find "$work/tree" -type d -exec chmod 755 {} +
find "$work/tree" -type f ! -perm -100 -exec chmod 644 {} +
find "$work/tree" -type f -perm -100 -exec chmod 755 {} +

# 1. An archive: unpacked anywhere, bin/harness finds the rest.
name=harness-$version-linux-$machine
mkdir "$work/archive"
cp -a "$prefix" "$work/archive/$name"
deterministic "$work/archive" | gzip -n -9 > "$output/$name.tar.gz"

# 2. A Debian package. It depends on nothing: both programs are static.
package=$work/package
mkdir -p "$package/DEBIAN"
cp -a "$work/tree/usr" "$package/usr"
printf 'harness (%s) unstable; urgency=medium\n\n  * Built from its sources.\n\n -- harness <harness@localhost.invalid>  %s\n' \
    "$version" "$(date -u -R -d "@$SOURCE_DATE_EPOCH")" | gzip -n -9 > "$package/usr/share/doc/harness/changelog.gz"
printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: harness\n\nFiles: *\nCopyright: %s the authors of harness\nLicense: none-yet\n Nothing has been said yet of what others may do with it.\n' \
    "${date%%-*}" > "$package/usr/share/doc/harness/copyright"
mkdir -p "$package/usr/share/lintian/overrides"
printf '# They start in any root, with any libc.\nharness: statically-linked-binary *\n' > "$package/usr/share/lintian/overrides/harness"
cat > "$package/DEBIAN/control" <<EOF
Package: harness
Version: $version
Architecture: $debian
Maintainer: harness <harness@localhost.invalid>
Installed-Size: $(find "$package/usr" -type f -printf '%s\n' | awk '{ sum += int(($1 + 1023) / 1024) } END { print sum }')
Recommends: zstd
Suggests: xz-utils, bzip2, python3-yaml
Section: devel
Priority: optional
Description: tests any init, as PID 1, on what the kernel saw
 An integration-test harness that simulates how container runtimes stop,
 kill and restart a container. It runs an init, an entrypoint or a whole
 image in namespaces of its own, with no daemon, and judges it by what the
 kernel saw: signals, exits, zombies, orphans, restarts.
EOF
find "$package" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zxz --build "$package" "$output/harness_${version}_$debian.deb" > /dev/null

# 3. An image, as `docker load` and `podman load` take it, and as an OCI layout: one layer, for COPY --from=.
image=$work/image
mkdir -p "$image/blobs/sha256"
deterministic "$work/tree" > "$image/layer"
layer=$(digest "$image/layer")
mv "$image/layer" "$image/blobs/sha256/$layer"
printf '{"architecture":"%s","config":{"Cmd":["help"],"Entrypoint":["/usr/bin/harness"],"Env":["PATH=/usr/bin"]},"created":"%s","history":[{"created":"%s","created_by":"deploy/dist.sh"}],"os":"linux","rootfs":{"diff_ids":["sha256:%s"],"type":"layers"}}' \
    "$oci" "$date" "$date" "$layer" > "$image/config"
config=$(digest "$image/config")
mv "$image/config" "$image/blobs/sha256/$config"
size() { wc -c < "$image/blobs/sha256/$1" | tr -d ' '; }
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
    "$config" "$(size "$config")" "$layer" "$(size "$layer")" > "$image/manifest"
manifest=$(digest "$image/manifest")
mv "$image/manifest" "$image/blobs/sha256/$manifest"
printf '{"imageLayoutVersion":"1.0.0"}' > "$image/oci-layout"
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}]}' \
    "$manifest" "$(size "$manifest")" "$version" > "$image/index.json"
printf '[{"Config":"blobs/sha256/%s","RepoTags":["harness:%s"],"Layers":["blobs/sha256/%s"]}]' "$config" "$version" "$layer" > "$image/manifest.json"
deterministic "$image" | gzip -n -9 > "$output/$name-image.tar.gz"

# 4. What is in it (SPDX 2.3), and the sums.
printf '{"spdxVersion":"SPDX-2.3","dataLicense":"CC0-1.0","SPDXID":"SPDXRef-DOCUMENT","name":"harness-%s","documentNamespace":"urn:harness:%s","creationInfo":{"created":"%s","creators":["Tool: deploy/dist.sh"]},"packages":[' \
    "$version" "$(digest "$output/$name.tar.gz")" "$date" > "$output/$name.spdx.json"
swift=$(cat "$build/toolchain" 2> /dev/null || echo unknown)
printf '{"SPDXID":"SPDXRef-harness","name":"harness","versionInfo":"%s","downloadLocation":"NOASSERTION","filesAnalyzed":false,"checksums":[{"algorithm":"SHA256","checksumValue":"%s"}]},' \
    "$version" "$(digest "$build/harness")" >> "$output/$name.spdx.json"
printf '{"SPDXID":"SPDXRef-swift","name":"Swift standard library and FoundationEssentials","versionInfo":"%s","downloadLocation":"NOASSERTION","filesAnalyzed":false},' \
    "$swift" >> "$output/$name.spdx.json"
printf '{"SPDXID":"SPDXRef-glibc","name":"GNU C Library","versionInfo":"%s","downloadLocation":"NOASSERTION","filesAnalyzed":false}],' \
    "$(getconf GNU_LIBC_VERSION | cut -d ' ' -f 2)" >> "$output/$name.spdx.json"
printf '"relationships":[{"spdxElementId":"SPDXRef-DOCUMENT","relationshipType":"DESCRIBES","relatedSpdxElement":"SPDXRef-harness"},{"spdxElementId":"SPDXRef-harness","relationshipType":"STATIC_LINK","relatedSpdxElement":"SPDXRef-swift"},{"spdxElementId":"SPDXRef-harness","relationshipType":"STATIC_LINK","relatedSpdxElement":"SPDXRef-glibc"}]}\n' \
    >> "$output/$name.spdx.json"
(cd "$output" && sha256sum "$name.tar.gz" "harness_${version}_$debian.deb" "$name-image.tar.gz" "$name.spdx.json" > "$name.sha256")
(cd "$output" && ls -l | awk 'NR > 1 { print $5, $9 }')
