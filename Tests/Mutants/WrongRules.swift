import Harness

/// One rule of a runtime other than Docker, broken: what the scenarios about these runtimes must notice.
enum RuleDefect: String, CaseIterable, Sendable {
    case podmanWaits = "podman-waits"
    case podmanSignalsWithoutGrace = "podman-signals-without-grace"
    case podmanKnowsNoSystemd = "podman-knows-no-systemd"
    case podmanTakesSignalsForStops = "podman-takes-signals-for-stops"
    case podmanForgetsSignals = "podman-forgets-signals"
    case podmanStopsWithoutClient = "podman-stops-without-client"
    case podmanIsRunningToTheEnd = "podman-is-running-to-the-end"
    case kubernetesSignalsAgain = "kubernetes-signals-again"
    case kubernetesKeepsLayer = "kubernetes-keeps-layer"
    case kubernetesRunsNoHook = "kubernetes-runs-no-hook"
    case kubernetesCountsNoHook = "kubernetes-counts-no-hook"
    case kubernetesHasNoLeastGrace = "kubernetes-has-no-least-grace"
    case kubernetesWaitsForTheFirst = "kubernetes-waits-for-the-first"
    case kubernetesForgetsOldEngines = "kubernetes-forgets-old-engines"
    case composeRoundsUp = "compose-rounds-up"
    case composeCountsHook = "compose-counts-hook"
    case composeStopsAfterABadHook = "compose-stops-after-a-bad-hook"
    case composeKillsTheOldContainer = "compose-kills-the-old-container"
    case composeForgetsOrder = "compose-forgets-order"
    case composeIgnoresHealth = "compose-ignores-health"
    case composeIgnoresFailures = "compose-ignores-failures"
    case kubernetesStopsSidecarsAtOnce = "kubernetes-stops-sidecars-at-once"
    case kubernetesStartsAllAtOnce = "kubernetes-starts-all-at-once"
    case kubernetesKeepsSidecars = "kubernetes-keeps-sidecars"
    case kubernetesHasNoProbes = "kubernetes-has-no-probes"
    case kubernetesSharesNothing = "kubernetes-shares-nothing"
    case kubernetesStartsWithoutHook = "kubernetes-starts-without-hook"
    case kubernetesForgivesTheStartHook = "kubernetes-forgives-the-start-hook"
    case kubernetesStartsBesideTheHook = "kubernetes-starts-beside-the-hook"
    case composeForgivesTheStartHook = "compose-forgives-the-start-hook"
    case composeStartsWithoutHook = "compose-starts-without-hook"
    case nspawnSignals = "nspawn-signals"
    case nspawnKnowsNoInit = "nspawn-knows-no-init"
    case nspawnKnowsNoReboot = "nspawn-knows-no-reboot"
    case nspawnReportsSignals = "nspawn-reports-signals"

    var summary: String {
        switch self {
        case .podmanWaits: "Podman waits before it starts again"
        case .podmanSignalsWithoutGrace: "Podman sends the stop signal also where there is no grace period"
        case .podmanKnowsNoSystemd: "Podman does not know systemd by its name"
        case .podmanTakesSignalsForStops: "Podman 4 takes each signal by hand for a stop"
        case .podmanForgetsSignals: "Podman 6 takes no signal by hand for a stop"
        case .podmanStopsWithoutClient: "a stop of Podman goes on without its client"
        case .podmanIsRunningToTheEnd: "what Podman is stopping is running"
        case .kubernetesSignalsAgain: "a second deletion of a pod sends a second signal"
        case .kubernetesKeepsLayer: "a restarted container of a pod has its old layer"
        case .kubernetesRunsNoHook: "there are no preStop hooks"
        case .kubernetesCountsNoHook: "a preStop hook has its own time"
        case .kubernetesHasNoLeastGrace: "a grace period of zero is one of zero"
        case .kubernetesWaitsForTheFirst: "the first restart waits ten seconds, too"
        case .kubernetesForgetsOldEngines: "an old CRI-O sends what is declared"
        case .composeRoundsUp: "Compose gives less than a second of grace as it is"
        case .composeCountsHook: "a pre_stop hook of Compose is part of the grace period"
        case .composeStopsAfterABadHook: "Compose stops a container although its hook has failed"
        case .composeKillsTheOldContainer: "Compose kills a container to make a new one"
        case .composeForgetsOrder: "Compose does not know what depends on what"
        case .composeIgnoresHealth: "Compose waits for nobody's health"
        case .composeIgnoresFailures: "Compose does not mind that a job has failed"
        case .kubernetesStopsSidecarsAtOnce: "a pod's sidecars are stopped with the main containers"
        case .kubernetesStartsAllAtOnce: "a pod's init containers are started with the main ones"
        case .kubernetesKeepsSidecars: "a pod's sidecars go on when its work is done"
        case .kubernetesHasNoProbes: "a kubelet does not stop what its liveness probe has given up"
        case .kubernetesSharesNothing: "each container of a pod has a network of its own"
        case .kubernetesStartsWithoutHook: "a kubelet runs no postStart hooks"
        case .kubernetesForgivesTheStartHook: "a kubelet does not mind that a postStart hook has failed"
        case .kubernetesStartsBesideTheHook: "the next container of a pod does not wait for a postStart hook"
        case .composeForgivesTheStartHook: "Compose does not mind that a post_start hook has failed"
        case .composeStartsWithoutHook: "Compose runs no post_start hooks"
        case .nspawnSignals: "nspawn sends SIGTERM where no kill signal is set"
        case .nspawnKnowsNoInit: "nspawn sends nothing to an init that it has booted"
        case .nspawnKnowsNoReboot: "nspawn does not start again what reboots"
        case .nspawnReportsSignals: "nspawn reports 128 + n of PID 1"
        }
    }

