import Vocabulary

/// What there is, what happens, and what must be so: one test of an init.
public struct Scenario: Hashable, Sendable {
    /// In its file there is no other of the same title.
    public var title: String
    /// Where its first line stands.
    public var place: SourcePlace
    /// The comment right above it, without the `#`.
    public var summary: String = ""
    /// Themes, and the row of docs/BEHAVIOURS.md.
    public var tags: [String] = []
    /// What an init must be able to do for the scenario to say anything about it.
    public var requires: [Ability] = []
    /// How `stop` stops it.
    public var stop: StopPolicy = StopPolicy()
    /// The container's surroundings.
    public var settings: ContainerSettings = ContainerSettings()
    /// In the order in which they are written.
    public var services: [Service] = []
    /// In the order in which they are carried out.
    public var steps: [Step] = []

    public init(title: String, place: SourcePlace) {
        self.title = title
        self.place = place
    }
}

/// How the container is asked to stop.
public struct StopPolicy: Hashable, Sendable {
    /// Nil: what the init's profile says, SIGTERM where it says nothing.
    public var signal: Signal?
    /// From the stop signal to SIGKILL; negative: for ever. Docker's default is ten seconds (daemon/config, stop.go).
    public var grace: Duration = .seconds(10)

    public init(signal: Signal? = nil, grace: Duration = .seconds(10)) {
        self.signal = signal
        self.grace = grace
    }
}

/// The container's surroundings, as far as a scenario chooses them.
public struct ContainerSettings: Hashable, Sendable {
    /// 64 bytes at most (sethostname(2)); nil: one of the harness's choice.
    public var hostname: String?
    /// `NAME=value`, in the order given.
    public var environment: [String] = []
    /// Absolute paths of private in-memory file systems.
    public var tmpfs: [String] = []
    /// The init's child, in place of services.
    public var command: [String]?

    public init() {}
}

/// Something that an init can or cannot do; a scenario may require it.
public enum Ability: String, CaseIterable, Hashable, Sendable {
    case forwarding
    case groupForwarding = "group-forwarding"
    case reaping
    case exitStatus = "exit-status"
    case supervision
    case ordering
    case respawn
    case forking
    case readiness
    case oneshot
}
