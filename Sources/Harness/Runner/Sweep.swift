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

    /// What one of its runs has shown.
    private struct Outcome {
        let moment: Moment
        /// What there had been of the container's own doing when the kill came.
        let events: [String]
        /// The time from the start to the kill; nil where PID 1 had ended before.
        let killedAfter: Duration?
        /// How often each step of the entrypoint ran, in the order in which they were first gone through.
        let steps: [(name: String, count: Int)]
        let result: RunResult
    }

    /// How many of its runs go on at once: they mostly wait.
    private static let atOnce = 24

    /// Carries it out. Blocks until all its runs are over.
    ///
    /// - Returns: the table of what came of it, and what failed.
    /// - Throws: `CannotRun`, also where one of the runs could not be judged.
    func run() throws -> (table: [String], failure: Failure?) {
        guard case .sweep(let times, let steps) = step.action else { return ([], nil) }
        switch times {
        case .range(let from, let to, let interval):
            let times = sequence(first: from) { $0 + interval <= to ? $0 + interval : nil }
            let outcomes = try outcomes(of: times.map(Moment.time), steps, atOnce: Sweep.atOnce)
            return (table(outcomes), try failure(outcomes))
        case .everyEvent:
            let (outcomes, missed) = try killAtEvents(steps)
            var lines = table(outcomes)
            if !missed.isEmpty {
                let events = missed.map(String.init).joined(separator: ", ")
                lines.append(
                    "not killed right behind event \(events): in \(Sweep.attempts) attempts the next came first")
            }
            return (lines, try failure(outcomes))
        }
    }

    /// What comes of killing at each of these moments.
    private func outcomes(of moments: [Moment], _ steps: [Step], atOnce: Int) throws -> [Outcome] {
        let jobs = moments.map {
            Session.Job(sped: single(steps, at: $0), profile, speed: speed, rules: rules, killAt: $0)
        }
        let results = try session.runParts(jobs, of: scenario, atOnce: atOnce)
        if results.count < jobs.count { throw CannotRun(reason: "interrupted", remedy: "") }
        for result in results {
            if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        }
        return zip(moments, results).map { outcome($0, $1) }
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
    private func killAtEvents(_ steps: [Step]) throws -> (outcomes: [Outcome], missed: [Int]) {
        var missed = (0..<(try countEvents(steps))).map { $0 + 1 }
        var all: [Outcome] = []
        for _ in 0..<Sweep.attempts where !missed.isEmpty {
            all += try outcomes(of: missed.map(Moment.event), steps, atOnce: Sweep.atOnceWatching)
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

    private func outcome(_ moment: Moment, _ result: RunResult) -> Outcome {
        var counts: [(name: String, count: Int)] = []
        var start: MonotonicInstant?
        var kill: MonotonicInstant?
        for event in result.journal.events {
            switch event.kind {
            case .said(.ran(let name), _):
                if let index = counts.firstIndex(where: { $0.name == name }) {
                    counts[index].count += 1
                } else {
                    counts.append((name, 1))
                }
            case .runtime(.started): start = start ?? event.instant
            case .runtime(.sent(.kill, _)): kill = kill ?? event.instant
            default: continue
            }
        }
        let after = start.flatMap { start in kill.map { $0.duration(since: start) } }
        return Outcome(
            moment: moment, events: result.journal.untilKill.ownEvents.map(result.journal.words), killedAfter: after,
            steps: counts, result: result)
    }

    /// A line for each stretch of moments of which the same came.
    private func table(_ outcomes: [Outcome]) -> [String] {
        var result: [String] = []
        var index = 0
        while index < outcomes.count {
            let words = description(outcomes[index])
            var end = index
            while end + 1 < outcomes.count, description(outcomes[end + 1]) == words { end += 1 }
            let first = label(outcomes[index]), last = label(outcomes[end])
            let stretch = index == end ? first : "\(first) to \(last) (\(end - index + 1))"
            result.append("killed after \(stretch): \(words)")
            index = end + 1
        }
        return result
    }

    private func label(_ outcome: Outcome) -> String {
        switch outcome.moment {
        case .time(let time): time.text
        case .event: "event \(outcome.events.count)" + (outcome.events.last.map { " (\($0))" } ?? "")
        }
    }

    private func description(_ outcome: Outcome) -> String {
        let steps = outcome.steps.map { "\($0.name) \($0.count)" }.joined(separator: ", ")
        let verdict = outcome.result.isBad ? "FAILED" : "passed"
        return "steps ran \(steps.isEmpty ? "not at all" : steps): \(verdict)"
            + (outcome.killedAfter == nil ? " (it had ended before)" : "")
    }

    private func failure(_ outcomes: [Outcome]) throws -> Failure? {
        let bad = outcomes.filter(\.result.isBad)
        guard let first = bad.first, case .failed(let failures) = first.result.verdict, let reason = failures.first
        else {
            return nil
        }
        let (shown, count) = try reproducible(bad)
        let text = scenario(of: shown).text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let remark = count == Sweep.trials ? "" : ", which failed \(count) of \(Sweep.trials) times"
        return Failure(
            place: step.place, expected: "each of \(outcomes.count) kill times to pass",
            observed:
                "\(bad.count) failed, the first killed after \(label(first)): \(reason.expected): \(reason.observed)",
            evidence: table(outcomes) + ["", "the smallest of them as a scenario\(remark):", ""] + text)
    }

    /// How often a reproduction is tried before it is printed, and how many are.
    private static let trials = 5
    private static let candidates = 6

    /// The first that fails each time that it is made again, else the one that does most often: between two events a program may have
    /// done its work or not.
    private func reproducible(_ bad: [Outcome]) throws -> (outcome: Outcome, count: Int) {
        var best = (outcome: bad[0], count: -1)
        for outcome in bad.prefix(Sweep.candidates) {
            let jobs = Array(
                repeating: Session.Job(sped: scenario(of: outcome), profile, speed: speed, rules: rules, killAt: nil),
                count: Sweep.trials)
            let count = try session.runParts(jobs, of: scenario, atOnce: Sweep.atOnceWatching).count { result in
                if case .failed = result.verdict { true } else { false }
            }
            if count > best.count { best = (outcome, count) }
            if count == Sweep.trials { break }
        }
        return best
    }

    /// One of its runs as a scenario of its own, to see it again.
    private func scenario(of outcome: Outcome) -> Scenario {
        var result = outcome.result.scenario
        let kill: [Step]
        switch outcome.moment {
        case .time(let after):
            result.title = "\(scenario.title), killed after \(after.text)"
            kill = [Step(.wait(after), place: .none), Step(.kill(.kill), place: .none)]
        case .event:
            result.title = "\(scenario.title), killed at event \(outcome.events.count)"
            kill = [Step(.killAtEvent(outcome.events.count), place: .none)]
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

    /// What an event was, whoever's numbers it bears.
    fileprivate func words(_ event: Event) -> String {
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
