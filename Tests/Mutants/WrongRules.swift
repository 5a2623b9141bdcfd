import Harness

/// One rule of Podman or of Kubernetes, broken: what the scenarios about these runtimes must notice.
enum RuleDefect: String, CaseIterable, Sendable {
    case podmanWaits = "podman-waits"
    case podmanSignalsWithoutGrace = "podman-signals-without-grace"
    case podmanKnowsNoSystemd = "podman-knows-no-systemd"
    case podmanTakesSignalsForStops = "podman-takes-signals-for-stops"
    case podmanForgetsSignals = "podman-forgets-signals"
    case kubernetesKeepsLayer = "kubernetes-keeps-layer"
    case kubernetesRunsNoHook = "kubernetes-runs-no-hook"
    case kubernetesCountsNoHook = "kubernetes-counts-no-hook"
    case kubernetesHasNoLeastGrace = "kubernetes-has-no-least-grace"
    case kubernetesWaitsForTheFirst = "kubernetes-waits-for-the-first"

    var summary: String {
        switch self {
        case .podmanWaits: "Podman waits before it starts again"
        case .podmanSignalsWithoutGrace: "Podman sends the stop signal also where there is no grace period"
        case .podmanKnowsNoSystemd: "Podman does not know systemd by its name"
        case .podmanTakesSignalsForStops: "Podman 4 takes each signal by hand for a stop"
        case .podmanForgetsSignals: "Podman 6 takes no signal by hand for a stop"
        case .kubernetesKeepsLayer: "a restarted container of a pod has its old layer"
        case .kubernetesRunsNoHook: "there are no preStop hooks"
        case .kubernetesCountsNoHook: "a preStop hook has its own time"
        case .kubernetesHasNoLeastGrace: "a grace period of zero is one of zero"
        case .kubernetesWaitsForTheFirst: "the first restart waits ten seconds, too"
        }
    }

    var runtime: Runtime { rawValue.hasPrefix("podman") ? .podman : .kubernetes }

    /// The runtime's rules but for the defect.
    var rules: RuntimeRules {
        var rules = RuntimeRules.of(runtime) ?? .docker
        let right = rules.makeLifecycle
        rules.makeLifecycle = { policy in
            var policy = policy
            switch self {
            case .podmanKnowsNoSystemd: policy.command = []
            case .podmanTakesSignalsForStops: policy.engineVersion = 6
            case .podmanForgetsSignals: policy.engineVersion = nil
            case .kubernetesRunsNoHook: policy.preStop = nil
            default: break
            }
            return BrokenLifecycle(defect: self, policy: policy, right: right(policy))
        }
        return rules
    }
}

/// A lifecycle that wants something else done than its runtime does.
private struct BrokenLifecycle: Lifecycle {
    let defect: RuleDefect
    let policy: ContainerPolicy
    var right: any Lifecycle
    var state: ContainerState { right.state }

    mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        right.handle(input, at: now).flatMap { command -> [LifecycleCommand] in
            switch (defect, input, command) {
            case (.podmanWaits, _, .wakeAt(let moment)): [.wakeAt(moment.advanced(by: .seconds(2)))]
            case (.podmanSignalsWithoutGrace, .asked(.stop), .send(.kill)): [.send(.term), command]
            case (.kubernetesKeepsLayer, _, .start(let byPolicy, _)): [.start(byPolicy: byPolicy, onNewLayer: false)]
            case (.kubernetesCountsNoHook, .hookEnded, .wake): [.wake(after: policy.grace)]
            case (.kubernetesHasNoLeastGrace, .asked(.stop), .wake): [.wake(after: .milliseconds(10))]
            case (.kubernetesWaitsForTheFirst, _, .wakeAt(let moment)): [.wakeAt(moment.advanced(by: .seconds(10)))]
            default: [command]
            }
        }
    }
}
