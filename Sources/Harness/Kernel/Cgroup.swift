import Vocabulary

/// The cgroup hierarchy in which containers are limited and found again.
package struct CgroupHierarchy: Sendable, Hashable {
    /// The directory of this process's own cgroup in it, as it is mounted here.
    package let directory: String
    package let version: Version

    package enum Version: String, Sendable {
        /// The `pids` controller of version 1.
        case version1 = "v1"
        /// The unified hierarchy, with `pids` among its controllers.
        case version2 = "v2"
    }

    /// The hierarchy that has the `pids` controller, or nil when none is mounted where this process can write.
    ///
    /// In the unified hierarchy a cgroup with processes in it cannot hand controllers on (cgroups(7), "no internal
    /// processes"); its root can, so that is where containers are put.
    package static func discover() -> CgroupHierarchy? {
        let mounts = (Files.text(of: "/proc/self/mountinfo") ?? "").split(separator: "\n").map {
            $0.split(separator: " ")
        }
        let own = (Files.text(of: "/proc/self/cgroup") ?? "").split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        for fields in mounts {
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, fields.count > 4 else { continue }
            let point = String(fields[4])
            switch fields[dash + 1] {
            case "cgroup2":
                let controllers = (Files.text(of: point + "/cgroup.controllers") ?? "").split { $0.isWhitespace }
                guard controllers.contains("pids") else { continue }
                guard Files.isWritable(point) else { continue }
                let isHandedOn = (Files.text(of: point + "/cgroup.subtree_control") ?? "").contains("pids")
                if !isHandedOn {
                    guard (try? Files.write("+pids", to: point + "/cgroup.subtree_control")) != nil else { continue }
                }
                return CgroupHierarchy(directory: point, version: .version2)
            case "cgroup" where fields[dash + 3].split(separator: ",").contains("pids"):
                let path = own.first { $0.count == 3 && $0[1].split(separator: ",").contains("pids") }?[2] ?? "/"
                let directory = path == "/" ? point : point + path
                guard Files.exists(directory + "/cgroup.procs"), Files.isWritable(directory) else { continue }
                return CgroupHierarchy(directory: directory, version: .version1)
            default: continue
            }
        }
        return nil
    }
}

/// One container's cgroup: a limit on how many processes it has, and the list of them.
///
/// The limit stands one level above the members: theirs is the root of the container's cgroup namespace, so that whoever
/// gets to mount the hierarchy inside finds no limit there to lift.
package struct Cgroup: Sendable {
    package let path: String
    private var members: String { path + "/members" }

    package init(making path: String, processLimit: Int) throws {
        self.path = path
        try Files.makeDirectory(path)
        try Files.write(String(processLimit), to: path + "/pids.max")
        try Files.makeDirectory(members)
    }

    /// The file through which a process joins: "0" written to it moves the writer.
    package func openMembers() throws(Errno) -> Descriptor {
        try Descriptor.open(members + "/cgroup.procs", .write)
    }

    /// Takes the cgroup away, with SIGKILL to whatever is left in it.
    ///
    /// - Returns: whether it is gone. A member that is still exiting keeps it for a moment (EBUSY).
    @discardableResult
    package func remove() -> Bool {
        // As a rule PID 1 has taken everybody with it, and has made no cgroup of its own. Looking first would cost more
        // than all else: listing a cgroup and removing one keep each other waiting, over all containers.
        let isEmpty = (try? Files.removeDirectory(members)) != nil && (try? Files.removeDirectory(path)) != nil
        return isEmpty || Cgroup.remove(path)
    }

    /// The same for a cgroup of which nothing is known, children first.
    @discardableResult
    package static func remove(_ path: String) -> Bool {
        for name in Files.names(in: path) where Files.isDirectory("\(path)/\(name)") { remove("\(path)/\(name)") }
        if (try? Files.removeDirectory(path)) != nil || !Files.exists(path) { return true }
        for line in (Files.text(of: path + "/cgroup.procs") ?? "").split(separator: "\n") {
            guard let pid = Int32(line) else { continue }
            try? PIDDescriptor(opening: ProcessID(rawValue: pid)).send(.kill)
        }
        return (try? Files.removeDirectory(path)) != nil
    }
}
