import Kernel
import Model
import Synchronization
import Vocabulary

/// Where the cgroups of a run are, by what they are for: a plan, nothing is made yet.
struct CgroupLayout: Sendable {
    /// Each container is born into one of its own there, and found by it.
    let unified: CgroupHierarchy?
    /// Of version 1, where the controllers are not in the unified hierarchy.
    let pids: CgroupHierarchy?
    let memory: CgroupHierarchy?
    let freezer: CgroupHierarchy?
    /// systemd's own, a named one without controllers.
    let systemd: CgroupHierarchy?
    /// What the unified hierarchy has to hand on first; nil: nothing.
    let delegation: CgroupDelegation?
    /// The controllers that containers are limited by.
    let wanted: Set<String>
    private let name: RunName

    init(_ name: RunName, wanted: Set<String> = ["pids", "memory"]) {
        self.name = name
        self.wanted = wanted
        unified = CgroupHierarchy.unified().flatMap { $0.isDomain ? $0 : nil }
        delegation = unified.flatMap { CgroupDelegation($0, wanted: wanted) }
        pids = CgroupHierarchy.version1(of: "pids")
        memory = CgroupHierarchy.version1(of: "memory")
        freezer = CgroupHierarchy.version1(of: "freezer")
        systemd = CgroupHierarchy.version1(of: "name=systemd")
    }

    /// What is this run's in a hierarchy.
    func path(in hierarchy: CgroupHierarchy) -> String { "\(hierarchy.directory)/\(name)" }

    /// Everything that this run may have. The freezer first: who is frozen cannot be killed.
    var all: [String] { [freezer, unified, pids, memory, systemd].compactMap(\.self).map(path).unique }

    /// Where runs have their cgroups, in the order in which they are cleared up.
    static var directories: [String] {
        [
            CgroupHierarchy.version1(of: "freezer"), CgroupHierarchy.unified(), CgroupHierarchy.version1(of: "pids"),
            CgroupHierarchy.version1(of: "memory"), CgroupHierarchy.version1(of: "name=systemd"),
        ].compactMap(\.self).map(\.directory).unique
    }
}

extension [String] {
    fileprivate var unique: [String] { reduce(into: []) { all, path in if !all.contains(path) { all.append(path) } } }
}

