import Expectations
import Glibc
import Journal
import Kernel
import Vocabulary

/// Reads the lives of a container off its journal.
struct LifeReader {
    struct Entry {
        var life: Diagnosis.Life
        /// It was stopped by hand.
        var wasStopped = false
    }

    private let journal: Journal

    init(_ journal: Journal) {
        let removal = journal.events.first { if case .runtime(.removed) = $0.kind { true } else { false } }
        self.journal = removal.map { journal.until($0.instant) } ?? journal
    }

    var lives: [Entry] {
        let events = journal.events
        let starts = events.indices.filter { index in
            switch events[index].kind {
            case .runtime(.started), .runtime(.startFailed): true
            default: false
            }
        }
        return zip(starts, starts.dropFirst() + [events.endIndex]).map { entry(events[$0..<$1]) }
    }

    private func entry(_ events: ArraySlice<Event>) -> Entry {
        var entry = Entry(life: Diagnosis.Life())
        guard let first = events.first, let last = events.last else { return entry }
        if case .runtime(.startFailed(let stage, let code)) = first.kind {
            entry.life.startFailure = (stage, code ?? 0)
            return entry
        }
        let started = first.instant
        entry.life.start = LifeReader.wallClock(of: started)
        entry.life.hasSeenPrograms = journal.witness.seesSignals
        let view = JournalView(journal.until(last.instant))
        for event in events {
            let after = event.instant.duration(since: started)
            switch event.kind {
            case .kernel(.executed(let pid, let path)):
                entry.life.executed.insert(path.split(separator: "/").last.map(String.init) ?? path)
                guard view.tree.root.map({ view.tree.processes[$0].pid }) == pid else { continue }
                entry.life.programs.append((path, after))
                if entry.life.programs.count > 1 { entry.life.lastExec = LifeReader.wallClock(of: event.instant) }
            case .runtime(.exited(let status, _)): entry.life.end = (status, after)
            case .runtime(.stopRequested): entry.wasStopped = true
            default: continue
            }
        }
        let unasked = events.prefix { if case .runtime(.stopRequested) = $0.kind { false } else { true } }
        entry.life.lastWords = unasked.printedLines.map(\.text).filter { !$0.isEmpty }.suffix(200)
        noteProcesses(view.tree, events, started, &entry)
        return entry
    }

    /// Signals that a program gets for what it has done itself: none of them is sent to ask it to end.
    private static let faults: Set<Signal> = Set(
        ["ILL", "TRAP", "ABRT", "BUS", "FPE", "SEGV", "SYS"].compactMap { Signal($0) })

    /// How a shell tells of them.
    private static let wordsOfFaults = [
        "Segmentation fault", "Aborted", "Illegal instruction", "Bus error", "Floating point", "Trace/breakpoint",
        "Bad system call",
    ]

    /// Whether an event shows that something goes on, and not only the word of a crash.
    private static func isActivity(_ event: Event) -> Bool {
        switch event.kind {
        case .kernel(.forked), .kernel(.executed): true
        case .printed(let text, _, _): !wordsOfFaults.contains { text.contains($0) }
        default: false
        }
    }

    private func noteProcesses(
        _ tree: ProcessTree, _ events: ArraySlice<Event>, _ started: MonotonicInstant, _ entry: inout Entry
    ) {
        for index in tree.present {
            let process = tree.processes[index]
            if let signal = process.endedBy, LifeReader.faults.contains(signal), let end = process.exitedAt {
                entry.life.crashes.append((name(index, in: tree), signal, end.duration(since: started)))
                if !events.contains(where: { $0.instant > end && LifeReader.isActivity($0) }) {
                    entry.life.lastCrash = signal
                }
            }
        }
        if let root = tree.root, entry.life.end != nil, !entry.wasStopped {
            // The kernel kills what is left when PID 1 has ended (zap_pid_ns_processes).
            let rootPID = tree.processes[root].pid
            for event in events {
                guard case .kernel(.signalled(.kill, let pid, .kernel(rootPID), let fate)) = event.kind,
                    fate.hasArrived,
                    let index = tree.present.last(where: { tree.processes[$0].pid == pid }), index != root
                else { continue }
                entry.life.killedWithIt.append(name(index, in: tree))
                if let creator = tree.processes[index].creator, creator != root {
                    if tree.processes[creator].exitedAt.map({ $0 < event.instant }) == true,
                        !entry.life.hasOrphanedDaemon
                    {
                        entry.life.hasOrphanedDaemon = tree.processes[creator].endedBy == nil
                    }
                } else if tree.processes[index].program == tree.processes[root].program {
                    entry.life.hasForkedDaemon = true
                }
            }
        }
        let stop = events.first { if case .runtime(.stopRequested) = $0.kind { true } else { false } }
        noteLost(tree, until: stop?.instant ?? .distantFuture, &entry)
    }

    private func name(_ index: Int, in tree: ProcessTree) -> String {
        index == tree.root ? "PID 1 (\(tree.programName(index)))" : tree.programName(index)
    }

    /// How long a child of PID 1 must have lived beside another to be more than a step of a script.
    private static let lifeOfADaemon = Duration.milliseconds(100)

