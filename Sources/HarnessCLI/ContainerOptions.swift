import Glibc
import Harness

/// The options of `docker run`, each done as Docker does it, or refused by name: what `diagnose` and `check` are told of a container.
struct ContainerOptions {
    /// The container; without steps.
    var scenario = Scenario(title: "diagnosed", place: .none)
    var usesInit = false
    /// What is not quite as on the command line, and why; for people.
    var remarks: [String] = []
    private(set) var entrypoint: String?
    private(set) var user: String?

    /// Every one of them.
    static let all: [Option<ContainerOptions>] = ofDocker + own + refused + harmless

    /// Options of `docker run`, each done as Docker does it.
    private static let ofDocker: [Option<ContainerOptions>] = [
        Option(
            "--restart", takes: "POLICY", choices: ["no", "always", "unless-stopped", "on-failure"],
            "no, always, unless-stopped, on-failure[:N] (default: always)"
        ) {
            (options, text) throws(BadUsage) in
            guard let policy = RestartPolicy(text) else {
                throw bad("--restart", "no, always, unless-stopped, on-failure[:N]", text)
            }
            options.scenario.restart = policy
        },
        Option(
            "--volume", "-v", takes: "NAME:PATH[:OPTIONS]",
            "a volume; PATH alone: one without a name; HOST-PATH:PATH: a copy of what is there"
        ) {
            (options, text) throws(BadUsage) in try options.addVolume(text)
        },
        Option(
            "--tmpfs", takes: "PATH[:OPTIONS]", "a file system in memory, with exec, ro, size=N, mode=N, uid=N, gid=N"
        ) {
            (options, text) throws(BadUsage) in try options.addTmpfs(text)
        },
        Option("--env", "-e", takes: "NAME[=value]", "a variable; a name alone takes the value that it has here") {
            options, text in
            if text.contains("=") {
                options.scenario.settings.environment.append(text)
            } else if let own = CommandLineTool.environment(text) {
                options.scenario.settings.environment.append("\(text)=\(own)")
            }
        },
        Option("--workdir", "-w", takes: "DIR", "where the command starts (default: the image's)") {
            (options, text) throws(BadUsage) in
            guard text.hasPrefix("/") else { throw bad("--workdir", "an absolute path", text) }
            options.scenario.settings.workingDirectory = text == "/" ? nil : text
        },
        Option("--read-only", flag: "a root that cannot be written to") {
            $0.scenario.settings.hasReadOnlyRoot = true
        },
        Option(
            "--security-opt", takes: "OPTION",
            "no-new-privileges; other options of Docker's change nothing here, which is said"
        ) {
            switch $1 {
            case "no-new-privileges", "no-new-privileges:true", "no-new-privileges=true":
                $0.scenario.settings.hasNoNewPrivileges = true
            case "no-new-privileges:false", "no-new-privileges=false":
                $0.scenario.settings.hasNoNewPrivileges = false
            default: $0.remarks.append("--security-opt \($1): it changes nothing here")
            }
        },
        Option("--ulimit", takes: "NAME=SOFT[:HARD]", "a limit on a resource, such as nofile=1024:4096") {
            (options, text) throws(BadUsage) in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let resource = ResourceLimit.Resource(rawValue: parts[0]),
                let limit = ResourceLimit(resource, parts[1])
            else { throw bad("--ulimit", "NAME=SOFT[:HARD]", text) }
            options.scenario.settings.resourceLimits.append(limit)
        },
        Option("--health-cmd", takes: "COMMAND", "a health check, run by /bin/sh") {
            $0.scenario.healthCheck = HealthCheck(["/bin/sh", "-c", $1])
        },
        Option("--no-healthcheck", flag: "not the image's health check") { $0.scenario.hasNoHealthCheck = true },
        Option("--user", "-u", takes: "USER[:GROUP]", "by name or number") { $0.user = $1 },
        Option("--interactive", "-i", flag: "a standard input that stays open") {
            $0.scenario.settings.hasOpenInput = true
        },
        Option("--tty", "-t", flag: "a terminal") { $0.scenario.settings.hasTerminal = true },
        Option("--init", flag: "an init in front of the command") { $0.usesInit = true },
        Option("--entrypoint", takes: "PROGRAM", "what goes before the command") { $0.entrypoint = $1 },
        Option("--hostname", "-h", takes: "NAME", "of 64 bytes at most") { (options, text) throws(BadUsage) in
            guard (1...64).contains(text.utf8.count) else { throw bad("--hostname", "a name", text) }
            options.scenario.settings.hostname = text
        },
        Option("--memory", "-m", takes: "SIZE", "such as 64m") { (options, text) throws(BadUsage) in
            guard let size = size(text) else { throw bad("--memory", "a size, such as 64m", text) }
            options.scenario.settings.memoryLimit = size
        },
        Option("--pids-limit", takes: "N", "how many processes there may be") { (options, text) throws(BadUsage) in
            guard let number = Int(text), number > 0 else { throw bad("--pids-limit", "a number", text) }
            options.scenario.settings.processLimit = number
        },
        Option(
            "--cap-add", takes: "CAPABILITY", choices: Capability.allCases.map(\.rawValue),
            "a capability that does not lead out of the sandbox"
        ) {
            (options, text) throws(BadUsage) in
            guard let capability = Capability(rawValue: String(text.uppercased().trimmingPrefix("CAP_"))) else {
                let allowed = Capability.allCases.map(\.rawValue).joined(separator: ", ")
                throw bad("--cap-add", "one of \(allowed) (others lead out of the sandbox)", text)
            }
            options.scenario.settings.capabilities.append(capability)
        },
        Option("--stop-signal", takes: "SIGNAL", "what asks it to end (default: SIGTERM)") {
            (options, text) throws(BadUsage) in
            guard let signal = Signal(text) else { throw bad("--stop-signal", "a signal", text) }
            options.scenario.stop.signal = signal
        },
        Option("--stop-timeout", takes: "SECONDS", "the grace period (default: 10)") {
            (options, text) throws(BadUsage) in
            guard let seconds = Int(text), (-1...86_400).contains(seconds) else {
                throw bad("--stop-timeout", "seconds; -1: without end", text)
            }
            options.scenario.stop.grace = .seconds(seconds)
        },
    ]

