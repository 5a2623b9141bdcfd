import Expectations
import Journal
import Kernel
import Model
import Reports
import Runtimes
import Vocabulary

/// A block of steps that is carried out once for each moment of a container's life, side by side, each in a container and on volumes
/// of its own, which is disturbed at that moment.
struct Sweep {
    let session: Session
    let scenario: Scenario
    let profile: InitProfile
    let plan: SweepPlan
    /// Its block.
    let steps: [Step]
    let place: SourcePlace
    let speed: Double
    let rules: RuntimeRules

    /// One of its runs, and what it has shown.
    private struct Run {
        let moment: Appointment.Moment
        /// What there had been of the container's own doing when the disturbance came.
        let events: [String]
        let outcome: SweepOutcome.Run
        let result: RunResult
    }

    /// How many of its runs go on at once: they mostly wait.
    private static let atOnce = 24

    /// Carries it out. Blocks until all its runs are over.
    ///
    /// - Returns: what came of each moment, what failed, and one of the runs that did.
    /// - Throws: `CannotRun`, also where one of the runs could not be judged.
    func run() throws -> (outcome: SweepOutcome, failure: Failure?, example: RunResult?) {
        let runs: [Run]
        var missed: [Int] = []
        let count: Int
        switch plan.moments {
        case .range(let from, let to, let interval):
            let times = Array(sequence(first: from) { $0 + interval <= to ? $0 + interval : nil })
            count = times.count
            let chosen = times.sampled(atMost: session.sweepOptions.limit).map(Appointment.Moment.time)
            runs = try self.runs(at: chosen, atOnce: Sweep.atOnce)
        case .everyEvent: (runs, missed, count) = try disturbAtEvents()
        }
        let limit = session.sweepOptions.limit
        // A run in which nothing was done shows nothing of what it would have done.
        let failed = runs.filter(\.result.isBad)
        let bad = failed.filter { !$0.outcome.cameTooLate } + failed.filter(\.outcome.cameTooLate)
        let (reproduction, example) = bad.isEmpty ? (nil, nil) : try reproducible(bad)
        let outcome = SweepOutcome(
            place: place, plan: plan, runs: runs.map(\.outcome), missed: missed, attempts: Sweep.attempts,
            sample: count > limit ? .init(taken: limit, of: count) : nil, reproduction: reproduction)
        return (outcome, try failure(of: outcome, bad), example)
    }

    /// A run for each of these moments.
    private func runs(at moments: [Appointment.Moment], atOnce: Int) throws -> [Run] {
        let jobs = moments.map {
            Session.Job(
                sped: single(at: $0), profile, speed: speed, rules: rules,
                appointment: Appointment(disturbance: plan.disturbance, moment: $0, life: plan.life))
        }
        let progress = session.sweepOptions.progress(of: scenario.title, jobs.count)
        let results = try session.runParts(jobs, of: scenario, atOnce: atOnce) { _ in progress() }
        if results.count < jobs.count { throw CannotRun(reason: "interrupted", remedy: "") }
        for result in results {
            if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        }
        return zip(moments, results).map { run($0, $1) }
    }

    /// The block as a scenario of its own.
    private func single(at moment: Appointment.Moment) -> Scenario {
        var result = scenario
        result.steps = steps
        if case .time(let time) = moment { result.title += " (\(plan.disturbance.participle) after \(time.text))" }
        return result
    }

    // MARK: - At every event

    /// How long a run that nothing disturbs is watched: until nothing has come of it for a while.
    private static let quiet = Duration.milliseconds(500)
    private static let watchLimit = Duration.seconds(10)
    /// What has had more is never quiet.
    private static let eventLimit = 20_000

    /// How often it is tried to disturb after an event and before the next.
    private static let attempts = 6
    /// They watch closely: more of them would be in each other's way.
    private static let atOnceWatching = 2

    /// Disturbs after each event of a run that nothing disturbs; each state of the work in which a disturbance came counts once.
    ///
    /// - Returns: in the order of the events; the numbers of those that were always followed by the next too soon; and the number of events.
    private func disturbAtEvents() throws -> (runs: [Run], missed: [Int], count: Int) {
        let count = try countEvents()
        if count == 0, !session.witness.seesSignals {
            throw CannotRun(
                reason: "\(place): no event was seen, and without a trace that says nothing",
                remedy: "mount a tracefs, or sweep a range of times")
        }
        let chosen = Array(1..<(count + 1)).sampled(atMost: session.sweepOptions.limit)
        var missed = chosen
        var all: [Run] = []
        for _ in 0..<Sweep.attempts where !missed.isEmpty {
            all += try runs(at: missed.map(Appointment.Moment.event), atOnce: Sweep.atOnceWatching)
            // Where PID 1 had ended before, it will have ended the next time, too.
            missed.removeAll { number in
                all.contains { $0.events.count == number || $0.moment == .event(number) && $0.outcome.cameTooLate }
            }
        }
        // Of runs that were disturbed in the same state of the work, one that failed says more.
        var states: Set<[String]> = []
        let distinct = (all.filter(\.result.isBad) + all.filter { !$0.result.isBad }).filter {
            states.insert($0.events).inserted
        }
        return (distinct.sorted { $0.events.count < $1.events.count }, missed, count)
    }

