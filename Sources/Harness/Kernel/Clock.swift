import CLinux
import Vocabulary

extension MonotonicInstant {
    /// The corresponding C function is `clock_gettime(2)` with CLOCK_MONOTONIC.
    package static var now: MonotonicInstant { MonotonicInstant(nanoseconds: clinux_monotonic_now()) }
}

/// The calling thread, as the kernel numbers it; what a trace event names as its origin.
package func currentThreadID() -> ProcessID {
    ProcessID(rawValue: clinux_get_tid())
}

/// Waits for descriptors. Reused from wait to wait, so that waiting allocates nothing.
package struct Poller: ~Copyable {
    private var descriptors: [Int32] = []
    private var ready: [Bool] = []

    package init() {}

    /// Forgets the descriptors of the last wait.
    package mutating func removeAll() {
        descriptors.removeAll(keepingCapacity: true)
    }

    /// Adds a descriptor to the next wait; the result is its index in it.
    @discardableResult
    package mutating func add(_ descriptor: Int32) -> Int {
        descriptors.append(descriptor)
        return descriptors.count - 1
    }

    /// Sleeps until one of the descriptors is readable or closed, or until the deadline. Blocks the calling thread.
    ///
    /// The corresponding C function is `ppoll(2)`.
    package mutating func wait(until deadline: MonotonicInstant) throws(Errno) {
        if ready.count < descriptors.count { ready = Array(repeating: false, count: descriptors.count) }
        let count = descriptors.count
        _ = try valueOrNegatedErrno(clinux_poll(descriptors, &ready, count, deadline.nanoseconds))
    }

    /// Whether the descriptor added as this index was found readable or closed by the last wait.
    package func isReady(_ index: Int) -> Bool {
        index < descriptors.count && ready[index]
    }
}
