import Vocabulary

/// One of several containers of a scenario: a service of a Compose project, a container of a pod.
public struct Member: Hashable, Sendable {
    /// As services are named; no other container of the scenario has it.
    public var name: String
    /// Where its name is.
    @Incidental public var place: SourcePlace
    public var role: Role
    /// What must be so of others before it is started.
    public var dependencies: [Dependency] = []
    /// What it is made of: its settings, its services, how it is stopped and started again. It has neither steps nor members.
    public var scenario: Scenario

    /// A container that does nothing yet.
    public init(name: String, role: Role = .main, place: SourcePlace) {
        self.name = name
        self.role = role
        self.place = place
        scenario = Scenario(title: name, place: place)
    }

    /// What a container is to its pod; Compose has `main` alone.
    public enum Role: String, CaseIterable, Hashable, Sendable {
        case main = "container"
        /// It must end with status 0 before the next is started (Kubernetes' init container).
        case initial = "init container"
        /// It is started among the init containers, stays, and is stopped after the main ones (an init container with restartPolicy Always).
        case sidecar
    }

    /// One container that another waits for.
    public struct Dependency: Hashable, Sendable {
        /// Of another container of the scenario.
        public var name: String
        /// What must be so of it.
        public var condition: Condition

        /// A dependency on a container.
        public init(on name: String, _ condition: Condition = .started) {
            self.name = name
            self.condition = condition
        }
    }

    /// What is waited for (Compose: depends_on.condition).
    public enum Condition: String, CaseIterable, Hashable, Sendable {
        case started
        /// Its health check has succeeded.
        case healthy
        /// It has ended with status 0.
        case completed
    }
}

/// A command that is carried out in the container again and again, and says by its status how it is. What is nil is as the runtime has it.
public struct HealthCheck: Hashable, Sendable {
    /// The program and its arguments; it ends with 0 where the container is well.
    public var command: [String]
    /// From the end of one to the next.
    public var interval: Duration?
    /// What takes longer has failed.
    public var limit: Duration?
    /// How many failures in a row make it unhealthy.
    public var retries: Int?
    /// So long from the start failures do not count, until one has succeeded.
    public var startPeriod: Duration?

    /// A check with this command.
    public init(
        _ command: [String], interval: Duration? = nil, limit: Duration? = nil, retries: Int? = nil,
        startPeriod: Duration? = nil
    ) {
        self.command = command
        self.interval = interval
        self.limit = limit
        self.retries = retries
        self.startPeriod = startPeriod
    }
}
