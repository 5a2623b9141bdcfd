import Model
import Vocabulary

/// Everything that differs between runtimes.
public struct RuntimeRules: Sendable {
    /// One container from its creation on.
    public var makeLifecycle: @Sendable (ContainerPolicy) -> any Lifecycle
    /// What becomes of a program that cannot be executed.
    public var execFailures = ExecFailures.runc1
    /// Programs that cannot be executed are reported as this version of Docker does it.
    var hasDockerVersions = false
    /// The status that is reported of a program that could not be started, by its errno.
    public var codeOfStartFailure: @Sendable (Int32) -> Int = DockerExit.code(ofStartFailure:)
    /// The status that is reported of a PID 1 that has ended.
    public var codeOfEnd: @Sendable (ExitStatus) -> Int = DockerExit.code(of:)
    /// What a container is given without being asked.
    public var surroundings: @Sendable (ContainerPolicy) -> RuntimeSurroundings = { _ in RuntimeSurroundings() }
    /// How often it is found out how a container is, where the scenario does not say.
    public var healthDefaults = HealthMonitor.Defaults.docker
    /// Several containers that belong together; nil: the runtime drives each by itself.
    public var makeEnsemble: (@Sendable (EnsemblePolicy) -> any Ensemble)?
    /// A new volume takes over what the image has at its place.
    public var fillsVolumes = true
    /// Several containers have one network, one IPC namespace and one host name.
    public var sharesNetwork = false
    /// The restart policy of one of several containers, by its role and by what is said of all.
    public var restartPolicy: @Sendable (Member, RestartPolicy) -> RestartPolicy = { member, _ in
        member.scenario.restart
    }
    /// What a scenario speaks of that the runtime does not have; nil: nothing.
    public var reasonNotApplicable: @Sendable (Scenario) -> String? = { _ in nil }

    /// Docker's.
    public static let docker: RuntimeRules = {
        var rules = RuntimeRules { DockerLifecycle($0) }
        rules.hasDockerVersions = true
        return rules
    }()
    /// Podman's.
    public static let podman: RuntimeRules = {
        var rules = RuntimeRules { PodmanLifecycle($0) }
        rules.reasonNotApplicable = { $0.needsDaemon ? "podman has no daemon" : nil }
        rules.surroundings = RuntimeSurroundings.podman
        return rules
    }()

    /// Docker Compose's, with Docker's engine.
    public static let compose: RuntimeRules = {
        var rules = RuntimeRules { ComposeLifecycle($0) }
        rules.makeEnsemble = { ComposeProject($0) }
        rules.reasonNotApplicable = { $0.removesItself ? "compose has no services that remove themselves" : nil }
        return rules
    }()

    /// Kubernetes', with containerd.
    public static let kubernetes: RuntimeRules = {
        var rules = RuntimeRules { KubernetesLifecycle($0) }
        rules.healthDefaults = .kubernetes
        rules.sharesNetwork = true
        rules.fillsVolumes = false
        rules.makeEnsemble = { Pod($0) }
        rules.restartPolicy = { Pod.restartPolicy(of: $0.role, in: $1) }
        rules.codeOfStartFailure = { _ in KubernetesLifecycle.codeOfStartFailure }
        rules.reasonNotApplicable = { scenario in
            if scenario.removesItself { return "kubernetes has no containers that remove themselves" }
            return scenario.pauses ? "kubernetes does not pause containers" : nil
        }
        return rules
    }()

    /// systemd-nspawn's.
    public static let nspawn: RuntimeRules = {
        var rules = RuntimeRules { NspawnLifecycle($0) }
        rules.codeOfEnd = NspawnLifecycle.code(of:)
        rules.surroundings = { _ in RuntimeSurroundings.nspawn }
        rules.reasonNotApplicable = { scenario in
            if scenario.needsDaemon { return "nspawn has no daemon" }
            if scenario.sharesProcesses { return "each machine of nspawn has a PID namespace of its own" }
            if scenario.restart != .no { return "nspawn has no restart policy" }
            if scenario.removesItself { return "nspawn's machines do not remove themselves" }
            return scenario.pauses ? "nspawn does not pause machines" : nil
        }
        return rules
    }()

