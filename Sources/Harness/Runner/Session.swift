import Expectations
import Glibc
import Journal
import Kernel
import Model
import Recorder
import Reports
import Runtimes
import Sandbox
import Synchronization
import Vocabulary

/// Why this machine cannot run scenarios, and what would help.
public struct CannotRun: Error, Sendable, CustomStringConvertible {
    /// What is missing or forbidden, in half a sentence.
    public let reason: String
    /// What to do; empty where nothing is known.
    public let remedy: String

    init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    /// The reason, and what would help.
    public var description: String { remedy.isEmpty ? reason : "\(reason): \(remedy)" }

    /// What the machine has refused.
    init(_ error: any Error) {
        self.init(reason: "\(error)", remedy: Surroundings.remedy(for: error))
    }
}

/// What was to come right after an event came after the next one: the run shows nothing.
struct MissedEvent: Error, CustomStringConvertible {
    let number: Int

    static let reason = "the next event always came first"
    var description: String { MissedEvent.reason }
}

/// Everything that a run needs of the machine: a place for containers, and a witness.
///
/// One per process is enough; `close` takes away everything that it made.
public final class Session: Sendable {
    let host: SandboxHost
    let tracer: Tracer?
    /// What the kernel lets this session see.
    public let witness: Witness
    /// Rung to interrupt the threads that run containers.
    let cancellation: Wakeup
    private let cancelled: Cancelled
    /// When this process was kept from running.
    let pulse: Pulse
    /// Images that its scenarios are about.
    package let images = ImageStore()
    /// How long several containers are waited for, where one never does what another waits for.
    let patienceWithGroups: Duration
    private let sweeping = Mutex(SweepOptions())
    /// How its sweeps are carried out.
    public var sweepOptions: SweepOptions {
        get { sweeping.withLock(\.self) }
        set { sweeping.withLock { $0 = newValue } }
    }
    private let workers: Workers
    private let scheduler: Scheduler
    /// How long each scenario took the last time.
    private let history: DurationHistory?

    /// That the session is to do no more.
    private final class Cancelled: Sendable {
        let isSo = Atomic<Bool>(false)
    }

    /// - Parameters:
    ///   - fakeServices: the executable of the fakes.
    ///   - usesTrace: false to do without a trace instance, as on a machine that has none.
    ///   - history: how long scenarios took the last time, which the session goes on writing; nil: only their texts are known.
    /// - Throws: `CannotRun`.
    public convenience init(fakeServices: String, usesTrace: Bool = true, history: DurationHistory? = nil) throws {
        try self.init(
            fakeServices: fakeServices, usesTrace: usesTrace, history: history, patienceWithGroups: .seconds(300))
    }

    /// - Parameter patienceWithGroups: how long several containers are waited for, where one never does what another waits for.
    package init(
        fakeServices: String, usesTrace: Bool, history: DurationHistory?, patienceWithGroups: Duration
    ) throws {
        self.patienceWithGroups = patienceWithGroups
        guard Files.isExecutable(fakeServices), let program = Files.realPath(fakeServices) else {
            throw CannotRun(reason: "\(fakeServices) is not there", remedy: "run `make build`")
        }
        ProcessSettings.normalise()
        ProcessSettings.closeMemory()
        try Surroundings.check()
        let cancelled = Cancelled()
        self.cancelled = cancelled
        do {
            scheduler = try Scheduler { cancelled.isSo.load(ordering: .relaxed) }
        } catch {
            throw CannotRun(reason: "/proc/loadavg: \(error)", remedy: "mount /proc anew: mount -t proc proc /proc")
        }
        self.history = history
        let name = RunName()
        var instances: Descriptor?
        var reason = "not asked for"
        if usesTrace, Surroundings.isLockedDown {
            reason = "the kernel is locked down (confidentiality), and allows no tracing"
        } else if usesTrace {
            do {
                let root = try Mount.detached(type: "tracefs")
                instances = try Descriptor.open("instances", .directory, in: root.rawValue)
            } catch {
                reason = "no tracefs: \(error)"
            }
        }
        do {
            cancellation = try Wakeup()
            // Before the trace: its guard removes the instance too, whatever comes.
            host = try SandboxHost(name: name, fakeServices: program, instances: instances)
        } catch {
            throw CannotRun(error)
        }
        workers = Workers(host)
        (tracer, witness) = try Session.makeTracer(name, instances, reason: reason)
        do {
            pulse = try Pulse()
        } catch {
            tracer?.stopReading()
            throw CannotRun(error)
        }
        if Surroundings.isInUserNamespace { try tryOut() }
    }

