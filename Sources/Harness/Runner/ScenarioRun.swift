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
    var journal: Journal
    /// The container while it exists.
    var life: ContainerLife?
    private var volumes: VolumeStore?
    private var policy: DockerRestart
    /// When the policy will start the container again.
    private var restartAt: MonotonicInstant?
    private var startedAt = MonotonicInstant.now
    /// Why the run ended before its last step.
    private var interruption: Failure?
    /// Whatever happened up to here was known when the journal was last added to.
    private var knownUntil = MonotonicInstant.now

    init(_ job: Session.Job, in session: Session) {
        self.session = session
        scenario = job.scenario.unrolled
        profile = job.profile
        policy = DockerRestart(job.scenario.restart)
        journal = Journal(witness: session.witness)
    }

    func run() -> RunResult {
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
            endLife()
            outcome = verdict(on: scenario, journal, interruption: interruption)
        } catch {
            outcome = .error(session.isCancelled ? "interrupted" : "\(error)")
        }
        return result(outcome, since: began)
    }

    private func result(_ verdict: Verdict, since began: MonotonicInstant) -> RunResult {
        RunResult(
            initName: profile.name, scenario: scenario, verdict: verdict,
            duration: MonotonicInstant.now.duration(since: began), journal: journal)
    }

    private func endLife() {
        life?.remove(into: &journal)
        life = nil
    }

    // MARK: - Steps

    private func performSteps() throws {
        for (index, step) in scenario.steps.enumerated() where interruption == nil {
            record(.mark(.stepBegan(index)))
            switch step.action {
            case .start: try start()
            case .stop(let grace): try stop(grace: grace ?? scenario.stop.grace)
            case .kill(let signal): try kill(signal, step)
            case .signal(let signal, let party): try send(signal, to: party, step)
            case .crash(let service): try send(.kill, to: .service(service), step)
            case .orphan(let count, let service, let time): try orphan(count, from: service, living: time, step)
            case .restart(let times, let grace): try restart(times: times, grace: grace ?? scenario.stop.grace)
            case .recreate: try recreate()
            case .removeVolume(let name): try remove(volume: name, step)
            case .pause: try pause(true, step)
            case .resume: try pause(false, step)
            case .exec(let command, let limit): try exec(command, within: limit, step)
            case .type(let text): type(text, step)
            case .closeInput: life?.closeInput()
            case .repeated, .sweep:
                throw CannotRun(
                    reason: "\(step.place): this version cannot carry this step out yet", remedy: "leave it out")
            case .wait(let time): try pump(until: MonotonicInstant.now.advanced(by: time))
            case .waitFor(let condition, let limit):
                let isMet = try ask(Expectation(condition, within: limit), step: index)
                if !isMet { return interrupt(step, nil) }
            case .expect(let expectation): try ask(expectation, step: index)
            }
        }
    }

    /// Ends the run here. Without a reason of its own the failed condition, which is in the journal, is the reason.
    private func interrupt(_ step: Step, _ observed: String?) {
        interruption = Failure(
            place: step.place, expected: "to go on from here",
            observed: observed ?? "the run ended here: what it waited for did not come", evidence: [])
    }

    func record(_ kind: Event.Kind) {
        journal.append(Event(at: .now, kind))
    }

    // MARK: - Signals

    private func kill(_ signal: Signal, _ step: Step) throws {
        try collect()
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
        if life.isPaused { try life.setPaused(false, into: &journal) }
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
            return answer != .no || !self.canChange
        }
        return answer == .yes
    }

    /// Whether anything may still happen: PID 1 runs, or will again.
    private var canChange: Bool { life?.isRunning == true || restartAt != nil || (life != nil && !isEndHandled) }

    // MARK: - Container

    /// Somebody starts it; one that runs is left alone (what Docker answers with 304).
    private func start() throws {
        if life?.isRunning == true { return }
        restartAt = nil
        policy.startedByHand()
        record(.runtime(.startRequested))
        try startContainer()
    }

    private func startContainer() throws {
        if volumes == nil, !scenario.settings.volumes.isEmpty {
            volumes = try VolumeStore(host: session.host, scenario.settings.volumes)
        }
        let life = try self.life ?? ContainerLife(session, scenario, profile, volumes)
        self.life = life
        startedAt = .now
        try life.start(into: &journal)
        isEndHandled = false
        if !life.isRunning {
            isEndHandled = true
            policy.startFailed()
        }
    }

    /// Asks the policy about an end that has just been seen.
    private func handleEnd() throws {
        guard let life, !life.isRunning, !isEndHandled else { return }
        isEndHandled = true
        for marker in markers { try life.look(at: marker, into: &journal) }
        guard let exit = journal.lastExit, case .runtime(.exited(let status)) = exit.kind else { return }
        let decision = policy.ended(code: DockerExit.code(of: status), after: exit.instant.duration(since: startedAt))
        guard case .restart(let delay) = decision else { return }
        // Dated to the end itself: whoever asks from then on is to know of it.
        journal.append(Event(at: exit.instant, .runtime(.restartScheduled(after: delay, count: policy.count))))
        restartAt = exit.instant.advanced(by: delay)
    }

    private func cancelRestart() {
        guard restartAt != nil else { return }
        restartAt = nil
        record(.runtime(.restartCancelled))
    }

    private func restart(times: Int, grace: Duration) throws {
        for _ in 0..<times {
            try stop(grace: grace)
            try start()
        }
    }

    /// A new container in the place of the old one, which is killed if it still runs (as `docker rm -f`).
    private func recreate() throws {
        restartAt = nil
        endLife()
        record(.runtime(.recreated(keeping: scenario.settings.volumes.map(\.path))))
    }

    private func remove(volume name: String, _ step: Step) throws {
        if life?.isRunning == true { return interrupt(step, "the container is running") }
        // The layer stays, but its mounts are in the way.
        try volumes?.empty(name)
        let path = scenario.settings.volumes.first { $0.name == name }?.path ?? ""
        record(.runtime(.volumeRemoved(name, at: path)))
    }

    private func pause(_ paused: Bool, _ step: Step) throws {
        guard let life, life.isRunning else { return interrupt(step, "PID 1 is not running") }
        try life.setPaused(paused, into: &journal)
    }

    private func exec(_ command: [String], within limit: Duration?, _ step: Step) throws {
        try collect()
        guard let life, life.isRunning else { return interrupt(step, "PID 1 is not running") }
        if life.isPaused { return interrupt(step, "the container is paused") }
        try life.execute(command, into: &journal)
        let deadline = limit.map { MonotonicInstant.now.advanced(by: $0) } ?? .distantFuture
        try pump(until: deadline) { !life.isExecuting }
        guard life.isExecuting else { return }
        life.killExecution(into: &journal)
        try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isExecuting }
    }

    private func type(_ text: String, _ step: Step) {
        if let problem = life?.type(text.withControlCharacters) ?? (life == nil ? "PID 1 is not running" : nil) {
            interrupt(step, problem)
        }
    }

    /// How long a stop without limit is waited for: a minute, and less where the signal is known to have been dropped.
    private static let patience = (Duration.seconds(5), Duration.seconds(60))

    private func waitWithoutLimit(for life: ContainerLife) throws {
        let began = MonotonicInstant.now
        try pump(until: began.advanced(by: ScenarioRun.patience.0)) { !life.isRunning }
        try collect()
        if life.isRunning, !JournalView(journal).hasDroppedSignal {
            try pump(until: began.advanced(by: ScenarioRun.patience.1)) { !life.isRunning }
        }
        if life.isRunning {
            let time = MonotonicInstant.now.duration(since: began).rounded
            record(.runtime(.stopFailed(reason: "not over after \(time), and there is no limit to it")))
        }
    }

    private func stop(grace: Duration) throws {
        policy.stopped()
        guard let life, life.isRunning else {
            cancelRestart()
            // What Docker answers with 304: there is nothing to stop (daemon/stop.go).
            return record(.runtime(.stopFinished))
        }
        let signal = scenario.stop.signal ?? profile.stopSignal ?? .term
        record(.runtime(.stopRequested(signal, grace: grace)))
        var machine = DockerStop(signal: signal, grace: grace)
        var deadline = MonotonicInstant.distantFuture
        var actions = machine.begin(at: .now)
        while true {
            var inputs: [DockerStop.Input] = []
            for action in actions {
                switch action {
                case .send(let signal):
                    if !life.send(signal, into: &journal) { inputs.append(.sendFailed) }
                    // Docker thaws a paused container once the signal waits for it (moby, daemon/kill.go).
                    if life.isPaused { try life.setPaused(false, into: &journal) }
                case .setDeadline(let moment): deadline = moment
                case .noteGraceExpired: record(.runtime(.graceExpired))
                case .finish: return record(.runtime(.stopFinished))
                case .fail(let reason): return record(.runtime(.stopFailed(reason: reason)))
                }
            }
            actions = inputs.flatMap { machine.handle($0, at: .now) }
            guard actions.isEmpty else { continue }
            if deadline == .distantFuture {
                try waitWithoutLimit(for: life)
                if life.isRunning { return }
            } else {
                try pump(until: deadline) { !life.isRunning }
            }
            actions = machine.handle(life.isRunning ? .deadline : .exited, at: .now)
        }
    }

    // MARK: - Waiting

    /// How often the witness is asked, while something waits for what only it can see.
    private static let kernelInterval = Duration.milliseconds(1)
    /// How often processes are counted, while something waits for their number.
    private static let censusInterval = Duration.milliseconds(5)

    /// Takes in what happens, until the deadline or until it is enough.
    func pump(
        until deadline: MonotonicInstant, watchingKernel: Bool = false, withCensus: Bool = false,
        lookingAt path: String? = nil, isDone: () -> Bool = { false }
    ) throws {
        while true {
            // Before the rest: the journal must be complete up to a moment behind it.
            if let path { try life?.look(at: path, into: &journal) }
            try collect(kernel: watchingKernel, census: withCensus)
            try handleEnd()
            if let moment = restartAt, MonotonicInstant.now >= moment {
                restartAt = nil
                try startContainer()
                // What is judged must be from before the moment up to which everything is known.
                continue
            }
            if isDone() || MonotonicInstant.now >= deadline { return }
            if session.isCancelled { throw CannotRun(reason: "interrupted", remedy: "") }
            var wake = min(deadline, restartAt ?? .distantFuture)
            if watchingKernel || withCensus || path != nil {
                let interval = withCensus || path != nil ? ScenarioRun.censusInterval : ScenarioRun.kernelInterval
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
    private var isEndHandled = false
    private lazy var markers = scenario.markers

    private func collect(kernel: Bool = true, census: Bool = false) throws {
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

extension Journal {
    /// The last end of PID 1.
    fileprivate var lastExit: Event? {
        events.last { if case .runtime(.exited) = $0.kind { true } else { false } }
    }
}

extension String {
    /// `^C` as the character that Ctrl-C sends, `^^` as a caret; any other caret stands for itself.
    fileprivate var withControlCharacters: String {
        var result = ""
        var rest = self[...]
        while let character = rest.popFirst() {
            guard character == "^", let key = rest.first, let value = key.asciiValue else {
                result.append(character)
                continue
            }
            switch value {
            case 0x40...0x5F where key != "^":
                rest.removeFirst()
                result.unicodeScalars.append(Unicode.Scalar(value & 0x1F))
            case 0x5E:
                rest.removeFirst()
                result.append("^")
            default: result.append(character)
            }
        }
        return result
    }
}
