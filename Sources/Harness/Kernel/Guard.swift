import CLinux
import Glibc
import Vocabulary

/// A small process that outlives this one, however it ends, kills what this one has started, and takes away what it has left in the
/// kernel.
///
/// When its owner lets go of it, it does its work at once, and the owner waits for it: a blocking call.
package struct Guard: ~Copyable {
    private let lifeline: Int32
    /// Each PID 1 sends itself there before its exec (`SetupStep.sendSelf`); valid as long as the guard.
    package var socket: Int32 { lifeline }
    private let process: PIDDescriptor

    /// Forks it.
    ///
    /// - Parameters:
    ///   - cgroups: directories of cgroups, which may be missing: every process in one or below is killed, and it is removed.
    ///   - instances: an open directory with the trace instance of this name, to be removed from it.
    ///   - runDirectory: an empty directory to remove.
    ///   - delegation: what is to be taken back where no other run needs it.
    package init(
        cgroups: [String], instances: borrowing Descriptor?, instance: String?, runDirectory: String?,
        delegation: CgroupDelegation? = nil
    ) throws(Errno) {
        var ends: (Int32, Int32) = (-1, -1)
        _ = try valueOrNegatedErrno(clinux_socket_pair(&ends.0, &ends.1, true))
        let readEnd = Descriptor(owning: ends.0)
        let directory: Int32
        switch instances {
        case .some(let open): directory = open.rawValue
        case .none: directory = -1
        }
        let strings = CStringArena()
        let pid = withExtendedLifetime(strings) {
            clinux_fork_guard(
                readEnd.rawValue, strings.array(cgroups), directory, instance, runDirectory,
                clinux_restoration(
                    directory: delegation.map { strings.string($0.directory) },
                    leaf: strings.string(delegation?.leaf ?? ""),
                    controllers: strings.string(delegation?.words(with: "-") ?? "")))
        }
        let process: PIDDescriptor
        do {
            process = try PIDDescriptor(opening: ProcessID(rawValue: try valueOrNegatedErrno(pid)))
        } catch {
            Glibc.close(ends.1)
            throw error
        }
        self.lifeline = ends.1
        self.process = process
    }

    deinit {
        Glibc.close(lifeline)
        _ = try? process.reap(blocking: true)
    }
}
