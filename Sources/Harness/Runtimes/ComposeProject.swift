import Model
import Vocabulary

/// The services of a project as Docker Compose drives them.
///
/// The rules are those of compose 5 (pkg/compose: dependencies.go, start.go, stop.go, restart.go, down.go): read, not tried. A service is
/// started when those that it depends on are as it wants them, and stopped when those that depend on it have been; what does not depend on each other goes on
/// at the same time.
public struct ComposeProject: Ensemble, Hashable {
    private let policy: EnsemblePolicy
    private var states: [MemberState]
    private var task: Task?
    /// By place, how far the present task has come with it.
    private var progress: [Progress]

    private enum Task: Hashable {
        case start
        case stop(grace: Duration?)
        case restart(grace: Duration?)
        /// They are stopped, then removed.
        case down
    }

    private enum Progress: Hashable {
        case waiting, asked, removing, done
    }

    /// A project of which nothing runs.
    public init(_ policy: EnsemblePolicy) {
        self.policy = policy
        states = policy.members.map { _ in .created }
        progress = policy.members.map { _ in .done }
    }

    public mutating func handle(_ input: EnsembleInput, at now: MonotonicInstant) -> [EnsembleCommand] {
        switch input {
        case .asked(let request):
            task =
                switch request {
                case .start: .start
                case .stop(let grace): .stop(grace: grace)
                case .restart(let grace): .restart(grace: grace)
                case .down: .down
                }
            progress = policy.members.map { _ in .waiting }
            return goOn()
        case .answered(let place, let refusal):
            // Of a task that is over.
            guard progress[place] == .asked || progress[place] == .removing else { return [] }
            if let refusal {
                progress[place] = .done
                return giveUp("\(policy.members[place].name): \(refusal)")
            }
            if task == .down, progress[place] == .asked {
                progress[place] = .removing
                return [.ask(place, .recreate)]
            }
            progress[place] = .done
            return goOn()
        case .became(let place, let state):
            states[place] = state
            return goOn()
        }
    }

    /// Asks each for which the time has come.
    private mutating func goOn() -> [EnsembleCommand] {
        guard let task else { return [] }
        var commands: [EnsembleCommand] = []
        for place in policy.members.indices where progress[place] == .waiting {
            switch task {
            case .start, .restart:
                for dependency in policy.members[place].dependencies {
                    if let reason = failure(of: dependency) { return commands + giveUp(reason) }
                }
                guard policy.members[place].dependencies.allSatisfy(isSatisfied) else { continue }
                if case .restart(let grace) = task {
                    commands.append(.ask(place, .restart(grace: grace)))
                } else {
                    commands.append(.ask(place, .start))
                }
            case .stop, .down:
                guard dependents(of: place).allSatisfy({ progress[$0] == .done }) else { continue }
                var grace: Duration?
                if case .stop(let own) = task { grace = own }
                commands.append(.ask(place, .stop(grace: grace)))
            }
            progress[place] = .asked
        }
        guard progress.allSatisfy({ $0 == .done }) else { return commands }
        self.task = nil
        return commands + [.done]
    }

    private mutating func giveUp(_ reason: String) -> [EnsembleCommand] {
        task = nil
        return [.refuse(reason)]
    }

    private func dependents(of place: Int) -> [Int] {
        policy.members.indices.filter { policy.members[$0].dependencies.contains { $0.place == place } }
    }

    /// Whether one that is waited for is as it must be (start.go: waitDependencies).
    private func isSatisfied(_ dependency: EnsemblePolicy.Dependency) -> Bool {
        guard progress[dependency.place] == .done else { return false }
        return switch dependency.condition {
        case .started: true
        case .healthy: states[dependency.place] == .healthy
        case .completed: states[dependency.place] == .ended(code: 0)
        }
    }

    /// Why one that is waited for will never be as it must be.
    private func failure(of dependency: EnsemblePolicy.Dependency) -> String? {
        guard progress[dependency.place] == .done else { return nil }
        let name = policy.members[dependency.place].name
        switch (dependency.condition, states[dependency.place]) {
        case (_, .failedToStart): return "\(name) could not be started"
        case (.healthy, .unhealthy): return "dependency failed to start: \(name) is unhealthy"
        case (.healthy, .ended(let code)): return "dependency failed to start: \(name) exited (\(code))"
        case (.completed, .ended(let code)) where code != 0:
            return "service \"\(name)\" didn't complete successfully: exit \(code)"
        default: return nil
        }
    }
}
