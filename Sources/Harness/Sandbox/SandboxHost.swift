import Glibc
import Kernel
import Model
import Synchronization
import Vocabulary

/// What all containers of one run share: a place to put them, and a guard that clears up when the harness is killed.
///
/// Threads that run containers enter it one by one (`enter`): each gets a mount tree of its own, so that nothing that a
/// container needs is ever mounted where others can see it, and ends with the thread.
package final class SandboxHost: Sendable {
    package let name: RunName
    /// The multi-call executable of all fakes, on the host.
    package let fakeServices: String
    /// Where containers are limited and found again.
    package let cgroups: RunCgroups
    /// What dead runs had left when this one began.
    package let leftovers: Leftovers
    /// Network namespaces to be used again.
    let networks = NetworkPool()
    /// What is mounted below the host's root.
    let mounts: HostMounts
    /// An empty directory of the host, over which each thread mounts its own.
    let directory: String
    /// This run's directory: as long as it is claimed, no other takes it for a leftover.
    private let claim: Claim
    /// For PR_SET_PDEATHSIG: a child looks whether its parent still lived when it was armed.
    let ownDescriptor: PIDDescriptor
    /// Where each PID 1 tells the guard of itself.
    let guardSocket: Int32
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
        leftovers = Leftovers.remove(in: SandboxHost.runDirectories)
        (directory, claim) = try SandboxHost.makeRunDirectory(name)
        ownDescriptor = try PIDDescriptor(opening: ProcessID(rawValue: getpid()))
        let instance: String? =
            switch instances {
            case .some: name.description
            case .none: nil
            }
        let layout = CgroupLayout(name)
        // The guard before the rest: it takes away what that makes, also when it fails.
        let ownGuard = try Guard(
            cgroups: layout.all, instances: instances, instance: instance, runDirectory: directory,
            delegation: layout.delegation)
        guardSocket = ownGuard.socket
        hostGuard = Mutex(consume ownGuard)
        cgroups = try RunCgroups(layout, memoryLimit: memoryLimit ?? ProcFS.memoryInBytes.map { $0 / 2 })
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

    /// Ends the run: whatever a container may have left is killed and removed. Blocks until that is done.
    package func close() {
        networks.close()
        cgroups.release()
        hostGuard.withLock { $0 = nil }
    }

    /// Gives the calling thread a mount tree of its own. Once per thread, before its first container.
    package func enter() throws {
        try Mount.enterPrivateNamespace()
        ProcessSettings.raiseThreadPriority()
        try cgroups.enter()
        try Mount.mount(
            source: "harness", on: directory, type: "tmpfs", flags: [.noSetuid, .noDevices], data: "mode=700,size=64k")
        let program = directory + "/fake-services"
        try Files.write("", creating: program)
        try Mount.mount(source: fakeServices, on: program, type: nil, flags: .bind)
        try Mount.mount(
            source: nil, on: program, type: nil, flags: [.remount, .bind, .readOnly, .noSetuid, .noDevices])
    }

    /// How many network namespaces were made to be used again, and how often one was.
    package var networkStatistics: (made: Int, usedAgain: Int) { networks.statistics }

    /// Until each that was given back has been looked at.
    package func awaitNetworks() { networks.wait() }

    func nextContainerNumber() -> Int {
        containerCount.add(1, ordering: .relaxed).newValue
    }
}
