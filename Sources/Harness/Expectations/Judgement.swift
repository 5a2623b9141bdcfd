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
        if start == nil, case .startFailed(let stage, let code)? = index.startFailure {
            return judgeWithoutStart(condition, stage: stage, code: code)
        }
        if let lost = lostEvents, condition.kind.needs.kernelEvents {
            return Judgement(unknown: "the witness lost \(lost) events")
        }
        if !journal.witness.seesSignals, condition.kind.needs.signals {
            return Judgement(unknown: "the witness, \(journal.witness), cannot see signals")
        }
        let judgement = answer(to: condition)
        if case .unknown = judgement.answer { return judgement }
        for case .service(let name) in condition.parties {
            if let index = tree.index(named: name), tree.processes[index].isNameDoubtful {
                return Judgement(
                    unknown:
                        "the witness, \(journal.witness), cannot tell whether process \(tree.processes[index].pid) is '\(name)', "
                        + "as it says")
            }
            guard let (one, other) = tree.rivals(named: name) else { continue }
            return Judgement(
                unknown:
                    "two processes are '\(name)' at once, \(tree.processes[one].pid) and \(tree.processes[other].pid): "
                    + "it is not known which is meant")
        }
        // That a program is ready, its exec tells.
        if let lost = lostEvents, case .ready = condition, judgement.answer == .no {
            return Judgement(unknown: "the witness lost \(lost) events")
        }
        // Who it is, a process says itself; where words were lost, one that was not heard of may have spoken.
        if judgement.answer == .no, !condition.parties.isEmpty, index.hasLostWords {
            return Judgement(unknown: "not everything that services said was kept: \(judgement.observed)")
        }
        return judgement
    }

    private func answer(to condition: Condition) -> Judgement {
        switch condition {
        case .ready(let parties): ready(parties)
        case .stopped(let first, let second): stopped(first, before: second)
        case .received(let parties, let signal, let times, let sender):
            received(parties, signal, times: times, from: sender)
        case .receivedNothing(let parties): receivedNothing(parties)
        case .nobodyKilled: nobodyKilled()
        case .noServiceKilled: noServiceKilled()
        case .killed(let parties): killed(parties)
        case .exitCode(let code): exitCode(code)
        case .exitSignal(let signal): exitSignal(signal)
        case .zombies(let count, let orMore): zombies(count, orMore: orMore)
        case .orphansReaped: orphansReaped()
        case .noProcessesLeft: noProcessesLeft()
        case .state(let state): self.state(state)
        case .refused(let text): refused(text)
        case .outputContains(let text, let output): printed([text], asLines: false, in: output)
        case .outputLine(let text, let output): printed([text], asLines: true, in: output)
        case .outputInOrder(let texts, let output): printed(texts, asLines: false, in: output)
        case .outputLinesInOrder(let texts, let output): printed(texts, asLines: true, in: output)
        case .stopTook(let bound): stopTook(bound)
        case .file(let path, let state): file(path, state)
        case .data(let path, let state): data(path, state)
        case .portOpen(let port): isOpen(port)
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

    private func judgeWithoutStart(_ condition: Condition, stage: String, code: Int?) -> Judgement {
        switch condition {
        case .exitCode(let expected):
            return Judgement(
                expected == code,
                "\(tree.mainProcess) could not be started: \(stage)" + (code.map { ", status \($0)" } ?? ""))
        case .state(let state): return self.state(state)
        case .refused(let text): return refused(text)
        case .restarts(let count): return restarts(count)
        default: break
        }
        return Judgement(void: "\(tree.mainProcess) could not be started: \(stage)")
    }

    var lostEvents: Int? { index.lostCount > 0 ? index.lostCount : nil }
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
    /// What an answer rests on. What a witness cannot see makes an answer unknown.
    public struct Needs: Hashable, Sendable {
        /// Events of the witness: the answer may change without a word, and a lost event makes it uncertain.
        public var kernelEvents = false
        /// Signals that the kernel has seen, and who was orphaned: without a trace the answer is unknown.
        public var signals = false
        /// The processes must be counted at the moment of asking.
        public var census = false
    }

    public var needs: Needs {
        switch self {
        case .received, .receivedNothing, .nobodyKilled, .noServiceKilled, .killed:
            Needs(kernelEvents: true, signals: true)
        case .orphansReaped: Needs(kernelEvents: true, signals: true, census: true)
        case .zombies, .noProcessesLeft: Needs(kernelEvents: true, census: true)
        case .stoppedBefore, .restartDelays: Needs(kernelEvents: true)
        case .ready, .exitCode, .exitSignal, .execExit, .state, .refused, .restarts, .outputContains, .outputLine,
            .outputInOrder,
            .outputLinesInOrder,
            .execOutput, .markerWrittenOnce, .markerUnchanged, .fileExists, .fileContains, .fileMatches, .fileOwner,
            .fileMode, .initialised, .stepRan, .data, .stopTook, .portOpen:
            Needs()
        }
    }
}
