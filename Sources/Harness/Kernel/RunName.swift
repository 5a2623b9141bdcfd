import Glibc
import Vocabulary

/// What a harness process calls everything that it leaves in the kernel or the file system while it runs.
///
/// The name tells whose it is, so that a later run can tell the leftovers of a dead one from what is in use.
package struct RunName: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    private static let prefix = "harness-"

    /// The name for the calling process; a number distinguishes several of its own.
    package init(number: Int) {
        let process = ProcFS.process(ProcessID(rawValue: getpid()))
        description = "\(RunName.prefix)\(getpid())-\(process?.startTime ?? 0)-\(number)-\(RunName.ownNamespace)"
    }

    /// What tells this process's PID namespace from others, in which the same numbers mean other processes: an inode number.
    private static var ownNamespace: String {
        (Files.target(ofLink: "/proc/self/ns/pid") ?? "").filter(\.isNumber)
    }

    /// Whether this is the name of something whose owner is dead. Of an owner in another PID namespace nobody can tell.
    package static func isLeftover(_ name: String) -> Bool {
        guard name.hasPrefix(prefix) else { return false }
        let parts = name.dropFirst(prefix.count).split(separator: "-")
        guard parts.count == 4, parts[3] == ownNamespace, let pid = Int32(parts[0]), let startTime = UInt64(parts[1])
        else { return false }
        return ProcFS.process(ProcessID(rawValue: pid))?.startTime != startTime
    }
}