/// The cgroups of a run.
///
/// To join a cgroup is dear: the kernel waits until no process of the machine is in the middle of a fork or an exit (cgroup_threadgroup_rwsem). So a
/// process is born where it belongs: in the unified hierarchy into its container's cgroup (CLONE_INTO_CGROUP), in those of version 1 into that of the
/// thread that starts it, which carries out one scenario at a time.
package final class RunCgroups: Sendable {
    /// Why some things cannot be done on a host with version 1 alone, and what would help.
    static let noVersion2 =
        "no version 2 of cgroups is mounted where it can be written to (mount -t cgroup2 cgroup2 DIRECTORY)"

    private let layout: CgroupLayout
    /// The controllers that containers' cgroups in the unified hierarchy have.
    private let controllers: Set<String>
    /// What this run has made, by its path: as long as it is claimed, no other takes it for a leftover.
    private let claims: Mutex<[String: Claim]>
    /// Keeps what the unified hierarchy hands on.
    private let delegation: Mutex<Claim?>
    /// Why it does not hand on what it should; nil: it does.
    package let reasonWithoutControllers: String?
    /// All containers of a run together have less memory than there is, so that it is not the harness that the kernel ends when it runs short. Of
    /// version 1; in the unified hierarchy their own cgroups are below the limit.
    let sharedMemory: Cgroup?
    /// How many of their processes the kernel has killed for want of memory.
    private let sharedKills: [CounterFile]
    /// In bytes; nil: their memory is not limited.
    let sharedMemoryLimit: Int?
    /// What the threads that start containers are in, of version 1, by their numbers.
    private let threads = Mutex<[ProcessID: OfThread]>([:])

    /// What a thread is in, and how many forks there have failed at the limit.
    final class OfThread: Sendable {
        private let failedForks: [CounterFile]

        fileprivate init(_ cgroup: Cgroup) {
            // In which of the two it counts has changed from kernel to kernel.
            failedForks = ["pids.events", "members/pids.events"].compactMap {
                CounterFile("\(cgroup.path)/\($0)", word: "max")
            }
        }

        var failedForkCount: Int { failedForks.reduce(0) { $0 + $1.value } }
    }

    /// - Parameter memoryLimit: in bytes, of all containers together; nil: none.
    /// - Throws: `SystemCallError`.
    init(_ layout: CgroupLayout, memoryLimit: Int?) throws {
        self.layout = layout
        var claims: [String: Claim] = [:]
        func claim(_ hierarchy: CgroupHierarchy) throws -> String {
            let path = layout.path(in: hierarchy)
            if claims[path] == nil { claims[path] = try Claim(making: path) }
            return path
        }
        var controllers: Set<String> = []
        var lock: Claim?
        var reason: String?
        do {
            lock = try layout.delegation?.begin()
        } catch {
            reason = "\(error)"
        }
        delegation = Mutex(lock)
        reasonWithoutControllers = reason
        if let unified = layout.unified {
            controllers = layout.wanted.intersection(unified.delegated)
            let path = try claim(unified)
            if !controllers.isEmpty {
                try Files.write(
                    controllers.sorted().map { "+\($0)" }.joined(separator: " "), to: path + "/cgroup.subtree_control")
            }
        }
        self.controllers = controllers
        if let pids = layout.pids { _ = try claim(pids) }
        var limit = memoryLimit
        var shared: Cgroup?
        if controllers.contains("memory"), let unified = layout.unified, let bytes = limit {
            if (try? Files.write(String(bytes), to: layout.path(in: unified) + "/memory.max")) == nil { limit = nil }
        } else if let memory = layout.memory, let bytes = limit {
            let path = try claim(memory)
            if (try? Files.write(String(bytes), to: path + "/memory.limit_in_bytes")) != nil {
                shared = try? Cgroup(making: path + "/all", limits: [])
            }
            if shared == nil { limit = nil }
        } else {
            limit = nil
        }
        sharedMemory = shared
        sharedKills =
            shared.map { shared in
                ["memory.oom_control", "members/memory.oom_control", "memory.events"].compactMap {
                    CounterFile("\(shared.path)/\($0)", word: "oom_kill")
                }
            } ?? []
        sharedMemoryLimit = limit
        self.claims = Mutex(claims)
    }

    /// How many processes of containers without a limit of their own the kernel has killed for want of memory.
    var sharedKillCount: Int { sharedKills.reduce(0) { $0 + $1.value } }

    /// What the machine had, it may have again: the guard sees to it.
    func release() { delegation.withLock { $0 = nil } }

    /// Whether what is left of a container can be found among the processes of others.
    package var canFindProcesses: Bool { layout.unified != nil || layout.pids != nil }

    /// What containers can be limited by and how, for people; and what this machine cannot do, with the remedy.
    package var abilities: [(subject: String, text: String, isMissing: Bool)] {
        func place(_ controller: String, _ old: CgroupHierarchy?) -> String? {
            if controllers.contains(controller), let unified = layout.unified {
                return "version 2, at \(unified.directory)"
            }
            return old.map { "version 1, at \($0.directory)" }
        }
        let reason = reasonWithoutControllers.map { " (\($0))" } ?? ""
        let found =
            layout.unified == nil ? "mount version 2 of cgroups writable" : "hand the controller on to this cgroup"
        let pids = place("pids", layout.pids)
        let memory = place("memory", layout.memory)
        let freezer =
            layout.freezer.map { "version 1, at \($0.directory)" }
            ?? layout.unified.map { "version 2, at \($0.directory)" }
        return [
            (
                "processes",
                pids.map { "limited by \($0)" }
                    ?? "not limited, and 'pids limit' is an error: no pids controller\(reason); \(found)", pids == nil
            ),
            (
                "memory",
                memory.map { "limited by \($0)" }
                    ?? "not limited, and 'memory limit' is an error: no memory controller\(reason); \(found)",
                memory == nil
            ),
            (
                "pause",
                freezer.map { "by \($0)" }
                    ?? "an error: no freezer, and \(RunCgroups.noVersion2)", freezer == nil
            ),
            (
                "cgroup",
                layout.unified.map { "version 2 is shown to containers that ask for it, from \($0.directory)" }
                    ?? "'cgroup rw' and 'cgroup ro' are errors: \(RunCgroups.noVersion2)",
                layout.unified == nil
            ),
        ]
    }

    /// The host has hierarchies of version 1.
    var hasVersion1: Bool { layout.pids != nil }

    /// How a container sees /sys/fs/cgroup where nobody says.
    var usualAccess: ContainerSettings.CgroupAccess {
        layout.unified != nil && layout.pids == nil ? .readOnly : .none
    }

    /// Makes a cgroup of this run, where it is not there yet.
    private func claim(_ hierarchy: CgroupHierarchy) throws -> String {
        let path = layout.path(in: hierarchy)
        try claims.withLock { if $0[path] == nil { $0[path] = try Claim(making: path) } }
        return path
    }

    /// The calling thread joins what those are to be in whom it starts. Once per thread.
    func enter() throws {
        // Elsewhere what is left of a container is found by a cgroup of its own.
        guard layout.unified != nil, let pids = layout.pids else { return }
        let number = currentThreadID()
        // The thread is one of them.
        let limit = String(SandboxHost.processLimit + 1)
        let own = try Cgroup(making: "\(layout.path(in: pids))/thread-\(number)", limits: [("pids.max", limit)])
        try own.joinWithThread()
        try sharedMemory?.joinWithThread()
        let entry = OfThread(own)
        threads.withLock { $0[number] = entry }
    }

    /// The cgroups of one container.
    struct OfContainer {
        /// Its processes are born into it, in the unified hierarchy; nil where there is none.
        var birthplace: Cgroup?
        /// Others of its own, which each of its processes joins.
        var joined: [Cgroup] = []
        /// What each of its processes joins that is not its own.
        var shared: Cgroup?
        /// Where all its processes can be frozen; nil: nobody asks for it.
        var freezer: Freezer?
        /// The kernel counts there the forks that failed, of all containers of the thread; nil: in a cgroup of its own.
        var thread: OfThread?

        /// Its own.
        var all: [Cgroup] { (birthplace.map { [$0] } ?? []) + joined }
        /// By which its processes are found.
        var finding: Cgroup? { birthplace ?? joined.first }
    }

    /// Makes the cgroups of a container: where its processes are counted, and others as its settings ask for them.
    ///
    /// - Throws: `SystemCallError`: ENODEV where a controller is missing that the settings ask for.
    func make(
        _ number: Int, _ settings: ContainerSettings, freezes: Bool, into result: inout OfContainer
    ) throws {
        var limits: [Cgroup.Limit] = []
        if controllers.contains("pids") {
            limits.append(("pids.max", String(settings.processLimit ?? SandboxHost.processLimit)))
        }
        if let limit = settings.memoryLimit, controllers.contains("memory"), let unified = layout.unified {
            limits.append(("memory.max", String(limit)))
            if Files.exists("\(layout.path(in: unified))/memory.swap.max") { limits.append(("memory.swap.max", "0")) }
        }
        if let unified = layout.unified {
            let access = settings.cgroup ?? usualAccess
            result.birthplace = try Cgroup(
                making: "\(layout.path(in: unified))/\(number)", limits: limits, isShown: access != .none)
        }
        if !controllers.contains("pids") { try limitProcesses(number, settings, &result) }
        if let limit = settings.memoryLimit, !controllers.contains("memory") {
            guard let memory = layout.memory else {
                throw SystemCallError("limit the memory of", "a container: no memory controller", .noSuchDevice)
            }
            result.joined.append(
                try Cgroup(
                    making: "\(try claim(memory))/\(number)", limits: [("memory.limit_in_bytes", String(limit))]))
        } else if settings.memoryLimit == nil, ownThread == nil {
            result.shared = sharedMemory
        }
        if let access = settings.cgroup, access != .none, layout.unified == nil {
            throw SystemCallError("show control groups to", "a container: \(RunCgroups.noVersion2)", .noSuchDevice)
        }
        if settings.cgroup?.isOfHost == true, hasVersion1 {
            // In each that is shown the container must have a place of its own, which is then all that it sees.
            guard let systemd = layout.systemd else {
                throw SystemCallError(
                    "show the host's control groups to", "a container: no name=systemd", .noSuchDevice)
            }
            result.joined.append(try Cgroup(making: "\(try claim(systemd))/\(number)", limits: []))
        }
        if freezes { result.freezer = try makeFreezer(number, &result) }
    }

    /// What the calling thread is in.
    private var ownThread: OfThread? { threads.withLock { $0[currentThreadID()] } }

    private func limitProcesses(_ number: Int, _ settings: ContainerSettings, _ result: inout OfContainer) throws {
        if let thread = ownThread, settings.processLimit == nil, settings.cgroup?.isOfHost != true {
            result.thread = thread
        } else if let pids = layout.pids {
            let limit = String(settings.processLimit ?? SandboxHost.processLimit)
            result.joined.append(
                try Cgroup(making: "\(layout.path(in: pids))/\(number)", limits: [("pids.max", limit)]))
        } else if settings.processLimit != nil {
            throw SystemCallError("limit the processes of", "a container: no pids controller", .noSuchDevice)
        }
    }

    private func makeFreezer(_ number: Int, _ result: inout OfContainer) throws -> Freezer {
        // Docker on a host with version 1 freezes with the freezer of that.
        if let freezer = layout.freezer {
            let path = "\(try claim(freezer))/\(number)"
            result.joined.append(try Cgroup(making: path, limits: []))
            return Freezer(directory: path, version: .version1)
        }
        guard let own = result.birthplace else {
            throw SystemCallError("freeze", "a container: no freezer", .noSuchDevice)
        }
        return Freezer(directory: own.path, version: .version2)
    }
}
