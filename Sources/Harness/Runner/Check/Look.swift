import Expectations
import Import
import Journal
import Kernel
import Model
import Reports
import Vocabulary

/// A first look at a container that nothing disturbs: when it is ready and how that shows, what it prints, how it ends when it is stopped.
struct Look: Sendable {
    /// How it shows that a container is ready.
    enum Readiness: Hashable, Sendable {
        /// Its health check says so.
        case healthy
        /// A program listens.
        case port(Int)
        /// Nothing new has come of it for a while.
        case quiet
        /// It runs, and was never quiet.
        case busy
        /// It never was: it ended, with this status, or could not be started.
        case never(code: Int?)
        /// Its health check says that it is not well.
        case unhealthy
    }

    let readiness: Readiness
    /// From the start until then, or until its end.
    let after: Duration
    /// A TCP port that was open when it was ready: one that the image names, else the first; nil: none was.
    let port: Int?
    /// How many processes there were at once when it was ready.
    let programCount: Int
    /// What was printed until it was stopped, and then; without the ends of lines.
    let printed, printedLater: [String]
    /// The status after the stop; nil: it was not stopped, or did not end.
    let code: Int?
    /// How long the stop took.
    let stopTook: Duration?
    /// It was killed at the end of the grace period.
    let wasKilled: Bool
    /// What was killed because PID 1 had ended, though it was just ending itself, or had something to lose: in a few words each.
    let victims: [String]
    let result: RunResult

    /// The line of a scenario that waits for it; nil: there is nothing to wait for.
    var wait: String? { wait(within: max(.seconds(10), after * 6)) }

    /// The same with a time of its own.
    func wait(within patience: Duration) -> String? {
        let patience = Duration.seconds((patience.inNanoseconds + 999_999_999) / 1_000_000_000).text
        switch readiness {
        case .healthy: return "wait for state healthy within \(patience)"
        case .port(let port): return "wait for port \(port) open within \(patience)"
        // What takes so long to be quiet is given as long again, and what a busier machine takes.
        case .quiet: return "wait \(Look.settling(after).text)"
        // No moment tells; a few seconds are as good as more.
        case .busy: return "wait 3s"
        case .never, .unhealthy: return nil
        }
    }

    static func settling(_ time: Duration) -> Duration {
        let enough = time * 2 + .milliseconds(300)
        let step: Int64 = 50
        return .milliseconds((enough.inNanoseconds / 1_000_000 + step - 1) / step * step)
    }

    /// What was used to tell, in half a sentence.
    var words: String {
        switch readiness {
        case .healthy: "its health check said so after \(after.rounded)"
        case .port(let port): "port \(port) was open after \(after.rounded)"
        case .busy: "it was never quiet in \(after.rounded)"
        case .quiet: "nothing new came of it after \(after.rounded)"
        case .unhealthy: "its health check failed"
        case .never(let code?): "it ended with \(code) after \(after.rounded)"
        case .never(nil): "it could not be started"
        }
    }
}

extension Look {
    private static let quietTime = Duration.milliseconds(1500)
    /// How long a port that the image exposes is waited for.
    private static let patienceWithPorts = Duration.seconds(4)
    private static let interval = Duration.milliseconds(10)
    /// What says and does something new for longer does so as a rule.
    private static let patienceWithNews = Duration.seconds(20)
    /// What computes for longer does so as a rule.
    private static let patienceWithComputing = Duration.seconds(10)
    /// What takes longer to stop is stopped by the check itself, with its whole grace period.
    private static let patienceWithStop = Duration.seconds(3)

