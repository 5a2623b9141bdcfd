import Journal
import Kernel
import Model
import Reports
import Vocabulary

/// A disturbance that comes at a moment of the container's life, not at its place among the steps.
struct Appointment: Hashable, Sendable {
    /// When it comes.
    enum Moment: Hashable, Sendable {
        /// This long after the start.
        case time(Duration)
        /// When this number of events of the container has been seen since the start.
        case event(Int)
    }

    let disturbance: Disturbance
    let moment: Moment
    /// Which start by hand it comes after, from 1.
    let life: Int
}

extension ScenarioRun {
    /// What a run that is disturbed has in place of a step: called after each start by hand.
    func keepAppointment() throws {
        handStarts += 1
        // A start of what runs begins no life.
        guard let appointment, appointment.life == handStarts, lifeCount >= appointment.life else { return }
        let step = Step(appointment.disturbance.action, place: scenario.steps[stepIndex].place)
        try disturb(appointment.disturbance, at: appointment.moment, step)
    }

    /// The step that disturbs right after an event of the present life: void where the next came first.
    func disturb(_ disturbance: Disturbance, atEvent count: Int, _ step: Step) throws {
        guard let life, life.isRunning else { return interrupt(step, "the container is not running") }
        try disturb(disturbance, at: .event(count), step)
        guard let disturbed, failedStep == nil else { return }
        if disturbed.came == nil, life.isRunning {
            return interrupt(step, "event \(count) did not come within \(ScenarioRun.patienceWithEvents.text)")
        }
        if let moment = disturbed.came, journal.ownEvents(from: disturbed.began, to: moment).count == count { return }
        let seen = journal.ownEvents(from: disturbed.began).count
        if life.isRunning || seen >= count { throw MissedEvent(number: count) }
        interrupt(step, "the container had ended before event \(count): there were \(seen)")
    }

    /// How long an event is waited for.
    private static let patienceWithEvents = Duration.seconds(10)

    /// Waits for the moment, and disturbs; where PID 1 ends first, the event does not come, or what it is about does not run, nothing is done.
    private func disturb(_ disturbance: Disturbance, at moment: Appointment.Moment, _ step: Step) throws {
        guard let life else { return }
        let began = startedAt
        disturbed = DisturbedRun(began: began, came: nil)
        switch moment {
        case .time(let time):
            try pump(until: began.advanced(by: time), watchingKernel: disturbance.needsProcesses) { !life.isRunning }
        case .event(let count):
            let patience = ScenarioRun.patienceWithEvents
            let own = OwnEventCount(since: began)
            try pump(until: .now.advanced(by: patience), watchingKernel: true, closely: true) {
                !life.isRunning || own.count(in: self.journal) >= count
            }
            if own.count(in: journal) < count { return }
        }
        guard life.isRunning else { return }
        let asked = MonotonicInstant.now
        // Without a look at what has happened until now: the moment is now.
        switch disturbance {
        case .kill: try urge(.kill(.kill), step)
        case .stop(let grace): try urge(.stop(grace: grace), step)
        case .restart(let grace): try urge(.restart(grace: grace), step)
        case .signal(let signal, let party): _ = try deliver(signal, to: party)
        case .crash(let service): _ = try deliver(.kill, to: .service(service))
        }
        disturbed?.came = journal.events.first { $0.instant >= asked && $0.isDisturbance }?.instant
    }

    private func urge(_ request: Request, _ step: Step) throws {
        if let reason = try self.request(request, isUrgent: true) { refuse(reason, step) }
    }
}

extension Disturbance {
    /// The process that it is about has to be known when its moment comes.
    fileprivate var needsProcesses: Bool {
        switch self {
        case .crash, .signal(_, to: .service): true
        case .kill, .stop, .restart, .signal: false
        }
    }
}

extension Event {
    /// A signal from outside, or the hook that comes before it.
    fileprivate var isDisturbance: Bool {
        switch kind {
        case .runtime(.sent), .runtime(.hookStarted): true
        default: false
        }
    }

    /// Something that the container did of itself.
    private var isOwn: Bool {
        switch kind {
        case .said(.hello, _): false
        case .said, .kernel(.forked), .kernel(.executed), .kernel(.exited): true
        default: false
        }
    }

    fileprivate func isOwn(from start: MonotonicInstant, to end: MonotonicInstant) -> Bool {
        start <= instant && instant <= end && isOwn
    }
}

/// How many events a container has had of itself since a moment; what is known is not counted again.
final class OwnEventCount {
    private let start: MonotonicInstant
    private var known = (events: -1, count: 0)

    init(since start: MonotonicInstant) { self.start = start }

    func count(in journal: Journal) -> Int {
        if journal.events.count != known.events {
            known = (journal.events.count, journal.ownEvents(from: start).count)
        }
        return known.count
    }
}

extension Journal {
    /// What the container did of itself in a time.
    func ownEvents(from start: MonotonicInstant, to end: MonotonicInstant = .distantFuture) -> [Event] {
        events.filter { $0.isOwn(from: start, to: end) }
    }
}