    /// The one whose name its own begins with.
    var runtime: Runtime { Runtime.allCases.first { rawValue.hasPrefix($0.rawValue) } ?? .docker }

    /// The runtime's rules but for the defect.
    var rules: RuntimeRules {
        var rules = RuntimeRules.of(runtime)
        if self == .nspawnReportsSignals { rules.codeOfEnd = RuntimeRules.docker.codeOfEnd }
        if self == .kubernetesSharesNothing { rules.sharesNetwork = false }
        if let makeEnsemble = rules.makeEnsemble {
            rules.makeEnsemble = { BrokenEnsemble(defect: self, right: makeEnsemble(self.broken($0))) }
        }
        let right = self == .composeRoundsUp ? RuntimeRules.docker.makeLifecycle : rules.makeLifecycle
        rules.makeLifecycle = { policy in
            var policy = policy
            switch self {
            case .podmanKnowsNoSystemd: policy.command = []
            case .podmanTakesSignalsForStops: policy.engineVersion = 6
            case .podmanForgetsSignals: policy.engineVersion = nil
            case .kubernetesRunsNoHook: policy.preStop = nil
            case .kubernetesStartsWithoutHook, .composeStartsWithoutHook: policy.postStart = nil
            case .nspawnSignals: policy.stopSignal = policy.stopSignal ?? .term
            case .nspawnKnowsNoInit: policy.command = []
            case .kubernetesForgetsOldEngines: policy.engine = nil
            default: break
            }
            return BrokenLifecycle(defect: self, policy: policy, right: right(policy))
        }
        return rules
    }
}

extension RuleDefect {
    /// What the ensemble is told instead.
    fileprivate func broken(_ policy: EnsemblePolicy) -> EnsemblePolicy {
        var policy = policy
        for place in policy.members.indices {
            switch self {
            case .composeForgetsOrder: policy.members[place].dependencies = []
            case .composeIgnoresHealth where policy.members[place].dependencies.contains { $0.condition == .healthy }:
                for dependency in policy.members[place].dependencies.indices {
                    policy.members[place].dependencies[dependency].condition = .started
                }
            case .kubernetesStopsSidecarsAtOnce where policy.members[place].role == .sidecar,
                .kubernetesStartsAllAtOnce where policy.members[place].role == .initial:
                policy.members[place].role = .main
            default: break
            }
        }
        return policy
    }
}

/// An ensemble that is told something else, or does not hear of something.
private struct BrokenEnsemble: Ensemble {
    let defect: RuleDefect
    var right: any Ensemble

    mutating func handle(_ input: EnsembleInput, at now: MonotonicInstant) -> [EnsembleCommand] {
        switch (defect, input) {
        case (.composeIgnoresFailures, .became(let place, .ended)):
            return right.handle(.became(place, .ended(code: 0)), at: now)
        case (.kubernetesKeepsSidecars, .became(_, .ended)): return []
        default: return right.handle(input, at: now)
        }
    }
}

/// A lifecycle that wants something else done than its runtime does.
private struct BrokenLifecycle: Lifecycle {
    let defect: RuleDefect
    let policy: ContainerPolicy
    var right: any Lifecycle
    var state: ContainerState { right.state }

    mutating func handle(_ input: LifecycleInput, at now: MonotonicInstant) -> [LifecycleCommand] {
        var input = input
        switch (defect, input) {
        case (.composeStopsAfterABadHook, .hookEnded), (.kubernetesForgivesTheStartHook, .hookEnded),
            (.composeForgivesTheStartHook, .hookEnded):
            input = .hookEnded(code: 0)
        case (.kubernetesHasNoProbes, .unhealthy): return []
        case (.podmanStopsWithoutClient, .clientGone): return []
        case (.nspawnKnowsNoReboot, .ended(.signaled(.hup, _))): input = .ended(.exited(0))
        default: break
        }
        return right.handle(input, at: now).flatMap { command -> [LifecycleCommand] in
            switch (defect, input, command) {
            case (.composeCountsHook, .hookEnded, .wake): [.wake(after: .milliseconds(10))]
            case (.composeKillsTheOldContainer, .asked(.recreate), .send): [.send(.kill)]
            case (.podmanWaits, _, .wakeAt(let moment)): [.wakeAt(moment.advanced(by: .seconds(2)))]
            case (.podmanSignalsWithoutGrace, .asked(.stop), .send(.kill)): [.send(.term), command]
            case (.kubernetesStartsBesideTheHook, .started, .runHook): [command, .done]
            case (.podmanIsRunningToTheEnd, _, .note(.stopping)): []
            case (.kubernetesSignalsAgain, .asked(.stop), .wakeAt): [.send(.term), command]
            case (.kubernetesKeepsLayer, _, .start(let byPolicy, _)): [.start(byPolicy: byPolicy, onNewLayer: false)]
            case (.kubernetesCountsNoHook, .hookEnded, .wake): [.wake(after: policy.grace)]
            case (.kubernetesHasNoLeastGrace, .asked(.stop), .wake): [.wake(after: .milliseconds(10))]
            case (.kubernetesWaitsForTheFirst, _, .wakeAt(let moment)): [.wakeAt(moment.advanced(by: .seconds(10)))]
            default: [command]
            }
        }
    }
}
