import Glibc
import Harness

extension CommandLineTool {
    /// `harness simulate`: what each runtime would do, in virtual time. It runs nothing, and needs no privileges.
    static func simulate(_ arguments: [String]) -> Int32 {
        do {
            let options = try FileOptions(
                arguments, of: "simulate", flags: ["--rm", "--live-restore"],
                valued: [
                    "--runtime", "--restart", "--stop-signal", "--grace", "--post-start", "--pre-stop", "--version",
                    "--with",
                    "--format",
                ])
            let format = try options.format("human", "json")
            let text = options.paths.joined(separator: "; ")
            let happenings: Happenings
            do throws(Happenings.Mistake) {
                happenings = try Happenings(text: text)
            } catch {
                return complain(
                    "\(error.message)\n  \(text)\n  \(String(repeating: " ", count: max(0, error.column - 1)))^")
            }
            var schedules: [Schedule] = []
            for runtime in try runtimes(options) {
                let schedule = Simulation.schedule(happenings, try policy(options), by: runtime)
                schedules.append(schedule)
            }
            let report = SimulationReport(schedules)
            return print(format == "json" ? try report.json() + "\n" : report.text, Status.passed)
        } catch let error as RunOptions.BadUsage {
            return complain(error.message)
        } catch {
            return complain("\(error)")
        }
    }

    private static func runtimes(_ options: FileOptions) throws(RunOptions.BadUsage) -> [Runtime] {
        var result: [Runtime] = []
        for value in options.values["--runtime"] ?? ["docker"] { result += try RunOptions.runtimes(value) }
        return result
    }

    private static func policy(_ options: FileOptions) throws(RunOptions.BadUsage) -> ContainerPolicy {
        var policy = ContainerPolicy(
            removesItself: options.flags.contains("--rm"), isLiveRestored: options.flags.contains("--live-restore"))
        if let text = options.values["--restart"]?.last {
            guard let restart = RestartPolicy(text) else {
                throw RunOptions.BadUsage(
                    message: "--restart is no, always, unless-stopped, on-failure or on-failure:N, not '\(text)'")
            }
            policy.restart = restart
        }
        if let text = options.values["--stop-signal"]?.last {
            guard let signal = Signal(text) else { throw RunOptions.BadUsage(message: "'\(text)' is not a signal") }
            policy.stopSignal = signal
        }
        if let text = options.values["--grace"]?.last {
            guard let grace = Duration(text: text) else {
                throw RunOptions.BadUsage(message: "--grace takes a duration, such as 10s, not '\(text)'")
            }
            policy.grace = grace
        }
        if let text = options.values["--version"]?.last {
            guard let version = Int(text), version > 0 else {
                throw RunOptions.BadUsage(message: "--version takes an engine's major version, not '\(text)'")
            }
            policy.engineVersion = version
        }
        if let text = options.values["--with"]?.last {
            guard let engine = ContainerEngine(text) else {
                throw RunOptions.BadUsage(
                    message: "--with is containerd, cri-o, or one with its version, as cri-o:1.22.0, not '\(text)'")
            }
            policy.engine = engine
        }
        if let hook = options.values["--post-start"]?.last { policy.postStart = [hook] }
        if let hook = options.values["--pre-stop"]?.last { policy.preStop = [hook] }
        return policy
    }
}
