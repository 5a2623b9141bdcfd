import Expectations
import Journal
import Kernel
import Model
import Reports
import Runtimes
import Sandbox
import ServiceProtocol
import Vocabulary

/// One scenario being carried out, on one thread from beginning to end.
///
/// Steps become events, and so does all that comes of them; the verdict is then read off the journal, never off what
/// is known here besides.
final class ScenarioRun {
    let session: Session
    let scenario: Scenario
    let profile: InitProfile
    /// How many times faster than Docker's the restart policy's clock runs.
    let speed: Double
    var journal: Journal
    /// The container while it exists.
    var life: ContainerLife?
    var volumes: VolumeStore?
    /// How the runtime stops a container and starts it again.
    let rules: RuntimeRules
    var policy: any RestartMachine
    /// When the policy will start the container again.
    var restartAt: MonotonicInstant?
    var startedAt = MonotonicInstant.now
    /// When PID 1 is killed, if that has not been done.
    private var killAt: Sweep.Moment?
    /// What came of sweeps: their tables, and the first that failed in each.
    private var tables: [String] = []
    private var sweepFailures: [Failure] = []
    /// Called when a life has ended, before the next begins.
    var onEnd: ((ScenarioRun) -> Void)?
    /// The container has removed itself.
    var isRemoved = false
    /// So many starts there were.
    var lifeCount = 0
    /// Why the run ended before its last step.
    private var interruption: Failure?
    /// Whatever happened up to here was known when the journal was last added to.
    var knownUntil = MonotonicInstant.now

    init(_ job: Session.Job, in session: Session) {
        self.session = session
        scenario = job.scenario.unrolled
        profile = job.profile
        rules = job.rules
        policy = job.rules.makeRestart(job.scenario.restart, job.scenario.removesItself)
        killAt = job.killAt
        speed = job.speed
        journal = Journal(witness: session.witness)
    }

    /// - Parameter watch: what is to be done behind the last step.
    func run(watch: ((ScenarioRun) throws -> Void)? = nil) -> RunResult {
        let began = MonotonicInstant.now
        if let reason = profile.reasonNotApplicable(scenario) {
            return result(.notApplicable(reason: reason), since: began)
        }
        let outcome: Verdict
        do {
            defer {
                endLife()
                volumes?.remove()
            }
            try performSteps()
            try watch?(self)
            endLife()
            outcome = verdict(on: scenario, journal, interruption: interruption).adding(sweepFailures)
        } catch {
            outcome = .error(session.isCancelled ? "interrupted" : "\(error)")
        }
        return result(outcome, since: began)
    }

    private func result(_ verdict: Verdict, since began: MonotonicInstant) -> RunResult {
        RunResult(
            initName: profile.name, scenario: scenario, verdict: verdict,
            duration: MonotonicInstant.now.duration(since: began), journal: journal, notes: tables)
    }

    func endLife() {
        life?.remove(into: &journal)
        life = nil
    }

    // MARK: - Steps

    private func performSteps() throws {
        for (index, step) in scenario.steps.enumerated() where interruption == nil {
            record(.mark(.stepBegan(index)))
            switch step.action {
            case .start:
                if isRemoved { return interrupt(step, "the container has removed itself") }
                try start()
                try killAtItsMoment()
            case .stop(let grace):
                if isRemoved { return interrupt(step, "the container has removed itself") }
                try stop(grace: grace ?? scenario.stop.grace)
            case .kill(let signal): try kill(signal, step)
            case .signal(let signal, let party): try send(signal, to: party, step)
            case .crash(let service): try send(.kill, to: .service(service), step)
            case .orphan(let count, let service, let time): try orphan(count, from: service, living: time, step)
            case .restart(let times, let grace):
                if isRemoved { return interrupt(step, "the container has removed itself") }
                try restart(times: times, grace: grace ?? scenario.stop.grace)
            case .recreate: try recreate()
            case .removeVolume(let name): try remove(volume: name, step)
            case .daemonRestarts: try replaceDaemon(isKilled: false)
            case .daemonCrashes: try replaceDaemon(isKilled: true)
            case .pause: try pause(true, step)
            case .resume: try pause(false, step)
            case .exec(let command, let limit): try exec(command, within: limit, step)
            case .type(let text): type(text, step)
            case .closeInput: life?.closeInput()
            case .sweep:
                let (table, failure) = try Sweep(
                    session: session, scenario: scenario, profile: profile, step: step, speed: speed, rules: rules
                ).run()
                tables += table
                sweepFailures += failure.map { [$0] } ?? []
            case .repeated: preconditionFailure("a repetition is unrolled before it is carried out")
            case .wait(let time): try pump(until: MonotonicInstant.now.advanced(by: time))
            case .waitFor(let condition, let limit):
                let isMet = try ask(Expectation(condition, within: limit), step: index)
                if !isMet { return interrupt(step, nil) }
            case .expect(let expectation): try ask(expectation, step: index)
            }
        }
    }

