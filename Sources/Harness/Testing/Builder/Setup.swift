import Harness

// What there is, besides services: each type is the line of the language that says the same.

/// Themes of the scenario.
public struct Tags: ScenarioPart {
    private let tags: [String]

    /// - Parameter tags: none, or more.
    public init(_ tags: String...) {
        self.tags = tags
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.tags += tags }
}

/// What an init must be able to do; against one that cannot, the scenario is not applicable.
public struct Requires: ScenarioPart {
    private let abilities: [Ability]

    /// - Parameter abilities: one or more.
    public init(_ abilities: Ability...) {
        self.abilities = abilities
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.requires += abilities }
}

/// The inits that the scenario is about; to others it does not apply.
public struct About: ScenarioPart {
    private let inits: [String]

    /// - Parameter inits: names of profiles.
    public init(_ inits: String...) {
        self.inits = inits
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.inits += inits }
}

/// Programs of the host without which the scenario does not apply.
public struct Needs: ScenarioPart {
    private let programs: [String]

    /// - Parameter programs: by name or path.
    public init(_ programs: String...) {
        self.programs = programs
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.programs += programs }
}

/// What PID 1 may do beyond Docker's default set.
public struct Capabilities: ScenarioPart {
    private let capabilities: [Capability]

    /// - Parameter capabilities: one or more.
    public init(_ capabilities: Capability...) {
        self.capabilities = capabilities
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.capabilities += capabilities }
}

/// Signals that PID 1 is started with as ignored or as blocked.
public struct Inherits: ScenarioPart {
    private let ignored: [Signal]
    private let blocked: [Signal]

    /// - Parameters:
    ///   - ignored: any that can be caught.
    ///   - blocked: likewise.
    public init(ignored: [Signal] = [], blocked: [Signal] = []) {
        self.ignored = ignored
        self.blocked = blocked
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) {
        scenario.settings.ignoredSignals += ignored
        scenario.settings.blockedSignals += blocked
    }
}

/// PID 1's standard input is a pipe that stays open.
public struct OpenInput: ScenarioPart {
    /// Without parameters.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.hasOpenInput = true }
}

/// Whose rules the container is driven by.
public struct Driven: ScenarioPart {
    private let runtime: Runtime
    private let version: Int?
    private let engine: ContainerEngine?

    /// - Parameters:
    ///   - version: the engine's major version, where its rules have changed; nil: that on which they were tried.
    ///   - engine: what a kubelet runs containers with; nil: containerd.
    public init(by runtime: Runtime, version: Int? = nil, with engine: ContainerEngine? = nil) {
        self.runtime = runtime
        self.version = version
        self.engine = engine
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) {
        (scenario.runtime, scenario.engineVersion, scenario.engine) = (runtime, version, engine)
    }
}

/// The container is removed when it has ended, as with `docker run --rm`.
public struct AutoRemove: ScenarioPart {
    /// A restart leaves it; volumes stay.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.removesItself = true }
}

/// The container goes on while the runtime's daemon is away.
public struct LiveRestore: ScenarioPart {
    /// As Docker's setting of this name.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.isLiveRestored = true }
}

/// The signal that asks the container to end, and the time from there to SIGKILL; a negative one has no end.
public struct StopSignal: ScenarioPart {
    private let signal: Signal
    private let grace: Duration?

    /// - Parameters:
    ///   - signal: sent to PID 1.
    ///   - grace: the runtime's own where it is not given.
    public init(_ signal: Signal, grace: Duration? = nil) {
        self.signal = signal
        self.grace = grace
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) {
        scenario.stop = StopPolicy(signal: signal, grace: grace, hook: scenario.stop.hook)
    }
}

/// The container is started in a PID namespace that has a PID 1 already.
public struct SharedPIDNamespace: ScenarioPart {
    /// Without parameters: as the language has it.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.sharesProcesses = true }
}

/// A command that is carried out inside when the container has been started.
public struct PostStart: ScenarioPart {
    private let command: [String]

    /// - Parameter command: a program and its arguments.
    public init(_ command: String...) {
        self.command = command
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.startHook = command }
}

/// A command that is carried out inside before the stop signal is sent.
public struct PreStop: ScenarioPart {
    private let command: [String]

    /// - Parameter command: a program and its arguments.
    public init(_ command: String...) {
        self.command = command
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.stop.hook = command }
}

/// When the runtime starts the container again by itself.
public struct OnExit: ScenarioPart {
    private let policy: RestartPolicy

    /// - Parameter policy: as Docker's `--restart`.
    public init(restart policy: RestartPolicy) {
        self.policy = policy
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.restart = policy }
}

/// Private file systems in memory.
public struct Tmpfs: ScenarioPart {
    private let paths: [String]

