import Glibc
import Harness

/// The `harness` command: arguments in, exit status out.
enum CommandLineTool {
    /// What every verb may answer (docs/DESIGN.md §4.1).
    enum Status {
        static let passed: Int32 = 0
        static let failed: Int32 = 1
        static let usage: Int32 = 2
        static let cannotRun: Int32 = 3
        static let interrupted: Int32 = 130
    }

    static func run(_ arguments: [String]) -> Int32 {
        guard let first = arguments.first else {
            if access("/proc/self/cmdline", R_OK) != 0 {
                // The command line is read from there.
                write("harness: there is no /proc: mount it: mount -t proc proc /proc\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
            write(Help.overview, to: STDERR_FILENO)
            return Status.usage
        }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "-h", "--help": return print(Help.overview, Status.passed)
        case "help": return help(rest)
        case "-V", "--version": return version()
        default: break
        }
        guard let verb = Verb.all.first(where: { $0.name == first }) else {
            let words = Verb.all.map(\.name) + ["help", "--version"]
            let hint = nearestWord(to: first, among: words).map { "; did you mean '\($0)'?" } ?? ""
            return complain("'\(first)' is not a verb\(hint); `harness help` lists them")
        }
        let own = rest.prefix { $0 != "--" }
        // `diagnose -h NAME` is a host's name, as with docker run.
        if own.contains("--help") || own.first == "-h" && (verb.name != "diagnose" || own.count == 1) {
            return print(Help.text(of: verb), Status.passed)
        }
        // Each round of --watch protects its own.
        let isSupervisor = first == "run" && own.contains("--watch")
        if ["run", "diagnose", "doctor"].contains(first), !isSupervisor { protectExecutable(CommandLine.arguments) }
        return verb.run(rest)
    }

    private static func help(_ words: [String]) -> Int32 {
        guard let name = words.first else { return print(Help.overview, Status.passed) }
        guard let verb = Verb.all.first(where: { $0.name == name }) else {
            let hint = nearestWord(to: name, among: Verb.all.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
            return complain("there is no verb '\(name)'\(hint)")
        }
        return print(Help.text(of: verb), Status.passed)
    }

    private static func version() -> Int32 {
        print(
            "harness \(ToolVersion.description)\n\(ToolVersion.machine)\nwitness: \(Session.expectedWitness)\n",
            Status.passed)
    }

    static func completions(_ arguments: [String]) -> Int32 {
        switch arguments {
        case ["bash"]: print(Completions.bash, Status.passed)
        case ["zsh"]: print(Completions.zsh, Status.passed)
        case ["fish"]: print(Completions.fish, Status.passed)
        default: complain("completions takes bash, zsh or fish")
        }
    }

    static func manual(_ arguments: [String]) -> Int32 {
        arguments.isEmpty ? print(Manual.page, Status.passed) : complain("man takes no arguments")
    }

    // MARK: - Output

    /// Writes everything; false where it could not be written.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EAGAIN {
                // It was made non-blocking: it takes more later.
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&ready, 1, -1)
            } else if count < 0 && errno != EINTR {
                return false
            }
            rest = rest.dropFirst(max(0, count))
        }
        return true
    }

    /// What a verb has to say, on standard output, and the exit status: another where it could not be said.
    static func print(_ text: String, _ status: Int32) -> Int32 {
        if write(text, to: STDOUT_FILENO) { return status }
        write("harness: the output could not be written: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
        return Status.cannotRun
    }

    static func complain(_ message: String) -> Int32 {
        write("harness: \(message)\n", to: STDERR_FILENO)
        return Status.usage
    }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    // MARK: - Doctor

    static func doctor(_ arguments: [String]) -> Int32 {
        guard arguments.isEmpty else { return complain("doctor takes no arguments") }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        var suite = Suite()
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        let doctor = Doctor(installation, profiles: suite.profiles)
        for finding in doctor.findings {
            let mark = finding.isObstacle ? "✗" : " "
            let padding = String(repeating: " ", count: max(1, 11 - finding.subject.count))
            write("\(mark) \(finding.subject)\(padding)\(finding.text)\n", to: STDOUT_FILENO)
        }
        let but = doctor.lacks.isEmpty ? "" : ", but not all: see \(doctor.lacks.joined(separator: ", "))"
        write(
            doctor.canRun ? "this machine can run scenarios\(but)\n" : "this machine cannot run scenarios\n",
            to: STDOUT_FILENO)
        return doctor.canRun ? Status.passed : Status.cannotRun
    }
}
