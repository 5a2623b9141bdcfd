import CLinux
import Glibc

/// A network namespace with its loopback interface up and nothing else, which lives as long as this does, or a process in it.
package final class NetworkNamespace: Sendable {
    private let descriptor: Descriptor
    /// What there was to be seen in it when it had just been made.
    private let fresh: [String: [UInt8]]

    /// Makes one; the calling thread stays where it is.
    ///
    /// - Throws: `Errno`: EPERM in a user namespace.
    package init() throws(Errno) {
        let own = try Descriptor.open(NetworkNamespace.ofThread, .read)
        // Who is root of a user namespace only may leave the machine's, and not come back.
        _ = try valueOrNegatedErrno(clinux_join_network(own.rawValue))
        _ = try valueOrNegatedErrno(clinux_unshare(clinux_clone_newnet))
        defer { NetworkNamespace.goBack(to: own) }
        _ = try valueOrNegatedErrno(clinux_bring_loopback_up())
        descriptor = try Descriptor.open(NetworkNamespace.ofThread, .read)
        fresh = try NetworkNamespace.look()
    }

    /// For setns(2); valid as long as this lives.
    package var rawValue: Int32 { descriptor.rawValue }

    private static let ofThread = "/proc/thread-self/ns/net"

    /// A thread that stayed in another namespace would make its next socket there. It has joined its own before, so the kernel lets it.
    private static func goBack(to own: borrowing Descriptor) {
        if clinux_join_network(own.rawValue) < 0 { fatalError("a thread cannot go back to its network namespace") }
    }

    /// Whether nothing has happened in it since it was made. Nobody may be in it any more.
    ///
    /// What is in it can be changed by its administrator only (CAP_NET_ADMIN), but for what sockets bring about, which end with their processes and
    /// are counted when they have sent something, or have tried to, and for leases of flow labels. So these are looked at: the counters of the
    /// interface, of each protocol and of sockets of every family, and the labels. Everything else that shows is compared by a test: the lists of
    /// TCP alone take the kernel some milliseconds.
    package var isAsNew: Bool {
        guard let own = try? Descriptor.open(NetworkNamespace.ofThread, .read),
            clinux_join_network(descriptor.rawValue) == 0
        else { return false }
        defer { NetworkNamespace.goBack(to: own) }
        return (try? NetworkNamespace.look()) == fresh
    }

    private static let sizeLimit = 16384
    private static let files = [
        "sockstat", "dev", "snmp", "snmp6", "netstat", "ip6_flowlabel",
    ]

    /// What the calling thread sees of its network namespace, by the files of proc_net(5). One that this kernel does not have is left out.
    private static func look() throws(Errno) -> [String: [UInt8]] {
        let directory = try Descriptor.open("/proc/thread-self/net", .directory)
        var result: [String: [UInt8]] = [:]
        for name in files {
            guard let file = try? Descriptor.open(name, .read, in: directory.rawValue) else { continue }
            // One read has it all; a file that is larger is not that of a new namespace.
            let bytes = try withUnsafeTemporaryAllocation(byteCount: sizeLimit, alignment: 16) {
                buffer throws(Errno) in Array(buffer.prefix(try file.read(into: buffer)))
            }
            result[name] = name.hasPrefix("sockstat") ? ownCounts(bytes) : bytes
        }
        return result
    }

    /// `TCP: inuse 0 orphan 0 tw 0 alloc 5 mem 1`: of these only `inuse` and `tw`, and the `used` of all sockets, are the namespace's, the rest is
    /// the machine's.
    private static func ownCounts(_ bytes: [UInt8]) -> [UInt8] {
        var isOwn = true
        let words = bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.filter { word in
            defer {
                if !word.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
                    isOwn = !["orphan", "alloc", "mem", "memory"].contains { $0.utf8.elementsEqual(word) }
                }
            }
            return isOwn
        }
        return Array(words.joined(separator: [UInt8(ascii: " ")]))
    }
}
