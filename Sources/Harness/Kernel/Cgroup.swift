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

    /// The hierarchy that has a controller, or nil when none is mounted where this process can write.
    ///
    /// In the unified hierarchy a cgroup with processes in it cannot hand controllers on (cgroups(7), "no internal
    /// processes"); its root can, so that is where containers are put.
    package static func discover(controller: String = "pids") -> CgroupHierarchy? {
        let own = (Files.text(of: "/proc/self/cgroup") ?? "").split(separator: "\n").map {
            $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        }
        for mount in mounts() {
            switch mount.type {
            case "cgroup2":
                let controllers = (Files.text(of: mount.point + "/cgroup.controllers") ?? "").split { $0.isWhitespace }
                guard controllers.contains(Substring(controller)), Files.isWritable(mount.point) else { continue }
                let handedOn = Files.text(of: mount.point + "/cgroup.subtree_control") ?? ""
                if !handedOn.split(whereSeparator: \.isWhitespace).contains(Substring(controller)) {
                    let control = mount.point + "/cgroup.subtree_control"
                    guard (try? Files.write("+\(controller)", to: control)) != nil else { continue }
                }
                return CgroupHierarchy(directory: mount.point, version: .version2)
            case "cgroup" where mount.options.split(separator: ",").contains(Substring(controller)):
                let path =
                    own.first { $0.count == 3 && $0[1].split(separator: ",").contains(Substring(controller)) }?[2]
                    ?? "/"
                let directory = path == "/" ? mount.point : mount.point + path
                guard Files.exists(directory + "/cgroup.procs"), Files.isWritable(directory) else { continue }
                return CgroupHierarchy(directory: directory, version: .version1)
            default: continue
            }
        }
        return nil
    }

    /// The unified hierarchy, whatever controllers it has, or nil when it is not mounted where this process can write.
    package static func unified() -> CgroupHierarchy? {
        mounts().first { $0.type == "cgroup2" && Files.isWritable($0.point) }
            .map { CgroupHierarchy(directory: $0.point, version: .version2) }
    }

    /// What is mounted: the fields of proc_pid_mountinfo(5) that count here.
    private static func mounts() -> [(point: String, type: Substring, options: Substring)] {
        (Files.text(of: "/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), fields.count > dash + 3, dash > 4 else { return nil }
            return (String(fields[4]), fields[dash + 1], fields[dash + 3])
        }
    }
}

/// One container's cgroup: limits on what it may have, and the list of its processes.
///
/// The limit stands one level above the members: theirs is the root of the container's cgroup namespace, so that whoever
/// gets to mount the hierarchy inside finds no limit there to lift.
package struct Cgroup: Sendable {
    package let path: String
    private var members: String { path + "/members" }

    /// A limit as it is written: into which file of the cgroup, and what.
    package typealias Limit = (file: String, value: String)

    package init(making path: String, limits: [Limit]) throws {
        self.path = path
        try Files.makeDirectory(path)
        for limit in limits { try Files.write(limit.value, to: "\(path)/\(limit.file)") }
        // Whoever can write to it could make more below than anybody could take away again (cgroup v2 only).
        for (file, value) in [("cgroup.max.depth", "16"), ("cgroup.max.descendants", "1000")]
        where Files.exists("\(path)/\(file)") {
            try Files.write(value, to: "\(path)/\(file)")
        }
        try Files.makeDirectory(members)
    }

    /// The file through which a process joins: "0" written to it moves the writer.
    package func openMembers() throws(Errno) -> Descriptor {
        try Descriptor.open(members + "/cgroup.procs", .write)
    }

    /// The sum of what files of it say after a word, `oom_kill 3`; 0 where there is nothing of the kind.
    package func sum(of word: String, in files: [String]) -> Int {
        var result = 0
        for file in files {
            for line in (Files.text(of: "\(path)/\(file)") ?? "").split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 2, words[0] == word { result += Int(words[1]) ?? 0 }
            }
        }
        return result
    }

    /// Sends SIGKILL to each process in it, and in those below it.
    ///
    /// - Returns: whether there was one.
    package func killMembers() -> Bool { Cgroup.killMembers(of: path) }

    private static func killMembers(of path: String) -> Bool {
        var isAny = false
        for line in (Files.text(of: path + "/cgroup.procs") ?? "").split(separator: "\n") {
            guard let pid = Int32(line) else { continue }
            isAny = true
            try? PIDDescriptor(opening: ProcessID(rawValue: pid)).send(.kill)
        }
        for name in Files.names(in: path) where Files.isDirectory("\(path)/\(name)") {
            if killMembers(of: "\(path)/\(name)") { isAny = true }
        }
        return isAny
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
        // Who is frozen takes no signal (version 1), and what is below a frozen cgroup is frozen too.
        if Files.exists(path + "/freezer.state") { try? Files.write("THAWED", to: path + "/freezer.state") }
        for name in Files.names(in: path) where Files.isDirectory("\(path)/\(name)") { remove("\(path)/\(name)") }
        if (try? Files.removeDirectory(path)) != nil || !Files.exists(path) { return true }
        _ = killMembers(of: path)
        // What has just been killed takes a moment to leave.
        let deadline = MonotonicInstant.now.advanced(by: .milliseconds(200))
        var poller = Poller()
        while (try? Files.removeDirectory(path)) == nil {
            if MonotonicInstant.now >= deadline || !Files.exists(path) { return !Files.exists(path) }
            _ = try? poller.wait(until: .now.advanced(by: .milliseconds(1)))
        }
        return true
    }
}

/// The cgroup in which all processes of a container can be frozen.
package struct Freezer: Sendable {
    let directory: String
    let version: CgroupHierarchy.Version

    package init(directory: String, version: CgroupHierarchy.Version) {
        self.directory = directory
        self.version = version
    }

    /// How long the kernel may take: a task in uninterruptible sleep freezes when it wakes.
    private static let patience = Duration.seconds(5)

    /// Freezes every process, or lets them go on. Blocks until it is so.
    ///
    /// - Throws: `SystemCallError`; `timedOut` where a process cannot be frozen.
    package func set(frozen: Bool) throws {
        let (file, value, state) =
            switch version {
            case .version1: ("freezer.state", frozen ? "FROZEN" : "THAWED", "freezer.state")
            case .version2: ("cgroup.freeze", frozen ? "1" : "0", "cgroup.events")
            }
        try Files.write(value, to: "\(directory)/\(file)")
        let wanted = version == .version1 ? value : "frozen \(value)"
        let deadline = MonotonicInstant.now.advanced(by: Freezer.patience)
        var poller = Poller()
        while Files.text(of: "\(directory)/\(state)")?.split(separator: "\n").contains(Substring(wanted)) != true {
            if MonotonicInstant.now >= deadline { throw SystemCallError("freeze", directory, .timedOut) }
            try poller.wait(until: .now.advanced(by: .milliseconds(1)))
        }
    }
}
