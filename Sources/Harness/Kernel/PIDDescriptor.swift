import CLinux
import Vocabulary

/// A reference to one process that cannot come to mean another, as a number can.
package struct PIDDescriptor: ~Copyable, Sendable {
    /// Becomes readable when the process has exited.
    package let descriptor: Descriptor
    package let pid: ProcessID

    /// Takes ownership of a pidfd.
    package init(owning rawValue: Int32, pid: ProcessID) {
        descriptor = Descriptor(owning: rawValue)
        self.pid = pid
    }

    /// - Throws: `Errno.noSuchProcess` when it is gone, reaped included.
    ///
    /// The corresponding C function is `pidfd_open(2)`.
    package init(opening pid: ProcessID) throws(Errno) {
        descriptor = Descriptor(owning: try valueOrNegatedErrno(clinux_pidfd_open(pid.rawValue)))
        self.pid = pid
    }

    /// - Throws: `Errno.noSuchProcess` when it has been reaped; to a zombie the signal goes without an error.
    ///
    /// The corresponding C function is `pidfd_send_signal(2)`.
    package func send(_ signal: Signal) throws(Errno) {
        _ = try valueOrNegatedErrno(clinux_pidfd_send_signal(descriptor.rawValue, signal.rawValue))
    }

    /// Blocks until it has exited, or for that long.
    package func awaitEnd(within time: Duration) {
        var poller = Poller()
        poller.add(descriptor.rawValue)
        try? poller.wait(until: .now.advanced(by: time))
    }

    /// Reaps a child of this process. Nil when it still runs and `blocking` is false.
    ///
    /// Blocking: the calling thread, when asked to.
    ///
    /// The corresponding C function is `waitid(2)`.
    package func reap(blocking: Bool) throws(Errno) -> ExitStatus? {
        var status: Int32 = 0
        while true {
            let result = clinux_wait_pidfd(descriptor.rawValue, !blocking, &status)
            if result == -4 { continue }  // EINTR
            if try valueOrNegatedErrno(result) == 0 { return nil }
            return clinux_exited(status)
                ? .exited(clinux_exit_code(status))
                : .signaled(
                    Signal(rawValue: clinux_terminating_signal(status)), dumpedCore: clinux_dumped_core(status))
        }
    }
}