    /// Children of PID 1 that ended while an older or equally old sibling runs on, and after which PID 1 has started nothing.
    ///
    /// - Parameter horizon: when it was stopped: what ends from then on is meant to.
    private func noteLost(_ tree: ProcessTree, until horizon: MonotonicInstant, _ entry: inout Entry) {
        func lives(_ index: Int) -> Bool { tree.processes[index].exitedAt.map { $0 >= horizon } ?? true }
        guard let root = tree.root, lives(root) else { return }
        let children = tree.present.filter {
            tree.processes[$0].creator == root && !tree.processes[$0].isInjected
                && tree.processes[$0].forkedAt < horizon
        }
        let living = children.filter(lives)
        for index in children {
            let process = tree.processes[index]
            guard !lives(index), let end = process.exitedAt,
                end.duration(since: process.forkedAt) >= LifeReader.lifeOfADaemon,
                living.contains(where: { tree.processes[$0].forkedAt < process.forkedAt }),
                !children.contains(where: { tree.processes[$0].forkedAt > end })
            else { continue }
            entry.life.lost.append(
                "\(tree.programName(index)) (process \(process.pid)) lived \(end.duration(since: process.forkedAt).rounded)"
            )
        }
    }

    /// A moment as files are dated, in nanoseconds since 1970.
    private static func wallClock(of instant: MonotonicInstant) -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let realtime = Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
        return realtime - Int64(MonotonicInstant.now.nanoseconds) + Int64(instant.nanoseconds)
    }
}

/// Reads a stop off the journal: who was told, what came of it.
struct StopReader {
    private let view: JournalView
    private let events: [Event]

    /// - Parameter instant: when the stop began, or a little before.
    init(_ journal: Journal, since instant: MonotonicInstant) {
        let after = journal.events.filter { $0.instant >= instant }
        let end = after.first { event in
            switch event.kind {
            case .runtime(.stopFinished), .runtime(.stopFailed): true
            default: false
            }
        }
        events = end.map { end in after.filter { $0.instant <= end.instant } } ?? after
        view = JournalView(end.map { journal.until($0.instant) } ?? journal)
    }

    var stop: Diagnosis.Stop? {
        guard let request = events.first(where: { if case .runtime(.stopRequested) = $0.kind { true } else { false } }),
            case .runtime(.stopRequested(let signal, let grace)) = request.kind, let root = view.tree.root
        else { return nil }
        var status: ExitStatus?
        var ended = events.last?.instant ?? request.instant
        var wasKilled = false
        for event in events {
            switch event.kind {
            case .runtime(.exited(let end, _)): (status, ended) = (end, event.instant)
            case .runtime(.graceExpired): wasKilled = true
            default: continue
            }
        }
        let told = told(signal, root)
        let ignoring = ignoring(signal, told)
        return Diagnosis.Stop(
            signal: signal, grace: grace, told: names(told, at: request.instant),
            deafness: view.deafness(towards: signal, since: request.instant),
            took: ended.duration(since: request.instant),
            status: status, wasKilled: wasKilled,
            neverTold: neverTold(told + ignoring, request.instant).map { label($0, at: request.instant) }
                .withoutRepeats,
            ignoring: names(ignoring, at: request.instant), unheard: unheard(signal, told, request.instant),
            words: events.printedLines.map(\.text).filter { !$0.isEmpty })
    }

    /// The names of processes; of several that follow each other with one name, their number.
    private func names(_ indices: [Int], at instant: MonotonicInstant) -> [String] {
        var result: [(name: String, count: Int)] = []
        for index in indices {
            let name = label(index, at: instant)
            if result.last?.name == name {
                result[result.count - 1].count += 1
            } else {
                result.append((name, 1))
            }
        }
        return result.map { $0.count == 1 ? $0.name : "\($0.name) × \($0.count)" }
    }

    private func label(_ index: Int, at instant: MonotonicInstant) -> String {
        let program = view.tree.programName(index, at: instant)
        return index == view.tree.root ? "PID 1 (\(program))" : program
    }

    /// PID 1, and who got a signal from a process that had got one.
    private func told(_ signal: Signal, _ root: Int) -> [Int] {
        var told = [root]
        for event in events {
            guard case .kernel(.signalled(let signal, let target, .process(let sender), let fate)) = event.kind,
                fate.hasArrived, !ProcessTree.isHarmless(signal), signal.rawValue != 0,
                let from = view.index(of: sender, at: event.instant), told.contains(from),
                let to = view.index(of: target, at: event.instant), !told.contains(to)
            else { continue }
            told.append(to)
        }
        return told
    }

    /// Processes, besides PID 1, to which a process that was told sent the signal, and for which the kernel dropped it.
    private func ignoring(_ signal: Signal, _ told: [Int]) -> [Int] {
        var result: [Int] = []
        for event in events {
            guard case .kernel(.signalled(signal, let target, .process(let sender), .ignored)) = event.kind,
                let from = view.index(of: sender, at: event.instant), told.contains(from),
                let to = view.index(of: target, at: event.instant), !told.contains(to), !result.contains(to)
            else { continue }
            result.append(to)
        }
        return result
    }

    /// Processes that ran when the stop began, got nothing, and were killed.
    private func neverTold(_ told: [Int], _ began: MonotonicInstant) -> [Int] {
        view.tree.present.filter { index in
            guard !told.contains(index) else { return false }
            let process = view.tree.processes[index]
            return process.endedBy == .kill && process.forkedAt < began && process.exitedAt.map { $0 >= began } == true
        }
    }

    /// Those with a handler that lost their parent to the signal, before it could tell them.
    private func unheard(_ signal: Signal, _ told: [Int], _ began: MonotonicInstant) -> [(
        program: String, parent: String
    )] {
        neverTold(told, began).compactMap { index in
            let process = view.tree.processes[index]
            guard let parent = process.creator, parent != view.tree.root, told.contains(parent),
                view.tree.processes[parent].endedBy == signal,
                events.contains(where: { $0.kind == .kernel(.disposition(process.pid, signal, .caught)) })
            else { return nil }
            return (label(index, at: began), label(parent, at: began))
        }
    }
}

extension [String] {
    fileprivate var withoutRepeats: [String] { reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }
}
