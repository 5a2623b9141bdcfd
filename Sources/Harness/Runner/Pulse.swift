import Kernel
import Vocabulary

/// A thread that does nothing but wake every 10 ms, and notes when it woke late: then this process was kept from running, by other load, by the
/// quota of its cgroup, or by SIGSTOP.
final class Pulse: Sendable {
    private struct State {
        /// In the order of time, each from when it should have woken to when it did.
        var gaps: [(from: MonotonicInstant, to: MonotonicInstant)] = []
        var thread: Thread?
    }

    private let state = Monitor(State())
    private let stop: Wakeup

    /// How often it wakes.
    private static let interval = Duration.milliseconds(10)
    /// A calm machine is late by less.
    private static let tolerance = Duration.milliseconds(15)
    /// No scenario is judged by what was longer ago than this many gaps.
    private static let limit = 100_000

    /// - Throws: `Errno` where no thread can be made.
    init() throws(Errno) {
        stop = try Wakeup()
        let thread = try Thread { [self] in beat() }
        state.withLock { $0.thread = thread }
    }

    private func beat() {
        ProcessSettings.raiseThreadPriority()
        var next = MonotonicInstant.now.advanced(by: Pulse.interval)
        while true {
            var poller = Poller()
            let isOver = poller.add(stop.descriptor)
            guard (try? poller.wait(until: next)) != nil, !poller.isReady(isOver) else { return }
            let now = MonotonicInstant.now
            if now.duration(since: next) > Pulse.tolerance {
                state.withLock { state in
                    if state.gaps.count >= Pulse.limit { state.gaps.removeFirst(Pulse.limit / 2) }
                    state.gaps.append((next, now))
                }
            }
            next = now.advanced(by: Pulse.interval)
        }
    }

    /// How long this process was kept from running since a moment.
    func lateness(since begin: MonotonicInstant) -> Duration {
        state.withLock { state in
            var result = Duration.zero
            for gap in state.gaps.reversed() {
                if gap.to <= begin { break }
                result += gap.to.duration(since: max(gap.from, begin))
            }
            return result
        }
    }

    /// Ends the thread. Blocks until it has.
    func close() {
        stop.ring()
        state.withLock { $0.thread.take() }?.join()
    }
}
