import Vocabulary

/// What is done to a container at a moment that is not of its own choosing: at each of a sweep, or right after an event.
public enum Disturbance: Hashable, Sendable {
    /// SIGKILL to PID 1, as `docker kill`.
    case kill
    /// As the runtime stops a container; nil: the grace period of the scenario.
    case stop(grace: Duration?)
    /// A stop and a start; nil: the grace period of the scenario.
    case restart(grace: Duration?)
    /// A signal to one process, from outside the container.
    case signal(Signal, to: Party)
    /// SIGKILL to a service, from outside.
    case crash(service: String)

    /// The same as a step, which does it at once.
    public var action: Step.Action {
        switch self {
        case .kill: .kill(.kill)
        case .stop(let grace): .stop(grace: grace)
        case .restart(let grace): .restart(times: 1, grace: grace)
        case .signal(let signal, let party): .signal(signal, to: party)
        case .crash(let service): .crash(service: service)
        }
    }

    /// What has been done to the container, or to the process that it is about: "stopped", "app killed".
    public var participle: String {
        switch self {
        case .kill: "killed"
        case .stop: "stopped"
        case .restart: "restarted"
        case .signal(let signal, .initProcess): "sent \(signal)"
        case .signal(let signal, let party): "\(party) sent \(signal)"
        case .crash(let service): "\(service) killed"
        }
    }
}

/// A disturbance, and the moments of a container's life at each of which it comes, in a run of its own.
public struct SweepPlan: Hashable, Sendable {
    /// When it comes.
    public enum Moments: Hashable, Sendable {
        /// This long after the start of the container.
        case range(from: Duration, to: Duration, step: Duration)
        /// Right after each event of a run that nothing disturbs.
        case everyEvent
    }

    public var disturbance: Disturbance
    public var moments: Moments
    /// It comes after the second start in the block, not after the first.
    public var isOfNextLife: Bool

    public init(_ disturbance: Disturbance, _ moments: Moments, ofNextLife: Bool = false) {
        self.disturbance = disturbance
        self.moments = moments
        isOfNextLife = ofNextLife
    }

    /// Which start in the block it comes after, from 1.
    public var life: Int { isOfNextLife ? 2 : 1 }
}

extension Step {
    /// It starts the container by hand, whether or not it is waited for.
    public var startsContainer: Bool {
        switch action {
        case .start, .beginStart, .restart, .beginRestart: true
        default: false
        }
    }
}
