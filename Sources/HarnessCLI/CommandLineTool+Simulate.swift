import Glibc
import Harness

/// The command line of `harness simulate`, read.
struct SimulateOptions: Sendable {
    var clauses: [String] = []
    var runtimes: [Runtime] = []
    var policy = ContainerPolicy()
    var format = "human"

    static let table = OptionTable<SimulateOptions>(
        verb: "simulate",
        options: [
            Option(
                "--runtime", takes: "NAME", choices: Runtime.allCases.map(\.rawValue) + ["all"],
                "whose rules; repeatable, or comma-separated (default: docker)"
            ) { (options, text) throws(BadUsage) in options.runtimes += try Values.runtimes(text) },
            Option(
                "--restart", takes: "POLICY", choices: ["no", "always", "unless-stopped", "on-failure"],
                "the restart policy: no, always, unless-stopped, on-failure[:N] (default: no)"
            ) {
                (options, text) throws(BadUsage) in
                guard let restart = RestartPolicy(text) else {
                    throw BadUsage(
                        message: "--restart is no, always, unless-stopped, on-failure or on-failure:N, not '\(text)'")
                }
                options.policy.restart = restart
            },
            Option("--stop-signal", takes: "SIGNAL", "what asks it to end (default: SIGTERM)") {
                (options, text) throws(BadUsage) in
                guard let signal = Signal(text) else { throw BadUsage(message: "'\(text)' is not a signal") }
                options.policy.stopSignal = signal
            },
            Option("--grace", takes: "D", "the grace period (default: the runtime's)") {
                (options, text) throws(BadUsage) in
                guard let grace = Duration(text: text) else {
                    throw BadUsage(message: "--grace takes a duration, such as 10s, not '\(text)'")
                }
                options.policy.grace = grace
            },
            Option("--post-start", takes: "COMMAND", "a hook after each start") { $0.policy.postStart = [$1] },
            Option("--pre-stop", takes: "COMMAND", "a hook before each stop") { $0.policy.preStop = [$1] },
            Option("--rm", flag: "the container is removed when it has ended") { $0.policy.removesItself = true },
            Option("--live-restore", flag: "it goes on while the daemon is away") { $0.policy.isLiveRestored = true },
            Option("--version", takes: "N", "the engine's major version") { (options, text) throws(BadUsage) in
                guard let version = Int(text), version > 0 else {
                    throw BadUsage(message: "--version takes an engine's major version, not '\(text)'")
                }
                options.policy.engineVersion = version
            },
            Option(
                "--with", takes: "ENGINE",
                "what the kubelet runs containers with: containerd, cri-o, or one with its version"
            ) {
                (options, text) throws(BadUsage) in
                guard let engine = ContainerEngine(text) else {
                    throw BadUsage(
                        message: "--with is containerd, cri-o, or one with its version, as cri-o:1.22.0, not '\(text)'")
                }
                options.policy.engine = engine
            },
            Option("--format", takes: "human|json", choices: ["human", "json"], "what is printed (default: human)") {
                $0.format = $1
            },
        ],
        operand: { (options, word) throws(BadUsage) in options.clauses.append(word) })
}

extension CommandLineTool {
    /// `harness simulate`: what each runtime would do, in virtual time. It runs nothing, and needs no privileges.
    static func simulate(_ arguments: [String]) -> Int32 {
        do {
            var options = SimulateOptions()
            try SimulateOptions.table.read(arguments, into: &options)
            let text = options.clauses.joined(separator: "; ")
            let happenings: Happenings
            do throws(Happenings.Mistake) {
                happenings = try Happenings(text: text)
            } catch {
                return complain(
                    "\(error.message)\n  \(text)\n  \(String(repeating: " ", count: max(0, error.column - 1)))^")
            }
            let runtimes = options.runtimes.isEmpty ? [.docker] : options.runtimes
            let report = SimulationReport(runtimes.map { Simulation.schedule(happenings, options.policy, by: $0) })
            return print(options.format == "json" ? try report.json() + "\n" : report.text, Status.passed)
        } catch let error as BadUsage {
            return complain(error.message)
        } catch {
            return complain("\(error)")
        }
    }
}
