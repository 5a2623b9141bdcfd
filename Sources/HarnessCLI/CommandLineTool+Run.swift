import Glibc
import Harness
import Synchronization

extension CommandLineTool {
    /// The inits to run, and those that cannot be.
    private struct Selection {
        var profiles: [InitProfile] = []
        var skipped: [(name: String, reason: String)] = []
    }

    static func runScenarios(_ arguments: [String]) -> Int32 {
        let options: RunOptions
        do {
            options = try RunOptions(arguments)
        } catch {
            return complain(error.message)
        }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        var suite = Suite()
        if options.paths.isEmpty && installation.scenarios == nil {
            return complain("no scenarios came with this executable: name a file or a folder")
        }
        for path in options.paths.isEmpty ? [fromHere(installation.scenarios ?? "")] : options.paths {
            suite.addScenarios(at: path)
        }
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        let selection: Selection
        do {
            selection = try select(options, &suite)
        } catch {
            return complain(error.message)
        }
        if !suite.complaints.isEmpty {
            for complaint in suite.complaints { write(complaint.humanText(), to: STDERR_FILENO) }
            return Status.usage
        }
        let scenarios = suite.scenarios.filter { scenario in
            (options.filter.map { scenario.title.contains($0) } ?? true)
                && options.tags.allSatisfy { scenario.tags.contains($0) }
        }
        if scenarios.isEmpty { return complain("no scenario is left to run") }
        if selection.profiles.isEmpty {
            for skipped in selection.skipped {
                write("harness: \(skipped.name): \(skipped.reason)\n", to: STDERR_FILENO)
            }
            return Status.cannotRun
        }
        return run(scenarios, selection, options, installation)
    }

    /// A path as a person who stands in the current folder would write it.
    static func fromHere(_ path: String) -> String {
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        let prefix = String(cString: current) + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    // MARK: - Inits

    private static func select(
        _ options: RunOptions, _ suite: inout Suite
    ) throws(RunOptions.BadUsage) -> Selection {
        var selection = Selection()
        if options.inits.isEmpty, let command = options.command {
            selection.profiles = [InitProfile.unknown(command: command).withAbsoluteProgram]
            return selection
        }
        for name in options.inits.isEmpty ? ["reference"] : options.inits {
            for var profile in try profiles(name, &suite) where !selection.profiles.contains(profile) {
                if let command = options.command {
                    profile = profile.started(by: command)
                    // From here, not from the profile's file.
                    profile.place = .none
                }
                profile = profile.withAbsoluteProgram
                if let reason = profile.reasonNotInstalled {
                    selection.skipped.append((profile.name, reason))
                } else {
                    selection.profiles.append(profile)
                }
            }
        }
        return selection
    }

    private static func profiles(
        _ name: String, _ suite: inout Suite
    ) throws(RunOptions.BadUsage) -> [InitProfile] {
        let known = suite.profiles + [.none]
        if name == "all" { return known }
        if let profile = known.first(where: { $0.name == name }) { return [profile] }
        if name.contains("/") || name.hasSuffix(".init") {
            let before = suite.profiles.count
            suite.addProfiles(at: name)
            if suite.profiles.count == before && suite.complaints.isEmpty {
                throw RunOptions.BadUsage(message: "there is no init in \(name)")
            }
            return Array(suite.profiles[before...])
        }
        throw RunOptions.BadUsage(
            message: "there is no init '\(name)'; there are \(known.map(\.name).joined(separator: ", "))")
    }

    // MARK: - Running

    private static func run(
        _ scenarios: [Scenario], _ selection: Selection, _ options: RunOptions, _ installation: Installation
    ) -> Int32 {
        let jobs = (0..<options.repetitions).flatMap { _ in
            selection.profiles.flatMap { profile in scenarios.map { Session.Job($0, profile, speed: options.speed) } }
        }
        // Most of a scenario is waiting: many more than there are processors.
        let atOnce = options.jobs ?? min(64, 16 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        do {
            let session = try Session.interruptible(
                fakeServices: installation.fakeServices, usesTrace: options.usesTrace)
            let clock = ContinuousClock()
            let began = clock.now
            defer { session.close() }
            let progress = Progress(of: jobs.count, isShown: options.format == .human && !options.isQuiet)
            let results = try session.run(
                jobs, atOnce: atOnce, keepsJournals: options.isVerbose, onResult: progress.note)
            progress.end()
            if session.isCancelled {
                write("harness: interrupted\n", to: STDERR_FILENO)
                return Status.interrupted
            }
            let report = RunReport(
                results: results, skipped: selection.skipped, witness: session.witness, jobs: atOnce,
                duration: clock.now - began, speed: options.speed)
            return try finish(report, selection.profiles, options)
        } catch let error as CannotRun {
            write("harness: \(error.reason): \(error.remedy)\n", to: STDERR_FILENO)
            return Status.cannotRun
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    private static func finish(
        _ report: RunReport, _ profiles: [InitProfile], _ options: RunOptions
    ) throws -> Int32 {
        var descriptor = STDOUT_FILENO
        if let path = options.output {
            descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            if descriptor < 0 { return complain("\(path): \(String(cString: strerror(errno)))") }
        }
        let text: String
        switch options.format {
        case .json: text = try jsonReport(report) + "\n"
        case .markdown:
            let versions = profiles.compactMap { profile in profile.installedVersion.map { (profile.name, $0) } }
            text = MarkdownReport(
                versions: Dictionary(versions) { first, _ in first }, date: today(), machine: machine()
            ).text(report)
        case .human:
            let isColoured = options.usesColour && environment("NO_COLOR") == nil && isatty(descriptor) == 1
            let detail: HumanReport.Detail = options.isQuiet ? .quiet : options.isVerbose ? .verbose : .normal
            text = HumanReport(isColoured: isColoured, detail: detail).text(report)
        }
        guard write(text, to: descriptor) else {
            write("harness: the report could not be written: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
        if report.counts.errors > 0 { return Status.cannotRun }
        return report.counts.failed > 0 ? Status.failed : Status.passed
    }

    /// The present day, UTC.
    private static func today() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 16)
        strftime(&buffer, buffer.count, "%Y-%m-%d", &parts)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The kernel, in a few words.
    private static func machine() -> String {
        var name = utsname()
        uname(&name)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(name.sysname)) \(text(name.release).prefix { $0 != "-" }) on \(text(name.machine))"
    }
}

/// A line on the terminal that says how far a run is; nothing where standard error is no terminal.
private final class Progress: Sendable {
    private let total: Int
    private let isShown: Bool
    private let state = Mutex<(done: Int, bad: Int, shownAt: ContinuousClock.Instant)>((0, 0, .now))
    /// A terminal need not be told more often.
    private static let interval = Duration.milliseconds(50)

    init(of total: Int, isShown: Bool) {
        self.total = total
        self.isShown = isShown && isatty(STDERR_FILENO) == 1
    }

    func note(_ result: RunResult) {
        guard isShown else { return }
        state.withLock { state in
            state.done += 1
            if result.isBad { state.bad += 1 }
            let now = ContinuousClock.now
            guard now - state.shownAt >= Progress.interval else { return }
            state.shownAt = now
            let text = "\(state.done)/\(total)  \(state.bad) failed  \(result.initName): \(result.scenario.row)"
            CommandLineTool.write("\r\u{1B}[K\(text.prefix(78))", to: STDERR_FILENO)
        }
    }

    func end() {
        if isShown { CommandLineTool.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
