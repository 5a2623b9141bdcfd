import Glibc
import Vocabulary

/// A mounted hierarchy of control groups, in which this process may make some of its own (cgroups(7)).
package struct CgroupHierarchy: Sendable, Hashable {
    /// Where new cgroups are made, as it is mounted here: in version 1 this process's own cgroup, in version 2 the mount point.
    package let directory: String
    package let version: Version
    /// The controllers that cgroups here can have.
    package let controllers: Set<String>

    package enum Version: String, Sendable {
        /// A hierarchy for some controllers.
        case version1 = "v1"
        /// The unified hierarchy, with all controllers that no other has.
        case version2 = "v2"
    }

    /// The hierarchy of version 1 that has a controller (`name=systemd` is a name in place of one), or nil when none is mounted where this
    /// process can write.
    package static func version1(of controller: String) -> CgroupHierarchy? {
        let own = (Files.text(of: "/proc/self/cgroup") ?? "").split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        for mount in mounts() where mount.type == "cgroup" {
            let controllers = mount.options.split(separator: ",")
            guard controllers.contains(Substring(controller)) else { continue }
            let path =
                own.first { $0.count == 3 && $0[1].split(separator: ",").contains(Substring(controller)) }?[2] ?? "/"
            let directory = path == "/" ? mount.point : mount.point + path
            guard Files.exists(directory + "/cgroup.procs"), Files.isWritable(directory) else { continue }
            return CgroupHierarchy(directory: directory, version: .version1, controllers: [controller])
        }
        return nil
    }

    /// The unified hierarchy, or nil when it is not mounted where this process can write.
    package static func unified() -> CgroupHierarchy? {
        mounts().first { $0.type == "cgroup2" && Files.isWritable($0.point) }.map { mount in
            CgroupHierarchy(
                directory: mount.point, version: .version2, controllers: words(of: mount.point + "/cgroup.controllers"))
        }
    }

    /// Of version 2: the controllers that cgroups directly below have.
    package var delegated: Set<String> { CgroupHierarchy.words(of: directory + "/cgroup.subtree_control") }

    /// Of version 2: whether it is the machine's own root, and not a cgroup that a namespace or a mount makes look like one. Only the root may have
    /// processes and hand controllers on (cgroups(7), "no internal processes").
    package var isRoot: Bool { !Files.exists(directory + "/cgroup.type") }

    /// Of version 2: whether there can be processes in cgroups below it, other than threads of those that are in it (cgroups(7), "domain invalid").
    package var isDomain: Bool {
        let type = (Files.text(of: directory + "/cgroup.type") ?? "domain").split { $0.isNewline }.first
        return type == "domain"
    }

    package init(directory: String, version: Version, controllers: Set<String>) {
        self.directory = directory
        self.version = version
        self.controllers = controllers
    }

    private static func words(of path: String) -> Set<String> {
        Set((Files.text(of: path) ?? "").split { $0.isWhitespace }.map(String.init))
    }

    /// What is mounted: the fields of proc_pid_mountinfo(5) that count here.
    private static func mounts() -> [(point: String, type: Substring, options: Substring)] {
        (Files.text(of: "/proc/thread-self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash > 4 else { return nil }
            return (String(fields[4]), fields[dash + 1], fields[dash + 3])
        }
    }
}
