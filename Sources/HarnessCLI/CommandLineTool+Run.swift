import Glibc
import Harness

extension CommandLineTool {
    /// The inits to run, and those that cannot be.
    struct Selection {
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
        if options.isWatching { return Watch(arguments).run() }
        let installation = Installation.find(fakeServices: environment("HARNESS_FAKE_SERVICES"))
        // Before anything is read: the suite that came with the tool brings no program of this name.
        if options.paths.isEmpty, let command = options.command.map(withAbsolutePaths),
            let problem = missingProgram(of: command, [])
        {
            return complain(problem)
        }
        if options.paths.isEmpty && installation.scenarios == nil {
            return complain("no scenarios came with this executable: name a file or a folder")
        }
        var suite = Suite()
        let all = scenarios(options, installation, &suite)
        if let folder = installation.scenarios { suite.addProfiles(at: folder + "/inits") }
        var accepted = Accepted()
        for file in options.knownFiles { accepted.known.merge(suite.knownFailures(at: file)) { $0 + $1 } }
        let scenarios = all.filter { scenario in
            scenario.matches(filters: options.filters, tags: options.tags)
                && !options.exclusions.contains { scenario.isNamed($0) }
        }
        accepted.peers = suite.profiles.compactMap(Peer.init)
        let selection: Selection
        do {
            selection = try select(options, &suite, scenarios)
            accepted.baseline = try options.baseline.map { path throws(BadUsage) in try baseline(at: path) }
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
        for profile in selection.profiles { accepted.known[profile.name, default: []] += profile.knownFailures }
        return run(scenarios, selection, accepted, options, installation, arguments)
    }

    /// Those of the paths: files, folders, and the scenarios at some lines of a file.
    static func scenarios(_ options: RunOptions, _ installation: Installation, _ suite: inout Suite)
        -> [Scenario]
    {
        for path in options.paths.isEmpty ? [fromHere(installation.scenarios ?? "")] : options.paths {
            let before = suite.scenarios.count
            guard access(path, F_OK) != 0, let place = LinesOfFile(path) else {
                suite.addScenarios(at: path)
                continue
            }
            suite.addScenarios(at: place.file(in: installation.scenarios.map(fromHere)))
            let own = Array(suite.scenarios[before...])
            let chosen = place.lines.compactMap { line in own.last { $0.place.line <= line } }
            suite.scenarios.removeSubrange(before...)
            suite.scenarios += own.filter(chosen.contains)
        }
        return suite.scenarios
    }

