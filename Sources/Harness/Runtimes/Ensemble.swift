import Model
import Vocabulary

/// Several containers that belong together, as a runtime drives them: in which order they are started and stopped, and what waits for what.
///
/// A machine without clock or processes, as `Lifecycle` is of one container: it is told what is asked for and what has become of the containers, and
/// says what is to be asked of which. A container that has been asked for something is asked for nothing else until it has answered.
public protocol Ensemble: Sendable {
    /// - Parameter now: when it has happened; never before the last time.
    mutating func handle(_ input: EnsembleInput, at now: MonotonicInstant) -> [EnsembleCommand]
}

/// What an ensemble is told. Containers are called by their places among the members.
public enum EnsembleInput: Hashable, Sendable {
    case asked(EnsembleRequest)
    /// What the container was asked for is done, or refused.
    case answered(Int, refusal: String?)
    /// The container is another than before.
    case became(Int, MemberState)
}

/// How a container is, as far as others wait for it.
public enum MemberState: Hashable, Sendable {
    case created
    /// It runs; a health check has not succeeded yet.
    case running
    case healthy
    /// Its health check has failed too often.
    case unhealthy
    /// It has ended with this status, and no policy starts it again.
    case ended(code: Int)
    /// It has ended, and will be started again.
    case restarting
    /// Its program could not be started.
    case failedToStart

    /// Whether there is nothing of it that could be stopped.
    var isOver: Bool {
        switch self {
        case .created, .ended, .failedToStart: true
        case .running, .healthy, .unhealthy, .restarting: false
        }
    }
}

/// What a person asks for.
public enum EnsembleRequest: Hashable, Sendable {
    case start
    /// Nil: the grace period of each, or of the pod.
    case stop(grace: Duration?)
    case restart(grace: Duration?)
    /// They are stopped and removed; what is started then is new.
    case down
}

/// What an ensemble wants done.
public enum EnsembleCommand: Hashable, Sendable {
    case ask(Int, Request)
    /// What was asked for is done.
    case done
    /// What was asked for cannot be, for this reason.
    case refuse(String)
}

/// What a runtime knows of an ensemble beforehand.
public struct EnsemblePolicy: Hashable, Sendable {
    /// One of its containers.
    public struct Member: Hashable, Sendable {
        /// What refusals call it.
        public var name: String
        /// What it is to its pod; Compose has `main` alone.
        public var role: Model.Member.Role
        /// The places of those that it waits for.
        public var dependencies: [Dependency]
        /// Whether it is found out how it is.
        public var hasHealthCheck: Bool

        /// - Parameter dependencies: none of them is the member itself.
        public init(
            _ name: String, role: Model.Member.Role = .main, dependencies: [Dependency] = [],
            hasHealthCheck: Bool = false
        ) {
            self.name = name
            self.role = role
            self.dependencies = dependencies
            self.hasHealthCheck = hasHealthCheck
        }
    }

    /// One container that another waits for.
    public struct Dependency: Hashable, Sendable {
        /// Its place among the members, from 0.
        public var place: Int
        /// What must be so of it.
        public var condition: Model.Member.Condition

        /// A dependency on the member at a place.
        public init(on place: Int, _ condition: Model.Member.Condition = .started) {
            self.place = place
            self.condition = condition
        }
    }

    /// Those of a pod in the order in which they are written.
    public var members: [Member]
    /// Of the whole, where a request says nothing; nil: that of the runtime, or of each.
    public var grace: Duration?

    /// - Parameter grace: from 0.
    public init(_ members: [Member], grace: Duration? = nil) {
        self.members = members
        self.grace = grace
    }
}