    /// - Parameter paths: absolute.
    public init(_ paths: String...) {
        self.paths = paths
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.tmpfs += paths }
}

/// How /sys/fs/cgroup shows the container's control group.
public struct ControlGroup: ScenarioPart {
    private let access: ContainerSettings.CgroupAccess

    /// - Parameter access: writable, read-only, or none.
    public init(_ access: ContainerSettings.CgroupAccess) {
        self.access = access
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.cgroup = access }
}

/// PID 1 has a terminal, as with `docker run -t`.
public struct Terminal: ScenarioPart {
    /// Its standard error is one with its standard output.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.hasTerminal = true }
}

/// A variable of PID 1's environment.
public struct Variable: ScenarioPart {
    private let name: String
    private let value: String

    /// - Parameters:
    ///   - name: without `=`.
    ///   - value: any text without NUL.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.environment.append("\(name)=\(value)") }
}

/// Who PID 1 is, by number.
public struct User: ScenarioPart {
    private let user: UInt32
    private let group: UInt32

    /// - Parameters:
    ///   - user: a user's number.
    ///   - group: a group's number.
    public init(_ user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.user = Owner(user: user, group: group) }
}

/// The container's host name.
public struct Hostname: ScenarioPart {
    private let name: String

    /// - Parameter name: 64 bytes at most.
    public init(_ name: String) {
        self.name = name
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.hostname = name }
}

/// What the container finds under `/`, on the host.
public struct RootDirectory: ScenarioPart {
    private let path: String

    /// - Parameter path: absolute, or from the scenario's file.
    public init(_ path: String) {
        self.path = path
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.rootDirectory = path }
}

/// The image that the container is made of.
public struct Image: ScenarioPart {
    private let name: String

    /// - Parameter name: a path, absolute or from the scenario's file; `docker:NAME` or `podman:NAME`.
    public init(_ name: String) {
        self.name = name
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.image = name }
}

/// Where PID 1 and each exec start.
public struct WorkingDirectory: ScenarioPart {
    private let path: String

    /// - Parameter path: absolute.
    public init(_ path: String) {
        self.path = path
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.workingDirectory = path }
}

/// What the init is given to run, in place of services.
public struct Command: ScenarioPart {
    private let command: [String]

    /// - Parameter command: a program and its arguments.
    public init(_ command: String...) {
        self.command = command
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.payload = .command(command) }
}

/// How much the container may have.
public struct Limit: ScenarioPart {
    private let processes: Int?
    private let memory: Int?
    private let layer: Int?

    /// - Parameters:
    ///   - processes: how many at once.
    ///   - memory: in bytes.
    ///   - layer: what it may write into its own layer, in bytes.
    public init(processes: Int? = nil, memory: Int? = nil, layer: Int? = nil) {
        self.processes = processes
        self.memory = memory
        self.layer = layer
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) {
        if let processes { scenario.settings.processLimit = processes }
        if let memory { scenario.settings.memoryLimit = memory }
        if let layer { scenario.settings.layerLimit = layer }
    }
}

extension ResourceLimit: ScenarioPart {
    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.resourceLimits.append(self) }
}

/// Nothing may be written but to volumes, file systems in memory and /dev.
public struct ReadOnlyRoot: ScenarioPart {
    /// As `docker run --read-only`.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.hasReadOnlyRoot = true }
}

/// No exec gives a process a privilege that its parent does not have.
public struct NoNewPrivileges: ScenarioPart {
    /// As `docker run --security-opt no-new-privileges`.
    public init() {}

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.hasNoNewPrivileges = true }
}

extension Volume: ScenarioPart {
    /// A directory that outlives the container.
    ///
    /// - Parameter limit: how much it may hold, in bytes.
    public init(
        _ name: String, at path: String, limit: Int? = nil, filePath: String = #filePath, line: Int = #line,
        column: Int = #column
    ) {
        self.init(name: name, path: path, place: SourcePlace(file: filePath, line: line, column: column))
        self.limit = limit
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.volumes.append(self) }
}

extension File: ScenarioPart {
    /// A file that is there when the container is made.
    public init(
        _ path: String, mode: UInt16 = 0o644, owner: Owner = .root, filePath: String = #filePath, line: Int = #line,
        column: Int = #column, text: String
    ) {
        self.init(
            path: path, text: text, mode: mode, owner: owner,
            place: SourcePlace(file: filePath, line: line, column: column))
    }

    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.files.append(self) }
}

extension Entrypoint: ScenarioPart {
    /// Puts the line into a scenario.
    public func add(to scenario: inout Scenario) { scenario.settings.payload = .entrypoint(self) }
}
