import Expectations
import Journal
import Kernel
import Model
import Reports
import Runtimes
import Vocabulary

/// A block of steps that is carried out once for each moment at which PID 1 may be killed, side by side, each in a container
/// and on volumes of its own.
struct Sweep {
    let session: Session
    let scenario: Scenario
    let profile: InitProfile
    let step: Step
    let speed: Double
    let rules: RuntimeRules

    /// When PID 1 is killed.
    enum Moment: Hashable, Sendable {
        /// So long after its first start.
        case time(Duration)
        /// When this number of events of the container has been seen.
        case event(Int)
    }

    /// One of its runs, and what it has shown.
    private struct Run {
        let moment: Moment
        /// What there had been of the container's own doing when the kill came.
        let events: [String]
        let kill: SweepOutcome.Kill
        let result: RunResult
    }

    /// How many of its runs go on at once: they mostly wait.
    private static let atOnce = 24

    /// Carries it out. Blocks until all its runs are over.
    ///
    /// - Returns: what came of each kill, and what failed.
    /// - Throws: `CannotRun`, also where one of the runs could not be judged.
    func run() throws -> (outcome: SweepOutcome, failure: Failure?) {
        var runs: [Run] = []
        var missed: [Int] = []
        switch step.action {
        case .sweep(.range(let from, let to, let interval), let steps):
            let times = sequence(first: from) { $0 + interval <= to ? $0 + interval : nil }
            runs = try self.runs(at: times.map(Moment.time), steps, atOnce: Sweep.atOnce)
        case .sweep(.everyEvent, let steps): (runs, missed) = try killAtEvents(steps)
        default: break
        }
        let bad = runs.filter(\.result.isBad)
        let reproduction = bad.isEmpty ? nil : try reproducible(bad)
        let outcome = SweepOutcome(
            place: step.place, kills: runs.map(\.kill), missed: missed, attempts: Sweep.attempts,
            reproduction: reproduction)
        return (outcome, failure(of: outcome, bad))
    }

    /// A run for each of these moments.
    private func runs(at moments: [Moment], _ steps: [Step], atOnce: Int) throws -> [Run] {
        let jobs = moments.map {
            Session.Job(sped: single(steps, at: $0), profile, speed: speed, rules: rules, killAt: $0)
        }
        let results = try session.runParts(jobs, of: scenario, atOnce: atOnce)
        if results.count < jobs.count { throw CannotRun(reason: "interrupted", remedy: "") }
        for result in results {
            if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        }
        return zip(moments, results).map { run($0, $1) }
    }

    /// The block as a scenario of its own.
    private func single(_ steps: [Step], at moment: Moment) -> Scenario {
        var result = scenario
        result.steps = steps
        if case .time(let time) = moment { result.title += " (killed after \(time.text))" }
        return result
    }

    // MARK: - At every event

    /// How long a run that nothing disturbs is watched: until nothing has come of it for a while.
    private static let quiet = Duration.milliseconds(500)
    /// More than these are no initialisation.
    private static let eventLimit = 1000
    private static let watchLimit = Duration.seconds(10)

    /// So often it is tried to kill behind an event and before the next.
    private static let attempts = 6
    /// They watch closely: more of them would be in each other's way.
    private static let atOnceWatching = 2

    /// Kills behind each event of a run that nothing disturbs; each state of the work in which somebody was killed counts once.
    ///
    /// - Returns: in the order of the events; and the numbers of those that were always followed by the next too soon.
    private func killAtEvents(_ steps: [Step]) throws -> (runs: [Run], missed: [Int]) {
        var missed = (0..<(try countEvents(steps))).map { $0 + 1 }
        var all: [Run] = []
        for _ in 0..<Sweep.attempts where !missed.isEmpty {
            all += try runs(at: missed.map(Moment.event), steps, atOnce: Sweep.atOnceWatching)
            missed.removeAll { number in all.contains { $0.events.count == number } }
        }
        var seen: Set<[String]> = []
        let distinct = all.filter { seen.insert($0.events).inserted || $0.result.isBad }
        return (distinct.sorted { $0.events.count < $1.events.count }, missed)
    }

    /// So many events a run that nothing disturbs has, from its first start on until it is quiet.
    private func countEvents(_ steps: [Step]) throws -> Int {
        guard let start = steps.firstIndex(where: \.isStart) else { return 0 }
        var undisturbed = scenario
        undisturbed.steps = Array(steps[...start])
        let run = ScenarioRun(
            Session.Job(sped: undisturbed, profile, speed: speed, rules: rules, killAt: nil), in: session)
        let result = run.run { run in
            let deadline = MonotonicInstant.now.advanced(by: Sweep.watchLimit)
            var seen = 0
            var quietFrom = MonotonicInstant.now
            try run.pump(until: deadline, watchingKernel: true) {
                let count = run.journal.ownEvents.count
                if count > seen { (seen, quietFrom) = (count, .now) }
                return MonotonicInstant.now.duration(since: quietFrom) > Sweep.quiet
            }
        }
        if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        let count = result.journal.untilRemoval.ownEvents.count
        if count > Sweep.eventLimit {
            throw CannotRun(
                reason: "\(step.place): \(count) events are too many to be killed at each",
                remedy: "sweep a range of times")
        }
        return count
    }