    /// Starts a container, waits until it is ready, and stops it.
    ///
    /// - Parameters:
    ///   - ports: those that the image says it listens on.
    ///   - limit: how long it may take to be ready.
    /// - Throws: `CannotRun`.
    static func take(
        _ scenario: Scenario, _ profile: InitProfile, in session: Session, ports: [UInt16], within limit: Duration
    ) throws -> Look {
        var watched = scenario
        watched.steps = [Step(.start, place: .none)]
        watched.restart = .no
        let run = ScenarioRun(Session.Job(watched, profile), in: session)
        var readiness: Readiness = .never(code: nil)
        var after = Duration.zero
        var stoppedAt: MonotonicInstant?
        var programCount = 0
        var stakes: [ProcessID: String] = [:]
        // Those that have a handler for the stop signal.
        var listeners: Set<ProcessID> = []
        let signal = scenario.stop.signal ?? .term
        let result = run.run { run in
            let began = MonotonicInstant.now
            var (news, seen): (MonotonicInstant, Set<String>) = (began, [])
            var ticks = 0
            while run.life?.isRunning == true {
                try run.pump(until: .now.advanced(by: interval), watchingKernel: true)
                try run.life?.lookAtPorts(into: &run.journal)
                let now = MonotonicInstant.now
                after = now.duration(since: began)
                let own = Look.news(run.journal).union((run.life?.writtenFiles() ?? [:]).keys)
                if !own.isSubset(of: seen), after < patienceWithNews { (news, seen) = (now, seen.union(own)) }
                // What computes is not quiet: a tick is a hundredth of a second.
                let used = Look.ticks(run)
                if used > ticks + 1, after < patienceWithComputing { (ticks, news) = (used, now) }
                if scenario.healthCheck != nil {
                    switch Look.health(run.journal) {
                    case true?: readiness = .healthy
                    case false?: readiness = .unhealthy
                    case nil where after < limit: continue
                    case nil: readiness = .unhealthy
                    }
                    break
                }
                let open = Look.openPorts(run.journal)
                if let port = ports.lazy.map(Int.init).first(where: open.contains) ?? (ports.isEmpty ? open.first : nil)
                {
                    readiness = .port(port)
                    break
                }
                let isExpected = !ports.isEmpty && after < patienceWithPorts
                if now.duration(since: news) > quietTime, !isExpected || after > limit {
                    if let port = open.first { readiness = .port(port) } else { readiness = .quiet }
                    after = news.duration(since: began)
                    break
                }
                if after > limit {
                    readiness = .busy
                    break
                }
            }
            try run.pump(until: .now, watchingKernel: true)
            guard run.life?.isRunning == true else { return }
            // What comes right after it is ready belongs to its start.
            try run.pump(until: .now.advanced(by: .milliseconds(300)), watchingKernel: true)
            guard run.life?.isRunning == true else { return }
            stoppedAt = .now
            let tree = JournalView(run.journal).tree
            programCount = tree.present.count
            for index in tree.present where index != tree.root {
                let pid = tree.processes[index].pid
                if ProcFS.disposition(of: pid, towards: signal) == .caught { listeners.insert(pid) }
                if let stake = ProcFS.stake(of: pid) { stakes[pid] = "\(tree.programName(index)) had \(stake)" }
            }
            try run.request(.stop(grace: min(scenario.stop.grace ?? patienceWithStop, patienceWithStop)))
        }
        if case .error(let reason) = result.verdict { throw CannotRun(reason: reason, remedy: "") }
        let events = result.journal.events
        var (code, ended, wasKilled): (Int?, MonotonicInstant?, Bool) = (nil, nil, false)
        for event in events {
            switch event.kind {
            case .runtime(.exited(_, let status)): (code, ended) = (status, event.instant)
            case .runtime(.startFailed(_, let status)): code = status
            case .runtime(.graceExpired): wasKilled = true
            default: continue
            }
        }
        if stoppedAt == nil { readiness = readiness == .unhealthy ? .unhealthy : .never(code: code) }
        var lines = events.printedLines
        // A prompt is no line.
        let last = events.last { if case .printed = $0.kind { true } else { false } }
        if case .printed(_, _, isWhole: false)? = last?.kind { lines = lines.dropLast() }
        return Look(
            readiness: readiness, after: after,
            port: openPorts(before: stoppedAt, result.journal).sorted {
                ports.contains(UInt16($0)) && !ports.contains(UInt16($1))
            }.first,
            programCount: programCount,
            printed: lines.filter { line in stoppedAt.map { line.event.instant < $0 } ?? true }.map(\.text),
            printedLater: lines.filter { line in stoppedAt.map { line.event.instant >= $0 } ?? false }.map(\.text),
            code: stoppedAt == nil ? nil : code,
            stopTook: stoppedAt.flatMap { stop in ended.map { $0.duration(since: stop) } }, wasKilled: wasKilled,
            victims: stoppedAt.map { victims(result.journal, since: $0, stakes, listeners) } ?? [], result: result)
    }

    /// What its processes have had of the processors.
    private static func ticks(_ run: ScenarioRun) -> Int {
        let tree = JournalView(run.journal).tree
        return tree.present.reduce(0) { $0 + (ProcFS.processorTicks(of: tree.processes[$1].pid) ?? 0) }
    }

    /// Those that were killed by the end of PID 1 after they had been told to end, and have a handler for that, or that had something to lose.
    private static func victims(
        _ journal: Journal, since stop: MonotonicInstant, _ stakes: [ProcessID: String], _ listeners: Set<ProcessID>
    ) -> [String] {
        let tree = JournalView(journal).tree
        let main = tree.root.map { tree.processes[$0].pid }
        var ending: Set<ProcessID> = []
        var result: [String] = []
        for event in journal.events where event.instant >= stop {
            switch event.kind {
            case .kernel(.signalled(let signal, let pid, .process, let fate))
            where signal != .kill && fate.hasArrived && pid != main && listeners.contains(pid):
                ending.insert(pid)
            case .kernel(.signalled(.kill, let pid, .kernel, let fate)) where fate.hasArrived:
                guard let index = tree.index(of: pid, at: event.instant) else { continue }
                if let stake = stakes[pid] {
                    result.append(stake)
                } else if ending.contains(pid) {
                    result.append("\(tree.programName(index)) was just ending")
                }
            default: continue
            }
        }
        return result
    }

    /// Programs and lines without their numbers: what is news is what is not among them.
    private static func news(_ journal: Journal) -> Set<String> {
        var result: Set<String> = []
        for event in journal.events {
            switch event.kind {
            case .kernel(.executed(_, let path)): result.insert(path)
            case .printed(let text, _, _): result.insert(text.filter { !$0.isNumber })
            default: continue
            }
        }
        return result
    }

    private static func health(_ journal: Journal) -> Bool? {
        for event in journal.events.reversed() {
            if case .runtime(.becameHealthy(let isSo)) = event.kind { return isSo }
        }
        return nil
    }

    private static func openPorts(before instant: MonotonicInstant? = nil, _ journal: Journal) -> [Int] {
        for event in journal.events.reversed() where instant.map({ event.instant < $0 }) ?? true {
            if case .listening(let ports) = event.kind { return ports }
        }
        return []
    }
}