    /// Whether a container can be made at all: it is not known what a user namespace allows.
    private func tryOut() throws {
        let result = try run([Job(Session.question(["true"]), .none)], atOnce: 1).first
        guard case .error(let reason)? = result?.verdict else { return }
        close()
        throw CannotRun(reason: reason, remedy: "this is a user namespace: run as the machine's root")
    }

    /// A tracer that reads, or why there is none; each witness has been tried.
    ///
    /// - Throws: `CannotRun`, where /proc is not to be believed.
    private static func makeTracer(
        _ name: RunName, _ instances: consuming Descriptor?, reason: String
    ) throws -> (Tracer?, Witness) {
        let tracer: Tracer
        switch consume instances {
        case .none:
            _ = try SelfTest.run(nil)
            return (nil, .procfs(reason: reason))
        case .some(let directory):
            do {
                tracer = try Tracer(name: name, instances: directory)
                try tracer.startReading()
            } catch {
                _ = try SelfTest.run(nil)
                return (nil, .procfs(reason: (error as? TraceError)?.reason ?? "\(error)"))
            }
        }
        guard let missing = try SelfTest.run(tracer) else { return (tracer, .tracefs) }
        tracer.stopReading()
        return (nil, .procfs(reason: missing))
    }

    /// A session that SIGINT, SIGTERM and SIGHUP cancel. For programs that do nothing else with these signals; called
    /// before there are threads.
    ///
    /// - Throws: `CannotRun`.
    public static func interruptible(
        fakeServices: String, usesTrace: Bool = true, history: DurationHistory? = nil
    ) throws -> Session {
        try interruptible(
            fakeServices: fakeServices, usesTrace: usesTrace, history: history, patienceWithGroups: .seconds(300))
    }

    /// The same with a patience of its own.
    package static func interruptible(
        fakeServices: String, usesTrace: Bool = true, history: DurationHistory? = nil, patienceWithGroups: Duration
    ) throws -> Session {
        let box = SessionBox()
        do {
            try Interrupts.watch([.int, .term, .hup]) { _ in box.cancel() }
        } catch {
            throw CannotRun(reason: "signals cannot be watched: \(error)", remedy: "")
        }
        ProcessSettings.outliveOthers()
        return try box.fill(
            Session(
                fakeServices: fakeServices, usesTrace: usesTrace, history: history,
                patienceWithGroups: patienceWithGroups))
    }

    /// Interrupts whatever runs; what it would have said becomes an error. May be called from any thread.
    public func cancel() {
        cancelled.isSo.store(true, ordering: .relaxed)
        cancellation.ring()
    }

    /// How many scenarios are carried out at once at most, where nobody says: each has some threads, files and processes of its own.
    public static let usualLimit = 128

    /// What a session would see, without beginning one.
    public static var expectedWitness: String {
        if Surroundings.isLockedDown { return "pidfd and /proc (the kernel is locked down)" }
        do {
            let root = try Mount.detached(type: "tracefs")
            _ = try Descriptor.open("instances", .directory, in: root.rawValue)
            return "\(Witness.tracefs)"
        } catch {
            return "pidfd and /proc (no tracefs: \(error))"
        }
    }

    /// What was found of dead runs, and what became of it, in a sentence; nil: nothing.
    public var wordsOfLeftovers: String? { host.leftovers.sentence }

    /// How many network namespaces were made for containers that could not change them, and how often one was used again.
    package var networkStatistics: (made: Int, usedAgain: Int) { host.networkStatistics }

    /// Until it is known of each network namespace that was given back whether it is as new.
    package func awaitNetworks() { host.awaitNetworks() }

    /// Whether it was interrupted.
    public var isCancelled: Bool { cancelled.isSo.load(ordering: .relaxed) }

    /// Takes away what the session has made. Blocks until it is gone; nothing may be running.
    public func close() {
        pulse.close()
        workers.close()
        tracer?.stopReading()
        host.close()
    }

