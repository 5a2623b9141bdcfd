import Vocabulary

/// One container's cgroup: limits on what it may have, and the list of its processes.
///
/// A limit is one level above the members: theirs is the root of the container's cgroup namespace, so that a program that mounts the hierarchy inside
/// finds no limit there to lift.
package struct Cgroup: Sendable {
    package let path: String
    /// Where its processes are.
    private let members: String

    /// A limit as it is written: into which file of the cgroup, and what.
    package typealias Limit = (file: String, value: String)

    /// - Parameter isShown: a container gets to see it, and perhaps to change it.
    package init(making path: String, limits: [Limit], isShown: Bool = true) throws {
        self.path = path
        try Files.makeDirectory(path)
        for limit in limits { try Files.write(limit.value, to: "\(path)/\(limit.file)") }
        // Nothing to lift, and nobody to do it.
        if limits.isEmpty, !isShown {
            members = path
            return
        }
        members = path + "/members"
        // A program that can write to it could make more cgroups below than can be removed again (version 2 only).
        for (file, value) in [("cgroup.max.depth", "16"), ("cgroup.max.descendants", "1000")]
        where isShown && Files.exists("\(path)/\(file)") {
            try Files.write(value, to: "\(path)/\(file)")
        }
        try Files.makeDirectory(members)
    }

    /// The file through which a process joins: "0" written to it moves the writer.
    package func openMembers() throws(Errno) -> Descriptor {
        try Descriptor.open(members + "/cgroup.procs", .write)
    }

    /// Of version 2: the directory into which a process can be born.
    package func openBirthplace() throws(Errno) -> Descriptor { try Descriptor.open(members, .directory) }

    /// Of version 1: the calling thread joins, and whom it starts is born there.
    package func joinWithThread() throws { try Files.write("0", to: members + "/tasks") }

    /// Of version 2: what its processes are kept waiting for; nil where the kernel does not say.
    package func openStallClock() -> StallClock? { StallClock(path) }

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

    /// Sends SIGKILL to each process in it, and in those below it; never to this one.
    ///
    /// - Returns: whether there was one.
    package func killMembers() -> Bool { Cgroup.killMembers(of: path) }

    private static func killMembers(of path: String) -> Bool {
        var isAny = false
        for line in (Files.text(of: path + "/cgroup.procs") ?? "").split(separator: "\n") {
            guard let pid = Int32(line), pid != ProcessSettings.ownNumber else { continue }
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
        let isEmpty =
            (members == path || (try? Files.removeDirectory(members)) != nil)
            && (try? Files.removeDirectory(path)) != nil
        return isEmpty || Cgroup.remove(path)
    }

    /// How long what has just been killed may take to leave.
    private static let patience = Duration.milliseconds(200)

    /// The same for a cgroup of which nothing is known, children first.
    ///
    /// - Parameter deadline: where it is not gone by then, it stays: a process in uninterruptible sleep cannot be killed.
    @discardableResult
    package static func remove(_ path: String, until deadline: MonotonicInstant? = nil) -> Bool {
        let deadline = deadline ?? .now.advanced(by: patience)
        thaw(path)
        // All at once: they then leave side by side.
        _ = killMembers(of: path)
        var poller = Poller()
        while !removeEmpty(path) {
            if MonotonicInstant.now >= deadline || !Files.exists(path) { return !Files.exists(path) }
            _ = killMembers(of: path)
            _ = try? poller.wait(until: .now.advanced(by: .milliseconds(1)))
        }
        return true
    }

    /// Who is frozen takes no signal (version 1), and what is below a frozen cgroup is frozen too: outer ones first.
    private static func thaw(_ path: String) {
        guard Files.exists(path + "/freezer.state") else { return }
        try? Files.write("THAWED", to: path + "/freezer.state")
        for name in Files.names(in: path) where Files.isDirectory("\(path)/\(name)") { thaw("\(path)/\(name)") }
    }

    /// Removes it and what is below it, as far as nobody is there.
    private static func removeEmpty(_ path: String) -> Bool {
        if (try? Files.removeDirectory(path)) != nil { return true }
        for name in Files.names(in: path) where Files.isDirectory("\(path)/\(name)") {
            _ = removeEmpty("\(path)/\(name)")
        }
        return (try? Files.removeDirectory(path)) != nil
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
