import Glibc
import Kernel
import Model
import Synchronization
import Vocabulary

/// What all containers of one run share: a place to put them, and somebody who clears up when the harness is killed.
///
/// Threads that run containers enter it one by one (`enter`): each gets a mount tree of its own, so that nothing that a
/// container needs is ever mounted where others can see it, and ends with the thread.
package final class SandboxHost: Sendable {
    package let name: RunName
    /// The multi-call executable of all fakes, on the host.
    package let fakeServices: String
    /// Where containers are limited and found again; nil where there is no such hierarchy, or it is not ours to write.
    package let hierarchy: CgroupHierarchy?
    /// What is mounted below the host's root.
    let mounts: HostMounts
    /// An empty directory of the host, over which each thread mounts its own.
    let directory: String
    /// What is this run's in each hierarchy that a container may need; all but that of `hierarchy` are made when one does.
    private let cgroupDirectories: CgroupDirectories
    /// What this run has made, by its path: as long as it is claimed, no other takes it for a leftover.
    private let claims: Mutex<[String: Claim]>
    /// For PR_SET_PDEATHSIG: a child looks whether its parent still lived when it was armed.
    let ownDescriptor: PIDDescriptor
    /// Where each PID 1 tells the guard of itself.
    let guardSocket: Int32
    /// All containers of a run together have less memory than there is, so that it is not the harness that the kernel ends when it runs
    /// short. In the unified hierarchy their own cgroups are below the limit.
    let memoryCgroup: Cgroup?
    /// In bytes; nil: their memory is not limited.
    let sharedMemoryLimit: Int?
    private let containerCount = Atomic<Int>(0)
    private let hostGuard: Mutex<Guard?>

    /// How many processes a container may have: enough for any init, and a wall for one that forks without end.
    package static let processLimit = 2048
    /// How much a container may write into its root file system: a wall for one that writes without end.
    package static let writableLayerLimitInBytes = 256 << 20

    /// Takes away what dead runs have left, and makes the place for this one.
    ///
    /// - Parameters:
    ///   - instances: an open directory with a trace instance of this run's name, for the guard to remove.
    ///   - memoryLimit: in bytes, of all containers together; nil: half of the machine's.
    /// - Throws: `SystemCallError`.
    package init(
        name: RunName, fakeServices: String, instances: borrowing Descriptor?, memoryLimit: Int? = nil
    ) throws {
        self.name = name
        self.fakeServices = fakeServices
        mounts = HostMounts()
        hierarchy = CgroupHierarchy.discover()
        cgroupDirectories = CgroupDirectories(name: name, hierarchy: hierarchy)
        SandboxHost.removeLeftovers()
        let (directory, claim) = try SandboxHost.makeRunDirectory(name)
        self.directory = directory
        ownDescriptor = try PIDDescriptor(opening: ProcessID(rawValue: getpid()))
        let instance: String? =
            switch instances {
            case .some: name.description
            case .none: nil
            }
        // The guard before the rest: it takes away what that makes, also when it fails.
        let ownGuard = try Guard(
            cgroups: cgroupDirectories.all, instances: instances, instance: instance, runDirectory: directory)
        guardSocket = ownGuard.socket
        hostGuard = Mutex(consume ownGuard)
        var claims = [directory: claim]
        func claimCgroup(_ path: String) throws { if claims[path] == nil { claims[path] = try Claim(making: path) } }
        if let path = cgroupDirectories.main {
            try claimCgroup(path)
            if hierarchy?.version == .version2 { try Files.write("+pids", to: path + "/cgroup.subtree_control") }
        }
        if let memory = cgroupDirectories.memory { try claimCgroup(memory.path) }
        let limit = memoryLimit ?? ProcFS.memoryInBytes.map { $0 / 2 }
        memoryCgroup = cgroupDirectories.limitMemory(to: limit)
        sharedMemoryLimit = limit
        self.claims = Mutex(claims)
    }

    /// Where no other user can put something in the place of what is made there.
    private static let runDirectories = ["/run", "/tmp"]

    private static func makeRunDirectory(_ name: RunName) throws -> (path: String, claim: Claim) {
        var failure: any Error = SystemCallError(
            "find a directory that only root can change, or a sticky one, among", "/run, /tmp", .noSuchFileOrDirectory)
        for parent in runDirectories where Files.isSafe(parent) {
            do {
                return ("\(parent)/\(name)", try Claim(making: "\(parent)/\(name)"))
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// Makes a cgroup of this run, where it is not there yet.
    private func claimCgroup(_ path: String) throws {
        try claims.withLock { if $0[path] == nil { $0[path] = try Claim(making: path) } }
    }

    /// Where this run's cgroups are, by what they are for.
    private struct CgroupDirectories {
        let main: String?
        let memory: (path: String, version: CgroupHierarchy.Version)?
        /// Of version 1 only: in the unified hierarchy every cgroup can be frozen.
        let freezer: String?
        let unified: String?
        /// systemd's own, a named one without controllers.
        let systemd: String?

        init(name: RunName, hierarchy: CgroupHierarchy?) {
            main = hierarchy.map { "\($0.directory)/\(name)" }
            memory = CgroupHierarchy.discover(controller: "memory").map { ("\($0.directory)/\(name)", $0.version) }
            let freezing = hierarchy?.version == .version2 ? nil : CgroupHierarchy.discover(controller: "freezer")
            freezer = freezing.map { "\($0.directory)/\(name)" }
            unified = CgroupHierarchy.unified().map { "\($0.directory)/\(name)" }
            let named = hierarchy?.version == .version1 ? CgroupHierarchy.discover(controller: "name=systemd") : nil
            systemd = named.map { "\($0.directory)/\(name)" }
        }

        /// Limits the memory of all containers together; where that cannot be done, nothing is limited.
        ///
        /// - Returns: what a container joins for that, where it must.
        func limitMemory(to limit: Int?) -> Cgroup? {
            guard let limit, let memory else { return nil }
            let file = memory.version == .version2 ? "memory.max" : "memory.limit_in_bytes"
            guard (try? Files.write(String(limit), to: "\(memory.path)/\(file)")) != nil else { return nil }
            return memory.version == .version1 ? try? Cgroup(making: "\(memory.path)/all", limits: []) : nil
        }

        /// The freezer first: whoever is frozen cannot be killed.
        var all: [String] {
            [freezer, main, memory?.path, unified, systemd].compactMap(\.self)
                .reduce(into: []) { all, path in if !all.contains(path) { all.append(path) } }
        }
    }

    /// Makes the cgroups of a container: where its processes are counted, and others as its settings ask for them.
    ///
    /// - Returns: the one in which the container can be frozen, where that is asked for.
    func makeCgroups(
        _ number: Int, _ settings: ContainerSettings, freezes: Bool, into cgroups: inout [Cgroup]
    ) throws -> Freezer? {
        var limits: [Cgroup.Limit] = [("pids.max", String(settings.processLimit ?? SandboxHost.processLimit))]
        var memoryPath: String?
        if let limit = settings.memoryLimit {
            guard let memory = cgroupDirectories.memory else {
                throw SystemCallError("limit the memory of", "a container: no memory controller", .noSuchDevice)
            }
            if memory.version == .version2, let main = cgroupDirectories.main {
                try Files.write("+memory", to: main + "/cgroup.subtree_control")
                limits += [("memory.max", String(limit)), ("memory.swap.max", "0")].filter { limit in
                    limit.0 == "memory.max" || Files.exists("\(main)/memory.swap.max")
                }
            } else {
                memoryPath = memory.path
            }
        }
        if let main = cgroupDirectories.main {
            cgroups.append(try Cgroup(making: "\(main)/\(number)", limits: limits))
        } else if settings.processLimit != nil {
            throw SystemCallError("limit the processes of", "a container: no pids controller", .noSuchDevice)
        }
        if let memoryPath, let limit = settings.memoryLimit {
            cgroups.append(
                try Cgroup(making: "\(memoryPath)/\(number)", limits: [("memory.limit_in_bytes", String(limit))]))
        }
        if let access = settings.cgroup, access != .none, hierarchy?.version != .version2 {
            guard let unified = cgroupDirectories.unified else {
                throw SystemCallError("show control groups to", "a container: no version 2", .noSuchDevice)
            }
            try claimCgroup(unified)
            cgroups.append(try Cgroup(making: "\(unified)/\(number)", limits: []))
        }
        if settings.cgroup?.isOfHost == true, hierarchy?.version == .version1 {
            // In each that is shown the container must have a place of its own, which is then all that it sees.
            guard let systemd = cgroupDirectories.systemd else {
                throw SystemCallError(
                    "show the host's control groups to", "a container: no name=systemd", .noSuchDevice)
            }
            try claimCgroup(systemd)
            cgroups.append(try Cgroup(making: "\(systemd)/\(number)", limits: []))
        }
        guard freezes else { return nil }
        if hierarchy?.version == .version2, let main = cgroupDirectories.main {
            return Freezer(directory: "\(main)/\(number)", version: .version2)
        }
        guard let freezer = cgroupDirectories.freezer else {
            throw SystemCallError("freeze", "a container: no freezer", .noSuchDevice)
        }
        try claimCgroup(freezer)
        cgroups.append(try Cgroup(making: "\(freezer)/\(number)", limits: []))
        return Freezer(directory: "\(freezer)/\(number)", version: .version1)
    }

    /// Ends the run: whatever a container may have left is killed and removed. Blocks until that is done.
    package func close() {
        hostGuard.withLock { $0 = nil }
    }

    /// What dead runs have left: their processes, cgroups and directories.
    private static func removeLeftovers() {
        for parent in runDirectories {
            for name in Files.names(in: parent) where RunName.isOne(name) {
                let path = "\(parent)/\(name)"
                guard let claim = Claim.abandoned(path) else { continue }
                // What is in no cgroup that could be written to is known by its root.
                for pid in ProcFS.processes(withRootIn: path) {
                    try? PIDDescriptor(opening: pid).send(.kill)
                }
                try? Files.removeDirectory(path)
                _ = claim
            }
        }
        // The freezer first: whoever is frozen cannot be killed.
        let hierarchies = [
            CgroupHierarchy.discover(controller: "freezer"), CgroupHierarchy.discover(),
            CgroupHierarchy.discover(controller: "memory"), CgroupHierarchy.unified(),
            CgroupHierarchy.discover(controller: "name=systemd"),
        ]
        for case let hierarchy? in hierarchies {
            for name in Files.names(in: hierarchy.directory) where RunName.isOne(name) {
                let path = "\(hierarchy.directory)/\(name)"
                guard let claim = Claim.abandoned(path) else { continue }
                Cgroup.remove(path)
                _ = claim
            }
        }
    }

    /// Gives the calling thread a mount tree of its own. Once per thread, before its first container.
    package func enter() throws {
        try Mount.enterPrivateNamespace()
        ProcessSettings.raiseThreadPriority()
        try Mount.mount(
            source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices], data: "mode=700,size=64k")
        let program = directory + "/fake-services"
        try Files.write("", creating: program)
        try Mount.mount(source: fakeServices, on: program, type: nil, flags: .bind)
        try Mount.mount(
            source: nil, on: program, type: nil, flags: [.remount, .bind, .readOnly, .noSetuid, .noDevices])
    }

    func nextContainerNumber() -> Int {
        containerCount.add(1, ordering: .relaxed).newValue
    }
}
