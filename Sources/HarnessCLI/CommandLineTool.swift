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
               harness simulate [--runtime NAME|all] [--restart POLICY] [option…] 'CLAUSE; …'
               harness lint [PATH…] [--strict] [--format human|json|github]
               harness fmt [PATH…] [--check]
               harness list [PATH…] [--tag TAG]… [--filter TEXT] [--format human|json]
               harness doctor

        run carries scenarios out: files or folders, or the conformance suite that came with the tool.
          --init NAME|FILE   an init by the name of its profile, or a profile's file; repeatable, or comma-separated;
                             `all`: every one installed; `none`: the command itself is PID 1. Default: what each scenario
                             is about, that is the inits that it names, the reference for services, none for a command
          -- COMMAND…        with --init: the command line of that init; alone: an init of unknown abilities, which is
                             given its child's command as further arguments
          --runtime NAME     by whose rules containers are driven: docker, podman, compose, kubernetes, nspawn, or `all` side by side;
                             repeatable, or comma-separated (default: as each scenario says, else docker)
          --compare          only where runtimes make a difference, with what each of them did (--runtime all)
          --filter TEXT      only scenarios whose title contains this
          --tag TAG          only scenarios with this tag; of several, with all of them
          --jobs N           how many scenarios at once at most; how many go on the machine decides (default: \(Session.usualLimit))
          --repeat N         how often each of them is run
          --speed X          how many times faster the runtime's clocks and the fakes run, where no real program is judged by them
          --format FORMAT    human, json or markdown (default: human)
          --output FILE      write the report there
          --verbose          every event of every run, not only the evidence
          --quiet            only the matrix and the sums
          --no-color         no colours, as when the output is not a terminal or NO_COLOR is set
          --no-trace         do without the trace instance, as on a machine that has none

        diagnose runs a command under a restart policy until there is proof, stops what stays up and starts it again, and says why
        it does not stay up or does not stop, with the evidence. Exit status 0: it stays up; 1: a restart loop, or it has ended.
          --restart POLICY   no, always, unless-stopped, on-failure[:N] (default: always)
          -v NAME:PATH[:nocopy] · -v HOST-PATH:PATH (a copy) · --tmpfs PATH[:OPTIONS] · -e NAME[=value] · -u USER[:GROUP] · -i · -t ·
          --init · --entrypoint · --hostname · --memory · --pids-limit · --cap-add · --stop-signal · --stop-timeout SECONDS
                             as with `docker run`
          --rootfs DIR       the root file system, an unpacked image (default: the host's own)
          --cgroup none|ro|rw|host-ro|host-rw  how /sys/fs/cgroup is seen (default: as on this host)
          --starts N         how many starts are proof of a loop (default: 4)
          --for D            a life of this length without anything new is proof that it is stable (default: 3s)
          --scenario FILE    writes what was done as a scenario

        simulate says what runtimes would do, in virtual time: "exits 1 after 2s, 3 times; stop at 40s". It runs nothing. With --runtime,
        --restart, --stop-signal, --grace, --post-start COMMAND, --pre-stop COMMAND, --rm, --live-restore, --version N, --format human|json; the clauses:
          exits N after D [N times] · dies of SIGNAL after D [N times] · on stop|SIGNAL exits N|dies of SIGNAL|nothing [after D] · hook takes D
          start|stop [grace D]|restart [grace D]|kill [SIGNAL]|pause|resume|recreate|daemon restarts|daemon crashes at D · until D

        lint says what is wrong with scenario and profile files, and runs nothing. It needs no privileges. Of what proves nothing it
        warns; with --strict a warning is an error.

        fmt brings the same files into canonical form, in place; `-` is standard input, to standard output. With --check
        it changes nothing, and names the files that it would change (exit status 1).

        list says what there is: titles, tags, and what each scenario needs of an init.

        doctor says what this machine has and lacks.

        exit status: 0 all passed or not applicable · 1 a scenario failed · 2 usage, or a file that does not parse
          (for lint, too, one that cannot be run yet), or no scenario applied · 3 this machine cannot run it, or a verdict is `error`
          130 interrupted

        environment: HARNESS_FAKE_SERVICES the executable of the fakes · NO_COLOR
          XDG_CACHE_HOME, else HOME: where it is kept how long scenarios took, so that the longest begin first (harness/durations)
        """

    static func run(_ arguments: [String]) -> Int32 {
        if arguments.prefix(while: { $0 != "--" }).contains("--help") { return print(help + "\n", Status.passed) }
        if let verb = arguments.first, ["run", "diagnose", "doctor"].contains(verb) {
            protectExecutable(CommandLine.arguments)
        }
        switch arguments.first {
        case "run": return runScenarios(Array(arguments.dropFirst()))
        case "diagnose": return diagnose(Array(arguments.dropFirst()))
        case "simulate": return simulate(Array(arguments.dropFirst()))
        case "lint": return lint(Array(arguments.dropFirst()))
        case "fmt": return format(Array(arguments.dropFirst()))
        case "list": return list(Array(arguments.dropFirst()))
        case "doctor":
            guard arguments.count == 1 else { return complain("doctor takes no arguments") }
            return doctor()
        case "-h", "help": return print(help + "\n", Status.passed)
        case nil where access("/proc/self/cmdline", R_OK) != 0:
            // The command line is read from there.
            write("harness: there is no /proc: mount it: mount -t proc proc /proc\n", to: STDERR_FILENO)
            return Status.cannotRun
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
        let but = doctor.lacks.isEmpty ? "" : ", but not all: see \(doctor.lacks.joined(separator: ", "))"
        write(
            doctor.canRun ? "this machine can run scenarios\(but)\n" : "this machine cannot run scenarios\n",
            to: STDOUT_FILENO)
        return doctor.canRun ? Status.passed : Status.cannotRun
    }
}