    // MARK: - What came of it

    private func run(_ moment: Moment, _ result: RunResult) -> Run {
        var names: [String] = []
        var counts: [String: Int] = [:]
        var wasKilled = false
        for event in result.journal.events {
            switch event.kind {
            case .said(.ran(let name), _):
                if counts[name] == nil { names.append(name) }
                counts[name, default: 0] += 1
            case .runtime(.sent(.kill, _)): wasKilled = true
            default: continue
            }
        }
        let events = result.journal.untilKill.ownEvents.map(result.journal.name)
        let killed: SweepOutcome.Moment =
            switch moment {
            case .time(let time): .time(time)
            case .event: .event(events.count, what: events.last)
            }
        let kill = SweepOutcome.Kill(
            killed, cameTooLate: !wasKilled, steps: names.map { .init($0, counts[$0] ?? 0) }, hasFailed: result.isBad,
            lastWords: result.isBad ? result.journal.events.printedLines.last { !$0.text.isEmpty }?.text : nil)
        return Run(moment: moment, events: events, kill: kill, result: result)
    }

    private func failure(of outcome: SweepOutcome, _ bad: [Run]) -> Failure? {
        guard let first = bad.first, case .failed(let failures) = first.result.verdict, let reason = failures.first
        else { return nil }
        return Failure(
            place: step.place, .killTimes(outcome.kills.count),
            observed:
                "\(bad.count) failed, the first killed after \(first.kill.moment): \(reason.expected): \(reason.observed)"
        )
    }

    /// How often a reproduction is tried before it is printed, and how many are.
    private static let trials = 5
    private static let candidates = 6

    /// The first that fails each time that it is made again, else the one that does most often: between two events a program may have
    /// done its work or not.
    private func reproducible(_ bad: [Run]) throws -> SweepOutcome.Reproduction {
        var best = SweepOutcome.Reproduction(scenario(of: bad[0]), failures: -1, trials: Sweep.trials)
        for run in bad.prefix(Sweep.candidates) {
            let again = scenario(of: run)
            let jobs = Array(
                repeating: Session.Job(sped: again, profile, speed: speed, rules: rules, killAt: nil),
                count: Sweep.trials)
            let count = try session.runParts(jobs, of: scenario, atOnce: Sweep.atOnceWatching).count { result in
                if case .failed = result.verdict { true } else { false }
            }
            if count > best.failures { best = .init(again, failures: count, trials: Sweep.trials) }
            if count == Sweep.trials { break }
        }
        return best
    }

    /// One of its runs as a scenario of its own, to see it again.
    private func scenario(of run: Run) -> Scenario {
        var result = run.result.scenario
        let kill: [Step]
        switch run.moment {
        case .time(let after):
            result.title = "\(scenario.title), killed after \(after.text)"
            kill = [Step(.wait(after), place: .none), Step(.kill(.kill), place: .none)]
        case .event:
            result.title = "\(scenario.title), killed at event \(run.events.count)"
            kill = [Step(.killAtEvent(run.events.count), place: .none)]
        }
        if let start = result.steps.firstIndex(where: \.isStart) {
            result.steps.insert(contentsOf: kill, at: start + 1)
        }
        return result
    }
}

extension Journal {
    /// What the container did of itself, from its first start on.
    fileprivate var ownEvents: [Event] {
        events.filter { event in
            switch event.kind {
            case .said(.hello, _): false
            case .said, .kernel(.forked), .kernel(.executed), .kernel(.exited): true
            default: false
            }
        }
    }

    /// Up to the first SIGKILL that was sent.
    var untilKill: Journal {
        let kill = events.first { if case .runtime(.sent(.kill, _)) = $0.kind { true } else { false } }
        return kill.map { until($0.instant) } ?? self
    }

    /// Whether it ends with a SIGKILL that was sent.
    var isCut: Bool { events.contains { if case .runtime(.sent(.kill, _)) = $0.kind { true } else { false } } }

    /// Without what its being taken away has brought.
    fileprivate var untilRemoval: Journal {
        let removal = events.first { if case .runtime(.removed) = $0.kind { true } else { false } }
        return removal.map { until($0.instant) } ?? self
    }

    /// What an event was, without the numbers of processes, which are others in each run.
    fileprivate func name(_ event: Event) -> String {
        switch event.kind {
        case .said(.ran(let step), _): "step \(step)"
        case .said(.initialised, _): "initialised"
        case .said(.executes(let program), _): "about to become \(program)"
        case .said(let word, _): "\(word)"
        case .kernel(.forked): "fork"
        case .kernel(.executed(_, let path)): "exec of \(path)"
        case .kernel(.exited): "exit"
        default: ""
        }
    }

    /// How many events the container has had of itself.
    var ownEventCount: Int { ownEvents.count }
}

extension Step {
    /// A start, whether or not it is waited for.
    fileprivate var isStart: Bool { action == .start || action == .beginStart }
}
