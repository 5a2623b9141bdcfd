import Journal
import Model
import Vocabulary

/// The verdict on a whole run: each expectation put to the journal as it stood when it was asked.
///
/// An expectation that was never asked, because the run ended before, is not held against the init: the reason why the
/// run ended is, and must be in `interruption`.
public func verdict(on scenario: Scenario, _ journal: Journal, interruption: Failure?) -> Verdict {
    var failures: [Failure] = []
    var asked: Set<Int> = []
    for event in journal.events {
        guard case .mark(.asked(let index)) = event.kind, scenario.steps.indices.contains(index) else { continue }
        asked.insert(index)
        let step = scenario.steps[index]
        let expectation: Expectation
        switch step.action {
        case .expect(let asked): expectation = asked
        case .waitFor(let condition, let limit): expectation = Expectation(condition, within: limit)
        default: continue
        }
        let view = JournalView(journal.until(event.instant))
        let judgement = view.judge(expectation)
        switch judgement.answer {
        case .yes: continue
        case .unknown(let reason): return .error("\(step.place): \(expectation): \(reason)")
        case .no: failures.append(failure(of: step, expectation, judgement, in: view))
        }
    }
    if let interruption {
        // A `wait for` that failed has its say already.
        if !failures.contains(where: { $0.place == interruption.place }) { failures.append(interruption) }
    } else if let forgotten = scenario.steps.indices.first(where: {
        scenario.steps[$0].isQuestion && !asked.contains($0)
    }) {
        return .error("\(scenario.steps[forgotten].place): the run ended before this was asked")
    }
    return failures.isEmpty ? .passed : .failed(failures)
}

private func failure(
    of step: Step, _ expectation: Expectation, _ judgement: Judgement, in view: JournalView
) -> Failure {
    // The few lines that prove it, each once, in the order of time.
    var seen: Set<Event> = []
    let evidence = judgement.evidence.filter { seen.insert($0).inserted }.sorted { $0.instant < $1.instant }
    let word = if case .waitFor = step.action { "wait for" } else { "expect" }
    return Failure(
        place: step.place, expected: "\(word) \(expectation)", observed: judgement.observed,
        evidence: evidence.prefix(8).map(view.line))
}

extension Step {
    /// Whether it is put to the journal.
    fileprivate var isQuestion: Bool {
        switch action {
        case .expect, .waitFor: true
        default: false
        }
    }
}
