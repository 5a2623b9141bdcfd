import Journal
import Model
import Vocabulary

/// The answer of a journal to a question.
public struct Judgement: Sendable {
    public enum Answer: Hashable, Sendable {
        case yes
        case no
        /// The witness has not seen what it would take to tell.
        case unknown(String)
    }

    public let answer: Answer
    /// What was so, in one sentence.
    public let observed: String
    /// The events that prove it.
    public let evidence: [Event]
    /// There is nothing that the question could be about: neither it nor its opposite holds.
    public private(set) var isVoid = false

    init(_ holds: Bool, _ observed: String, _ evidence: [Event] = []) {
        answer = holds ? .yes : .no
        self.observed = observed
        self.evidence = evidence
    }

    init(void observed: String, _ evidence: [Event] = []) {
        self.init(false, observed, evidence)
        isVoid = true
    }

    init(unknown reason: String) {
        answer = .unknown(reason)
        observed = reason
        evidence = []
    }
}

extension JournalView {
    /// The answer to a condition; pure: the same journal, the same answer.
    public func judge(_ condition: Condition) -> Judgement {
        if start == nil, case .startFailed(let stage, let code)? = startFailure {
            return judgeWithoutStart(condition, stage: stage, code: code)
        }
        if let lost = lostEvents, condition.kind.needsKernelEvents {
            return Judgement(unknown: "the witness lost \(lost) events")
        }
        if !journal.witness.seesSignals, condition.kind.needsSignals {
            return Judgement(unknown: "the witness, \(journal.witness), cannot see signals")
        }
        let judgement = answer(to: condition)
        // That a program is ready, its exec tells.
        if let lost = lostEvents, case .ready = condition, judgement.answer == .no {
            return Judgement(unknown: "the witness lost \(lost) events")
        }
        // Who somebody is, it has said itself; where words were lost, who was not heard of may have spoken.
        if judgement.answer == .no, !condition.parties.isEmpty, hasLostWords {
            return Judgement(unknown: "not everything that services said was kept: \(judgement.observed)")
        }
        return judgement
    }

    private var hasLostWords: Bool {
        journal.events.contains {
            if case .dropped(_, of: "service reports") = $0.kind { true } else { false }
        }
    }

    private func answer(to condition: Condition) -> Judgement {
        switch condition {
        case .ready(let parties): ready(parties)
        case .stopped(let first, let second): stopped(first, before: second)
        case .received(let parties, let signal, let times, let sender):
            received(parties, signal, times: times, from: sender)
        case .receivedNothing(let parties): receivedNothing(parties)
        case .nobodyKilled: nobodyKilled()
        case .killed(let parties): killed(parties)
        case .exitCode(let code): exitCode(code)
        case .exitSignal(let signal): exitSignal(signal)
        case .zombies(let count): zombies(count)
        case .orphansReaped: orphansReaped()
        case .noProcessesLeft: noProcessesLeft()
        case .state(let state): self.state(state)
        case .outputContains(let text): output(inOrder: [text])
        case .outputInOrder(let texts): output(inOrder: texts)
        case .stopTook(let bound): stopTook(bound)
        case .file(let path, let state): file(path, state)
        case .data(let path, let state): data(path, state)
        case .execExit(let code): execExit(code)
        case .restarts(let count): restarts(count)
        case .restartDelays(let delays): restartDelays(delays)
        case .markerWrittenOnce(let path): markerWrittenOnce(path)
        case .markerUnchanged(let path): markerUnchanged(path)
        case .initialised(let times): initialised(times: times)
        case .stepRan(let step, let times): ran(step, times: times)
        }
    }

    /// The answer to an expectation at the end of the journal, its `no` included.
    public func judge(_ expectation: Expectation) -> Judgement {
        guard expectation.isNegated else { return judge(expectation.condition) }
        // `no a, b ready`: neither of them.
        let opposites = expectation.condition.each.map { condition -> Judgement in
            let judgement = judge(condition)
            if judgement.isVoid || judgement.answer != .yes && judgement.answer != .no { return judgement }
            return Judgement(judgement.answer == .no, judgement.observed, judgement.evidence)
        }
        return opposites.first { $0.answer != .yes } ?? opposites[0]
    }

    private var startFailure: RuntimeEvent? {
        for event in journal.events {
            if case .runtime(let fact) = event.kind, case .startFailed = fact { return fact }
        }
        return nil
    }

    private func judgeWithoutStart(_ condition: Condition, stage: String, code: Int) -> Judgement {
        if case .exitCode(let expected) = condition {
            return Judgement(expected == code, "could not start: \(stage), status \(code)")
        }
        if case .state(let state) = condition { return self.state(state) }
        return Judgement(void: "PID 1 could not be started: \(stage)")
    }

    private var lostEvents: Int? {
        let count = journal.events.reduce(0) { sum, event in
            if case .kernel(.lost(let count)) = event.kind { sum + count } else { sum }
        }
        return count > 0 ? count : nil
    }
}

extension Condition {
    /// The same of each of its parties alone; what is not said of parties, itself.
    fileprivate var each: [Condition] {
        switch self {
        case .ready(let parties): parties.map { .ready([$0]) }
        case .received(let parties, let signal, let times, let sender):
            parties.map { .received([$0], signal, times: times, from: sender) }
        case .receivedNothing(let parties): parties.map { .receivedNothing([$0]) }
        case .killed(let parties): parties.map { .killed([$0]) }
        default: [self]
        }
    }
}

extension Condition.Kind {
    /// Whether the answer rests on signals that the kernel has seen.
    public var needsSignals: Bool {
        switch self {
        case .received, .receivedNothing, .nobodyKilled, .killed: true
        default: false
        }
    }

    /// Whether the answer rests on events of the witness: it may change without a word, and a lost one makes it uncertain.
    public var needsKernelEvents: Bool {
        switch self {
        case .ready, .exitCode, .exitSignal, .state, .outputContains, .outputInOrder, .stopTook, .fileExists,
            .fileContains,
            .fileMatches, .fileOwner, .fileMode, .data, .execExit, .restarts, .markerWrittenOnce, .markerUnchanged,
            .initialised, .stepRan:
            false
        default: true
        }
    }

    /// Whether the processes must be counted at the moment of asking.
    public var needsCensus: Bool {
        switch self {
        case .zombies, .orphansReaped, .noProcessesLeft: true
        default: false
        }
    }
}