    /// A path as it is written from the current folder.
    static func fromHere(_ path: String) -> String {
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        let prefix = String(cString: current) + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    // MARK: - Inits

    static func select(
        _ options: RunOptions, _ suite: inout Suite, _ scenarios: [Scenario]
    ) throws(BadUsage) -> Selection {
        var selection = Selection()
        let command = options.command.map(withAbsolutePaths)
        if let command, let problem = missingProgram(of: command, scenarios) {
            throw BadUsage(message: problem)
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
    ) throws(BadUsage) -> [InitProfile] {
        let known = suite.profiles + [.none]
        if name == "all" { return known }
        if let profile = known.first(where: { $0.name == name }) { return [profile] }
        if name.contains("/") || name.hasSuffix(".init") {
            let before = suite.profiles.count
            suite.addProfiles(at: name)
            if suite.profiles.count == before && suite.complaints.isEmpty {
                throw BadUsage(message: "there is no init in \(name)")
            }
            return Array(suite.profiles[before...])
        }
        let names = known.map(\.name)
        let hint = nearestWord(to: name, among: names).map { "; did you mean '\($0)'?" } ?? ""
        throw BadUsage(message: "there is no init '\(name)'\(hint); there are \(names.joined(separator: ", "))")
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
        _ scenarios: [Scenario], _ selection: Selection, _ accepted: Accepted, _ options: RunOptions,
        _ installation: Installation, _ arguments: [String]
    ) -> Int32 {
        let lastFailures = LastFailures()
        var jobs = selection.profiles.flatMap { profile in
            options.runtimes.flatMap { runtime in
                scenarios.filter { selection.pairs(profile, $0) }
                    .map { Session.Job($0, profile, speed: options.speed, runtime: runtime) }
            }
        }
        if let baseline = accepted.baseline, !jobs.contains(where: { baseline.knows($0.scenario, on: $0.subject) }) {
            return complain("--against: \(baseline.name) has none of these scenarios with this init")
        }
        if let shard = options.shard {
            jobs = Session.part(shard, of: jobs) { accepted.baseline?.duration(of: $0, on: $1) }
        }
        if options.isOfLastFailures {
            guard lastFailures.isOfThisFolder else {
                return complain("--failed: no failed run is on record for this folder")
            }
            jobs.removeAll { !lastFailures.contains($0.profile.name, $0.scenario) }
            if jobs.isEmpty { return complain("--failed: nothing that was asked for failed the last time") }
        }
        if !options.changedFiles.isEmpty {
            let changed = Set(options.changedFiles.map(real))
            let inits = Set(selection.profiles.filter { !changed.isDisjoint(with: dependencies(of: $0)) }.map(\.name))
            let own = Set(scenarios.filter { !changed.isDisjoint(with: dependencies(of: $0)) }.map(\.place))
            jobs.removeAll { !inits.contains($0.profile.name) && !own.contains($0.scenario.place) }
        }
        let isInRounds = options.untilFailure || options.stressTime != nil
        if !isInRounds { jobs = (0..<(options.repetitions ?? 1)).flatMap { _ in jobs } }
        if jobs.isEmpty, options.shard == nil { return complain("no scenario is left to run") }
        let outputs: Outputs
        let journal: JournalWriter?
        do {
            // Before the run: what cannot be written is not found out after it.
            outputs = try Outputs(options)
            journal = try options.journal.map { path throws(BadUsage) in try JournalWriter(path: path) }
        } catch {
            write("harness: \(error.message)\n", to: STDERR_FILENO)
            return Status.cannotRun
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
            let isWhole = options.isWholeSuite
            let progress = Progress(
                of: jobs, accepted: accepted, isShown: options.format == HumanReport.name && !options.isQuiet,
                seconds: history.map { session.expectedSeconds(of: jobs, by: $0) })
            if let limit = options.sweepLimit { session.sweepOptions.limit = limit }
            session.sweepOptions.onProgress = progress.note
            let id = String(UInt64.random(in: 0 ... .max), radix: 16)
            journal?.begin(
                witness: session.witness, jobs: atOnce, speed: options.speed, planned: jobs.count, id: id,
                part: options.shard, isFlakinessBad: options.isFlakinessBad)
            let ending = Ending(session, options)
            var results: [RunResult] = []
            var rounds = 0
            var isOver = false
            repeat {
                var round = try session.run(
                    jobs, atOnce: atOnce, retries: options.retries,
                    keepsJournals: options.isVerbose || options.compares || outputs.needJournals, follower: journal
                ) { result in
                    // What an interrupt has ended is in no report.
                    if result.verdict == .error(RunReport.interrupted) { return }
                    var result = result
                    result.isFlakinessBad = options.isFlakinessBad
                    result.known = accepted.knownFailure(of: result)
                    progress.note(result)
                    journal?.note(result)
                    ending.note(result, isKnown: accepted.covers(result))
                }
                for index in round.indices { round[index].isFlakinessBad = options.isFlakinessBad }
                results += round
                rounds += 1
                let hasFailed = round.contains { $0.isBad && !accepted.covers($0) }
                isOver =
                    session.isCancelled || !isInRounds || options.untilFailure && hasFailed
                    || options.stressTime.map { clock.now - began >= $0 } ?? false
                    || options.repetitions.map { rounds >= $0 } ?? false
            } while !isOver
            progress.end()
            history?.save()
            var report = RunReport(
                results: results, skipped: selection.skipped, witness: session.witness, jobs: atOnce,
                duration: clock.now - began, speed: options.speed)
            (report.id, report.part) = (id, options.shard)
            if session.isCancelled { report.leaveOutInterrupted(of: jobs.count * max(1, rounds)) }
            accepted.mark(&report, isWhole: isWhole && !session.isCancelled)
            let again = lastFailures.save(report.results.filter(\.isBad)) ? again(arguments) : nil
            let problem = journal?.end(report)
            // Reports do without them where they cannot be found out.
            let versions =
                outputs.needVersions && !session.isCancelled
                ? (try? session.versions(of: selection.profiles)) ?? [:] : [:]
            let status = try finish(report, versions, options, outputs, again: again, peers: accepted.peers)
            if let problem {
                write("harness: the journal could not be written: \(problem)\n", to: STDERR_FILENO)
                return Status.cannotRun
            }
            guard session.isCancelled else { return status }
            if let reason = ending.reason {
                write("harness: \(reason): the report is not whole\n", to: STDERR_FILENO)
                return status
            }
            write("harness: interrupted: the report is not whole\n", to: STDERR_FILENO)
            return status == Status.cannotRun && report.counts.errors == 0 ? status : Status.interrupted
        } catch let error as CannotRun {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        } catch {
            write("harness: \(error)\n", to: STDERR_FILENO)
            return Status.cannotRun
        }
    }

    /// The command line that runs again what failed.
    private static func again(_ arguments: [String]) -> String {
        let own = arguments.prefix { $0 != "--" }
        return Spelling.command(
            ["harness", "run", "--failed"] + own.filter { $0 != "--failed" } + arguments.dropFirst(own.count))
    }

    static func finish(
        _ report: RunReport, _ versions: [String: String], _ options: RunOptions, _ outputs: Outputs,
        again: String? = nil, peers: [Peer] = []
    ) throws -> Int32 {
        var settings = ReportOptions()
        settings.peers = peers
        (settings.versions, settings.date, settings.machine) = (versions, today(), ToolVersion.machine)
        (settings.version, settings.again) = (ToolVersion.description, again)
        settings.compress = { Gzip.compressing($0) }
        settings.suite = Installation.find(fakeServices: nil).scenarios.map(fromHere)
        settings.detail = options.isQuiet ? .quiet : options.isVerbose ? .verbose : .normal
        for output in outputs.all {
            settings.style = style(options.colour, output.descriptor)
            let text =
                options.compares && output.isMain
                ? ComparisonReport(isColoured: settings.style.isColoured).text(report)
                : try output.reporter.init(settings).text(report)
            guard write(text, to: output.descriptor) else {
                let subject = output.isMain ? "the report" : output.name
                write(
                    "harness: \(subject) could not be written: \(String(cString: strerror(errno)))\n", to: STDERR_FILENO
                )
                return Status.cannotRun
            }
        }
        // A part of a suite may have nothing that applies.
        if report.hasShownNothing, report.isWhole, report.part == nil {
            write("harness: no scenario applied, so nothing was tested\n", to: STDERR_FILENO)
            return Status.usage
        }
        if report.counts.errors > 0 { return Status.cannotRun }
        if !report.isGood { return Status.failed }
        // What was not run has not passed.
        return report.isWhole ? Status.passed : Status.interrupted
    }

    /// What the terminal shows, or whatever the text goes to.
    ///
    /// - Parameter colour: `auto`, `always` or `never`.
    static func style(_ colour: String, _ descriptor: Int32) -> TerminalStyle {
        let isTerminal = isatty(descriptor) == 1
        let isColoured =
            switch colour {
            case "always": true
            case "never": false
            default: isTerminal && environment("NO_COLOR") == nil
            }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(environment).first { !$0.isEmpty }
        let name = locale?.uppercased() ?? ""
        // What is no terminal takes what it is given.
        let isUnicode = !isTerminal || name.contains("UTF-8") || name.contains("UTF8")
        return TerminalStyle(isColoured: isColoured, width: width(of: descriptor) ?? 100, isUnicode: isUnicode)
    }

    /// In columns; nil: it is no terminal, or does not say.
    static func width(of descriptor: Int32) -> Int? {
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// The present day, UTC.
    static func today() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 16)
        strftime(&buffer, buffer.count, "%Y-%m-%d", &parts)
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
