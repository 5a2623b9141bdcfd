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

/// The kill that was to come right after an event came after the next one: the run shows nothing.
struct MissedEvent: Error, CustomStringConvertible {
    let number: Int

    static let reason = "the next event always came before the kill"
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
    private let cancelled = Atomic<Bool>(false)

    /// - Parameters:
    ///   - fakeServices: the executable of the fakes.
    ///   - usesTrace: false to do without a trace instance, as on a machine that has none.
    /// - Throws: `CannotRun`.
    public init(fakeServices: String, usesTrace: Bool = true) throws {
        guard Files.isExecutable(fakeServices), let program = Files.realPath(fakeServices) else {
            throw CannotRun(reason: "\(fakeServices) is not there", remedy: "run `make build`")
        }
        ProcessSettings.normalise()
        ProcessSettings.closeMemory()
        try Surroundings.check()
        let name = RunName()
        var instances: Descriptor?
        var reason = "not asked for"
        if usesTrace {
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
        (tracer, witness) = try Session.makeTracer(name, instances, reason: reason)
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
    public static func interruptible(fakeServices: String, usesTrace: Bool = true) throws -> Session {
        let box = SessionBox()
        do {
            try Interrupts.watch([.int, .term, .hup]) { _ in box.cancel() }
        } catch {
            throw CannotRun(reason: "signals cannot be watched: \(error)", remedy: "")
        }
        ProcessSettings.outliveOthers()
        return try box.fill(Session(fakeServices: fakeServices, usesTrace: usesTrace))
    }

    /// Interrupts whatever runs; what it would have said becomes an error. May be called from any thread.
    public func cancel() {
        cancelled.store(true, ordering: .relaxed)
        cancellation.ring()
    }

    public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Takes away what the session has made. Blocks until it is gone; nothing may be running.
    public func close() {
        tracer?.stopReading()
        host.close()
    }

    /// Gives the calling thread what it needs to run scenarios. Once per thread.
    package func enter() throws {
        try host.enter()
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
        /// When PID 1 is killed, in its first life.
        let killAt: Sweep.Moment?
        /// Whose rules were asked for; nil: those of the scenario, else Docker's.
        let runtime: Runtime?
        /// What the container is driven by.
        let rules: RuntimeRules

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
                sped: scenario.sped(by: speed), profile, speed: speed, runtime: runtime, rules: rules, killAt: nil)
        }

        init(
            sped scenario: Scenario, _ profile: InitProfile, speed: Double = 1, runtime: Runtime? = nil,
            rules: RuntimeRules, killAt: Sweep.Moment?
        ) {
            self.runtime = runtime
            self.speed = speed
            self.rules = rules
            self.scenario = scenario
            self.profile = profile
            self.killAt = killAt
        }
    }

    /// Carries jobs out, so many at once, each on a thread of its own; the results in the order of the jobs.
    ///
    /// Blocks the calling thread until all are done. A job that a cancelled session did not come to has no result.
    ///
    /// - Parameters:
    ///   - keepsJournals: otherwise only those of failures are kept: a whole matrix has very many events.
    ///   - onResult: called from the threads as results come.
    /// - Throws: `CannotRun` where no thread can be given what it needs.
    public func run(
        _ jobs: [Job], atOnce: Int, keepsJournals: Bool = true,
        onResult: @escaping @Sendable (RunResult) -> Void = { _ in }
    ) throws -> [RunResult] {
        let results = Results(count: jobs.count)
        // Where the runtime's own clock is judged, the machine must not be crowded; and a sweep is a crowd of its own.
        for (crowd, limit) in [(Scenario.Crowd.any, atOnce), (.few, min(atOnce, 8)), (.alone, 1)] {
            let own = jobs.indices.filter { jobs[$0].scenario.crowd == crowd }
            try run(
                JobQueue(jobs, own[...], results), atOnce: limit, keepsJournals: keepsJournals, onResult: onResult)
        }
        return try results.all()
    }

    /// How often a run is made in which PID 1 is to be killed right after an event, until the next event does not come first.
    private static let attempts = 30

    /// One job, on the calling thread.
    fileprivate func carryOut(_ job: Job) -> RunResult {
        if !job.scenario.members.isEmpty { return GroupRun(job, in: self).run() }
        var result = ScenarioRun(job, in: self).run()
        for _ in 1..<Session.attempts {
            guard case .error(let reason) = result.verdict, reason == MissedEvent.reason, !isCancelled else { break }
            result = ScenarioRun(job, in: self).run()
        }
        return result
    }

