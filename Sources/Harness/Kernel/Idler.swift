import CLinux
import Vocabulary

/// A child of this process that has every signal blocked and does nothing: of it a witness must say what is known beforehand.
package struct Idler: ~Copyable {
    package let process: PIDDescriptor

    /// - Throws: `Errno`, such as EAGAIN where there are too many processes.
    package init() throws(Errno) {
        let pid = ProcessID(rawValue: try valueOrNegatedErrno(clinux_fork_idler()))
        process = try PIDDescriptor(opening: pid)
    }

    /// Kills it, and leaves it a zombie. Blocks until it is one.
    ///
    /// - Throws: `Errno.timedOut` where it is none after half a minute.
    package func end() throws(Errno) {
        try process.send(.kill)
        var poller = Poller()
        let end = poller.add(process.descriptor.rawValue)
        try poller.wait(until: .now.advanced(by: .seconds(30)))
        // On a machine that does not come to it nothing is known of /proc.
        if !poller.isReady(end) { throw .timedOut }
    }

    deinit {
        _ = try? process.send(.kill)
        _ = try? process.reap(blocking: true)
    }
}
