import Expectations
import Journal
import Language
import Model
import Vocabulary

/// A recorded run, judged by what another scenario expects of the same steps.
///
/// What an expectation is put to is what was known when the recorded run went on from its place: the next step began, or the run was
/// over. What the recorded run asked there itself is asked of the same moment. Where it was not watched for as long as an expectation wants, the
/// verdict is an error, not a failure.
public struct Rejudgement {
    /// Why a recorded run cannot be judged by a scenario.
    public struct Mismatch: Error, CustomStringConvertible {
        public let description: String
    }

    private let recorded: RunResult
    private let scenario: Scenario
    /// The steps that are no expectations, by their places in both.
    private let acts: [(old: Int, new: Int)]

    /// - Throws: `Mismatch` where more than the expectations is not the same.
    public init(_ recorded: RunResult, by scenario: Scenario) throws(Mismatch) {
        func refuse(_ reason: String) -> Mismatch { Mismatch(description: "\(scenario.place): \(reason)") }
        if !recorded.parts.isEmpty { throw refuse("the recorded run is one of several containers") }
        let all = recorded.scenario.steps + scenario.steps
        if all.contains(where: { $0.action.block != nil }) { throw refuse("it has a block of steps") }
        var (one, other) = (recorded.scenario, scenario)
        (one.steps, other.steps) = ([], [])
        (one.tags, one.summary) = (other.tags, other.summary)
        if one != other { throw refuse("its setup is not that of the recorded run") }
        let old = recorded.scenario.steps.indices.filter { !recorded.scenario.steps[$0].isExpectation }
        let new = scenario.steps.indices.filter { !scenario.steps[$0].isExpectation }
        let differing = zip(old, new).first { recorded.scenario.steps[$0].action != scenario.steps[$1].action }
        if let (before, now) = differing {
            throw refuse(
                "its steps are not those of the recorded run: '\(scenario.steps[now].text)' in place of '\(recorded.scenario.steps[before].text)'"
            )
        }
        if old.count != new.count {
            throw refuse("it has \(new.count) steps that are no expectations, the recorded run \(old.count)")
        }
        (self.recorded, self.scenario, acts) = (recorded, scenario, Array(zip(old, new)))
    }

    /// The same run with another verdict.
    public var result: RunResult {
        switch recorded.verdict {
        case .notApplicable, .error: return recorded
        case .passed, .failed, .flaky: break
        }
        let (journal, unknown) = marked
        var verdict =
            unknown.map { Verdict.error($0) } ?? Expectations.verdict(on: scenario, journal, interruption: interruption)
        // That it has passed, too, is not in this journal.
        if case .flaky = recorded.verdict, case .failed(let failures) = verdict { verdict = .flaky(failures) }
        var result = RunResult(
            initName: recorded.initName, command: recorded.command, scenario: scenario, runtime: recorded.runtime,
            verdict: verdict, duration: recorded.duration, journal: journal, sweeps: recorded.sweeps)
        (result.known, result.isFlakinessBad, result.number) = (
            recorded.known, recorded.isFlakinessBad, recorded.number
        )
        return result
    }

    /// Why the recorded run ended before its last step, at the place that this has here.
    private var interruption: Failure? {
        let failures: [Failure]
        switch recorded.verdict {
        case .failed(let list), .flaky(let list): failures = list
        case .passed, .notApplicable, .error: return nil
        }
        return failures.interruption.map { failure in
            let act = acts.first { recorded.scenario.steps[$0.old].place == failure.place }
            return Failure(
                place: act.map { scenario.steps[$0.new].place } ?? failure.place, failure.question,
                observed: failure.observed, evidence: failure.evidence)
        }
    }

