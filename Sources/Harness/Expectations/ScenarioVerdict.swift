import Journal
import Model
import Vocabulary

/// The verdict on a whole run: each expectation put to the journal as it stood when it was asked.
///
/// An expectation that was never asked, because the run ended before, is not held against the init: the reason why the
/// run ended is, and must be in `interruption`.
///
/// - Parameter isWhole: whether each question of the scenario must have been asked; not so of one of several containers.
public func verdict(
    on scenario: Scenario, _ journal: Journal, interruption: Failure?, isWhole: Bool = true
) -> Verdict {
    if let refusal = refusal(in: scenario, journal) { return .error(refusal) }
    var failures: [Failure] = []
    var asked: Set<Int> = []
    var failed: Set<Int> = []
    var index = JournalIndex(witness: journal.witness)
    /// When the time of a question was over that was asked again later.
    var overAt: [Int: MonotonicInstant] = [:]
    let lateness = JournalView.lateness(in: journal)
    func tooSlow(_ place: SourcePlace, _ words: String) -> Verdict {
        .error("\(place): \(tooSlowToJudge): \(words)\(lateness.map { "; " + $0.words } ?? "")")
    }
    for event in journal.events {
        if case .mark(.timeIsOver(let number)) = event.kind { overAt[number] = event.instant }
        guard case .mark(.asked(let number)) = event.kind, scenario.steps.indices.contains(number) else { continue }
        asked.insert(number)
        let step = scenario.steps[number]
        guard let expectation = step.question else { continue }
        let known = journal.until(event.instant)
        index.take(in: known)
        let view = JournalView(known, index)
        let judgement = view.judge(expectation)
        if let over = overAt.removeValue(forKey: number),
            JournalView(journal.until(over)).judge(expectation).answer != judgement.answer
        {
            return tooSlow(
                step.place, "\(expectation): the answer was another one when its time was over: \(judgement.observed)")
        }
        switch judgement.answer {
        case .yes:
            if case .stopTook(.atLeast(let limit)) = expectation.condition, !expectation.isNegated,
                view.mightHaveStopped(before: limit, in: journal)
            {
                return tooSlow(step.place, "\(expectation): \(judgement.observed)")
            }
        case .unknown(let reason): return .error("\(step.place): \(expectation): \(reason)")
        // Of a step that is repeated, the first time that it failed.
        case .no where view.mightHaveStopped(expectation, in: journal):
            return tooSlow(step.place, "\(expectation): \(judgement.observed)")
        case .no where failed.insert(number).inserted:
            failures.append(failure(of: number, in: scenario, judgement, view))
        case .no: continue
        }
    }
    if let interruption {
        // A `wait for` that failed has its say already.
        if !failures.contains(where: { $0.place == interruption.place }) { failures.append(interruption) }
    } else if isWhole,
        let forgotten = scenario.steps.indices.first(where: {
            scenario.steps[$0].question != nil && !asked.contains($0)
        })
    {
        return .error("\(scenario.steps[forgotten].place): the run ended before this was asked")
    }
    if JournalView.hasEndedOverdue(in: journal) {
        return tooSlow(scenario.place, "PID 1 ended after the runtime's next act was due, and before it came")
    }
    return verdict(on: scenario, failures, [journal])
}

/// The verdict where these expectations did not hold: unknown where the machine was so late that it may be why.
///
/// - Parameter journals: one for each container.
public func verdict(on scenario: Scenario, _ failures: [Failure], _ journals: [Journal]) -> Verdict {
    guard let first = failures.first else { return .passed }
    for journal in journals where scenario.mayHaveComeTooLate(journal) {
        let lateness = JournalView.lateness(in: journal).map { "; " + $0.words } ?? ""
        return .error("\(first.place): \(tooSlowToJudge): \(first.expected): \(first.observed)\(lateness)")
    }
    return .failed(failures)
}

/// What the reason of a verdict begins with that a busy machine has kept from being found.
public let tooSlowToJudge = "too slow to judge"

/// What part of a scenario's time a machine may be late.
let toleratedLateness = 0.5