    // MARK: - Running

    /// One scenario against one init.
    public struct Job: Sendable {
        /// What is done and expected.
        public let scenario: Scenario
        /// The init under test.
        public let profile: InitProfile
        /// How many times faster the restart policy's clock runs; that of the scenario itself has been sped up already.
        let speed: Double
        /// What disturbs it, where it is one of the runs of a sweep.
        let appointment: Appointment?
        /// Whose rules were asked for; nil: those of the scenario, else Docker's.
        let runtime: Runtime?
        /// What the container is driven by.
        let rules: RuntimeRules
        /// The init, with its runtime where that is not the usual one: as results call it.
        public var subject: String {
            RunResult.subject(profile.name, scenario, runtime ?? scenario.runtime ?? .docker)
        }

        /// - Parameters:
        ///   - speed: how many times faster the runtime's clocks and the fakes run, where that is possible.
        ///   - runtime: by whose rules the container is driven, where the scenario does not say; nil: Docker's. To a scenario that
        ///     says another one it does not apply.
        ///   - rules: in place of the runtime's: they show what a scenario says of a runtime that is wrong.
        public init(
            _ scenario: Scenario, _ profile: InitProfile, speed: Double = 1, runtime: Runtime? = nil,
            rules: RuntimeRules? = nil
        ) {
            let speed = scenario.possibleSpeed(speed, with: profile, by: runtime ?? scenario.runtime ?? .docker)
            let rules = rules ?? .of(runtime ?? scenario.runtime ?? .docker)
            self.init(
                sped: scenario.sped(by: speed), profile, speed: speed, runtime: runtime, rules: rules)
        }

        init(
            sped scenario: Scenario, _ profile: InitProfile, speed: Double = 1, runtime: Runtime? = nil,
            rules: RuntimeRules, appointment: Appointment? = nil
        ) {
            self.runtime = runtime
            self.speed = speed
            self.rules = rules
            self.scenario = scenario
            self.profile = profile
            self.appointment = appointment
        }
    }

    /// Carries jobs out, those that take longest first, as many at once as the machine has room for; the results in the order of the jobs.
    ///
    /// Blocks the calling thread until all are done. A job that a cancelled session did not come to has no result.
    ///
    /// - Parameters:
    ///   - atOnce: how many at most.
    ///   - retries: how often one that has failed is made again until it passes: then it is flaky.
    ///   - keepsJournals: otherwise only those of failures are kept: a whole matrix has very many events.
    ///   - follower: told of each run while it goes on; one that is made again is another run.
    ///   - onResult: called from the threads as results come.
    /// - Throws: `CannotRun` where no thread can be given what it needs.
    public func run(
        _ jobs: [Job], atOnce: Int, retries: Int = 0, keepsJournals: Bool = true, follower: (any RunFollower)? = nil,
        onResult: @escaping @Sendable (RunResult) -> Void = { _ in }
    ) throws -> [RunResult] {
        let limit = min(max(1, atOnce), Surroundings.containerLimit)
        let durations = jobs.map { history?.duration(of: $0) ?? $0.scenario.expectedDuration }
        // Equal ones stay in their order.
        let results = Results(order: jobs.indices.sorted { (durations[$1], $0) < (durations[$0], $1) })
        while let (index, attempt) = results.next(atMost: limit) {
            let job = jobs[index]
            let need = Scheduler.Need(isCalm: job.scenario.isCalm, attempt: attempt)
            guard scheduler.enter(need) else {
                results.end()
                break
            }
            let work: Workers.Work = { [self] failure in
                if let failure {
                    results.fail(failure)
                } else {
                    var result = carryOut(job, follower)
                    history?.note(result, of: job)
                    if let again = results.retry(index, result, atMost: retries) {
                        guard let settled = again else {
                            // As long as it has not been made again this is what came of it.
                            results.put(result, at: index)
                            scheduler.leave(need)
                            return results.end()
                        }
                        result = settled
                    }
                    results.put(keepsJournals || result.hasFailed ? result : result.withoutJournal, at: index)
                    // What the machine was too slow to judge has shown nothing.
                    if result.isTooSlowToJudge, attempt < Session.attemptsWhenLate {
                        results.again(index, attempt: attempt + 1)
                    } else {
                        onResult(result)
                    }
                }
                scheduler.leave(need)
                results.end()
            }
            // Where there are too many threads, fewer at once do the same work.
            var failure: Errno?
            repeat {
                do {
                    failure = nil
                    try workers.submit(work)
                } catch {
                    failure = error
                }
            } while failure != nil && results.awaitEnd()
            if let failure {
                scheduler.leave(need)
                results.fail(CannotRun(reason: "no thread: \(failure)", remedy: "raise the limit on processes"))
                results.end()
            }
        }
        results.wait()
        return try results.all()
    }

