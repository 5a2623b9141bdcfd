import Vocabulary

/// How to start one init, and what can be expected of it.
public struct InitProfile: Hashable, Sendable {
    /// By which `--init` and `about` know it.
    public var name: String
    /// Where it begins in its file.
    @Incidental public var place: SourcePlace
    /// The comment right above it.
    public var summary: String = ""
    /// The command line, in which the word `{command}` stands for the child's command and `{services}` for what
    /// `serviceArguments` makes of each service, `{names}` for the services' names. Empty for `none`: the command itself is PID 1.
    public var command: [String] = []
    /// What stands for one service in place of `{services}`: `{name}`, `{after}` (comma-separated) and `{command}`.
    public var serviceArguments: [String] = []
    /// The package that has it, as Debian and Ubuntu call it.
    public var package: String?
    /// Programs besides the first of its command without which it cannot be run.
    public var programs: [String] = []
    /// A command line that prints its version.
    public var version: [String] = []
    /// What it claims to do; it is asked for nothing else.
    public var abilities: Set<Ability> = []
    /// What asks it to end; nil: SIGTERM.
    public var stopSignal: Signal?
    /// `NAME=value`, in the order given; a scenario's come after.
    public var environment: [String] = []
    /// Absolute paths of file systems in memory that it needs.
    public var tmpfs: [String] = []
    /// How it needs /sys/fs/cgroup, where a scenario does not say; nil: it does not care.
    public var cgroup: ContainerSettings.CgroupAccess?
    /// It needs a terminal.
    public var hasTerminal = false
    /// What it needs beyond Docker's default set.
    public var capabilities: [Capability] = []
    /// Directories of the host that are laid over its root: packages that would conflict with the host's own.
    public var layers: [String] = []
    /// Files that tell it what to do and of its services, with places for what each service is (`Template`).
    public var files: [File] = []
    /// Symbolic links, likewise.
    public var links: [Link] = []
    /// Text that is added to one of the files for each service.
    public var additions: [File] = []
    /// A runtime puts it before the command by itself, where the container has a PID namespace of its own (`docker run --init`).
    public var isInjected = false
    /// What it is known to fail: no reason to worry, and one when it passes.
    public var knownFailures: [KnownFailure] = []
    /// Why it cannot be run here at all, where that is so.
    public var unusable: String?

    /// A profile that says nothing yet.
    public init(name: String, place: SourcePlace) {
        self.name = name
        self.place = place
    }

    /// What every PID 1 is expected to do: claimed for the command itself, and for an init of which only a command line is known.
    public static let duties: Set<Ability> = [.forwarding, .reaping, .exitStatus]

    /// The command itself as PID 1.
    public static var none: InitProfile {
        var profile = InitProfile(name: "none", place: SourcePlace(file: "", line: 0, column: 0))
        profile.summary = "No init: the command itself is PID 1."
        profile.abilities = duties
        return profile
    }

    /// The same with another command line; without a place for services in it, it has one child.
    public func started(by command: [String]) -> InitProfile {
        var profile = self
        profile.command = InitProfile.unknown(command: command).command
        if !command.contains("{services}") { profile.abilities.subtract([.supervision, .ordering]) }
        return profile
    }

    /// An init of unknown abilities that takes its child's command as further arguments.
    public static func unknown(command: [String]) -> InitProfile {
        var profile = none
        profile.name = command.joined(separator: " ")
        profile.summary = "An init given on the command line."
        let hasPlace = command.contains("{command}") || command.contains("{services}")
        profile.command = hasPlace ? command : command + ["{command}"]
        return profile
    }
}

/// Behaviours that an init is known to get wrong, in whole or in part.
public struct KnownFailure: Hashable, Sendable {
    /// Rows of docs/BEHAVIOURS.md, or titles of scenarios that cover none.
    public let rows: [String]
    /// Why; empty: it is not said.
    public let reason: String
    @Incidental public var place: SourcePlace
    /// An earlier run failed it, too; no profile and no `--known` file lists it.
    @Incidental public var isOfBaseline: Bool = false

    public init(rows: [String], reason: String, place: SourcePlace) {
        (self.rows, self.reason, self.place) = (rows, reason, place)
    }
}
