import Harness
import Kernel

/// Images that tests make, with no daemon: layers by tar, a configuration by hand, put together as `docker save` does.
public struct TestImage: Sendable {
    /// The archive.
    public let path: String
    private let folder: String

    /// A file of a layer.
    public struct File: Sendable {
        let path: String
        let text: String
        let mode: String

        /// - Parameter path: from the root, without a slash before it.
        public init(_ path: String, _ text: String, mode: String = "755") {
            (self.path, self.text, self.mode) = (path, text, mode)
        }

        /// A script of the image's shell.
        public static func script(_ path: String, _ text: String) -> File { File(path, "#!/bin/sh\n" + text) }
    }

    /// A shell and its friends, with the libraries that they need, of this machine's busybox.
    private static let base = #"""
        mkdir -p base/bin base/etc base/tmp base/run base/data base/var/lib
        chmod 1777 base/tmp
        cp -L "$(command -v busybox)" base/bin/busybox
        for library in $(ldd base/bin/busybox 2> /dev/null | grep -o '/[^ ]*'); do cp -L --parents "$library" base; done
        for name in $(base/bin/busybox --list); do ln -s busybox "base/bin/$name" 2> /dev/null; done
        printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n' > base/etc/passwd
        printf 'root:x:0:\napp:x:1000:\n' > base/etc/group
        """#

    private static let assembly = #"""
        pack() { tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$1" -cf "$2" .; }
        mkdir image
        digests= names=
        for layer in base own; do
            [ -d "$layer" ] || continue
            pack "$layer" "image/$layer.tar"
            digests="$digests${digests:+,}\"sha256:$(sha256sum < "image/$layer.tar" | cut -d ' ' -f 1)\""
            names="$names${names:+,}\"$layer.tar\""
        done
        printf '{"architecture":"%s","os":"linux","config":%s,"rootfs":{"type":"layers","diff_ids":[%s]}}' \
            "$(dpkg --print-architecture 2> /dev/null || echo amd64)" "$(cat config)" "$digests" > image/config
        config=$(sha256sum < image/config | cut -d ' ' -f 1)
        mv image/config "image/$config.json"
        printf '[{"Config":"%s.json","RepoTags":["%s"],"Layers":[%s]}]' "$config" "$(cat name)" "$names" > image/manifest.json
        tar -C image -cf image.tar .
        """#

    /// Makes one, of the base and a layer with these files. Blocks meanwhile.
    ///
    /// - Parameters:
    ///   - name: `name:tag`.
    ///   - configuration: what its `config` has, in JSON.
    ///   - setuid: the name of an applet of busybox that is a setuid file of root's.
    public init(_ name: String, _ files: [File], configuration: String, setuid: String? = nil) throws {
        folder = "/tmp/harness-test-\(UInt64.random(in: 0 ... .max))"
        path = folder + "/image.tar"
        try Files.makeDirectory(folder)
        try Files.write(name, creating: folder + "/name")
        try Files.write(configuration, creating: folder + "/config")
        var script = "set -e; cd \(folder)\n\(TestImage.base)\n"
        for (number, file) in files.enumerated() {
            try Files.write(file.text, creating: "\(folder)/\(number)")
            script +=
                "mkdir -p \"own/$(dirname '\(file.path)')\"; install -m \(file.mode) \(number) 'own/\(file.path)'\n"
        }
        if let setuid { script += "mkdir -p own/bin; install -m 4755 base/bin/busybox own/bin/\(setuid)\n" }
        let end = try Command(["sh", "-c", script + TestImage.assembly]).finish()
        guard end.status == .exited(0) else { throw Problem(description: "\(name): \(end.output)\(end.errors)") }
    }

    public struct Problem: Error, CustomStringConvertible {
        public let description: String
        public init(description: String) { self.description = description }
    }

    /// Takes it away.
    public func remove() {
        _ = try? Command(["rm", "-rf", folder]).finish()
    }
}
