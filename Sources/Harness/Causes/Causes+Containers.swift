import Expectations
import Journal
import Model
import Vocabulary

/// What a container of unknown content may do wrong: for `harness check`, which knows nothing of its services.
extension Cause {
    /// What keeps a stop from ending it.
    public static let ofContainersStops: [Cause] = ofSignals + ofStopping + [staysAfterItsHandler]
    /// What it ends with.
    public static let ofContainersEnds: [Cause] = ofEnds + [failsWhenStopped]
    /// Why it does not come up again.
    public static let ofContainersStarts: [Cause] = [doesNotStartAgain] + ofEntrypoints + [staysDown]

    private static let staysAfterItsHandler = Cause(
        "stays-after-its-handler", "PID 1 catches the stop signal, and does not end",
        remedy: "let the handler end it: tell the children, wait for them, exit; all within the grace period"
    ) { life, _ in
        guard let request = life.stopRequest, let killed = life.graceExpired else { return nil }
        let handler = life.events.first { event in
            if case .kernel(.delivered(let signal, life.process(life.root).pid, hasHandler: true)) = event.kind {
                event.instant >= request.at && life.stopSignals.contains(signal)
            } else {
                false
            }
        }
        return handler.map { [request.event, $0, killed] }
    }

    private static let failsWhenStopped = Cause(
        "fails-when-stopped", "PID 1 is stopped, and ends as if it had failed",
        remedy: "end with 0, or with 128 and the signal's number, when the stop signal has come"
    ) { life, _ in
        guard let request = life.stopRequest, let end = life.end, life.endedItself, end.at >= request.at, end.code != 0
        else { return nil }
        return [request.event, end.event]
    }

    private static let staysDown = Cause(
        "stays-down", "started again it fails: what the life before has left is in its way",
        remedy:
            "see its last words; what is of one life only, a pid file, a lock, a half-done work, is to be removed or recognised at the start"
    ) { observation in
        for life in observation.lives.dropFirst() {
            guard let end = life.end, life.endedItself, end.code != 0,
                life.stopRequest.map({ $0.at > end.at }) ?? true
            else { continue }
            return life.events.filter { if case .printed = $0.kind { true } else { false } }.suffix(2) + [end.event]
        }
        return nil
    }
}
