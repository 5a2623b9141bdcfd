import Glibc
import Harness

/// The command line of `harness diagnose`, read: the options of `docker run`, each done as Docker does it, or refused by name.
struct DiagnoseOptions {
    /// The container; without steps.
    private(set) var scenario = Scenario(title: "diagnosed", place: .none)
    private(set) var usesInit = false
    private(set) var starts = 4
    private(set) var lasting = Duration.seconds(3)
    private(set) var scenarioFile: String?
    /// What is not quite as on the command line, and why; for people.
    private(set) var remarks: [String] = []
    private var entrypoint: String?
    private var user: String?

    private static let known =
        "--restart -v --tmpfs -e -u -i -t --init --entrypoint --hostname --memory --pids-limit --cap-add --stop-signal --stop-timeout "
        + "--cgroup --rootfs --starts --for --scenario"

    /// Options of `docker run` that change nothing here: there is no image, no network, and nothing is left.
    private static let harmless: Set<String> = [
        "-d", "--detach", "--rm", "--sig-proxy", "-P", "--publish-all", "-q", "--quiet",
    ]
    private static let harmlessWithValue: Set<String> = [
        "--name", "--network", "--net", "-p", "--publish", "--expose", "--pull", "--platform", "--label", "-l",
        "--log-driver",
        "--log-opt", "--cgroupns",
    ]