    private func run(
        _ queue: JobQueue, atOnce: Int, keepsJournals: Bool, onResult: @escaping @Sendable (RunResult) -> Void
    ) throws {
        let work: @Sendable () -> Void = { [self] in
            do {
                try enter()
            } catch {
                return queue.results.fail(CannotRun(error))
            }
            while !isCancelled, let (index, job) = queue.next() {
                let result = carryOut(job)
                queue.results.put(keepsJournals || result.isBad ? result : result.withoutJournal, at: index)
                onResult(result)
            }
        }
        var threads: [Thread] = []
        // Fewer at once do the same work.
        while threads.count < min(max(1, atOnce), queue.count, Surroundings.containerLimit) {
            do {
                threads.append(try Thread(work))
            } catch {
                if threads.isEmpty {
                    throw CannotRun(reason: "no thread: \(error)", remedy: "raise the limit on processes")
                }
                break
            }
        }
        for thread in threads { thread.join() }
    }
}

extension Session {
    /// Carries out one job on a thread of its own, and returns at once.
    ///
    /// - Parameter onEnd: called from that thread with the result, or with `CannotRun`.
    public func runInBackground(_ job: Job, onEnd: @escaping @Sendable (Result<RunResult, any Error>) -> Void) {
        do {
            let thread = try Thread { [self] in
                do {
                    try enter()
                } catch {
                    return onEnd(.failure(CannotRun(error)))
                }
                onEnd(.success(carryOut(job)))
            }
            thread.detach()
        } catch {
            onEnd(.failure(CannotRun(reason: "no thread: \(error)", remedy: "raise the limit on processes")))
        }
    }
}

extension Session {
    /// Does something on a thread that can run containers, and waits for it.
    ///
    /// - Throws: what the work throws, or `CannotRun`.
    func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) throws -> Value {
        let box = OutcomeBox<Value>()
        let thread: Thread
        do {
            thread = try Thread { [self] in
                box.set(
                    Result {
                        do {
                            try enter()
                        } catch {
                            throw CannotRun(error)
                        }
                        return try work()
                    })
            }
        } catch {
            throw CannotRun(reason: "no thread: \(error)", remedy: "raise the limit on processes")
        }
        thread.join()
        guard let result = box.value else { throw CannotRun(reason: "the thread has left nothing", remedy: "") }
        return try result.get()
    }
}

/// What a thread has to say when it ends.
private final class OutcomeBox<Value: Sendable>: Sendable {
    private let outcome = Mutex<Result<Value, any Error>?>(nil)

    var value: Result<Value, any Error>? { outcome.withLock { $0 } }

    func set(_ result: Result<Value, any Error>) { outcome.withLock { $0 = result } }
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

extension Scenario {
    /// In what company it may run.
    fileprivate enum Crowd {
        case any, few, alone
    }

    fileprivate var crowd: Crowd {
        if allSteps.contains(where: { if case .sweep = $0.action { true } else { false } }) { return .alone }
        return allSteps.contains { $0.condition?.kind == .restartDelays } ? .few : .any
    }
}

/// The jobs that are left.
private final class JobQueue: Sendable {
    let results: Results
    private let jobs: [Session.Job]
    /// Those that are to be done, by their places.
    private let order: [Int]
    private let taken = Atomic<Int>(0)

    init(_ jobs: [Session.Job], _ order: ArraySlice<Int>, _ results: Results) {
        self.jobs = jobs
        self.order = Array(order)
        self.results = results
    }

    var count: Int { order.count }

    func next() -> (Int, Session.Job)? {
        let index = taken.add(1, ordering: .relaxed).oldValue
        return index < order.count ? (order[index], jobs[order[index]]) : nil
    }
}

/// The results so far, each in the place of its job.
private final class Results: Sendable {
    private let outcome: Mutex<(results: [RunResult?], failure: CannotRun?)>

    init(count: Int) {
        outcome = Mutex((Array(repeating: nil, count: count), nil))
    }

    func put(_ result: RunResult, at index: Int) {
        outcome.withLock { $0.results[index] = result }
    }

    func fail(_ failure: CannotRun) {
        outcome.withLock { $0.failure = failure }
    }

    func all() throws -> [RunResult] {
        try outcome.withLock { outcome in
            if let failure = outcome.failure { throw failure }
            return outcome.results.compactMap(\.self)
        }
    }
}