/// What a fake service was told to do and cannot: the scenario's fault, and never the init's.
private func refusal(in scenario: Scenario, _ journal: Journal) -> String? {
    let refusals = journal.events.compactMap {
        event -> (what: String, speaker: ProcessID, instant: MonotonicInstant)? in
        guard case .said(.cannot(let what), let speaker) = event.kind else { return nil }
        return (what, speaker, event.instant)
    }
    guard let first = refusals.first else { return nil }
    let view = JournalView(journal)
    // A process that is no fake, as the trace knows, says what it likes.
    guard view.isOfFake(first.speaker, at: first.instant), let index = view.index(of: first.speaker, at: first.instant)
    else { return nil }
    let name = view.tree.processes[index].name ?? "a fake"
    let place = scenario.services.first { $0.name == name }?.place ?? scenario.place
    return "\(place): '\(name)' cannot \(first.what): the scenario must make that possible"
}

private func failure(of index: Int, in scenario: Scenario, _ judgement: Judgement, _ view: JournalView) -> Failure {
    let step = scenario.steps[index]
    return Failure(
        place: step.place, step.failedQuestion ?? .continuation,
        observed: judgement.observed + view.noteOfEnd(notSaidIn: step.condition),
        evidence: view.evidence(
            judgement.evidence, and: view.printedSince(view.beginOfAction(before: index, in: scenario))))
}

/// A run that ended at a step, because what the step is about was not so.
public func interruption(at index: Int, of scenario: Scenario, _ journal: Journal, observed: String) -> Failure {
    let view = JournalView(journal)
    let step = scenario.steps[index]
    return Failure(
        place: step.place, .continuation,
        observed: observed + view.noteOfEnd(notSaidIn: step.condition ?? .nobodyKilled),
        evidence: view.evidence(
            view.end.map { [$0.event] } ?? [], and: view.printedSince(view.beginOfAction(before: index, in: scenario))))
}

extension JournalView {
    /// How many events prove a failure at most, and how many lines that were printed meanwhile go with them.
    private static let evidenceLimit = (proofs: 8, printed: 6)

    /// The few events that prove a failure, each once, in the order of time, and what was printed.
    func evidence(_ proofs: [Event], and printed: [Event] = []) -> [Evidence] {
        var seen: Set<Event> = []
        let proofs = proofs.filter { seen.insert($0).inserted }.sorted { $0.instant < $1.instant }
            .prefix(JournalView.evidenceLimit.proofs)
        let more = printed.filter { seen.insert($0).inserted }.suffix(JournalView.evidenceLimit.printed)
        return (proofs + more).sorted { $0.instant < $1.instant }.map { Evidence($0) }
    }

    /// When the last step began that is no question, up to this one: what it brought about explains the answer.
    func beginOfAction(before index: Int, in scenario: Scenario) -> MonotonicInstant {
        let action = scenario.steps[...index].lastIndex { $0.question == nil && !$0.isRepetition } ?? 0
        let begin = journal.events.last {
            if case .mark(.stepBegan(let step)) = $0.kind { step <= action } else { false }
        }
        return begin?.instant ?? start ?? MonotonicInstant(nanoseconds: 0)
    }

    /// What PID 1 and the services printed from a moment on.
    func printedSince(_ instant: MonotonicInstant) -> [Event] {
        printedLines().filter { $0.event.instant >= instant && !$0.text.isEmpty }.map(\.event)
    }

    /// "; PID 1 exited 7, 12 ms after its start", where it has ended by itself and the answer does not say so already.
    func noteOfEnd(notSaidIn condition: Condition?) -> String {
        switch condition?.kind {
        case .exitCode, .exitSignal, .state, .stopTook, .noProcessesLeft, .restarts, nil: return ""
        default: break
        }
        guard let end, !isEndAskedFor else { return "" }
        guard case .runtime(.exited(let status, _)) = end.event.kind else { return "" }
        let started = presentRuntimeEvents.first { if case .runtime(.started) = $0.kind { true } else { false } }
        let life = started.map { ", \(end.event.instant.duration(since: $0.instant).rounded) after its start" } ?? ""
        return "; \(tree.mainProcess) \(status)\(life)"
    }
}

extension Step {
    fileprivate var isRepetition: Bool { if case .repeated = action { true } else { false } }

    /// What is put to the journal, if it is a question.
    fileprivate var question: Expectation? {
        switch action {
        case .expect(let expectation): expectation
        case .waitFor(let condition, let isNegated, let limit):
            Expectation(condition, isNegated: isNegated, within: limit)
        default: nil
        }
    }

    /// The same as a failure names it.
    fileprivate var failedQuestion: Failure.Question? {
        if case .waitFor = action { return question.map(Failure.Question.waitFor) }
        return question.map(Failure.Question.expect)
    }
}
