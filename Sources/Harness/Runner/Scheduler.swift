import Kernel
import Model
import Vocabulary

/// Lets scenarios begin one by one, as the machine has room for them.
///
/// Most of a scenario is waiting; what it takes of the processors it takes in short bursts, the longest when it starts. So it is not how many go on
/// at once that makes a machine late, but how many are awake: the next one begins when the processors have nothing else to run.
final class Scheduler: Sendable {
    /// What a scenario asks of the machine.
    struct Need {
        /// Its clock is judged: as long as it goes on, fewer begin beside it.
        var isCalm: Bool
        /// Which time it is made; it was too slow to judge the times before.
        var attempt = 1
    }

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
    /// Between two that begin: the first is to have come as far as to be seen on a processor; fewer beside one that must not be crowded; and two that are
    /// made again, and do the same things, are not to do them at the same moments.
    private static let spacing = (
        usual: Duration.milliseconds(1), besideCalm: Duration.milliseconds(3), again: Duration.milliseconds(200)
    )
    /// How many for each processor may go on at least, however much else the machine has to do: what keeps it busy may never end. Fewer of what was too
    /// slow to judge twice.
    private static let least = (usual: 4, lateTwice: 1)
    /// How long a machine is left to others before one of that number begins.
    private static let patience = Duration.milliseconds(20)
    /// A machine on which fewer tasks than this run, as a mean over some looks, is quiet: what is made again waits for that.
    private static let quiet = 0.3

    /// - Throws: `Errno` where there is no /proc.
    init(isCancelled: @escaping @Sendable () -> Bool) throws(Errno) {
        load = try LoadAverage()
        self.isCancelled = isCancelled
    }

    /// Waits until there is room for a scenario. Blocks the calling thread.
    ///
    /// - Returns: false where the session has been cancelled; otherwise `leave` is called when it is over.
    func enter(_ need: Need) -> Bool {
        let ticket = state.withLock { state in
            state.lastTicket += 1
            state.queue.append(state.lastTicket)
            return state.lastTicket
        }
        // The machine is looked at by one at a time.
        state.wait(waking: .none) { $0.queue.first == ticket ? () : nil }
        let since = MonotonicInstant.now
        var poller = Poller()
        // How many others run, as a mean over the last looks.
        var mean = Double(processors)
        while true {
            let isOver = isCancelled()
            // This thread is one of them.
            let others = (load.runnableCount ?? 1) - 1
            mean = mean * 0.9 + Double(others) * 0.1
            let isFree = need.attempt == 1 ? others < processors : mean < Scheduler.quiet
            let hasEntered = state.withLock { state in
                guard isOver || hasRoom(state, for: need, isFree: isFree, waitingSince: since) else { return false }
                state.queue.removeFirst()
                if isOver { return true }
                state.running += 1
                if need.isCalm { state.calm += 1 }
                state.lastStart = .now
                return true
            }
            if hasEntered { return !isOver }
            try? poller.wait(until: .now.advanced(by: Scheduler.interval))
        }
    }

    /// A scenario that was let in is over.
    func leave(_ need: Need) {
        state.withLock(waking: .none) { state in
            state.running -= 1
            if need.isCalm { state.calm -= 1 }
        }
    }

    /// Does something for which a scenario that was let in only waits, such as others that it is made of: they take its place.
    func stepAside<Result>(_ need: Need, _ body: () throws -> Result) rethrows -> Result {
        leave(need)
        defer {
            state.withLock(waking: .none) { state in
                state.running += 1
                if need.isCalm { state.calm += 1 }
            }
        }
        return try body()
    }

    /// - Parameter isFree: whether the machine has little enough to do.
    private func hasRoom(_ state: State, for need: Need, isFree: Bool, waitingSince since: MonotonicInstant) -> Bool {
        if state.running == 0 { return true }
        let now = MonotonicInstant.now
        let spacings = Scheduler.spacing
        let spacing = need.attempt > 1 ? spacings.again : state.calm > 0 ? spacings.besideCalm : spacings.usual
        if now.duration(since: state.lastStart) < spacing { return false }
        if isFree { return true }
        let least = need.attempt > 2 ? Scheduler.least.lateTwice : Scheduler.least.usual
        return state.running < least * processors && now.duration(since: since) >= Scheduler.patience
    }
}