    /// Options that Docker does not have.
    private static let own: [Option<ContainerOptions>] = [
        Option("--rootfs", takes: "DIR", "the root file system, an unpacked image (default: the host's own)") {
            $0.scenario.settings.rootDirectory = $1
        },
        Option(
            "--image", takes: "IMAGE",
            "what docker save or podman save wrote, an OCI layout, docker:NAME or podman:NAME"
        ) {
            $0.scenario.settings.image = $1
        },
        Option(
            "--cgroup", takes: "none|ro|rw|host-ro|host-rw",
            choices: ContainerSettings.CgroupAccess.allCases.map(\.rawValue),
            "how /sys/fs/cgroup is seen (default: as on this host)"
        ) {
            $0.scenario.settings.cgroup = ContainerSettings.CgroupAccess(rawValue: $1)
        },
    ]

    private static let refused: [Option<ContainerOptions>] = [
        Option("--privileged", flag: "refused: it leads out of the sandbox") { _ throws(BadUsage) in
            throw BadUsage(message: "--privileged leads out of the sandbox: it cannot be had here")
        }
    ]

    /// Options of `docker run` that change nothing here: there is no image, no network, and nothing is left.
    private static let harmless: [Option<ContainerOptions>] =
        [["--detach", "-d"], ["--rm"], ["--sig-proxy"], ["--publish-all", "-P"], ["--quiet", "-q"]].map { names in
            Option(names: names, takes: nil, "changes nothing here") { _, _ in }
        }
        + [
            ["--name"], ["--network", "--net"], ["--publish", "-p"], ["--expose"], ["--pull"], ["--platform"],
            ["--label", "-l"],
            ["--log-driver"], ["--log-opt"], ["--cgroupns"],
        ].map { names in Option(names: names, takes: "VALUE", "changes nothing here") { _, _ in } }