    /// How often a run is made in which PID 1 is to be killed right after an event, until the next event does not come first.
    private static let attempts = 30

    /// How often a run is made that the machine was too slow to judge: it has shown nothing, and the next may.
    private static let attemptsWhenLate = 5

    /// One job that has been let in, on the calling thread.
    fileprivate func carryOut(_ asked: Job, _ follower: (any RunFollower)? = nil) -> RunResult {
        let job: Job
        do {
            job = try withImages(asked)
        } catch {
            // It says nothing of the others.
            return RunResult(
                initName: asked.profile.name, command: [], scenario: asked.scenario, runtime: asked.runtime,
                verdict: .error(isCancelled ? RunReport.interrupted : "\(error)"), duration: .zero,
                journal: Journal(witness: witness))
        }
        if !job.scenario.members.isEmpty { return GroupRun(job, in: self).run(follower: follower) }
        var result = ScenarioRun(job, in: self).run(follower: follower)
        for _ in 1..<Session.attempts {
            guard case .error(let reason) = result.verdict, reason == MissedEvent.reason, !isCancelled else { break }
            result = ScenarioRun(job, in: self).run(follower: follower)
        }
        return result
    }
}

extension Session {
    /// Carries out the jobs that another one is made of, while that only waits for them: they take its place.
    func runParts(
        _ jobs: [Job], of scenario: Scenario, atOnce: Int, onResult: @escaping @Sendable (RunResult) -> Void = { _ in }
    ) throws -> [RunResult] {
        try scheduler.stepAside(Scheduler.Need(isCalm: scenario.isCalm)) {
            try run(jobs, atOnce: atOnce, onResult: onResult)
        }
    }

    /// Carries out one job as soon as the machine has room for it, on another thread, and returns at once.
    ///
    /// - Parameter onEnd: called from that thread with the result, or with `CannotRun`.
    public func runInBackground(_ job: Job, onEnd: @escaping @Sendable (Result<RunResult, any Error>) -> Void) {
        onOtherThread { [self] in
            for attempt in 1... {
                let need = Scheduler.Need(isCalm: job.scenario.isCalm, attempt: attempt)
                guard scheduler.enter(need) else { break }
                let result = carryOut(job)
                scheduler.leave(need)
                if attempt == Session.attemptsWhenLate || !result.isTooSlowToJudge { return result }
            }
            throw CannotRun(reason: RunReport.interrupted, remedy: "")
        } onEnd: {
            onEnd($0)
        }
    }

    /// Does something on a thread that can run containers, and returns at once.
    private func onOtherThread<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value, onEnd: @escaping @Sendable (Result<Value, any Error>) -> Void
    ) {
        do {
            try workers.submit { failure in
                onEnd(Result { if let failure { throw failure } else { try work() } })
            }
        } catch {
            onEnd(.failure(CannotRun(reason: "no thread: \(error)", remedy: "raise the limit on processes")))
        }
    }

    /// Does something on a thread that can run containers, and waits for it.
    ///
    /// - Throws: what the work throws, or `CannotRun`.
    func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) throws -> Value {
        try onOwnThreads([work])[0]
    }

    /// The same of several things at once, each on a thread of its own; what came of them in their order.
    func onOwnThreads<Value: Sendable>(_ works: [@Sendable () throws -> Value]) throws -> [Value] {
        let outcomes = Monitor([Result<Value, any Error>?](repeating: nil, count: works.count))
        for (index, work) in works.enumerated() {
            onOtherThread(work) { result in outcomes.withLock { $0[index] = result } }
        }
        return try outcomes.wait { outcomes in
            let known = outcomes.compactMap(\.self)
            return known.count == outcomes.count ? known : nil
        }.map { try $0.get() }
    }
}