    /// Ends the run here. Without a reason of its own the failed condition, which is in the journal, is the reason.
    func interrupt(_ step: Step, _ observed: String?) {
        interruption = Failure(
            place: step.place, expected: "to go on from here",
            observed: observed ?? "the run ended here: what it waited for did not come", evidence: [])
    }

    func record(_ kind: Event.Kind) {
        journal.append(Event(at: .now, kind))
    }

    /// Kills PID 1 of the first life when its moment has come, if it still runs.
    private func killAtItsMoment() throws {
        guard let moment = killAt, let life else { return }
        killAt = nil
        switch moment {
        case .time(let time): try pump(until: startedAt.advanced(by: time)) { !life.isRunning }
        case .event(let count):
            try pump(until: .now.advanced(by: .seconds(10)), watchingKernel: true, closely: true) {
                !life.isRunning || self.journal.ownEventCount >= count
            }
        }
        guard life.isRunning else { return }
        policy.killed(with: .kill, stopSignal: nil)
        life.send(.kill, into: &journal)
        try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isRunning }
    }

    // MARK: - Signals

    private func kill(_ signal: Signal, _ step: Step) throws {
        try collect()
        try handleEnd()
        guard let life, life.isRunning else {
            guard restartAt != nil else { return interrupt(step, "PID 1 is not running") }
            // Nobody is there to be signalled; whether the restart comes, the signal decides (moby, daemon/kill.go).
            policy.killed(with: signal, stopSignal: scenario.stop.signal ?? profile.stopSignal)
            if policy.isCancelled { cancelRestart() }
            return
        }
        policy.killed(with: signal, stopSignal: scenario.stop.signal ?? profile.stopSignal)
        life.send(signal, into: &journal)
        if signal == .stop, let pid = life.pid { try awaitStopped(pid) }
        // Only what counts as a stop thaws (moby, daemon/kill.go).
        if life.isPaused, policy.isCancelled { try life.setPaused(false, into: &journal) }
        // `docker kill` waits for the end only where the end is certain (moby, daemon/kill.go).
        if signal == .kill { try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isRunning } }
    }

    private func send(_ signal: Signal, to party: Party, _ step: Step) throws {
        if case .initProcess = party { return try kill(signal, step) }
        try collect()
        let tree = JournalView(journal).tree
        guard case .service(let name) = party, let index = tree.index(named: name) else {
            return interrupt(step, "\(party) was never started")
        }
        let process = tree.processes[index]
        guard process.exitedAt == nil, let target = life?.open(process.pid) else {
            return interrupt(step, "\(party) is not running")
        }
        do {
            try target.send(signal)
            record(.runtime(.sent(signal, to: process.pid)))
            if signal == .stop { try awaitStopped(process.pid) }
        } catch let error as Errno {
            record(.runtime(.sendFailed(signal, to: process.pid, reason: "\(error)")))
        }
    }

    /// A process that is stopped in the middle of a system call first comes back from it: until then it may still take a
    /// child's status.
    private func awaitStopped(_ pid: ProcessID) throws {
        try pump(until: .now.advanced(by: .seconds(1)), withCensus: true) {
            let process = ProcFS.process(pid)
            return process == nil || process?.state == "T" || process?.isZombie == true
        }
    }

    /// How long a service may take to make orphans: it does nothing else meanwhile.
    private static let patienceWithOrders = Duration.seconds(10)

    private func orphan(_ count: Int, from name: String, living time: Duration, _ step: Step) throws {
        try collect()
        let tree = JournalView(journal).tree
        guard let life, let index = tree.index(named: name), tree.processes[index].exitedAt == nil else {
            return interrupt(step, "\(name) is not running")
        }
        let pid = tree.processes[index].pid
        let said = journal.events.count
        guard life.send(.orphan(count: count, living: time), to: pid) else {
            return interrupt(step, "\(name) does not listen")
        }
        var made: Int?
        try pump(until: .now.advanced(by: ScenarioRun.patienceWithOrders)) {
            for event in self.journal.events.dropFirst(max(0, said - 1)) {
                if case .said(.orphaned(let count), pid) = event.kind { made = count }
            }
            return made != nil || !life.isRunning
        }
        if made != count { interrupt(step, "\(name) has made \(made.map(String.init) ?? "no") orphans of \(count)") }
    }

    // MARK: - Expectations

    /// Puts a question until the answer is yes or its time is over, and marks the moment of the last time.
    @discardableResult
    private func ask(_ expectation: Expectation, step: Int) throws -> Bool {
        let limit = MonotonicInstant.now.advanced(by: expectation.within ?? .zero)
        var isMet = try holds(expectation, until: limit)
        if isMet, let duration = expectation.duration {
            let opposite = Expectation(expectation.condition, isNegated: !expectation.isNegated)
            isMet = try !holds(opposite, until: MonotonicInstant.now.advanced(by: duration))
        }
        // The moment up to which everything is known, not the present one: what has happened since was not looked at.
        journal.append(Event(at: knownUntil, .mark(.asked(step: step))))
        return isMet
    }

    /// Waits for an expectation to hold. False when the deadline came first, or when the answer cannot be known.
    private func holds(_ expectation: Expectation, until deadline: MonotonicInstant) throws -> Bool {
        let kind = expectation.condition.kind
        let isAboutPrograms = expectation.condition.parties.contains { party in
            guard case .service(let name) = party else { return true }
            return scenario.services.first { $0.name == name }?.program != nil
        }
        let watchesKernel = kind.needsKernelEvents || isAboutPrograms
        var answer = Judgement.Answer.no
        var judgedCount = -1
        var wasOver = false
        // Once PID 1 has ended nothing can change any more.
        try pump(
            until: canChange ? deadline : .now, watchingKernel: watchesKernel,
            withCensus: kind.needsCensus, lookingAt: expectation.condition.path
        ) {
            // The same journal gives the same answer.
            if self.journal.events.count != judgedCount {
                judgedCount = self.journal.events.count
                answer = JournalView(self.journal).judge(expectation).answer
            }
            // The end may have come behind the look at a file: then it takes another one.
            let isOver = expectation.condition.path == nil ? !self.canChange : wasOver
            wasOver = !self.canChange
            return answer != .no || isOver
        }
        return answer == .yes
    }

    /// Whether anything may still happen: PID 1 runs, or will again.
    private var canChange: Bool { life?.isRunning == true || restartAt != nil || (life != nil && !isEndHandled) }

    // MARK: - Waiting

    /// How often the witness is asked, while something waits for what only it can see.
    private static let kernelInterval = Duration.milliseconds(1)
    /// How often, where what comes next must not come first.
    private static let closeInterval = Duration.microseconds(20)
    /// How often processes are counted, while something waits for their number.
    private static let censusInterval = Duration.milliseconds(5)

    /// Takes in what happens, until the deadline or until it is enough.
    func pump(
        until deadline: MonotonicInstant, watchingKernel: Bool = false, closely: Bool = false, withCensus: Bool = false,
        lookingAt path: String? = nil, isDone: () -> Bool = { false }
    ) throws {
        while true {
            // Before the rest: the journal must be complete up to a moment behind it.
            if let path { try life?.look(at: path, into: &journal) }
            try collect(kernel: watchingKernel, census: withCensus)
            try handleEnd()
            // Before the next start, also when that is overdue: nothing is to pass unseen.
            if isDone() || MonotonicInstant.now >= deadline { return }
            if let moment = restartAt, MonotonicInstant.now >= moment {
                restartAt = nil
                try startContainer()
                continue
            }
            if session.isCancelled { throw CannotRun(reason: "interrupted", remedy: "") }
            var wake = min(deadline, restartAt ?? .distantFuture)
            if watchingKernel || withCensus || path != nil {
                let interval =
                    withCensus || path != nil
                    ? ScenarioRun.censusInterval : closely ? ScenarioRun.closeInterval : ScenarioRun.kernelInterval
                wake = min(wake, MonotonicInstant.now.advanced(by: interval))
            }
            try waitForEvents(until: wake)
        }
    }

    private func waitForEvents(until deadline: MonotonicInstant) throws {
        var poller = Poller()
        poller.add(session.cancellation.descriptor)
        life?.addDescriptors(to: &poller)
        try poller.wait(until: deadline)
    }

    /// Whether the policy has been asked about the last end.
    var isEndHandled = false
    lazy var markers = scenario.markers

    func collect(kernel: Bool = true, census: Bool = false) throws {
        guard let life else {
            knownUntil = .now
            return
        }
        knownUntil = try life.collect(into: &journal, kernel: kernel)
        if census { try life.takeCensus(into: &journal, at: knownUntil) }
    }
}

extension Scenario {
    /// The same with each `repeat` in the place of which its steps stand so many times.
    fileprivate var unrolled: Scenario {
        func unroll(_ steps: [Step]) -> [Step] {
            steps.flatMap { step -> [Step] in
                guard case .repeated(let times, let inner) = step.action else { return [step] }
                let once = unroll(inner)
                return (0..<times).flatMap { _ in once }
            }
        }
        var result = self
        result.steps = unroll(steps)
        return result
    }
}