    /// Those of a runtime.
    public static func of(_ runtime: Runtime) -> RuntimeRules {
        switch runtime {
        case .docker: .docker
        case .podman: .podman
        case .compose: .compose
        case .kubernetes: .kubernetes
        case .nspawn: .nspawn
        }
    }

    /// - Parameter makeLifecycle: makes what drives one container.
    public init(makeLifecycle: @escaping @Sendable (ContainerPolicy) -> any Lifecycle) {
        self.makeLifecycle = makeLifecycle
    }
}

extension Scenario {
    /// Whether it is about what a daemon does.
    fileprivate var needsDaemon: Bool {
        isLiveRestored
            || hasStep {
                switch $0 {
                case .daemonRestarts, .daemonCrashes: true
                default: false
                }
            }
    }

    /// Whether it freezes the container.
    fileprivate var pauses: Bool {
        hasStep {
            switch $0 {
            case .pause, .resume: true
            default: false
            }
        }
    }

    /// Whether a step is of a kind, also one in a block.
    fileprivate func hasStep(_ isOne: (Step.Action) -> Bool) -> Bool {
        func isThere(_ step: Step) -> Bool {
            step.action.block?.contains(where: isThere) ?? isOne(step.action)
        }
        return steps.contains(where: isThere)
    }
}

/// How programs that cannot be executed are reported. The runtime looks for a program first: what is not there, is a directory or has
/// no execute bit is not started at all; what passes is *started*, and ends at once when the kernel then refuses it, so that a
/// restart policy starts it again and again.
public struct ExecFailures: Hashable, Sendable {
    /// What a program ends with that was started and refused: a missing interpreter, another format.
    public var refused: Int32
    /// What `docker exec` reports of a program that is not there.
    public var missingInExec: Int
    /// Whether it is looked at if the container's user may execute the program, or only if some user may.
    public var checksAccess: Bool

    /// runc up to 1.1, Docker up to 27; tried on Docker 20.10 with runc 1.1.5.
    public static let runc1 = ExecFailures(refused: 1, missingInExec: 126, checksAccess: false)
    /// runc from 1.2 and moby from 28 on (opencontainers/runc, libcontainer/init_linux.go; moby, daemon/exec.go): read, not tried.
    public static let runc2 = ExecFailures(refused: 255, missingInExec: 127, checksAccess: true)
}

extension RuntimeRules {
    /// The same by the rules of an engine's major version; nil: as they are. What else a version changes is the lifecycle's.
    public func of(version: Int?) -> RuntimeRules {
        guard let version, hasDockerVersions else { return self }
        var result = self
        result.execFailures = version >= 28 ? .runc2 : .runc1
        result.healthDefaults = version >= 25 ? .docker25 : .docker
        return result
    }
}

/// Decides what becomes of a container that has ended.
public protocol RestartMachine: Sendable {
    /// How often the policy has started it again since a person did.
    var count: Int { get }
    /// The next end is the last; a restart that was to come does not.
    var isCancelled: Bool { get }

    /// A person starts it.
    mutating func startedByHand()
    /// A person stops it. Also a restart that was about to come is called off.
    mutating func stopped()
    /// A person stops it, to start it again at once.
    mutating func stoppedToRestart()
    /// A person has sent it a signal, as `docker kill` does.
    ///
    /// - Parameter stopSignal: the one that the container is configured with; nil: none.
    mutating func killed(with signal: Signal, stopSignal: Signal?)
    /// It has ended, after a life of this length, with this status.
    mutating func ended(code: Int, after life: Duration) -> RestartDecision
    /// A start has failed.
    mutating func startFailed() -> RestartDecision
    /// The daemon is told to end, and stops its containers.
    mutating func daemonEnds()
    /// A new daemon takes over a container that runs.
    mutating func daemonTakesOver()
    /// A new daemon takes over a container that does not run. True: it starts it.
    ///
    /// - Parameter lastCode: the status of its last life; nil: it was never started.
    mutating func daemonStarts(lastCode: Int?) -> Bool
}

/// What becomes of a container that has ended.
public enum RestartDecision: Hashable, Sendable {
    case restart(after: Duration)
    case stay
    case remove
}
