import Expectations
import Journal
import Kernel
import Reports
import Runtimes
import Vocabulary

/// What goes on while something is waited for: everything that happens is taken in, and those are told who wait for it.
extension ScenarioRun {
    /// How often the witness is asked, while something waits for what only it can see.
    private static let kernelInterval = Duration.milliseconds(1)
    /// How often, where what comes next must not come first.
    private static let closeInterval = Duration.microseconds(20)
    /// How often processes are counted, while something waits for their number.
    private static let censusInterval = Duration.milliseconds(5)

    /// How long to wait before the next look: the longer nothing has happened, the longer; what is seen a thirtieth of that later is seen in time, and
    /// many that wait leave the processors to those that do something.
    static func interval(_ shortest: Duration, quietSince: MonotonicInstant) -> Duration {
        min(max(shortest, MonotonicInstant.now.duration(since: quietSince) / 32), longestInterval)
    }

    private static let longestInterval = Duration.milliseconds(25)

    /// Takes in what happens, until the deadline or until it is enough.
    func pump(
        until deadline: MonotonicInstant, watchingKernel: Bool = false, closely: Bool = false, withCensus: Bool = false,
        lookingAt path: String? = nil, atPorts: Bool = false, isDone: () -> Bool = { false }
    ) throws {
        var quietSince = MonotonicInstant.now
        var known = journal.events.count
        let notes = ScenarioRun.latenessNotes
        var nextNote = scenario.hasOwnTimes ? quietSince.advanced(by: notes.interval) : .distantFuture
        while true {
            let now = MonotonicInstant.now
            if now >= nextNote {
                noteLateness(grownBy: notes.growth)
                nextNote = now.advanced(by: notes.interval)
            }
            // Before the rest: the journal must be complete up to a later moment.
            if let path { try life?.look(at: path, into: &journal) }
            if atPorts { try life?.lookAtPorts(into: &journal) }
            try attend(watchingKernel: watchingKernel, withCensus: withCensus)
            let wasWithoutLife = life == nil
            try group?.attend(besides: self)
            // The others' ends may have started it: what is known is known up to now, and not to before that.
            if wasWithoutLife, life != nil { try collect(kernel: watchingKernel, census: withCensus) }
            // Before the next start, also when that is overdue: nothing is to pass unseen.
            if isDone() || MonotonicInstant.now >= deadline { return }
            if try goOn() { continue }
            if session.isCancelled { throw CannotRun(reason: "interrupted", remedy: "") }
            var wake = min(deadline, nextMoment, nextNote, group?.nextMoment ?? .distantFuture)
            if watchingKernel || withCensus || path != nil || atPorts {
                let interval =
                    withCensus || path != nil || atPorts
                    ? ScenarioRun.censusInterval : closely ? ScenarioRun.closeInterval : ScenarioRun.kernelInterval
                if journal.events.count != known { (known, quietSince) = (journal.events.count, .now) }
                let wait = closely ? interval : ScenarioRun.interval(interval, quietSince: quietSince)
                wake = min(wake, MonotonicInstant.now.advanced(by: wait))
            }
            try waitForEvents(until: wake)
        }
    }

    private func waitForEvents(until deadline: MonotonicInstant) throws {
        var poller = Poller()
        poller.add(session.cancellation.descriptor)
        life?.addDescriptors(to: &poller)
        group?.addDescriptors(to: &poller, besides: self)
        try poller.wait(until: deadline)
    }

    /// Takes in what has happened, and tells those who wait for it.
    func attend(watchingKernel: Bool = false, withCensus: Bool = false) throws {
        try collect(kernel: watchingKernel, census: withCensus)
        try handleEnds()
        if let (code, end) = life?.beside.takeCheck(), let commands = health?.checked(code: code, at: end) {
            try carryOut(commands, at: end)
        }
    }

    /// The next moment at which the lifecycle, the health check or its time limit has something to do.
    var nextMoment: MonotonicInstant {
        if life?.beside.hasNews == true { return .now }
        return min(
            wakeAt == nil ? .distantFuture : postponedTo ?? wakeAt ?? .distantFuture, checkAt ?? .distantFuture,
            life?.beside.checkEndsAt ?? .distantFuture)
    }

    /// Does what is due, if something is.
    func goOn() throws -> Bool {
        let now = MonotonicInstant.now
        if let moment = wakeAt, now >= postponedTo ?? moment {
            if postpones(moment) { return true }
            noteOverdue(moment, at: now)
            wakeAt = nil
            try tell(.due)
            return true
        }
        if let moment = checkAt, now >= moment {
            checkAt = nil
            if let commands = health?.due() { try carryOut(commands) }
            return true
        }
        return false
    }

    /// The journal as it is now.
    var view: JournalView {
        index.follow(&journal)
        return JournalView(journal, index)
    }

    func collect(kernel: Bool = true, census: Bool = false) throws {
        guard let life else {
            knownUntil = .now
            return
        }
        knownUntil = try life.collect(into: &journal, kernel: kernel)
        if census {
            let tree = view.tree
            try life.takeCensus(
                of: tree.zombies().certain.map { tree.processes[$0].pid }, into: &journal, at: knownUntil)
        }
    }
}
