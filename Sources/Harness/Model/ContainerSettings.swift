import Vocabulary

/// The container's surroundings, as far as a scenario chooses them.
public struct ContainerSettings: Hashable, Sendable {
    /// 64 bytes at most (sethostname(2)); nil: one of the harness's choice.
    public var hostname: String?
    /// `NAME=value`, in the order given.
    public var environment: [String] = []
    /// Absolute paths of private in-memory file systems.
    public var tmpfs: [String] = []
    /// Options of some of these, by path.
    public var tmpfsOptions: [String: TmpfsOptions] = [:]
    /// Directories that outlive the container.
    public var volumes: [Volume] = []
    /// What is there when the container is made.
    public var files: [File] = []
    /// Files that are removed before each start, also those of the image: for experiments, not for scenarios.
    public var absentFiles: [String] = []
    /// How the container sees its control group; nil: as the runtime does it without being asked.
    public var cgroup: CgroupAccess?
    /// PID 1 has a terminal in place of pipes (`docker run -t`).
    public var hasTerminal = false
    /// PID 1's standard input is a pipe that stays open (`docker run -i`); otherwise it is /dev/null.
    public var hasOpenInput = false
    /// Beyond Docker's default set.
    public var capabilities: [Capability] = []
    /// Those of Docker's default set that the runtime does not give, by their numbers in linux/capability.h.
    public var withheldCapabilities: [UInt64] = []
    /// Signals that PID 1 is started with as ignored (SIG_IGN survives exec).
    public var ignoredSignals: [Signal] = []
    /// Signals that PID 1 is started with as blocked.
    public var blockedSignals: [Signal] = []
    /// Who PID 1 is; nil: root.
    public var user: Owner?
    /// The directory of the host that is the root file system's lower layer, from the scenario's file; nil: `/`.
    public var rootDirectory: String?
    /// The image that the container is made of, as it is named: a path from the scenario's file, `docker:NAME` or `podman:NAME`.
    public var image: String?
    /// What goes after the image's entrypoint, in place of its command; nil: that.
    public var arguments: [String]?
    /// Where PID 1 starts; made where it is not there. Nil: `/`.
    public var workingDirectory: String?
    /// The directories of the host that the image's layers have been unpacked into, the first on top; empty until they have.
    public var imageLayers: [String] = []
    /// How many processes there may be at once.
    public var processLimit: Int?
    /// In bytes.
    public var memoryLimit: Int?
    /// How much the container may write into its own layer, in bytes; nil: the harness's limit.
    public var layerLimit: Int?
    /// Nothing may be written but to volumes, tmpfs and /dev (`docker run --read-only`).
    public var hasReadOnlyRoot = false
    /// No exec gives a process a privilege that its parent does not have (`docker run --security-opt no-new-privileges`).
    public var hasNoNewPrivileges = false
    /// What each process may have, where it is not the usual; one per resource.
    public var resourceLimits: [ResourceLimit] = []
    /// What the init is given to run.
    public var payload: Payload?

    /// What `docker run` gives without options.
    public init() {}

    /// What the init is given to run in place of services.
    public enum Payload: Hashable, Sendable {
        case command([String])
        case entrypoint(Entrypoint)
    }

    /// How /sys/fs/cgroup shows the control group.
    public enum CgroupAccess: String, CaseIterable, Hashable, Sendable {
        /// The container's own, as the unified hierarchy.
        case readWrite = "rw"
        case readOnly = "ro"
        /// As `-v /sys/fs/cgroup:/sys/fs/cgroup`: each hierarchy of the host below it, with the container's own part of it.
        case hostReadWrite = "host-rw"
        /// The same with `:ro`; what is mounted below stays writable, as with Docker.
        case hostReadOnly = "host-ro"
        /// Nothing: an empty directory.
        case none

        /// Whether it is the host's tree that is shown.
        public var isOfHost: Bool { self == .hostReadWrite || self == .hostReadOnly }
    }
}

/// A part of root's power beyond Docker's default set (capabilities(7)).
///
/// Only what ends at the container's own namespaces, or does no harm: SYS_ADMIN, SYS_PTRACE, SYS_MODULE, DAC_READ_SEARCH and the
/// like lead out, and cannot be had.
public enum Capability: String, CaseIterable, Hashable, Sendable {
    case ipcLock = "IPC_LOCK"
    case ipcOwner = "IPC_OWNER"
    case netAdmin = "NET_ADMIN"
    case netBroadcast = "NET_BROADCAST"
    case sysBoot = "SYS_BOOT"
    case sysTTYConfig = "SYS_TTY_CONFIG"

    /// Its number in linux/capability.h.
    public var number: UInt64 {
        switch self {
        case .ipcLock: 14
        case .ipcOwner: 15
        case .netAdmin: 12
        case .netBroadcast: 11
        case .sysBoot: 22
        case .sysTTYConfig: 26
        }
    }
}

/// A symbolic link that is there when the container is made.
public struct Link: Hashable, Sendable {
    /// Absolute.
    public var path: String
    /// What it says.
    public var target: String

    /// A link at a path.
    public init(path: String, target: String) {
        self.path = path
        self.target = target
    }
}

