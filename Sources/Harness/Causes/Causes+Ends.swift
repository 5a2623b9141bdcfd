import Expectations
import Journal
import Model
import Vocabulary

/// The status that PID 1 ends with.
extension Cause {
    static let ofEnds: [Cause] = [
        hangsWhenExecFails, exitsZeroWhenExecFails, exitsZero, exitsWithTheSignalNumber, exitsOne,
        exitsWithAFailureOfItsOwn,
    ]

    private static let hangsWhenExecFails = Cause(
        "hangs-when-exec-fails",
        "PID 1 goes on though its program could not be executed: nothing will ever end that it waits for",
        remedy: "end with 127 (not found) or 126 (not executable) when exec fails"
    ) { life, observation in
        guard observation.isAboutExec, let child = life.mainChild, !life.hasExecuted(child),
            let exit = life.process(child).exitedAt,
            life.children.count == 1,
            (life.end?.at ?? life.watchedUntil).duration(since: exit) > .milliseconds(500),
            !life.endedItself
        else { return nil }
        return [life.event(ofEnd: child)].compactMap(\.self)
    }

    private static let exitsZeroWhenExecFails = Cause(
        "exits-zero-when-exec-fails", "PID 1 exits 0 though its program could not be executed",
        remedy: "end with 127 (not found) or 126 (not executable) when exec fails"
    ) { life, observation in
        guard observation.isAboutExec, let child = life.mainChild, !life.hasExecuted(child),
            life.process(child).exitedAt != nil,
            life.children.count == 1, let end = life.end, end.status == .exited(0)
        else { return nil }
        return [life.event(ofEnd: child), end.event].compactMap(\.self)
    }

    private static let exitsZero = status("exits-zero", "PID 1 exits 0 even when its child has failed") { child, own in
        child != 0 && own == 0
    }

    private static let exitsWithTheSignalNumber = status(
        "exits-with-the-signal-number", "PID 1 exits n, not 128 + n, when its child dies of signal n"
    ) {
        child, own in child > 128 && own == child - 128
    }

    private static let exitsOne = status("exits-one", "PID 1 exits 1 for each status of its child but 0") {
        child, own in
        child > 1 && own == 1
    }

    private static let exitsWithAFailureOfItsOwn = status(
        "exits-with-a-failure-of-its-own", "PID 1 exits 1 though its child has exited 0"
    ) { child, own in
        child == 0 && own == 1
    }

    /// A cause that shows in the status of PID 1 beside that of its child.
    ///
    /// What a program exits with only its parent is told. Where it does not say so itself, and no signal has ended it, it is taken to be what was
    /// expected; but only where another run shows the same of a status that is known.
    private static func status(
        _ id: String, _ sentence: String, _ isSo: @escaping @Sendable (_ child: Int, _ own: Int) -> Bool
    ) -> Cause {
        Cause(id, remedy: "the child's status as its own; 128 + n when signal n ended it (as shells do)") {
            observations in
            var proofs: [Int: [Event]] = [:]
            var isShown = false
            for (place, observation) in observations.enumerated() {
                for (number, life) in observation.lives.enumerated() where proofs[place] == nil {
                    guard let end = life.end, case .exited(let own) = end.status, let child = life.mainChild,
                        let exit = life.process(child).exitedAt, exit <= end.at
                    else { continue }
                    let known = life.statusCode(of: child)
                    // A question is about the last life.
                    let isLast = number == observation.lives.count - 1
                    let expected = isLast ? observation.expectedCode.flatMap { $0 == 0 ? nil : $0 } : nil
                    guard let status = known ?? expected, isSo(status, Int(own)) else { continue }
                    if known != nil { isShown = true }
                    proofs[place] = [life.event(ofEnd: child), end.event].compactMap(\.self)
                }
            }
            return isShown ? Found(sentence: sentence, proofs: proofs) : nil
        }
    }
}

extension Observation {
    /// What failed is about a program that is not executed: nothing has become what the scenario's command names.
    fileprivate var isAboutExec: Bool {
        guard case .command(let words)? = scenario.settings.payload,
            let program = words.first?.split(separator: "/").last
        else { return false }
        return !view.journal.events.contains { event in
            if case .kernel(.executed(_, let path)) = event.kind {
                path.split(separator: "/").last == program
            } else {
                false
            }
        }
    }

    /// The status that the scenario expects and that did not come.
    var expectedCode: Int? {
        // `expect no exit 0`
        if failures.contains(where: { $0.question == .expect(Expectation(.exitCode(0), isNegated: true)) }) {
            return 127
        }
        for condition in failedConditions {
            if case .exitCode(let code) = condition { return code }
        }
        return nil
    }
}
