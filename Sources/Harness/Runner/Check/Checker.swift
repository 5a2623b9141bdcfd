import Import
import Kernel
import Model
import Reports
import Vocabulary

/// Checks a container: everything in the table of `CheckItem`, each in fresh containers, side by side.
package struct Checker: Sendable {
    /// What is asked, and how.
    package struct Options: Sendable {
        /// What is asked; in the order of the table.
        package var items = CheckItem.all
        /// How long a container may take to be ready.
        package var patience = Duration.seconds(60)
        /// How long all of it may take, about: a sweep has as many moments as fit.
        package var budget = Duration.seconds(60)
        /// How many containers at once, at most.
        package var jobs = Session.usualLimit
        /// Bad, and accepted: by the id of the check, why.
        package var accepted: [String: String] = [:]
        /// Where the scenarios are written to; nil: nowhere.
        package var folder: String?

        package init() {}
    }

    /// How often a health check is asked at least: it is waited for again and again.
    private static let healthInterval = Duration.milliseconds(500)
    private let session: Session
    private let container: Scenario
    /// What is in front of its command; `none`: nothing.
    private let profile: InitProfile
    private let name: String
    private let ports: [UInt16]
    private let options: Options

    /// - Parameters:
    ///   - container: without steps; its image has been loaded.
    ///   - profile: what is in front of its command.
    ///   - name: what it is called.
    ///   - ports: those that it says it listens on.
    package init(
        _ container: Scenario, _ profile: InitProfile = .none, named name: String, ports: [UInt16], in session: Session,
        _ options: Options
    ) {
        (self.session, self.name, self.ports) = (session, name, ports)
        var quick = container
        // An engine's usual interval is half a minute.
        if let interval = quick.healthCheck?.interval ?? (quick.healthCheck == nil ? nil : .seconds(30)) {
            quick.healthCheck?.interval = min(interval, Checker.healthInterval)
        }
        self.container = quick
        self.profile = profile
        self.options = options
    }

    /// Blocks until all is checked.
    ///
    /// - Parameters:
    ///   - onPlan: told how many runs there will be, once that is known.
    ///   - onResult: told of each run that is over, from other threads.
    /// - Throws: `CannotRun`.
    package func check(
        onPlan: (Int) -> Void = { _ in }, onResult: @escaping @Sendable (RunResult) -> Void = { _ in }
    ) throws -> CheckReport {
        let began = MonotonicInstant.now
        let looks = try self.looks()
        let look = looks.plain
        guard look.readiness.isReady else { return try unready(look, began) }
        let plan = CheckPlan(
            container: container, profile: profile, look: look, lookWithTerminal: looks.withTerminal,
            fileLimit: Files.text(of: "/proc/sys/fs/nr_open").flatMap { Int($0.filter(\.isNumber)) } ?? 0,
            budget: options.budget, folder: options.folder)
        let tasks = try options.items.map(plan.task)
        if let folder = options.folder { try write(tasks, to: folder) }
        var jobs: [Session.Job] = []
        var places: [Range<Int>] = []
        for task in tasks {
            places.append(jobs.count..<jobs.count + task.scenarios.count)
            jobs += task.scenarios.map { Session.Job($0, profile) }
        }
        onPlan(jobs.count)
        var results = try session.run(jobs, atOnce: options.jobs, onResult: onResult)
        if session.isCancelled || results.count < jobs.count { throw CannotRun(reason: "interrupted", remedy: "") }
        for (task, place) in zip(tasks, places) where task.item.weight == .worthKnowing {
            for index in place { results[index].isOnlyWorthKnowing = true }
        }
        let entries = explained(zip(tasks, places).map { entry(of: $0, Array(results[$1])) })
        if let folder = options.folder { try writeSmallest(of: entries, to: folder) }
        return report(entries, results, look, began)
    }

    /// With a terminal and without, side by side.
    private func looks() throws -> (plain: Look, withTerminal: Look?) {
        var other = container
        other.settings.hasTerminal = true
        let isCompared = !container.settings.hasTerminal && options.items.contains(.output)
        let works = [container] + (isCompared ? [other] : [])
        let (session, ports, patience, profile) = (session, ports, options.patience, profile)
        let looks = try session.onOwnThreads(
            works.map { scenario in { try Look.take(scenario, profile, in: session, ports: ports, within: patience) } })
        return (looks[0], looks.count > 1 ? looks[1] : nil)
    }

    /// What is never ready is diagnosed; nothing else can be told of it.
    private func unready(_ look: Look, _ began: MonotonicInstant) throws -> CheckReport {
        var restarted = container
        restarted.restart = .always
        let diagnosis = try Diagnoser(restarted, profile, in: session).diagnose()
        // `start` is in the answer even if it was not asked for: it explains the others.
        let entries = CheckItem.all.filter { $0 == .start || options.items.contains($0) }.map { item in
            item == .start
                ? CheckEntry(item, .bad, note: look.words, acceptance: options.accepted[item.id])
                : CheckEntry(item, .untold("it does not start"))
        }
        var report = report(entries, [look.result], look, began)
        report.diagnosis = diagnosis
        return report
    }

    private func report(
        _ entries: [CheckEntry], _ results: [RunResult], _ look: Look, _ began: MonotonicInstant
    ) -> CheckReport {
        let all = CheckItem.all.map { item in entries.first { $0.item == item } ?? CheckEntry(item, .skipped) }
        let run = RunReport(
            results: results, skipped: [], witness: session.witness, jobs: options.jobs,
            duration: MonotonicInstant.now.duration(since: began))
        return CheckReport(
            name: name, command: commandLine, readiness: look.words,
            stop: look.wordsOfStop(container.stop.signal ?? .term),
            entries: all, run: run)
    }

    /// A failure that cannot be told apart from another's is no finding of its own.
    private func explained(_ entries: [CheckEntry]) -> [CheckEntry] {
        let bad = entries.filter { $0.answer == .bad }.map(\.item)
        return entries.map { entry in
            guard entry.answer == .bad, let reason = entry.item.presupposed.first(where: bad.contains) else {
                return entry
            }
            return CheckEntry(
                entry.item, .untold("`\(reason.id)` fails, and this is not to be told apart from it"),
                results: entry.results)
        }
    }

    private var commandLine: [String] {
        if case .command(let words)? = container.settings.payload { words } else { [] }
    }

    private func entry(of task: CheckTask, _ results: [RunResult]) -> CheckEntry {
        if results.isEmpty { return CheckEntry(task.item, .untold(task.reason)) }
        var (reason, isError): (String?, Bool) = (nil, false)
        for result in results {
            switch result.verdict {
            // What the check itself does inside could not be done.
            case .failed(let failures) where failures.first?.expected == "expect exec exit 0":
                reason = "what is to be done inside could not be done: \(failures.first?.observed ?? "")"
            case .failed, .flaky:
                return CheckEntry(
                    task.item, .bad, note: task.note, results: results, acceptance: options.accepted[task.item.id])
            case .error(let words):
                reason = words
                isError = true
            case .notApplicable(let words): reason = reason ?? words
            case .passed: continue
            }
        }
        if let reason { return CheckEntry(task.item, isError ? .error(reason) : .untold(reason), results: results) }
        return CheckEntry(task.item, .good, note: task.note, results: results)
    }

    /// Each check is a file of its own: together they are a suite for what was checked.
    private func write(_ tasks: [CheckTask], to folder: String) throws {
        do {
            try Files.makeDirectory(folder)
            for task in tasks where !task.scenarios.isEmpty {
                let about = "# \(task.item.title).\n"
                let text = task.scenarios.map { about + $0.text }.joined(separator: "\n")
                try write(text, to: "\(folder)/\(task.item.id).scenario")
            }
        } catch {
            throw CannotRun(reason: "\(folder): \(error)", remedy: "")
        }
    }
}

extension Checker {
    /// Of a sweep that failed, the run that shows it.
    private func writeSmallest(of entries: [CheckEntry], to folder: String) throws {
        for entry in entries where entry.answer == .bad {
            guard let smallest = entry.results.flatMap(\.sweeps).compactMap(\.reproduction).first else { continue }
            try write(smallest.scenario.text, to: "\(folder)/\(entry.item.id)-smallest.scenario")
        }
    }

    private func write(_ text: String, to path: String) throws {
        if Files.exists(path) {
            try Files.replace(path, with: text)
        } else {
            try Files.write(text, creating: path)
        }
    }
}

extension Look {
    /// How it ended, in half a sentence; nil: it was not stopped.
    func wordsOfStop(_ signal: Signal) -> String? {
        guard let stopTook else { return nil }
        if wasKilled { return "\(signal) did not end it: it was killed after \(stopTook.rounded)" }
        return "\(signal) ended it after \(stopTook.rounded), with \(code.map(String.init) ?? "no status")"
    }
}