/// The session that a signal is to cancel, once there is one.
private final class SessionBox: Sendable {
    private let state = Mutex<(session: Session?, isCancelled: Bool)>((nil, false))

    func fill(_ session: Session) -> Session {
        state.withLock { state in
            state.session = session
            if state.isCancelled { session.cancel() }
        }
        return session
    }

    func cancel() {
        state.withLock { state in
            // A second interrupt does not wait: the guard clears up.
            if state.isCancelled { _exit(130) }
            state.isCancelled = true
            state.session?.cancel()
        }
    }
}

/// The results so far, each in the place of its job, and what is still to come.
private final class Results: Sendable {
    private struct State {
        var results: [RunResult?]
        var failure: CannotRun?
        /// What has not begun, the next one last.
        var waiting: [Int]
        /// What is made again when nothing else waits, each with the number of its attempt, the next one first.
        var again: [(index: Int, attempt: Int)] = []
        var running = 0
        /// How each that is made again because it has failed failed the first time, and how often it has been.
        var failed: [Int: (first: RunResult, count: Int)] = [:]
    }

    private let state: Monitor<State>

    /// Makes one that has failed again.
    ///
    /// - Returns: nil: it has nothing to do with that; else nil: it is made again; else what comes of it: flaky, where it has passed now.
    func retry(_ index: Int, _ result: RunResult, atMost retries: Int) -> RunResult?? {
        state.withLock { state in
            switch result.verdict {
            case .failed:
                let (first, count) = state.failed[index] ?? (result, 0)
                if count == retries { return count == 0 ? .none : .some(first) }
                state.failed[index] = (first, count + 1)
                state.waiting.append(index)
                return .some(nil)
            case .passed:
                guard let (first, _) = state.failed[index], case .failed(let failures) = first.verdict else {
                    return .none
                }
                return .some(first.with(.flaky(failures)))
            // What could not be judged the next time failed the first.
            case .error: return state.failed[index].map { .some($0.first) } ?? .none
            case .flaky, .notApplicable: return .none
            }
        }
    }

    /// - Parameter order: each job's index, in the order in which they begin.
    init(order: [Int]) {
        state = Monitor(State(results: Array(repeating: nil, count: order.count), waiting: order.reversed()))
    }

    /// Waits until one more may begin: fewer than the limit go on. Each one is ended by `end`.
    ///
    /// - Returns: its index, and which attempt it is; nil where there is none, or one has failed for a reason that the others would fail for, too.
    func next(atMost limit: Int) -> (index: Int, attempt: Int)? {
        state.wait { state -> (Int, Int)?? in
            if state.failure != nil { return .some(nil) }
            guard state.running < limit else { return nil }
            if let index = state.waiting.popLast() {
                state.running += 1
                return (index, 1)
            }
            if !state.again.isEmpty {
                state.running += 1
                return state.again.removeFirst()
            }
            return state.running == 0 ? .some(nil) : nil
        }
    }

    /// One that goes on is to be made again.
    func again(_ index: Int, attempt: Int) { state.withLock { $0.again.append((index, attempt)) } }

    func end() { state.withLock { $0.running -= 1 } }

    /// Until one of those that go on is over, but for the last that has begun.
    ///
    /// - Returns: false where there is no other.
    func awaitEnd() -> Bool {
        let count = state.withLock { $0.running }
        if count <= 1 { return false }
        state.wait { $0.running < count ? () : nil }
        return true
    }

    /// Until all that have begun are over.
    func wait() { state.wait { $0.running == 0 ? () : nil } }

    func put(_ result: RunResult, at index: Int) { state.withLock { $0.results[index] = result } }

    func fail(_ failure: CannotRun) { state.withLock { $0.failure = $0.failure ?? failure } }

    func all() throws -> [RunResult] {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            return state.results.compactMap(\.self)
        }
    }
}

extension RunResult {
    /// The machine was too busy with other things: it has shown nothing.
    fileprivate var isTooSlowToJudge: Bool {
        if case .error(let reason) = verdict { reason.contains(tooSlowToJudge) } else { false }
    }
}
