import Expectations
import Journal
import Model
import Vocabulary

/// What PID 1 leaves around its child, and what it keeps for itself.
extension Cause {
    static let ofSurroundings: [Cause] = [
        leavesDescriptorsOpen, leavesVariablesInTheEnvironment, losesOutput, growsAtEachStart,
    ]

    private static let leavesDescriptorsOpen = Cause(
        "leaves-descriptors-open", "PID 1 leaves descriptors of its own open in its child",
        remedy: "O_CLOEXEC for whatever PID 1 opens"
    ) { observation in
        guard observation.payload.contains("/proc/self/fd") else { return nil }
        let paths = Set(observation.failedConditions.compactMap(\.path))
        return observation.looks.filter { look in
            // A list of descriptors with more in it than the standard streams and the directory that `ls` reads.
            let numbers = (look.file.status?.text ?? "").split(separator: "\n").map { Int($0) }
            return paths.contains(look.file.path) && !numbers.contains(nil) && numbers.contains { ($0 ?? 0) > 3 }
        }.map(\.event)
    }

    private static let leavesVariablesInTheEnvironment = Cause(
        "leaves-variables-in-the-environment", "PID 1 leaves variables of its own in its child's environment",
        remedy: "the environment that PID 1 was started with, and nothing more"
    ) { observation in
        guard observation.payload.contains("env "), observation.scenario.tags.contains("environment") else {
            return nil
        }
        let printed = observation.view.journal.events.printedLines
        var seen: Set<String> = []
        // The script prints all names first, and what is not to be there once more.
        return printed.filter { !seen.insert($0.text).inserted }.map(\.event)
    }

    private static let losesOutput = Cause(
        "loses-output",
        remedy: "give the child PID 1's own standard output; if PID 1 relays it, read to the end before it exits"
    ) { observations in
        var proofs: [Int: [Event]] = [:]
        // A line that is missing may never have been printed; that nothing at all comes of programs that print is PID 1's doing.
        var isShown = false
        // What one program keeps to itself, three will not.
        var silent: Set<String> = []
        for (place, observation) in observations.enumerated()
        where observation.failedConditions.contains(where: \.isAboutOutput) {
            for life in observation.lives where proofs[place] == nil {
                guard let child = life.mainChild, let executed = life.executed(child),
                    // A terminal has stopped it.
                    !life.signals.contains(where: { $0.target == child && [21, 22].contains($0.signal.rawValue) })
                else { continue }
                let printed = life.events.filter { event in
                    if case .printed(_, .stdout, _) = event.kind { true } else { false }
                }
                let hadTime =
                    life.endedItself || life.watchedUntil.duration(since: executed.instant) > .milliseconds(50)
                // What still runs may print later, and what fails may have nothing to print.
                let isOver = life.endedItself && life.end?.code == 0
                let hasFailed = life.endedItself && life.end?.code != 0
                if printed.isEmpty, hadTime, !hasFailed {
                    silent.insert(observation.payload)
                    isShown = isShown || isOver || silent.count > 2
                    proofs[place] = [executed] + (life.event(ofEnd: child).map { [$0] } ?? [])
                } else if life.endedItself, let end = life.event(ofEnd: child) {
                    proofs[place] = printed.suffix(1) + [end]
                }
            }
        }
        return isShown
            ? Found(
                sentence:
                    "what the child prints does not get out, or not the last of it",
                proofs: proofs) : nil
    }

    private static let growsAtEachStart = Cause(
        "grows-at-each-start", "each start leaves a further file behind",
        remedy: "one name for one thing, or a tmpfs for what a life alone needs"
    ) { observation in
        guard observation.lives.count > 2, observation.failedConditions == [.execExit(0)],
            // The scenario counts files, and says so by its row.
            observation.scenario.tags.contains("MI08")
        else { return nil }
        return observation.view.journal.events.filter { event in
            if case .runtime(.execEnded(_, let status, _)) = event.kind { status != .exited(0) } else { false }
        }
    }
}

extension Condition {
    fileprivate var isAboutOutput: Bool {
        switch kind {
        case .outputContains, .outputLine, .outputInOrder, .outputLinesInOrder: true
        default: false
        }
    }
}

extension Observation {
    /// The command line of the container, in one text.
    fileprivate var payload: String {
        if case .command(let words)? = scenario.settings.payload { words.joined(separator: " ") } else { "" }
    }
}