    // MARK: - Mounts

    private mutating func addTmpfs(_ text: String) throws(BadUsage) {
        guard text.hasPrefix("/") else { throw ContainerOptions.bad("--tmpfs", "an absolute path", text) }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        scenario.settings.tmpfs.append(parts[0])
        guard parts.count > 1 else { return }
        guard let options = TmpfsOptions(parts[1]) else {
            throw BadUsage(
                message: "--tmpfs \(parts[0]) takes exec, ro, size=N, mode=N, uid=N and gid=N, not '\(parts[1])'")
        }
        scenario.settings.tmpfsOptions[parts[0]] = options
    }

    /// A named or anonymous volume; of a directory or file of the host a copy: what is on the host is not touched.
    private mutating func addVolume(_ text: String) throws(BadUsage) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let own = "v\(scenario.settings.volumes.count + 1)"
        if parts.count == 1 { parts = [own, parts[0]] }
        guard (2...3).contains(parts.count), !parts[0].isEmpty, parts[1].hasPrefix("/"), parts[1] != "/" else {
            throw BadUsage(message: "-v takes NAME:PATH[:OPTIONS], PATH or HOST-PATH:PATH, not '\(text)'")
        }
        let options = parts.count > 2 ? parts[2].split(separator: ",").map(String.init) : []
        let known = ["ro", "rw", "nocopy", "z", "Z"]
        if let odd = options.first(where: { !known.contains($0) }) {
            throw BadUsage(
                message: "-v \(parts[0]):\(parts[1]) takes \(known.joined(separator: ", ")), not '\(odd)'")
        }
        if parts[0] == "/sys/fs/cgroup", parts[1] == "/sys/fs/cgroup" {
            scenario.settings.cgroup = options.contains("ro") ? .hostReadOnly : .hostReadWrite
            return
        }
        var volume = Volume(name: parts[0], path: parts[1], place: .none)
        volume.isEmpty = options.contains("nocopy")
        guard parts[0].contains("/") || parts[0] == "." || parts[0] == ".." else {
            if options.contains("ro") { remarks.append("-v \(text): the volume can be written to here") }
            return scenario.settings.volumes.append(volume)
        }
        var status = stat()
        guard let found = realpath(parts[0], nil) else {
            // As Docker: a directory that is not there is made, empty, and root's.
            volume.name = own
            volume.isEmpty = true
            remarks.append(
                "-v \(text): there is no \(parts[0]) here; Docker makes an empty directory, and so it is here")
            return scenario.settings.volumes.append(volume)
        }
        let path = String(cString: found)
        free(found)
        guard stat(path, &status) == 0 else {
            throw BadUsage(message: "-v \(text): \(path): \(String(cString: strerror(errno)))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            volume.name = own
            volume.source = path
            scenario.settings.volumes.append(volume)
        case S_IFREG:
            guard let bytes = try? SourceFile.bytes(of: path), let content = String(validating: bytes, as: UTF8.self),
                !content.utf8.contains(0)
            else {
                throw BadUsage(
                    message: "-v \(text): only directories and text files of the host can be copied in")
            }
            scenario.settings.files.append(
                File(
                    path: parts[1], text: content, mode: UInt16(status.st_mode & 0o7777),
                    owner: Owner(user: status.st_uid, group: status.st_gid), place: .none))
        default:
            throw BadUsage(
                message:
                    "-v \(text): \(path) is neither a directory nor a file: sockets and devices of the host stay out of reach"
            )
        }
        remarks.append("-v \(text): a copy of what is on the host, which is not touched")
    }

    // MARK: - The whole