    /// The events with the marks of this scenario's steps; and why one of them cannot be answered, if so.
    private var marked: (Journal, unknown: String?) {
        let old = recorded.journal
        let placesOfActs = Dictionary(uniqueKeysWithValues: acts.map { ($0.old, $0.new) })
        var result = Journal(witness: old.witness)
        result.origin = old.origin
        var began: [Int: MonotonicInstant] = [:]
        var asked: [Int: MonotonicInstant] = [:]
        for event in old.events {
            switch event.kind {
            case .mark(.stepBegan(let step)):
                guard let place = placesOfActs[step] else { continue }
                began[place] = event.instant
                result.append(Event(at: event.instant, .mark(.stepBegan(place))))
            case .mark(.asked(let step)):
                asked[step] = event.instant
                if let place = placesOfActs[step] {
                    result.append(Event(at: event.instant, .mark(.asked(step: place))))
                }
            case .mark(.timeIsOver(let step)):
                if let place = placesOfActs[step] {
                    result.append(Event(at: event.instant, .mark(.timeIsOver(step: place))))
                }
            default: result.append(event)
            }
        }
        let end =
            old.events.last { $0.kind == .runtime(.removed) }?.instant ?? old.events.last?.instant
            ?? MonotonicInstant(nanoseconds: 0)
        var unknown: String?
        for place in scenario.steps.indices where scenario.steps[place].isExpectation {
            guard case .expect(let expectation) = scenario.steps[place].action else { continue }
            let gap = acts.count { $0.new < place }
            // The run ended before this was asked.
            if gap > 0, began[acts[gap - 1].new] == nil { continue }
            let from = gap > 0 ? began[acts[gap - 1].new] ?? end : old.events.first?.instant ?? end
            let next = gap < acts.count ? began[acts[gap].new] : nil
            let first = gap > 0 ? acts[gap - 1].old + 1 : 0
            let last = gap < acts.count ? acts[gap].old : recorded.scenario.steps.count
            let same = (first..<last).first { recorded.scenario.steps[$0].action == scenario.steps[place].action }
            if interruption != nil, next == nil, same.flatMap({ asked[$0] }) == nil { continue }
            let moment = same.flatMap { asked[$0] } ?? next ?? (first..<last).compactMap { asked[$0] }.max() ?? end
            result.append(Event(at: moment, .mark(.asked(step: place))))
            if same == nil, unknown == nil {
                unknown = reasonNotToKnow(expectation, JournalView(old.until(moment)), moment.duration(since: from)).map
                {
                    "\(scenario.steps[place].place): \(expectation): \($0)"
                }
            }
        }
        return (result, unknown)
    }

    /// Why the answer of a moment is not the answer to a question that takes time; nil: it is.
    private func reasonNotToKnow(_ expectation: Expectation, _ view: JournalView, _ watched: Duration) -> String? {
        let answer = view.judge(expectation).answer
        if let within = expectation.within, answer == .no, watched < within {
            return "it did not happen in the \(watched.rounded) that were recorded, and it may take \(within.text)"
        }
        if let duration = expectation.duration, answer == .yes, watched < duration {
            return "the recorded run was watched for \(watched.rounded), and it must stay so for \(duration.text)"
        }
        return nil
    }
}

extension Step {
    fileprivate var isExpectation: Bool { if case .expect = action { true } else { false } }
}

extension RunReport {
    /// Judges runs by what the scenarios of the same titles expect.
    ///
    /// - Returns: how many were, and why others could not be.
    public mutating func judge(by scenarios: [Scenario]) -> (count: Int, mismatches: [Rejudgement.Mismatch]) {
        let byTitle = Dictionary(grouping: scenarios, by: \.title)
        var count = 0
        var mismatches: [Rejudgement.Mismatch] = []
        for index in results.indices {
            // Of those of one title, the first that fits.
            var refusals: [Rejudgement.Mismatch] = []
            for scenario in byTitle[results[index].scenario.title] ?? [] {
                do {
                    results[index] = try Rejudgement(results[index], by: scenario).result
                    count += 1
                    refusals = []
                    break
                } catch {
                    refusals.append(error)
                }
            }
            mismatches += refusals
        }
        return (count, mismatches)
    }
}
