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

    static let help = """
        harness: tests any init, as PID 1, on what the kernel saw

        usage: harness run [PATH…] [--init NAME|FILE]… [option…] [-- COMMAND…]
               harness diagnose [docker-run option…] -- COMMAND…
               harness lint [PATH…] [--format human|json|github]
               harness fmt [PATH…] [--check]
               harness list [PATH…] [--tag TAG]… [--filter TEXT] [--format human|json]
               harness doctor

        run carries scenarios out: files or folders, or the conformance suite that came with the tool.
          --init NAME|FILE   an init by the name of its profile, or a profile's file; repeatable, or comma-separated;
                             `all`: every one installed; `none`: the command itself is PID 1 (default: reference)
          -- COMMAND…        with --init: the command line of that init; alone: an init of unknown abilities, which is
                             given its child's command as further arguments
          --filter TEXT      only scenarios whose title contains this
          --tag TAG          only scenarios with this tag; repeatable
          --jobs N           so many containers at once (default: 16 for each processor, 64 at most)
          --repeat N         each of them so many times
          --speed X          the runtime's clocks (grace period, back-off) and the fakes' own times so many times faster
          --format FORMAT    human, json or markdown (default: human)
          --output FILE      write the report there
          --verbose          every event of every run, not only the evidence
          --quiet            only the matrix and the sums
          --no-color         no colours, as when the output is not a terminal or NO_COLOR is set
          --no-trace         do without the trace instance, as on a machine that has none

        diagnose runs a command under a restart policy until there is proof, and says why it does not stay up, with the
        evidence. Exit status 0: it stays up; 1: a restart loop, or it has ended.
          --restart POLICY   no, always, unless-stopped, on-failure[:N] (default: always)
          -v NAME:PATH · --tmpfs PATH · -e NAME=value · -u U:G · -t · --init · --stop-signal S · --stop-timeout SECONDS ·
          --rootfs DIR       as with `docker run`; a volume is a new one, whatever is on the host
          --cgroup none|ro|rw  how /sys/fs/cgroup is seen (default: as on this host)
          --starts N         so many starts are proof of a loop (default: 4)
          --for D            a life of this length is proof that it is stable (default: 3s)
          --scenario FILE    writes what was done as a scenario

        lint says what is wrong with scenario and profile files, and runs nothing. It needs no privileges.

        fmt brings the same files into canonical form, in place; `-` is standard input, to standard output. With --check
        it changes nothing, and names the files that it would change (exit status 1).

        list says what there is: titles, tags, and what each scenario needs of an init.

        doctor says what this machine has and lacks.

        exit status: 0 all passed or not applicable · 1 a scenario failed · 2 usage, or a file that does not parse
          (for lint, too, one that cannot be run yet) · 3 this machine cannot run it, or a verdict is `error`
          130 interrupted

        environment: HARNESS_FAKE_SERVICES the executable of the fakes · NO_COLOR
        """

    static func run(_ arguments: [String]) -> Int32 {
        switch arguments.first {
        case "run": return runScenarios(Array(arguments.dropFirst()))
        case "diagnose": return diagnose(Array(arguments.dropFirst()))
        case "lint": return lint(Array(arguments.dropFirst()))
        case "fmt": return format(Array(arguments.dropFirst()))
        case "list": return list(Array(arguments.dropFirst()))
        case "doctor":
            guard arguments.count == 1 else { return complain("doctor takes no arguments") }
            return doctor()
        case "--help", "-h", "help":
            write(help + "\n", to: STDOUT_FILENO)
            return Status.passed
        case nil:
            write(help + "\n", to: STDERR_FILENO)
            return Status.usage
        case let verb?: return complain("'\(verb)' is not a verb of this version; `harness --help` lists them")
        }
    }

    // MARK: - Output

    /// Writes everything; false where it could not be written.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var rest = ArraySlice(text.utf8)
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EAGAIN {
                // Somebody has made it non-blocking: it takes more later.
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

    private static func doctor() -> Int32 {
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        var suite = Suite()
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        let doctor = Doctor(installation, profiles: suite.profiles)
        for finding in doctor.findings {
            let mark = finding.isObstacle ? "✗" : " "
            let padding = String(repeating: " ", count: max(1, 11 - finding.subject.count))
            write("\(mark) \(finding.subject)\(padding)\(finding.text)\n", to: STDOUT_FILENO)
        }
        write(
            doctor.canRun ? "this machine can run scenarios\n" : "this machine cannot run scenarios\n",
            to: STDOUT_FILENO)
        return doctor.canRun ? Status.passed : Status.cannotRun
    }
}
