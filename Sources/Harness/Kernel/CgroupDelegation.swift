import Glibc
import Vocabulary

/// The controllers that a cgroup of version 2 is to hand on for the time of a run, where it does not yet.
///
/// The machine's root may have processes besides. Any other may not (cgroups(7), "no internal processes"): in a container with a cgroup namespace of
/// its own the mount point only looks like a root, and the container's processes are in it. They are moved into a leaf of it meanwhile. The leaf is made in
/// both cases: it says that a run has changed something, and each run that needs that holds a lock on it; the last one's guard takes it back.
package struct CgroupDelegation: Sendable {
    let directory: String
    private let controllers: [String]
    private let isRoot: Bool

    /// Nil where everything that is wanted is handed on already, and no run has seen to that.
    ///
    /// - Parameter wanted: names of controllers; those that there are not are left out.
    package init?(_ hierarchy: CgroupHierarchy, wanted: Set<String>) {
        let available = wanted.intersection(hierarchy.controllers)
        directory = hierarchy.directory
        isRoot = hierarchy.isRoot
        let leaf = directory + "/" + CgroupDelegation.leafName
        if available.subtracting(hierarchy.delegated).isEmpty && !Files.isDirectory(leaf) { return nil }
        if available.isEmpty { return nil }
        controllers = available.sorted()
    }

    private static let leafName = "harness-host"
    var leaf: String { directory + "/" + CgroupDelegation.leafName }

    /// `+memory +pids`
    func words(with sign: String) -> String { controllers.map { sign + $0 }.joined(separator: " ") }

    /// How often members are looked for: one that forks meanwhile leaves a child behind.
    private static let passes = 100

    /// Hands them on. What fails is taken back by the guard.
    ///
    /// - Returns: the lock, as long as which they stay so.
    /// - Throws: `SystemCallError`: EBUSY, EOPNOTSUPP where the cgroup is a threaded one, EACCES in a mount that is read-only.
    package func begin() throws -> Claim {
        if !Files.isDirectory(leaf) { try? Files.makeDirectory(leaf) }
        guard let lock = Claim(sharing: leaf) else { throw SystemCallError("lock directory", leaf, .wouldBlock) }
        if !isRoot {
            for _ in 0..<CgroupDelegation.passes {
                let members = (Files.text(of: directory + "/cgroup.procs") ?? "").split(separator: "\n")
                if members.isEmpty { break }
                // One that has ended meanwhile, or belongs to the kernel, cannot be moved.
                for member in members { try? Files.write(String(member), to: leaf + "/cgroup.procs") }
            }
            // With members it would become the root of a threaded subtree, in which no container can be.
            if Files.text(of: directory + "/cgroup.procs") != "" {
                throw SystemCallError("empty", directory, Errno(rawValue: EBUSY))
            }
        }
        try Files.write(words(with: "+"), to: directory + "/cgroup.subtree_control")
        return lock
    }
}
