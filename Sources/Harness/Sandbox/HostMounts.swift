import Kernel

/// The file systems that are mounted below the host's root: overlayfs does not see through them, so that each is mounted anew inside.
package struct HostMounts: Sendable {
    /// One of them.
    package struct Entry: Hashable, Sendable {
        /// Where it is, without symbolic links.
        package let path: String
        /// Its kind can be the lower layer of an overlay, so that it can be written to inside; else it is read-only.
        package let canBeLayered: Bool
    }

    private let entries: [Entry]

    /// Kinds of file systems that are known to work as lower layers.
    private static let layered: Set<String> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "squashfs", "erofs", "overlay", "zfs", "bcachefs",
    ]
    /// What a container has of its own, or what is of the host's own life.
    private static let excluded = ["/proc", "/sys", "/dev", "/run", "/var/run", "/boot"]
    /// Directories that programs and their data are in: mounts there are seen without being named.
    private static let wanted = [
        "/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/var", "/home", "/root", "/srv", "/nix",
    ]

    /// Reads /proc/self/mountinfo (proc_pid_mountinfo(5)).
    package init() { self.init(mountInfo: Files.text(of: "/proc/self/mountinfo") ?? "") }

    package init(mountInfo text: String) {
        var entries: [Entry] = []
        for line in text.split(separator: "\n") {
            // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
            let path = HostMounts.unescaped(fields[4])
            guard path != "/", !HostMounts.isHidden(path), !path.split(separator: "/").contains(where: RunName.isOne),
                Files.isDirectory(path)
            else { continue }
            entries.removeAll { $0.path == path }
            entries.append(Entry(path: path, canBeLayered: HostMounts.layered.contains(String(fields[dash + 1]))))
        }
        // Outer ones first.
        self.entries = entries.enumerated().sorted {
            ($0.element.path.split(separator: "/").count, $0.offset) < (
                $1.element.path.split(separator: "/").count, $1.offset
            )
        }.map(\.element)
    }

    /// `\040` is a blank.
    private static func unescaped(_ field: Substring) -> String {
        String(field).replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\012", with: "\n")
            .replacing("\\134", with: "\\")
    }

    private static func isBelow(_ path: String, _ directory: String) -> Bool {
        path == directory || path.hasPrefix(directory + "/")
    }

    /// Whether a path of the host is never seen inside.
    static func isHidden(_ path: String) -> Bool { excluded.contains { isBelow(path, $0) } }

    /// Whether a single file of what is hidden may be seen inside: one that a person has put there, and nothing of the kernel's.
    package static func canBeBound(_ path: String) -> Bool {
        ["/dev/shm", "/run", "/var/run"].contains { isBelow(path, $0) }
    }

    /// Those that a container needs: where programs are, and what the paths lead to that it names.
    func needed(for paths: [String]) -> [Entry] {
        entries.filter { entry in
            HostMounts.wanted.contains { HostMounts.isBelow(entry.path, $0) }
                || paths.contains { HostMounts.isBelow($0, entry.path) }
        }
    }
}

/// A file of the host that is seen inside, read-only, at a path of its own.
package struct BoundFile: Hashable, Sendable {
    /// On the host.
    package let source: String
    /// Inside.
    package let target: String

    package init(source: String, target: String) {
        self.source = source
        self.target = target
    }
}
