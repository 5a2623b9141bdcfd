import Kernel
import Model
import Recorder
import Sandbox
import Vocabulary

/// A PID namespace that containers are started in, with a PID 1 of its own that does nothing but reap, as the pause container of a pod does.
///
/// It is a container like any other: what is in its namespace may look at it, and finds nothing of the host there.
final class SharedProcesses {
    private let container: Container
    private let process: Process

    /// Its PID 1, as an object: it is not copied.
    private final class Process {
        let descriptor: PIDDescriptor
        init(_ descriptor: consuming PIDDescriptor) { self.descriptor = descriptor }
    }

    /// Starts its PID 1; the calling thread must have entered the host.
    ///
    /// - Throws: what kept it from being started: an error of the harness or the machine.
    init(_ session: Session) throws {
        // Without one what is left of a container could not be found among the others.
        guard session.host.cgroups.canFindProcesses else {
            throw CannotRun(reason: "a shared PID namespace takes a cgroup hierarchy", remedy: "mount one, writable")
        }
        container = try Container(host: session.host, settings: ContainerSettings(), volumes: nil)
        do {
            let program = Container.Program(
                command: [SharedProcesses.program, "pause"], environment: [], tmpfs: [], files: [], links: [])
            process = try container.start(program, isLookedAt: false).parts { process, _, _ in Process(process) }
            // Its fork is no container's: it must be known before this thread forks for one.
            session.tracer?.catchUp()
        } catch {
            container.remove()
            throw error
        }
    }

    private static let program = "/.harness/fake-services"

    /// Its PID 1, outside.
    var pid: ProcessID { process.descriptor.pid }

    /// A pidfd of it.
    var descriptor: Int32 { process.descriptor.descriptor.rawValue }

    /// Kills its PID 1, and with it all that is left in the namespace. Blocks until it has been waited for, but no longer than for any other
    /// PID 1: what is in uninterruptible sleep there keeps it.
    func end() {
        try? process.descriptor.send(.kill)
        process.descriptor.awaitEnd(within: ContainerLife.patienceAfterKill)
        _ = try? process.descriptor.reap(blocking: false)
        container.remove()
    }
}
