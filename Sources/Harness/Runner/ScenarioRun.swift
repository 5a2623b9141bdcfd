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
    /// Its steps are one after the other, those of a `repeat` after it: the journal speaks of them by their places there.
    let scenario: Scenario
    /// As it was written.
    private let written: Scenario
    let profile: InitProfile
    /// The number by which a recorded journal knows it.
    private(set) var number: Int?
    /// How many times faster than Docker's the restart policy's clock runs.
    let speed: Double
    var journal: Journal
    /// The container while it exists.
    var life: ContainerLife?
    var volumes: VolumeStore?
    /// The PID namespace that it is in, where others share that, once it has been started.
    var processes: SharedProcesses?
    /// The runtime that was asked for, where one was.
    private let asked: Runtime?
    /// What differs between runtimes.
    let rules: RuntimeRules
    /// What the container is given without being asked.
    let surroundings: RuntimeSurroundings
    /// The container as its runtime sees it.
    var lifecycle: any Lifecycle
    /// When the lifecycle wants to be told that it is time.
    var wakeAt: MonotonicInstant?
    /// Finds out how the container is; nil: nobody asks.
    var health: HealthMonitor?
    /// When the health is to be looked at.
    var checkAt: MonotonicInstant?
    /// The other containers, where it is one of several: they go on while this one waits.
    weak var group: GroupRun?
    /// The status of the last life, as the runtime reports it; nil: there was none, or its program could not be started.
    var lastCode: Int?
    /// The last start has failed.
    var hasFailedToStart = false
    /// A request of the group has not been answered yet.
    var isAskedByGroup = false
    /// What the lifecycle has answered to the last request.
    var answer: Answer?
    var startedAt = MonotonicInstant.now
    /// When the run began.
    let began = MonotonicInstant.now
    /// How long containers that are gone were kept waiting.
    var stallOfFormer = Duration.zero
    /// How much longer than usual the harness took for what it did itself.
    var slowActions = Duration.zero
    /// How late it was when that was noted last.
    var notedLateness = Duration.zero
    /// When the present `wakeAt` was set, and how late it all was then.
    var wakeSetAt: MonotonicInstant?
    var latenessAtWake = Duration.zero
    /// It is put off, because the machine has kept the container waiting, and until when.
    var isOverdue = false
    var postponedTo: MonotonicInstant?
    /// What disturbs it, where it is one of the runs of a sweep.
    let appointment: Appointment?
    /// The last disturbance that came at a moment of its own.
    var disturbed: DisturbedRun?
    /// How often a step has started the container.
    var handStarts = 0
    /// What came of sweeps, and what failed in each.
    private var sweeps: [SweepOutcome] = []
    private var sweepFailures: [Failure] = []
    private var examples: [RunResult] = []
    /// Called when a life has ended, before the next begins.
    var onEnd: ((ScenarioRun) -> Void)?
    /// How many starts there were.
    var lifeCount = 0
    /// Why the run ended before its last step.
    private(set) var failedStep: Failure?
    /// The next step asks whether this one was refused.
    private(set) var asksAboutRefusal = false
    /// The step that is being carried out.
    private(set) var stepIndex = 0
    /// Whatever happened up to here was known when the journal was last added to.
    var knownUntil = MonotonicInstant.now
    var index: JournalIndex
    lazy var markers = scenario.markers

    init(_ job: Session.Job, in session: Session) {
        self.session = session
        written = job.scenario
        scenario = job.scenario.flattened
        profile = job.profile
        asked = job.runtime
        rules = job.rules.of(version: job.scenario.engineVersion)
        let policy = job.scenario.policy(with: job.profile, speed: job.speed)
        lifecycle = rules.makeLifecycle(policy)
        surroundings = rules.surroundings(policy)
        let healthDefaults = rules.healthDefaults
        health = job.scenario.healthCheck.map { HealthMonitor($0, healthDefaults) }
        appointment = job.appointment
        speed = job.speed
        journal = Journal(witness: session.witness)
        index = JournalIndex(witness: session.witness)
    }

    /// - Parameters:
    ///   - follower: told of the run and of its events while it goes on.
    ///   - watch: what is to be done after the last step.
    func run(follower: (any RunFollower)? = nil, watch: ((ScenarioRun) throws -> Void)? = nil) -> RunResult {
        if let reason = profile.reasonNotApplicable(scenario) ?? reasonOfRuntime {
            return result(.notApplicable(reason: reason), since: began)
        }
        if let follower {
            let number = follower.begin(BegunRun(result(.passed, since: began)))
            self.number = number
            journal.onAppend = { follower.learn($0, run: number, container: nil) }
        }
        let outcome: Verdict
        do {
            defer {
                endLife()
                processes?.end()
                volumes?.remove()
            }
            try perform(written.steps, from: 0)
            try watch?(self)
            noteLateness()
            endLife()
            outcome = verdict(on: scenario, journal, interruption: failedStep).adding(sweepFailures)
        } catch {
            outcome = .error(session.isCancelled ? RunReport.interrupted : "\(error)")
        }
        return result(outcome, since: began)
    }

    /// Why the runtime that was asked for is none for this scenario; nil where it is.
    private var reasonOfRuntime: String? {
        if let asked, let named = scenario.runtime, asked != named { return "it is about \(named.rawValue)" }
        return rules.reasonNotApplicable(scenario)
    }

    private func result(_ verdict: Verdict, since began: MonotonicInstant) -> RunResult {
        journal.onAppend = nil
        var result = RunResult(
            initName: profile.name, command: profile.commandLine(for: scenario), scenario: written, runtime: asked,
            verdict: verdict,
            duration: MonotonicInstant.now.duration(since: began), journal: journal, sweeps: sweeps)
        result.number = number
        result.disturbed = disturbed
        result.examples = examples
        return result
    }

    /// Where something has not come true: a limit of the container may be why. As long as its processes are there, and its file systems.
    private func noteLimits() {
        guard let life else { return }
        let tree = view.tree
        let running = tree.present.filter { tree.processes[$0].exitedAt == nil }
        life.noteLimits(
            into: &journal, running: running.map { tree.processes[$0].pid }, wasKilledByKernel: view.hasKernelKilled)
    }

    func endLife() {
        if let life { stallOfFormer += life.stalledTime ?? .zero }
        life?.remove(into: &journal)
        life = nil
    }

    // MARK: - Steps

    /// - Parameter first: the place of the first in `scenario.steps`.
    func perform(_ steps: [Step], from first: Int) throws {
        var next = first
        for (place, step) in steps.enumerated() where failedStep == nil {
            asksAboutRefusal = steps.dropFirst(place + 1).first?.asksAboutRefusal == true
            let index = next
            next += step.flattenedCount
            stepIndex = index
            if scenario.hasOwnTimes { noteLateness() }
            record(.mark(.stepBegan(index)))
            switch step.action {
            case .start:
                try perform(.start, step)
            case .stop(let grace): try perform(.stop(grace: grace), step)
            case .beginStart:
                try begin(.start, step)
            case .beginStop(let grace): try begin(.stop(grace: grace), step)
            case .beginRestart(let grace): try begin(.restart(grace: grace), step)
            case .dropClient:
                record(.runtime(.clientGone))
                try tell(.clientGone)
            case .kill(let signal): try kill(signal, step)
            case .atEvent(let count, let disturbance): try disturb(disturbance, atEvent: count, step)
            case .signal(let signal, let party): try send(signal, to: party, step)
            case .crash(let service): try send(.kill, to: .service(service), step)
            case .orphan(let count, let service, let time): try orphan(count, from: service, living: time, step)
            case .restart(let times, let grace):
                for _ in 0..<times where failedStep == nil {
                    try perform(.restart(grace: grace), step)
                }
            case .recreate: try perform(.recreate, step)
            case .removeVolume(let name): try remove(volume: name, step)
            case .daemonRestarts: try perform(.replaceDaemon(isKilled: false), step)
            case .daemonCrashes: try perform(.replaceDaemon(isKilled: true), step)
            case .pause: try perform(.pause, step)
            case .resume: try perform(.resume, step)
            case .exec(let command, let limit): try exec(command, within: limit, step)
            case .type(let text): type(text, step)
            case .closeInput: life?.closeInput()
            case .sweep(let plan, let inner):
                let (outcome, failure, example) = try Sweep(
                    session: session, scenario: scenario, profile: profile, plan: plan, steps: inner,
                    place: step.place, speed: speed, rules: rules
                ).run()
                sweeps.append(outcome)
                sweepFailures += failure.map { [$0] } ?? []
                examples += example.map { [$0] } ?? []
            case .repeated(let times, let inner):
                for _ in 0..<times where failedStep == nil { try perform(inner, from: index + 1) }
            // Of one container both are refused beforehand.
            case .within, .down: break
            case .wait(let time): try pump(until: MonotonicInstant.now.advanced(by: time))
            case .waitFor(let condition, let isNegated, let limit):
                let expectation = Expectation(condition, isNegated: isNegated, within: limit)
                let isMet = try ask(expectation, until: .now.advanced(by: limit), step: index)
                if !isMet { return interrupt(step, nil) }
            case .expect(var expectation):
                var deadline = MonotonicInstant.now.advanced(by: expectation.within ?? .zero)
                if expectation.isNegated, let time = expectation.within {
                    // `no … within`: at no moment of that time.
                    (expectation.duration, deadline) = (time, .now)
                }
                try ask(expectation, until: deadline, step: index)
            }
            if step.startsContainer, failedStep == nil { try keepAppointment() }
        }
    }

    /// Ends the run here. Without a reason of its own the failed condition, which is in the journal, is the reason.
    func interrupt(_ step: Step, _ observed: String?) {
        noteLimits()
        failedStep = Expectations.interruption(
            at: stepIndex, of: scenario, journal,
            observed: observed ?? "the run ended here: what it waited for did not come")
    }

    func record(_ kind: Event.Kind) {
        journal.append(Event(at: .now, kind))
    }

    // MARK: - Signals

    private func kill(_ signal: Signal, _ step: Step) throws {
        try perform(.kill(signal), step)
        if signal == .stop, let pid = life?.pid { try awaitStopped(pid) }
    }

    private func send(_ signal: Signal, to party: Party, _ step: Step) throws {
        try collect()
        if let problem = try deliver(signal, to: party) { interrupt(step, problem) }
    }

    /// From the host, past the engine: no rule of the runtime knows of it.
    ///
    /// - Returns: why there is no process that it could be sent to; nil where it was sent.
    func deliver(_ signal: Signal, to party: Party) throws -> String? {
        if case .initProcess = party {
            guard let life, let pid = life.pid else { return "the container is not running" }
            life.send(signal, into: &journal)
            if signal == .stop { try awaitStopped(pid) }
            // What it brings about is there when the step is over, as after `kill`.
            if signal == .kill {
                try pump(until: .now.advanced(by: ContainerLife.patienceAfterKill)) { !life.isRunning }
            }
            return nil
        }
        let tree = view.tree
        // Programs that are not the fakes say no names.
        guard case .service(let name) = party,
            let index = tree.index(named: name) ?? (!scenario.services.isEmpty ? nil : tree.index(running: name))
        else { return "\(party) was never started" }
        let process = tree.processes[index]
        guard process.exitedAt == nil, let target = life?.open(process.pid) else { return "\(party) is not running" }
        do {
            try target.send(signal)
            record(.runtime(.sent(signal, to: process.pid)))
            if signal == .stop { try awaitStopped(process.pid) }
        } catch let error as Errno {
            record(.runtime(.sendFailed(signal, to: process.pid, reason: "\(error)")))
        }
        return nil
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
        let tree = view.tree
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
    private func ask(_ expectation: Expectation, until deadline: MonotonicInstant, step: Int) throws -> Bool {
        let hasTime = deadline > .now
        let patience = LatePatience { [self] in lateness.total }
        var (isMet, isLate) = try patience.ask(until: deadline) { try holds(expectation, until: $0) }
        // The harness came too late to see whether it was so in time: the journal knows.
        if isMet, hasTime,
            knownUntil.duration(since: deadline) > ScenarioRun.negligibleLateness
        {
            isLate = true
        }
        if isLate { journal.append(Event(at: deadline, .mark(.timeIsOver(step: step)))) }
        var end = MonotonicInstant.distantFuture
        if isMet, !isLate, let duration = expectation.duration {
            let opposite = Expectation(expectation.condition, isNegated: !expectation.isNegated)
            let moment = MonotonicInstant.now.advanced(by: duration)
            let other = try patience.ask(until: moment) { try holds(opposite, until: $0) }
            isMet = !other.isYes
            if other.isLate { journal.append(Event(at: moment, .mark(.timeIsOver(step: step)))) }
            // On a busy machine it is looked at later than that; what came after it is no part of the question. Where processes are counted
            // or a file is looked at, the answer is of when that was.
            let isOfJournal = !expectation.condition.kind.needs.census && expectation.condition.path == nil
            if isOfJournal, !other.isLate { end = moment }
        }
        // The moment up to which everything is known, not the present one: what has happened since was not looked at.
        journal.append(Event(at: min(knownUntil, end), .mark(.asked(step: step))))
        if !isMet { noteLimits() }
        return isMet
    }

    /// Waits for an expectation to hold. False when the deadline came first, or when the answer cannot be known.
    private func holds(_ expectation: Expectation, until deadline: MonotonicInstant) throws -> Bool {
        let kind = expectation.condition.kind
        let isAboutPrograms = expectation.condition.parties.contains { party in
            guard case .service(let name) = party else { return true }
            return scenario.services.first { $0.name == name }?.program != nil
        }
        let watchesKernel = kind.needs.kernelEvents || isAboutPrograms
        var answer = Judgement.Answer.no
        var judgedCount = -1
        var wasOver = false
        // Once PID 1 has ended nothing can change any more.
        try pump(
            until: canChange ? deadline : .now, watchingKernel: watchesKernel,
            withCensus: kind.needs.census, lookingAt: expectation.condition.path,
            atPorts: expectation.condition.isAboutPorts
        ) {
            // The same journal gives the same answer.
            if self.journal.events.count != judgedCount {
                self.lookAtSignals(for: expectation.condition)
                judgedCount = self.journal.events.count
                answer = self.view.judge(expectation).answer
            }
            // The end may have come behind the look at a file: then it takes another one.
            let isOver = expectation.condition.path == nil ? !self.canChange : wasOver
            wasOver = !self.canChange
            return answer != .no || isOver
        }
        return answer == .yes
    }

    /// Notes which signals wait for those that a question is about, where that tells whether they were taken.
    func lookAtSignals(for condition: Condition) {
        for pid in view.processesToLookAt(for: condition) {
            guard let signals = ProcFS.pendingSignals(of: pid) else { continue }
            journal.append(Event(at: knownUntil, .kernel(.pending(pid, signals))))
        }
    }

    /// Whether anything may still happen: PID 1 runs, or will again.
    private var canChange: Bool { canChangeByItself || group?.canChange == true }

    /// Whether anything may still happen to this container by itself: PID 1 runs, or will again.
    var canChangeByItself: Bool {
        life?.isRunning == true || lifecycle.state == .restarting || life?.hasUnseenEnd == true
    }
}

extension Step {
    /// It expects that the step before was refused, or that it was not.
    fileprivate var asksAboutRefusal: Bool {
        if case .expect(let expectation) = action { expectation.condition.kind == .refused } else { false }
    }
}