    /// The number of events that a run has that nothing disturbs, from the start on until it is quiet.
    private func countEvents() throws -> Int {
        guard let start = steps.start(plan.life) else { return 0 }
        var undisturbed = scenario
        undisturbed.steps = Array(steps[...start])
        let run = ScenarioRun(
            Session.Job(sped: undisturbed, profile, speed: speed, rules: rules), in: session)
        var count = 0
        let result = run.run { run in
            let deadline = MonotonicInstant.now.advanced(by: Sweep.watchLimit)
            var quietFrom = MonotonicInstant.now
            let own = OwnEventCount(since: run.startedAt)
            try run.pump(until: deadline, watchingKernel: true) {
                let now = own.count(in: run.journal)
                if now > count { (count, quietFrom) = (now, .now) }
                return now > Sweep.eventLimit || MonotonicInstant.now.duration(since: quietFrom) > Sweep.quiet
            }
        }
        if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        return count
    }

    // MARK: - What came of it

    private func run(_ moment: Appointment.Moment, _ result: RunResult) -> Run {
        var names: [String] = []
        var counts: [String: Int] = [:]
        for event in result.journal.events {
            guard case .said(.ran(let name), _) = event.kind else { continue }
            if counts[name] == nil { names.append(name) }
            counts[name, default: 0] += 1
        }
        // Where nothing was done, no event is the one before it.
        var events: [String] = []
        if let disturbed = result.disturbed, let came = disturbed.came {
            events = result.journal.ownEvents(from: disturbed.began, to: came).map(result.journal.name)
        }
        let isLate = result.disturbed?.came == nil
        let when: SweepOutcome.Moment =
            switch moment {
            case .time(let time): .time(time)
            case .event(let asked): .event(isLate ? asked : events.count, what: events.last)
            }
        var failure: Failure?
        if case .failed(let failures) = result.verdict { failure = failures.first }
        let outcome = SweepOutcome.Run(
            when, cameTooLate: isLate, steps: names.map { .init($0, counts[$0] ?? 0) }, hasFailed: result.isBad,
            failure: failure,
            lastWords: result.isBad ? result.journal.events.printedLines.last { !$0.text.isEmpty }?.text : nil)
        return Run(moment: moment, events: events, outcome: outcome, result: result)
    }

    private func failure(of outcome: SweepOutcome, _ bad: [Run]) throws -> Failure? {
        func failure(_ observed: String) -> Failure {
            Failure(place: place, .moments(outcome.runs.count), observed: observed)
        }
        guard let first = bad.first, let reason = first.outcome.failure else {
            // What can never fail proves nothing.
            return outcome.runs.allSatisfy(\.cameTooLate)
                ? failure("at none of them was there anything to be \(plan.disturbance.participle)") : nil
        }
        let words =
            "\(bad.count) failed; \(plan.disturbance.participle) after \(first.outcome.moment): \(reason.expected): "
            + reason.observed
        guard bad.count == outcome.runs.count else { return failure(words) }
        var undisturbed = scenario
        undisturbed.steps = steps
        let alone = try session.runParts(
            [Session.Job(sped: undisturbed, profile, speed: speed, rules: rules)], of: scenario, atOnce: 1)
        let failsAlone = alone.first.map { if case .failed = $0.verdict { true } else { false } } ?? false
        return failure(words + (failsAlone ? "; the block fails undisturbed, too" : ""))
    }

    /// How often a reproduction is tried before it is printed, and how many are.
    private static let trials = 5
    private static let candidates = 6

    /// The first that fails each time that it is made again, else the one that does most often: between two events a program may have
    /// done its work or not.
    private func reproducible(_ bad: [Run]) throws -> (SweepOutcome.Reproduction, example: RunResult) {
        var example = bad[0].result
        var best = SweepOutcome.Reproduction(scenario(of: bad[0]), failures: -1, trials: Sweep.trials)
        for run in bad.prefix(Sweep.candidates) {
            let again = scenario(of: run)
            let jobs = Array(
                repeating: Session.Job(sped: again, profile, speed: speed, rules: rules), count: Sweep.trials)
            let failed = try session.runParts(jobs, of: scenario, atOnce: Sweep.atOnceWatching).filter { result in
                if case .failed = result.verdict { true } else { false }
            }
            if failed.count > best.failures {
                best = .init(again, failures: failed.count, trials: Sweep.trials)
                example = failed.first ?? example
            }
            if failed.count == Sweep.trials { break }
        }
        return (best, example)
    }

    /// One of its runs as a scenario of its own, to see it again.
    private func scenario(of run: Run) -> Scenario {
        var result = run.result.scenario
        let disturbance = plan.disturbance
        let steps: [Step]
        // A run that was not disturbed fails by itself.
        guard run.result.disturbed?.came != nil, let start = result.steps.start(plan.life) else { return result }
        switch run.moment {
        case .time(let after):
            result.title = "\(scenario.title), \(disturbance.participle) after \(after.text)"
            steps = [Step(.wait(after), place: .none), Step(disturbance.action, place: .none)]
        case .event:
            result.title = "\(scenario.title), \(disturbance.participle) at event \(run.events.count)"
            steps = [Step(.atEvent(run.events.count, disturbance), place: .none)]
        }
        result.steps.insert(contentsOf: steps, at: start + 1)
        return result
    }
}

extension [Step] {
    /// The place of the step that starts the container for this time.
    fileprivate func start(_ number: Int) -> Int? {
        let starts = indices.filter { self[$0].startsContainer }
        return starts.count >= number ? starts[number - 1] : nil
    }
}

extension Array {
    /// At most this many of them, at equal distances, the first and the last included.
    fileprivate func sampled(atMost limit: Int) -> [Element] {
        guard count > limit, limit > 0 else { return self }
        return (0..<limit).map { self[limit == 1 ? 0 : $0 * (count - 1) / (limit - 1)] }
    }
}

extension Journal {
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
}
