import Harness
import TestSupport

/// How a container stands after a step, as far as an engine shows it.
struct Snapshot: Equatable {
    var step: String
    var isRefused = false
    var state = ""
    /// Nil while it has not ended.
    var code: Int?
    var restarts = 0
    var took: Duration = .zero
    /// What was asked for is complete when it has been answered; otherwise the state is looked at after the next `wait`.
    var isSettled = true

    /// What differs, and by how much a duration may.
    static let tolerance = Duration.milliseconds(250)

    func differences(from real: Snapshot) -> [String] {
        var result: [String] = []
        func note<Value: Equatable>(_ what: String, _ own: Value, _ other: Value) {
            if own != other { result.append("\(step): \(what) \(own), on the engine \(other)") }
        }
        guard isSettled else { return result }
        // A policy that a stop has interrupted.
        let isInterrupted = restarts > 2 && abs(restarts - real.restarts) <= 1
        note("refused", isRefused, real.isRefused)
        let isInBackOff =
            [state, real.state].allSatisfy { ["running", "restarting", "exited"].contains($0) }
            && restarts + real.restarts > 0
        if !isInBackOff || step.hasPrefix("stop") || step.hasPrefix("kill") { note("state", state, real.state) }
        if state == real.state, state == "exited" { note("exit", code ?? -1, real.code ?? -1) }
        // While a policy goes on, how far it has come is a matter of the engine's own speed.
        if state == "exited", real.state == "exited", !isInterrupted { note("restarts", restarts, real.restarts) }
        // An engine's command takes its own time; ours takes none.
        if real.took < took - Snapshot.tolerance || real.took > took + Snapshot.tolerance + Engine.overhead {
            result.append("\(step): took \(took.rounded), on the engine \(real.took.rounded)")
        }
        return result
    }
}

/// What one run of a scenario has shown.
struct Observation {
    var snapshots: [Snapshot] = []
    /// The answers to the questions that can be put to an engine, by line.
    var answers: [Int: Bool] = [:]
    /// What each service has said, in its order: signals caught, its end.
    var words: [String: [String]] = [:]
    /// What was printed.
    var lines: [String] = []

    func differences(from real: Observation) -> [String] {
        var result = zip(snapshots, real.snapshots).flatMap { $0.differences(from: $1) }
        for (line, answer) in answers.sorted(by: { $0.key < $1.key }) {
            if let other = real.answers[line], other != answer {
                result.append(
                    "line \(line): \(answer ? "holds" : "fails"), on the engine it \(other ? "holds" : "fails")")
            }
        }
        for name in Set(words.keys).union(real.words.keys).sorted() {
            let (own, other) = (words[name] ?? [], real.words[name] ?? [])
            // What goes on may have come further.
            if !own.starts(with: other), !other.starts(with: own) {
                result.append("\(name) said \(own), on the engine \(other)")
            }
        }
        // Each life of a new container has an output of its own on an engine, and the last line may just not have been printed yet.
        // Two streams have no order.
        let (own, other) = (Set(lines), Set(real.lines))
        if own.symmetricDifference(other).count > 1 { result.append("printed \(lines), on the engine \(real.lines)") }
        return result
    }
}

extension Engine {
    /// What an engine's command takes beyond what it does: a process of the client, a request, a container made or taken away.
    static let overhead = Duration.milliseconds(900)
}

extension Observation {
    /// What the harness's own run has shown.
    init(_ result: RunResult) {
        let journal = result.journal
        var steps: [(index: Int, begin: MonotonicInstant)] = []
        for event in journal.events {
            if case .mark(.stepBegan(let index)) = event.kind { steps.append((index, event.instant)) }
        }
        for (place, step) in steps.enumerated() {
            guard let name = result.scenario.steps[step.index].action.nameOfRequest else { continue }
            let end = place + 1 < steps.count ? steps[place + 1].begin : journal.events.last?.instant ?? step.begin
            let view = JournalView(journal.until(end))
            let action = result.scenario.steps[step.index].action
            var snapshot = Snapshot(step: "\(name) (line \(result.scenario.steps[step.index].place.line))")
            snapshot.isSettled = action.isSettled
            snapshot.took = end.duration(since: step.begin)
            snapshot.state =
                Condition.State.allCases.first {
                    ![.healthy, .unhealthy].contains($0) && view.judge(.state($0)).answer == .yes
                }?.rawValue ?? ""
            snapshot.code = (0...255).first { view.judge(.exitCode($0)).answer == .yes }
            snapshot.restarts = (0...200).first { view.judge(.restarts($0)).answer == .yes } ?? 0
            snapshot.isRefused = journal.events.contains { event in
                if case .runtime(.refused) = event.kind {
                    event.instant >= step.begin && event.instant <= end
                } else {
                    false
                }
            }
            snapshots.append(snapshot)
        }
        let failed = Set(result.failedLines)
        for step in result.scenario.steps where step.condition != nil && step.place != .none {
            answers[step.place.line] = !failed.contains(step.place.line)
        }
        var names: [ProcessID: String] = [:]
        for event in journal.events {
            guard case .said(let word, let pid) = event.kind else { continue }
            switch word {
            case .hello(let name), .claimed(let name): names[pid] = name
            default: break
            }
            if let name = names[pid], let text = Observation.text(word) { words[name, default: []].append(text) }
        }
        lines = result.output
    }

    private static func text(_ word: ServiceWord) -> String? {
        switch word {
        case .caught(let signal, _): "\(signal)"
        case .finished(let code): "finished \(code)"
        case .ready: "ready"
        default: nil
        }
    }
}

extension Step.Action {
    /// What is asked of an engine.
    var nameOfRequest: String? {
        switch self {
        case .start: "start"
        case .stop: "stop"
        case .kill(let signal): "kill \(signal)"
        case .restart: "restart"
        case .recreate: "recreate"
        case .daemonRestarts: "daemon restarts"
        case .daemonCrashes: "daemon crashes"
        case .pause: "pause"
        case .resume: "resume"
        case .exec: "exec"
        case .signal(let signal, _): "signal \(signal)"
        case .crash: "crash"
        case .wait: "wait"
        default: nil
        }
    }

    /// Whether what it brings about is there when it has been answered.
    var isSettled: Bool {
        switch self {
        case .start, .restart, .resume, .signal, .crash, .daemonRestarts, .daemonCrashes: false
        case .kill(let signal): signal == .kill
        default: true
        }
    }
}
