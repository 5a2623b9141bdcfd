import Glibc
import Kernel
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
    /// An empty directory of the host, over which each thread mounts its own.
    let directory: String
    let cgroupDirectory: String?
    /// For PR_SET_PDEATHSIG: a child looks whether its parent still lived when it was armed.
    let ownDescriptor: PIDDescriptor
    private let containerCount = Atomic<Int>(0)
    private let hostGuard: Mutex<Guard?>

    /// How many processes a container may have: enough for any init, and a wall for one that forks without end.
    package static let processLimit = 2048
    /// How much a container may write into its root file system: a wall for one that writes without end.
    package static let writableLayerLimitInBytes = 256 << 20

    /// Takes away what dead runs have left, and makes the place for this one.
    ///
    /// - Parameters:
    ///   - parent: an existing directory, /tmp for one.
    ///   - instances: an open directory with a trace instance of this run's name, for the guard to remove.
    /// - Throws: `SystemCallError`.
    package init(
        name: RunName, parent: String, fakeServices: String, instances: borrowing Descriptor?
    ) throws {
        self.name = name
        self.fakeServices = fakeServices
        SandboxHost.removeLeftovers(parent: parent)
        hierarchy = CgroupHierarchy.discover()
        directory = "\(parent)/\(name)"
        cgroupDirectory = hierarchy.map { "\($0.directory)/\(name)" }
        ownDescriptor = try PIDDescriptor(opening: ProcessID(rawValue: getpid()))
        let instance: String? =
            switch instances {
            case .some: name.description
            case .none: nil
            }
        // The guard first: it takes away what the rest has made, also when the rest fails.
        hostGuard = Mutex(
            try Guard(cgroup: cgroupDirectory, instances: instances, instance: instance, runDirectory: directory))
        try Files.makeDirectory(directory, mode: 0o700)
        if let cgroupDirectory {
            try Files.makeDirectory(cgroupDirectory)
            if hierarchy?.version == .version2 {
                try Files.write("+pids", to: cgroupDirectory + "/cgroup.subtree_control")
            }
        }
    }

    /// Ends the run: whatever a container may have left is killed and removed. Blocks until that is done.
    package func close() {
        hostGuard.withLock { $0 = nil }
    }

    /// What dead runs have left: their processes, cgroups and directories.
    private static func removeLeftovers(parent: String) {
        for name in Files.names(in: parent) where RunName.isLeftover(name) {
            try? Files.removeDirectory("\(parent)/\(name)")
        }
        guard let hierarchy = CgroupHierarchy.discover() else { return }
        for name in Files.names(in: hierarchy.directory) where RunName.isLeftover(name) {
            Cgroup.remove("\(hierarchy.directory)/\(name)")
        }
    }

    /// Gives the calling thread a mount tree of its own. Once per thread, before its first container.
    package func enter() throws {
        try Mount.enterPrivateNamespace()
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
