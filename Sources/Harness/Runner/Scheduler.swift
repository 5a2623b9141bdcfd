import Kernel
import Model
import Vocabulary

/// Lets scenarios begin one by one, as the machine has room for them.
///
/// Most of a scenario is waiting; what it takes of the processors it takes in short bursts, the longest when it starts. So it is not how many go on
/// at once that makes a machine late, but how many are awake: the next one begins when the processors have nothing else to run.
final class Scheduler: Sendable {
    private struct State {
        /// Those who ask, in the order in which they came.
        var queue: [Int] = []
        var lastTicket = 0
        /// How many have been let in and have not left.
        var running = 0
        /// How many of these must not be crowded.
        var calm = 0
        var lastStart = MonotonicInstant(nanoseconds: 0)
    }

    private let state = Monitor(State())
    private let processors = ProcessSettings.processorCount
    private let load: LoadAverage
    private let isCancelled: @Sendable () -> Bool

    /// How often the machine is looked at while it has no room.
    private static let interval = Duration.microseconds(500)
    /// Between two that begin: the first is to have come as far as to be seen on a processor. The second is for a machine on which one goes on that
    /// must not be crowded.
    private static let spacing = (Duration.milliseconds(1), Duration.milliseconds(3))
    /// How many for each processor may go on at least, however much else the machine has to do: what keeps it busy may never end.
    private static let least = 4
    /// How long a machine is left to others before one of that number begins.
    private static let patience = Duration.milliseconds(20)

    /// - Throws: `Errno` where there is no /proc.
    init(isCancelled: @escaping @Sendable () -> Bool) throws(Errno) {
        load = try LoadAverage()
        self.isCancelled = isCancelled
    }

    /// Waits until there is room for a scenario. Blocks the calling thread.
    ///
    /// - Parameter isCalm: its clock is judged: as long as it goes on, fewer begin beside it.
    /// - Returns: false where the session has been cancelled; otherwise `leave` is called when it is over.
    func enter(isCalm: Bool) -> Bool {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            state.queue.append(state.lastTicket)
            return state.lastTicket
        }
        // The machine is looked at by one at a time.
        state.wait { $0.queue.first == ticket ? () : nil }
        let since = MonotonicInstant.now
        var poller = Poller()
        while true {
            let isOver = isCancelled()
            let hasEntered = state.withLock { state in
                guard isOver || hasRoom(state, waitingSince: since) else { return false }
                state.queue.removeFirst()
                if isOver { return true }
                state.running += 1
                if isCalm { state.calm += 1 }
                state.lastStart = .now
                return true
            }
            if hasEntered { return !isOver }
            try? poller.wait(until: .now.advanced(by: Scheduler.interval))
        }
    }

    /// A scenario that was let in is over.
    func leave(isCalm: Bool) {
        state.withLock { state in
            state.running -= 1
            if isCalm { state.calm -= 1 }
        }
    }

    /// Does something for which a scenario that was let in only waits, such as others that it is made of: they take its place.
    func stepAside<Result>(isCalm: Bool, _ body: () throws -> Result) rethrows -> Result {
        leave(isCalm: isCalm)
        defer {
            state.withLock { state in
                state.running += 1
                if isCalm { state.calm += 1 }
            }
        }
        return try body()
    }

    private func hasRoom(_ state: State, waitingSince since: MonotonicInstant) -> Bool {
        if state.running == 0 { return true }
        let now = MonotonicInstant.now
        let spacing = state.calm > 0 ? Scheduler.spacing.1 : Scheduler.spacing.0
        if now.duration(since: state.lastStart) < spacing { return false }
        // This thread is one of them.
        let others = (load.runnableCount ?? 1) - 1
        if others < processors { return true }
        return state.running < Scheduler.least * processors && now.duration(since: since) >= Scheduler.patience
    }
}