    /// What is in front of the command: Docker's init where it was asked for.
    ///
    /// - Throws: `BadUsage`: there is no such profile; `NotInstalled`.
    func profile(_ installation: Installation) throws -> InitProfile {
        if !usesInit { return .none }
        var suite = Suite()
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        guard let found = suite.profiles.first(where: { $0.name == "docker-init" }) else {
            throw BadUsage(message: "--init: there is no profile docker-init")
        }
        if let reason = found.reasonNotInstalled { throw NotInstalled(description: "--init: \(reason)") }
        return found
    }

    /// An init that this machine does not have, and how to get it.
    struct NotInstalled: Error, CustomStringConvertible {
        let description: String
    }

    /// A path from the current folder, absolute: scenarios are written elsewhere.
    private static func absolute(_ name: String) -> String {
        if name.hasPrefix("docker:") || name.hasPrefix("podman:") { return name }
        guard let found = realpath(name, nil) else { return name }
        defer { free(found) }
        return String(cString: found)
    }

    /// Loads its image, and makes what is said of it whole: the command line, as Docker puts it together, and the user.
    ///
    /// - Parameter command: what was given; empty: nothing was.
    /// - Returns: the image; nil: it has none.
    /// - Throws: `CannotRun`; `BadUsage` where there is no such user.
    mutating func load(_ command: [String], in session: Session) throws -> LoadedImage? {
        scenario.settings.image = scenario.settings.image.map(ContainerOptions.absolute)
        scenario.settings.rootDirectory = scenario.settings.rootDirectory.map(ContainerOptions.absolute)
        var image: LoadedImage?
        if let name = scenario.settings.image { image = try session.images.load(name, in: session) }
        let configuration = image?.configuration
        // An entrypoint of its own takes the image's command away, too (moby, daemon/commit.go: merge).
        let usual = entrypoint == nil ? scenario.settings.arguments ?? configuration?.command ?? [] : []
        let words = (entrypoint.map { [$0] } ?? configuration?.entrypoint ?? []) + (command.isEmpty ? usual : command)
        // What a document says of the command stays, unless the command line says otherwise.
        let isSaid = scenario.settings.payload != nil && entrypoint == nil && command.isEmpty
        if !words.isEmpty, !isSaid {
            let isHosts = scenario.settings.image == nil && scenario.settings.rootDirectory == nil
            scenario.settings.payload = .command(isHosts ? CommandLineTool.withAbsolutePaths(words) : words)
        }
        if let user {
            // Before the image's own user is taken.
            var rooted = scenario
            rooted.settings.imageLayers = image?.layers ?? []
            // Its own HOME goes before that of /etc/passwd.
            rooted.settings.environment = (configuration?.environment ?? []) + rooted.settings.environment
            do {
                try rooted.setUser(user, in: Accounts(of: rooted))
            } catch {
                throw BadUsage(message: error.description)
            }
            scenario.settings.user = rooted.settings.user
            scenario.settings.environment = rooted.settings.environment
        }
        scenario = try session.withImages(scenario)
        // In the language a grace period comes with its signal.
        if scenario.stop.grace != nil, scenario.stop.signal == nil { scenario.stop.signal = .term }
        if let place = scenario.placeOfTheKernel {
            throw BadUsage(message: "a volume or tmpfs at \(place) hides what every container has there")
        }
        if scenario.hasNoHealthCheck { scenario.healthCheck = nil }
        return image
    }

    // MARK: - Values

    private static func size(_ text: String) -> Int? {
        let shift = ["b": 0, "k": 10, "m": 20, "g": 30][text.last.map { $0.lowercased() } ?? ""]
        return Int(shift == nil ? text : String(text.dropLast())).flatMap { number in
            let (size, isTooMuch) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
            return number > 0 && !isTooMuch ? size : nil
        }
    }

    private static func bad(_ name: String, _ wanted: String, _ text: String) -> BadUsage {
        BadUsage(message: "\(name) takes \(wanted), not '\(text)'")
    }
}
