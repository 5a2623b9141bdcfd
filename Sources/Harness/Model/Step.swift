import Vocabulary

/// One line of what happens, or of what must be so.
public struct Step: Hashable, Sendable {
    public enum Action: Hashable, Sendable {
        case start
        /// As the runtime stops a container; nil: the grace period of the scenario.
        case stop(grace: Duration?)
        /// As `docker kill`: a signal to PID 1, from outside.
        case kill(Signal)
        /// A signal to one process, from outside the container.
        case signal(Signal, to: Party)
        /// SIGKILL to a service, from outside.
        case crash(service: String)
        case wait(Duration)
        case waitFor(Condition, within: Duration)
        case expect(Expectation)
    }

    public var action: Action
    public var place: SourcePlace

    public init(_ action: Action, place: SourcePlace) {
        self.action = action
        self.place = place
    }
}

/// Somebody who sends or receives a signal.
public enum Party: Hashable, Sendable, CustomStringConvertible {
    /// PID 1 of the container.
    case initProcess
    /// Whoever drives the container from outside.
    case runtime
    /// A service, or one of its children (`app.1`).
    case service(String)

    /// Words that cannot be a service's name, because they mean somebody else.
    public static let reservedNames = ["init", "runtime", "nobody", "no"]

    public init(name: String) {
        switch name {
        case "init": self = .initProcess
        case "runtime": self = .runtime
        default: self = .service(name)
        }
    }

    public var description: String {
        switch self {
        case .initProcess: "init"
        case .runtime: "runtime"
        case .service(let name): name
        }
    }
}