/// The options of a file system in memory, as `docker run --tmpfs PATH:OPTIONS` takes them.
public struct TmpfsOptions: Hashable, Sendable {
    /// Programs on it may be executed; Docker's default is noexec.
    public var isExecutable = false
    public var isReadOnly = false
    /// In bytes; nil: the harness's limit.
    public var sizeInBytes: Int?
    /// Nil: that of the directory that is there already, else 1777.
    public var mode: UInt16?
    public var owner: Owner = .root

    /// Docker's defaults.
    public init() {}

    /// Reads `exec,size=1m,mode=700,uid=568,gid=568,ro`; nil where a word is none of these.
    public init?(_ text: some StringProtocol) {
        for word in text.split(separator: ",") {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard !parts.isEmpty else { return nil }
            switch (String(parts[0]), parts.count > 1 ? String(parts[1]) : nil) {
            case ("exec", nil): isExecutable = true
            case ("noexec", nil): isExecutable = false
            case ("ro", nil): isReadOnly = true
            case ("rw", nil), ("nosuid", nil), ("nodev", nil), ("noatime", nil), ("relatime", nil): continue
            case ("size", let size?):
                guard let bytes = TmpfsOptions.size(size) else { return nil }
                sizeInBytes = bytes
            case ("mode", let mode?):
                guard let mode = UInt16(mode, radix: 8), mode <= 0o7777 else { return nil }
                self.mode = mode
            case ("uid", let number?):
                guard let number = UInt32(number) else { return nil }
                owner.user = number
            case ("gid", let number?):
                guard let number = UInt32(number) else { return nil }
                owner.group = number
            default: return nil
            }
        }
    }

    private static func size(_ text: String) -> Int? {
        let shift = ["k": 10, "m": 20, "g": 30][text.last.map { $0.lowercased() } ?? ""]
        guard let number = Int(shift == nil ? text : String(text.dropLast())), number > 0, number < 1 << 30 else {
            return nil
        }
        return number << (shift ?? 0)
    }

    /// What reads it back.
    public var text: String {
        var words: [String] = []
        if isExecutable { words.append("exec") }
        if isReadOnly { words.append("ro") }
        if let sizeInBytes { words.append("size=\(sizeInBytes)") }
        if let mode { words.append("mode=\(Spelling.octal(mode))") }
        if owner.user != 0 { words.append("uid=\(owner.user)") }
        if owner.group != 0 { words.append("gid=\(owner.group)") }
        return words.isEmpty ? "noexec" : words.joined(separator: ",")
    }
}

/// A directory that outlives the container.
public struct Volume: Hashable, Sendable {
    /// Letters, digits, `.`, `-` and `_`.
    public var name: String
    /// Absolute.
    public var path: String
    /// A directory of the host of which it begins as a copy, from the scenario's file; nil: as what the image has at its place.
    public var source: String?
    /// Whose it is when it is new; nil: that of what it begins as.
    public var owner: Owner?
    /// It begins empty, also where the image has something at its place (Docker's `nocopy`, Kubernetes' emptyDir).
    public var isEmpty = false
    /// How much it may hold, in bytes; nil: all volumes together have the harness's limit.
    public var limit: Int?
    @Incidental public var place: SourcePlace

    /// A volume of this name at a path.
    public init(name: String, path: String, place: SourcePlace) {
        self.name = name
        self.path = path
        self.place = place
    }
}

/// A user and a group, by number.
public struct Owner: Hashable, Sendable, CustomStringConvertible {
    /// A user's number.
    public var user: UInt32
    /// A group's number.
    public var group: UInt32

    /// A user and a group, by number.
    public init(user: UInt32, group: UInt32) {
        self.user = user
        self.group = group
    }

    /// User and group 0.
    public static let root = Owner(user: 0, group: 0)

    /// `U:G`.
    public var description: String { "\(user):\(group)" }

    /// Reads `U:G`. The largest number is no user: chown(2) takes it for "as before".
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let user = UInt32(parts[0]), let group = UInt32(parts[1]), user != .max, group != .max,
            parts.allSatisfy({ $0.first != "+" })
        else { return nil }
        self.init(user: user, group: group)
    }
}

/// A file that is there when the container is made.
public struct File: Hashable, Sendable {
    /// Absolute.
    public var path: String
    /// Without NUL.
    public var text: String
    /// Permissions and special bits, 0 to 0o7777.
    public var mode: UInt16 = 0o644
    /// Whose it is; root where nothing is said.
    public var owner: Owner = .root
    @Incidental public var place: SourcePlace

    /// A file with its text.
    public init(path: String, text: String, mode: UInt16 = 0o644, owner: Owner = .root, place: SourcePlace) {
        self.path = path
        self.text = text
        self.mode = mode
        self.owner = owner
        self.place = place
    }
}

/// A fake entrypoint: named steps of a first-run initialisation behind a marker file, then another program in its place.
public struct Entrypoint: Hashable, Sendable {
    /// Absolute. When it is there the steps are left out.
    public var marker: String
    /// Their names, in the order in which they are gone through.
    public var steps: [String]
    /// How long each takes.
    public var stepTakes: Duration
    /// What it becomes at the end.
    public var command: [String]

    /// Steps behind a marker, then a command.
    public init(marker: String, steps: [String], stepTakes: Duration = .zero, command: [String]) {
        self.marker = marker
        self.steps = steps
        self.stepTakes = stepTakes
        self.command = command
    }
}
