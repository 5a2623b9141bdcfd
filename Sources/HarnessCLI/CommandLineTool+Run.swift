import Glibc
import Harness
import Synchronization

extension CommandLineTool {
    /// The inits to run, and those that cannot be.
    private struct Selection {
        var profiles: [InitProfile] = []
        var skipped: [(name: String, reason: String)] = []
        /// No init was named: each scenario is run with what it is about.
        var isByScenario = false

        /// Whether a scenario is run with an init.
        func pairs(_ profile: InitProfile, _ scenario: Scenario) -> Bool {
            !isByScenario || scenario.usualInits.contains(profile.name)
        }
    }

    static func runScenarios(_ arguments: [String]) -> Int32 {
        let options: RunOptions
        do {
            options = try RunOptions(arguments)
        } catch {
            return complain(error.message)
        }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        // Before anything is read: the suite that came with the tool brings no program of this name.
        if options.paths.isEmpty, let command = options.command.map(withAbsolutePaths),
            let problem = missingProgram(of: command, [])
        {
            return complain(problem)
        }
        var suite = Suite()
        if options.paths.isEmpty && installation.scenarios == nil {
            return complain("no scenarios came with this executable: name a file or a folder")
        }
        for path in options.paths.isEmpty ? [fromHere(installation.scenarios ?? "")] : options.paths {
            suite.addScenarios(at: path)
        }
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        let scenarios = suite.scenarios.filter { scenario in
            (options.filter.map { scenario.title.contains($0) } ?? true)
                && options.tags.allSatisfy { scenario.tags.contains($0) }
        }
        let selection: Selection
        do {
            selection = try select(options, &suite, scenarios)
        } catch {
            return complain(error.message)
        }
        for complaint in suite.complaints {
            write(complaint.hasErrors ? complaint.humanText() : complaint.briefText(), to: STDERR_FILENO)
        }
        if suite.complaints.contains(where: \.hasErrors) { return Status.usage }
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
        _ options: RunOptions, _ suite: inout Suite, _ scenarios: [Scenario]
    ) throws(RunOptions.BadUsage) -> Selection {
        var selection = Selection()
        let command = options.command.map(withAbsolutePaths)
        if let command, let problem = missingProgram(of: command, scenarios) {
            throw RunOptions.BadUsage(message: problem)
        }
        if options.inits.isEmpty, let command {
            selection.profiles = [InitProfile.unknown(command: command)]
            return selection
        }
        var names = options.inits
        if names.isEmpty {
            selection.isByScenario = !options.paths.isEmpty
            names = selection.isByScenario ? scenarios.usualInits : ["reference"]
        }
        for name in names {
            for var profile in try profiles(name, &suite) where !selection.profiles.contains(profile) {
                if let command { profile = profile.started(by: command) }
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

    /// A command line whose paths count from here: inside, the current folder is `/`. A word with a slash or a dot in it that
    /// names a file here is one.
    static func withAbsolutePaths(_ command: [String]) -> [String] {
        command.enumerated().map { index, word in
            guard !word.hasPrefix("/"), !word.hasPrefix("-"), word.contains("/") || (index > 0 && word.contains("."))
            else { return word }
            guard let path = realpath(word, nil) else { return word }
            defer { free(path) }
            return String(cString: path)
        }
    }

    /// Why a command line cannot be executed on this machine, with the nearest name; nil where it can, or where a scenario
    /// brings the program or a root of its own.
    static func missingProgram(of command: [String], _ scenarios: [Scenario]) -> String? {
        guard let program = command.first else { return nil }
        let isBrought =
            !scenarios.isEmpty
            && scenarios.allSatisfy { scenario in
                scenario.settings.rootDirectory != nil || scenario.settings.files.contains { $0.path == program }
            }
        if isBrought { return nil }
        return HostPrograms.problem(with: program)
    }

    // MARK: - Running

    private static func run(
        _ scenarios: [Scenario], _ selection: Selection, _ options: RunOptions, _ installation: Installation
    ) -> Int32 {
        let jobs = (0..<options.repetitions).flatMap { _ in
            selection.profiles.flatMap { profile in
                options.runtimes.flatMap { runtime in
                    scenarios.filter { selection.pairs(profile, $0) }
                        .map { Session.Job($0, profile, speed: options.speed, runtime: runtime) }
                }
            }
        }
        var output = STDOUT_FILENO
        if let path = options.output {
            // Before the run: what cannot be written is not found out after it.
            output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
            if output < 0 {
                write("harness: \(path): \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
        }
        let atOnce = options.jobs ?? Session.usualLimit
        let history = DurationHistory.usualPath.map(DurationHistory.init)
        do {
            let session = try Session.interruptible(
                fakeServices: installation.fakeServices, usesTrace: options.usesTrace, history: history)
            if let words = session.wordsOfLeftovers { write("harness: \(words)\n", to: STDERR_FILENO) }
            let clock = ContinuousClock()
            let began = clock.now
            defer { session.close() }
            let progress = Progress(of: jobs.count, isShown: options.format == .human && !options.isQuiet)
            let results = try session.run(
                jobs, atOnce: atOnce, keepsJournals: options.isVerbose || options.compares, onResult: progress.note)
            progress.end()
            history?.save()
            var report = RunReport(
                results: results, skipped: selection.skipped, witness: session.witness, jobs: atOnce,
                duration: clock.now - began, speed: options.speed)
            if session.isCancelled {
                report.leaveOutInterrupted(of: jobs.count)
                let status = try finish(report, [:], options, output)
                write("harness: interrupted: the report is not whole\n", to: STDERR_FILENO)
                return status == Status.cannotRun && report.counts.errors == 0 ? status : Status.interrupted
            }
            let versions = options.format == .markdown ? try session.versions(of: selection.profiles) : [:]
            return try finish(report, versions, options, output)
        } catch let error as CannotRun {
            write("harness: \(error.reason): \(error.remedy)\n", to: STDERR_FILENO)
            return Status.cannotRun
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    private static func finish(
        _ report: RunReport, _ versions: [String: String], _ options: RunOptions, _ descriptor: Int32
    ) throws -> Int32 {
        let text: String
        switch options.format {
        case .json: text = try jsonReport(report) + "\n"
        case .markdown:
            text = MarkdownReport(versions: versions, date: today(), machine: machine()).text(report)
        case .human:
            let isColoured = options.usesColour && environment("NO_COLOR") == nil && isatty(descriptor) == 1
            if options.compares {
                text = ComparisonReport(isColoured: isColoured).text(report)
                break
            }
            let detail: HumanReport.Detail = options.isQuiet ? .quiet : options.isVerbose ? .verbose : .normal
            text = HumanReport(isColoured: isColoured, detail: detail).text(report)
        }
        guard write(text, to: descriptor) else {
            write("harness: the report could not be written: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
        if report.hasShownNothing, report.plannedCount == nil {
            write("harness: no scenario applied, so nothing was tested\n", to: STDERR_FILENO)
            return Status.usage
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
            let text = "\(state.done)/\(total)  \(state.bad) failed  \(result.subject): \(result.scenario.row)"
            CommandLineTool.write("\r\u{1B}[K\(text.prefix(78))", to: STDERR_FILENO)
        }
    }

    func end() {
        if isShown { CommandLineTool.write("\r\u{1B}[K", to: STDERR_FILENO) }
    }
}
