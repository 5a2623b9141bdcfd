import Vocabulary

/// What there is, what happens, and what must be so: one test of an init.
///
/// Two scenarios are equal when they say the same, wherever they are written.
public struct Scenario: Hashable, Sendable {
    /// In its file there is no other of the same title.
    public var title: String
    /// Where its first line is.
    @Incidental public var place: SourcePlace
    /// The comment right above it, without the `#`.
    public var summary: String = ""
    /// Themes, and the row of docs/BEHAVIOURS.md.
    public var tags: [String] = []
    /// What an init must be able to do for the scenario to say anything about it.
    public var requires: [Ability] = []
    /// The inits that it is about, by the names of their profiles; empty: all.
    public var inits: [String] = []
    /// Programs of the host without which it cannot be carried out.
    public var programs: [String] = []
    /// Whose rules the container is driven by.
    public var runtime: Runtime?
    /// The engine's major version, where its rules have changed; nil: that on which the rules were tried, Docker 20.10.
    public var engineVersion: Int?
    /// What the kubelet runs containers with; nil: containerd.
    public var engine: ContainerEngine?
    /// How `stop` stops it.
    public var stop: StopPolicy = StopPolicy()
    /// It is started in a PID namespace that others share: PID 1 is none of its processes.
    public var sharesProcesses = false
    /// A command that is carried out inside after the start (a Kubernetes postStart hook).
    public var startHook: [String]?
    /// Whether the runtime starts it again when it has ended.
    public var restart: RestartPolicy = .no
    /// The container is removed when it has ended, as with `docker run --rm`.
    public var removesItself = false
    /// The container goes on while the runtime's daemon is away (Docker's `live-restore`).
    public var isLiveRestored = false
    /// The container's surroundings.
    public var settings: ContainerSettings = ContainerSettings()
    /// How it is found out whether the container is well; nil: it is not.
    public var healthCheck: HealthCheck?
    /// That of the image is not asked either.
    public var hasNoHealthCheck = false
    /// It has one, or its image may: that of an image is asked by Docker, Podman and Compose.
    public var mayHaveHealthCheck: Bool {
        if healthCheck != nil { return true }
        return settings.image != nil && !hasNoHealthCheck && runtime != .kubernetes && runtime != .nspawn
    }
    /// In the order in which they are written.
    public var services: [Service] = []
    /// The containers, where there are several; the scenario then has neither settings nor services of its own.
    public var members: [Member] = []
    /// In the order in which they are carried out.
    public var steps: [Step] = []

    public init(title: String, place: SourcePlace) {
        self.title = title
        self.place = place
    }

    /// What an init must be able to do: what is written, and what follows from the services.
    public var requirements: Set<Ability> {
        var result = members.reduce(into: Set(requires)) { $0.formUnion($1.scenario.requirements) }
        if services.count > 1 { result.insert(.supervision) }
        for service in services {
            if !service.after.isEmpty { result.insert(.ordering) }
            for trait in service.traits {
                switch trait {
                case .forks: result.insert(.forking)
                case .notifies: result.insert(.readiness)
                case .oneshot: result.insert(.oneshot)
                default: continue
                }
            }
        }
        return result
    }

    /// The inits that it is run with where none is named: those it is about; the reference where it asks something of inits; and
    /// else none, as `docker run` runs a command.
    public var usualInits: [String] {
        if !inits.isEmpty { return inits }
        let hasServices = !services.isEmpty || members.contains { !$0.scenario.services.isEmpty }
        let isAboutInits = hasServices || !requires.isEmpty || behaviour != nil
        return [isAboutInits ? "reference" : "none"]
    }

    /// The row of docs/BEHAVIOURS.md that it covers: two capitals and two digits, such as `SF01`.
    public var behaviour: String? {
        tags.first { tag in
            let bytes = Array(tag.utf8)
            return bytes.count == 4 && bytes[..<2].allSatisfy { (0x41...0x5A).contains($0) }
                && bytes[2...].allSatisfy { (0x30...0x39).contains($0) }
        }
    }

    /// The services, each after those it comes after; otherwise as they are written.
    public var startOrder: [Service] {
        var result: [Service] = []
        var waiting = services
        while let index = waiting.firstIndex(where: { service in
            service.after.allSatisfy { name in result.contains { $0.name == name } }
        }) {
            result.append(waiting.remove(at: index))
        }
        return result + waiting
    }
}

extension Sequence<Scenario> {
    /// The inits that some of them are run with where none is named, each once.
    public var usualInits: [String] {
        var result: [String] = []
        for name in lazy.flatMap(\.usualInits) where !result.contains(name) { result.append(name) }
        return result
    }
}

/// A container runtime.
public enum Runtime: String, CaseIterable, Hashable, Sendable {
    case docker, podman, compose, kubernetes, nspawn
}

/// How the container is asked to stop.
public struct StopPolicy: Hashable, Sendable {
    /// Nil: what the init's profile says, SIGTERM where it says nothing.
    public var signal: Signal?
    /// From the stop signal to SIGKILL; negative: for ever. Nil: the runtime's own, ten seconds of Docker and Podman, thirty of Kubernetes.
    public var grace: Duration?
    /// A command that is carried out inside before the stop signal is sent (a Kubernetes preStop hook).
    public var hook: [String]?

    public init(signal: Signal? = nil, grace: Duration? = nil, hook: [String]? = nil) {
        self.signal = signal
        self.grace = grace
        self.hook = hook
    }
}

/// Whether a runtime starts a container again when it has ended (Docker's `--restart`).
public enum RestartPolicy: Hashable, Sendable {
    case no
    case always
    case unlessStopped
    /// Nil: without limit.
    case onFailure(limit: Int?)
}

extension RestartPolicy: CustomStringConvertible {
    /// As Docker, Compose and the language write it.
    public var description: String {
        switch self {
        case .no: "no"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        case .onFailure(nil): "on-failure"
        case .onFailure(let limit?): "on-failure:\(limit)"
        }
    }

    /// Reads `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`, N from 0 (no limit, as in Docker).
    public init?(_ text: some StringProtocol) {
        switch text {
        case "no": self = .no
        case "always": self = .always
        case "unless-stopped": self = .unlessStopped
        case "on-failure": self = .onFailure(limit: nil)
        default:
            guard text.hasPrefix("on-failure:"), let limit = Int(text.dropFirst(11)), (0...1_000_000).contains(limit),
                text.dropFirst(11).first != "+"
            else { return nil }
            self = .onFailure(limit: limit == 0 ? nil : limit)
        }
    }
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
