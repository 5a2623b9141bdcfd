import Glibc
import Harness

extension CommandLineTool {
    /// `harness diagnose`: the flags of `docker run`, then a command.
    static func diagnose(_ arguments: [String]) -> Int32 {
        let options: DiagnoseOptions
        do {
            options = try DiagnoseOptions(arguments)
        } catch {
            return complain(error.message)
        }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        var profile = InitProfile.none
        if options.usesInit {
            var suite = Suite()
            if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
            guard let found = suite.profiles.first(where: { $0.name == "docker-init" }) else {
                return complain("--init: there is no profile docker-init")
            }
            if let reason = found.reasonNotInstalled {
                write("harness: --init: \(reason)\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
            profile = found
        }
        do {
            let session = try Session.interruptible(fakeServices: installation.fakeServices)
            defer { session.close() }
            let diagnosis = try Diagnoser(
                options.scenario, profile, in: session, starts: options.starts, lasting: options.lasting
            ).diagnose()
            write(diagnosis.text, to: STDOUT_FILENO)
            if let path = options.scenarioFile {
                let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
                guard file >= 0, write(diagnosis.scenario.text, to: file) else {
                    return complain("\(path): \(String(cString: strerror(errno)))")
                }
                close(file)
            }
            return diagnosis.isStable ? Status.passed : Status.failed
        } catch let error as CannotRun {
            write("harness: \(error.reason)\(error.remedy.isEmpty ? "" : ": \(error.remedy)")\n", to: STDERR_FILENO)
            return Status.cannotRun
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }
}

/// The command line of `harness diagnose`, read.
struct DiagnoseOptions {
    /// The container; without steps.
    var scenario = Scenario(title: "diagnosed", place: .none)
    var usesInit = false
    var starts = 4
    var lasting = Duration.seconds(3)
    var scenarioFile: String?

    private static let known =
        "--restart -v --tmpfs -e -u -t --init --stop-signal --stop-timeout --cgroup --rootfs --starts --for --scenario"

    init(_ arguments: [String]) throws(RunOptions.BadUsage) {
        scenario.restart = .always
        var rest = arguments[...]
        var command: [String] = []
        while let argument = rest.popFirst() {
            if argument == "--" {
                command = Array(rest)
                break
            }
            guard argument.hasPrefix("-"), argument.count > 1 else {
                throw RunOptions.BadUsage(message: "'\(argument)' is no option: the command stands behind '--'")
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let hasValue = parts.count == 2 && argument.hasPrefix("--")
            if hasValue { rest = [parts[1]] + rest }
            try apply(hasValue ? parts[0] : argument, &rest)
        }
        if command.isEmpty { throw RunOptions.BadUsage(message: "no command stands behind '--'") }
        // From here: inside, the current folder is `/`.
        if command[0].contains("/"), !command[0].hasPrefix("/"), let path = realpath(command[0], nil) {
            command[0] = String(cString: path)
            free(path)
        }
        scenario.settings.payload = .command(command)
    }

    private mutating func apply(_ name: String, _ rest: inout ArraySlice<String>) throws(RunOptions.BadUsage) {
        switch name {
        case "-t", "--tty": scenario.settings.hasTerminal = true
        case "--init": usesInit = true
        case "--restart":
            scenario.restart = try value(name, &rest, "no, always, unless-stopped, on-failure[:N]") {
                RestartPolicy($0)
            }
        case "-e", "--env":
            scenario.settings.environment.append(try value(name, &rest, "NAME=value") { $0.contains("=") ? $0 : nil })
        case "-u", "--user":
            scenario.settings.user = try value(name, &rest, "the numbers of a user and a group, such as 568:568") {
                Owner($0) ?? Owner("\($0):\($0)")
            }
        case "--tmpfs":
            scenario.settings.tmpfs.append(
                try value(name, &rest, "an absolute path") {
                    $0.hasPrefix("/") ? $0.split(separator: ":").first.map(String.init) : nil
                })
        case "-v", "--volume":
            let text = try value(name, &rest, "NAME:PATH") { $0.contains(":") ? $0 : nil }
            let parts = text.split(separator: ":").map(String.init)
            guard parts.count >= 2, parts[1].hasPrefix("/") else { throw bad(name, "NAME:PATH", text) }
            // What is on the host is not touched: a path there becomes a volume of its own, empty at first.
            let own = "v\(scenario.settings.volumes.count + 1)"
            scenario.settings.volumes.append(
                Volume(name: parts[0].contains("/") ? own : parts[0], path: parts[1], place: .none))
        case "--stop-signal": scenario.stop.signal = try value(name, &rest, "a signal") { Signal($0) }
        case "--stop-timeout":
            scenario.stop.grace = .seconds(try value(name, &rest, "seconds") { Int($0) })
            if scenario.stop.signal == nil { scenario.stop.signal = .term }
        case "--cgroup":
            scenario.settings.cgroup = try value(name, &rest, "none, ro or rw") {
                ContainerSettings.CgroupAccess(rawValue: $0)
            }
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
        default:
            throw RunOptions.BadUsage(
                message: "'\(name)' is not an option of diagnose; it has \(DiagnoseOptions.known)")
        }
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
