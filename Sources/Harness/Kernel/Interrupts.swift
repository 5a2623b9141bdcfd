import CLinux
import Vocabulary

/// Signals to this process, taken by a thread instead of handlers.
package enum Interrupts {
    /// Blocks the signals in the calling thread and in all that it starts from now on, and waits for them on a thread of
    /// its own. Call it before there are others.
    ///
    /// - Parameter onSignal: called on that thread, for each that comes.
    package static func watch(_ signals: [Signal], _ onSignal: @escaping @Sendable (Signal) -> Void) throws(Errno) {
        let mask = signals.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue - 1) }
        let descriptor = try valueOrNegatedErrno(clinux_signalfd(mask))
        // The thread, and with it the descriptor, lives as long as the process.
        _ = try Thread {
            var poller = Poller()
            while true {
                poller.removeAll()
                poller.add(descriptor)
                guard (try? poller.wait(until: .distantFuture)) != nil else { return }
                var sender: Int32 = 0
                let number = clinux_read_signal(descriptor, &sender)
                if number > 0 { onSignal(Signal(rawValue: number)) }
            }
        }
    }
}