    init(_ arguments: [String]) throws(RunOptions.BadUsage) {
        scenario.restart = .always
        var rest = DiagnoseOptions.separated(arguments)[...]
        var command: [String] = []
        while let argument = rest.popFirst() {
            if argument == "--" {
                command = Array(rest)
                break
            }
            guard argument.hasPrefix("-"), argument.count > 1 else {
                throw RunOptions.BadUsage(message: "'\(argument)' is not an option: the command goes after '--'")
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let hasValue = parts.count == 2 && argument.hasPrefix("--")
            if hasValue { rest = [parts[1]] + rest }
            try apply(hasValue ? parts[0] : argument, &rest)
        }
        if let entrypoint { command = [entrypoint] + command }
        if command.isEmpty { throw RunOptions.BadUsage(message: "no command after '--'") }
        if scenario.settings.rootDirectory == nil { command = CommandLineTool.withAbsolutePaths(command) }
        scenario.settings.payload = .command(command)
        try setUser()
    }

    /// `-it` is `-i -t`, and `-eNAME=value` is `-e NAME=value`, up to `--`.
    private static func separated(_ arguments: [String]) -> [String] {
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        let flags = arguments[..<end].flatMap { argument -> [String] in
            guard argument.hasPrefix("-"), !argument.hasPrefix("--"), argument.count > 2 else { return [argument] }
            let letters = argument.dropFirst()
            if letters.allSatisfy({ "itdPq".contains($0) }) { return letters.map { "-\($0)" } }
            return ["evupm".contains(letters.first ?? " ") ? "-\(letters.prefix(1))" : argument]
                + ("evupm".contains(letters.first ?? " ") ? [String(letters.dropFirst())] : [])
        }
        return flags + arguments[end...]
    }

    private mutating func apply(_ name: String, _ rest: inout ArraySlice<String>) throws(RunOptions.BadUsage) {
        if DiagnoseOptions.harmless.contains(name) { return }
        if DiagnoseOptions.harmlessWithValue.contains(name) {
            _ = try value(name, &rest, "a value") { $0 }
            return
        }
        switch name {
        case "-i", "--interactive": scenario.settings.hasOpenInput = true
        case "-t", "--tty": scenario.settings.hasTerminal = true
        case "--init": usesInit = true
        case "--entrypoint": entrypoint = try value(name, &rest, "a program") { $0 }
        case "--hostname", "-h":
            scenario.settings.hostname = try value(name, &rest, "a name") {
                (1...64).contains($0.utf8.count) ? $0 : nil
            }
        case "--restart":
            scenario.restart = try value(name, &rest, "no, always, unless-stopped, on-failure[:N]") {
                RestartPolicy($0)
            }
        case "-e", "--env":
            let text = try value(name, &rest, "NAME=value or NAME") { $0.first == "=" ? nil : $0 }
            // A name alone takes the value that it has here, as with Docker.
            if text.contains("=") {
                scenario.settings.environment.append(text)
            } else if let own = CommandLineTool.environment(text) {
                scenario.settings.environment.append("\(text)=\(own)")
            }
        case "-u", "--user": user = try value(name, &rest, "a user") { $0 }
        case "-m", "--memory":
            scenario.settings.memoryLimit = try value(name, &rest, "a size, such as 64m") { size($0) }
        case "--pids-limit":
            scenario.settings.processLimit = try value(name, &rest, "a number") {
                Int($0).flatMap { $0 > 0 ? $0 : nil }
            }
        case "--cap-add":
            let allowed = Capability.allCases.map(\.rawValue).joined(separator: ", ")
            scenario.settings.capabilities.append(
                try value(name, &rest, "one of \(allowed) (others lead out of the sandbox)") {
                    Capability(rawValue: String($0.uppercased().trimmingPrefix("CAP_")))
                })
        case "--tmpfs": try addTmpfs(name, &rest)
        case "-v", "--volume":
            try addVolume(try value(name, &rest, "NAME:PATH[:OPTIONS], PATH or HOST-PATH:PATH") { $0 })
        case "--stop-signal": scenario.stop.signal = try value(name, &rest, "a signal") { Signal($0) }
        case "--stop-timeout":
            scenario.stop.grace = .seconds(try value(name, &rest, "seconds") { Int($0) })
            if scenario.stop.signal == nil { scenario.stop.signal = .term }
        case "--cgroup":
            let names = ContainerSettings.CgroupAccess.allCases.map(\.rawValue).joined(separator: ", ")
            scenario.settings.cgroup = try value(name, &rest, names) { ContainerSettings.CgroupAccess(rawValue: $0) }
        case "--rootfs": scenario.settings.rootDirectory = try value(name, &rest, "a directory") { $0 }
        case "--starts":
            starts = try value(name, &rest, "a number from 2 to 20") {
                Int($0).flatMap { (2...20).contains($0) ? $0 : nil }
            }
        case "--for":
            lasting = try value(name, &rest, "a time, such as 3s") {
                Duration(text: $0).flatMap { $0 > .zero ? $0 : nil }
            }
        case "--scenario": scenarioFile = try value(name, &rest, "a file") { $0 }
        case "--privileged":
            throw RunOptions.BadUsage(message: "--privileged leads out of the sandbox: it cannot be had here")
        default:
            throw RunOptions.BadUsage(
                message: "'\(name)' is not an option of diagnose, which has \(DiagnoseOptions.known)")
        }
    }

    // MARK: - Mounts

    private mutating func addTmpfs(_ name: String, _ rest: inout ArraySlice<String>) throws(RunOptions.BadUsage) {
        let text = try value(name, &rest, "an absolute path") { $0.hasPrefix("/") ? $0 : nil }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        scenario.settings.tmpfs.append(parts[0])
        guard parts.count > 1 else { return }
        guard let options = TmpfsOptions(parts[1]) else {
            throw RunOptions.BadUsage(
                message: "--tmpfs \(parts[0]) takes exec, ro, size=N, mode=N, uid=N and gid=N, not '\(parts[1])'")
        }
        scenario.settings.tmpfsOptions[parts[0]] = options
    }

    /// A named or anonymous volume; of a directory or file of the host a copy: what is on the host is not touched.
    private mutating func addVolume(_ text: String) throws(RunOptions.BadUsage) {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let own = "v\(scenario.settings.volumes.count + 1)"
        if parts.count == 1 { parts = [own, parts[0]] }
        guard (2...3).contains(parts.count), !parts[0].isEmpty, parts[1].hasPrefix("/"), parts[1] != "/" else {
            throw RunOptions.BadUsage(message: "-v takes NAME:PATH[:OPTIONS], PATH or HOST-PATH:PATH, not '\(text)'")
        }
        let options = parts.count > 2 ? parts[2].split(separator: ",").map(String.init) : []
        let known = ["ro", "rw", "nocopy", "z", "Z"]
        if let odd = options.first(where: { !known.contains($0) }) {
            throw RunOptions.BadUsage(
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
            throw RunOptions.BadUsage(message: "-v \(text): \(path) cannot be looked at")
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
                throw RunOptions.BadUsage(
                    message: "-v \(text): only directories and text files of the host can be copied in")
            }
            scenario.settings.files.append(
                File(
                    path: parts[1], text: content, mode: UInt16(status.st_mode & 0o7777),
                    owner: Owner(user: status.st_uid, group: status.st_gid), place: .none))
        default:
            throw RunOptions.BadUsage(
                message:
                    "-v \(text): \(path) is neither a directory nor a file: sockets and devices of the host stay out of reach"
            )
        }
        remarks.append("-v \(text): a copy of what is on the host, which is not touched")
    }

    // MARK: - Users

    /// A user and a group by number or by name, as the root's /etc/passwd and /etc/group have them (moby, daemon/exec_linux.go).
    private mutating func setUser() throws(RunOptions.BadUsage) {
        guard let user else { return }
        let parts = user.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let root = scenario.settings.rootDirectory ?? ""
        let accounts = DiagnoseOptions.entries("\(root)/etc/passwd")
        let account = accounts.first { $0.count > 5 && ($0[0] == parts[0] || $0[2] == parts[0]) }
        guard let number = account.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[0]) else {
            throw RunOptions.BadUsage(
                message:
                    "unable to find user \(parts[0]): it is not in \(root)/etc/passwd, and Docker does not start this")
        }
        var group = account.flatMap { UInt32($0[3]) } ?? 0
        if parts.count > 1 {
            let named = DiagnoseOptions.entries("\(root)/etc/group").first { $0.count > 2 && $0[0] == parts[1] }
            guard let found = named.flatMap({ UInt32($0[2]) }) ?? UInt32(parts[1]) else {
                throw RunOptions.BadUsage(message: "unable to find group \(parts[1]): it is not in \(root)/etc/group")
            }
            group = found
        }
        scenario.settings.user = Owner(user: number, group: group)
        if !scenario.settings.environment.contains(where: { $0.hasPrefix("HOME=") }) {
            scenario.settings.environment.insert("HOME=\(account.map { $0[5] } ?? "/")", at: 0)
        }
    }

    private static func entries(_ path: String) -> [[String]] {
        let bytes = (try? SourceFile.bytes(of: path)) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
    }

    // MARK: - Values

    private func size(_ text: String) -> Int? {
        let shift = ["b": 0, "k": 10, "m": 20, "g": 30][text.last.map { $0.lowercased() } ?? ""]
        return Int(shift == nil ? text : String(text.dropLast())).flatMap { $0 > 0 ? $0 << (shift ?? 0) : nil }
    }

    private func bad(_ name: String, _ wanted: String, _ text: String) -> RunOptions.BadUsage {
        RunOptions.BadUsage(message: "\(name) takes \(wanted), not '\(text)'")
    }

    private func value<Value>(
        _ name: String, _ rest: inout ArraySlice<String>, _ wanted: String, _ read: (String) -> Value?
    ) throws(RunOptions.BadUsage) -> Value {
        guard let text = rest.popFirst() else { throw RunOptions.BadUsage(message: "\(name) takes \(wanted)") }
        guard let value = read(text) else { throw bad(name, wanted, text) }
        return value
    }
}
