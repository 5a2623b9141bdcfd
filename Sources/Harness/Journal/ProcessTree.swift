import Vocabulary

/// The processes of a container, rebuilt from its journal.
public struct ProcessTree: Sendable {
    /// One process, from its fork to its end; two with the same number are two of these.
    public struct Process: Sendable {
        public let pid: ProcessID
        /// The index of the process that forked it; nil for PID 1, and where no witness saw it.
        public let creator: Int?
        public let forkedAt: MonotonicInstant
        public internal(set) var exitedAt: MonotonicInstant?
        /// When it was certain that nothing is left of it.
        public internal(set) var goneAt: MonotonicInstant?
        /// The service's name, as it said itself.
        public internal(set) var name: String?
        /// The last program that it became.
        public internal(set) var program: String?
        /// When it became its last program, or said that it is ready.
        public internal(set) var readyAt: MonotonicInstant?
        /// It said that it would become a real program: the exec to come is its readiness.
        fileprivate var awaitsExec = false
        /// The names of the programs that it has become since it was last a fake.
        fileprivate var becameSinceFake: [Substring] = []
        /// When the process that was its parent exited before it did; from then on it is an orphan.
        public internal(set) var orphanedAt: MonotonicInstant?
        /// The signal that ended it, as far as the kernel said so.
        public internal(set) var endedBy: Signal?
        /// Somebody outside has put it into the container, and waits for it.
        public internal(set) var isInjected = false
        /// The last signal that was queued for it.
        fileprivate var lastQueued: Signal?
    }

    /// Those of all lives of the container.
    public private(set) var processes: [Process] = []
    /// Where those of its present life begin.
    public private(set) var lifeBegin = 0
    /// The index of PID 1, once it has been started.
    public private(set) var root: Int?
    /// The runtime's answer to how PID 1 ended.
    public private(set) var exitStatus: ExitStatus?
    /// Without a trace, processes are known from what they say and from censuses.
    private let hasTrace: Bool
    /// The processes that each has made, by index.
    private var offspring: [Int: [Int]] = [:]
    /// The index of the living (or not yet freed) process of each number.
    private var current: [ProcessID: Int] = [:]
    /// Waits and SIGCHLDs, for the question of who was reaped.
    private var waits: [(by: ProcessID, target: ProcessID?, instant: MonotonicInstant)] = []
    /// Whom the end of each process was told, by index: its parent at that time.
    private var informed: [Int: ProcessID] = [:]

    /// Signals whose default action does not end a process (signal(7): Ign, Stop, Cont).
    private static let harmlessByDefault: Set<Signal> = Set(
        ["CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "WINCH"].compactMap { Signal($0) })

    public init(_ journal: Journal) {
        hasTrace = journal.witness.seesSignals
        for event in journal.events { note(event) }
    }

    /// The process of this number at the end of the journal, or the last one that had it.
    public func index(of pid: ProcessID) -> Int? { current[pid] }

    /// The processes of its present life.
    public var present: Range<Int> { lifeBegin..<processes.count }

    /// The process that said it is this service, in the present life; the last, if several did.
    public func index(named name: String) -> Int? {
        present.last { processes[$0].name == name }
    }

    /// Another life begins: nothing is left of the former.
    private mutating func beginLife(at instant: MonotonicInstant) {
        for index in present {
            processes[index].exitedAt = processes[index].exitedAt ?? instant
            processes[index].goneAt = processes[index].goneAt ?? instant
        }
        lifeBegin = processes.count
        offspring = [:]
        current = [:]
        waits = []
        informed = [:]
        root = nil
        exitStatus = nil
    }

    private mutating func note(_ event: Event) {
        switch event.kind {
        case .kernel(let fact): note(fact, at: event.instant)
        case .runtime(.startFailed), .runtime(.recreated): if root != nil { beginLife(at: event.instant) }
        case .runtime(.execStarted(let pid, let program)):
            let index = current[pid] ?? add(pid, creator: nil, at: event.instant)
            processes[index].isInjected = true
            if processes[index].program == nil { processes[index].program = program }
        case .runtime(.execEnded(let pid, let status)):
            guard let index = present.last(where: { processes[$0].pid == pid && processes[$0].isInjected }) else {
                return
            }
            processes[index].exitedAt = processes[index].exitedAt ?? event.instant
            processes[index].goneAt = processes[index].goneAt ?? event.instant
            if case .signaled(let signal, _) = status { processes[index].endedBy = signal }
        case .runtime(.started(let pid, let program)):
            if root != nil { beginLife(at: event.instant) }
            let index = current[pid] ?? add(pid, creator: nil, at: event.instant)
            root = index
            if processes[index].program == nil { processes[index].program = program }
        case .runtime(.exited(let status)):
            exitStatus = status
            guard let root else { return }
            if processes[root].exitedAt == nil { processes[root].exitedAt = event.instant }
            processes[root].goneAt = event.instant
            if case .signaled(let signal, _) = status { processes[root].endedBy = signal }
        case .said(let word, let speaker): note(word, by: speaker, at: event.instant)
        case .printed, .looked, .dropped, .mark, .runtime: break
        }
    }

    private mutating func note(_ fact: KernelEvent, at instant: MonotonicInstant) {
        switch fact {
        case .forked(let child, let parent, let asSibling):
            // PID 1 is known from its start already.
            if let root, current[child] == root, processes[root].exitedAt == nil { return }
            let creator = current[parent]
            let isInjected = creator == nil && root != nil
            defer { if isInjected { processes[processes.count - 1].isInjected = true } }
            add(child, creator: asSibling ? creator.flatMap { processes[$0].creator } : creator, at: instant)
        case .executed(let pid, let path):
            guard let index = current[pid] else { return }
            processes[index].program = path
            let name = ProcessTree.name(of: path)
            if name == "fake-services" {
                processes[index].becameSinceFake = []
            } else {
                processes[index].becameSinceFake.append(name)
            }
            if processes[index].awaitsExec {
                processes[index].readyAt = instant
                processes[index].awaitsExec = false
            }
        case .exited(let pid):
            guard let index = current[pid], processes[index].exitedAt == nil else { return }
            processes[index].exitedAt = instant
            for other in offspring[index] ?? []
            where processes[other].exitedAt == nil && processes[other].orphanedAt == nil {
                processes[other].orphanedAt = instant
            }
        case .freed(let pid):
            guard let index = current[pid] else { return }
            processes[index].goneAt = processes[index].goneAt ?? instant
            current[pid] = nil
        case .waited(let waiter, let target): waits.append((waiter, target, instant))
        case .delivered(let signal, let pid, let hasHandler):
            guard let index = current[pid], !hasHandler, processes[index].exitedAt == nil else { return }
            noteDefaultAction(of: signal, in: index)
        case .signalled(.chld, let parent, .kernel(let child), _):
            if let index = current[child], processes[index].exitedAt != nil { informed[index] = parent }
        case .signalled(let signal, let pid, _, let fate) where fate.hasArrived:
            guard let index = current[pid], processes[index].exitedAt == nil else { return }
            if signal == .kill { processes[index].endedBy = .kill }
            processes[index].lastQueued = signal
        case .signalled, .lost: break
        case .census(let entries): if !hasTrace { note(entries, at: instant) }
        case .absent(let pids):
            for pid in pids {
                guard let index = current[pid], processes[index].exitedAt != nil else { continue }
                processes[index].goneAt = processes[index].goneAt ?? instant
            }
        }
    }

    /// A signal whose default action is to end a process is delivered as SIGKILL: the kernel starts the end of all its
    /// threads when it queues the signal (complete_signal in kernel/signal.c). Which one it was, the queueing has told.
    private mutating func noteDefaultAction(of signal: Signal, in index: Int) {
        if processes[index].endedBy == .kill || ProcessTree.harmlessByDefault.contains(signal) { return }
        processes[index].endedBy = signal == .kill ? processes[index].lastQueued : signal
    }

    private mutating func note(_ census: [CensusEntry], at instant: MonotonicInstant) {
        let seen = Dictionary(census.map { ($0.pid, $0) }) { first, _ in first }
        for entry in census {
            let index = current[entry.pid] ?? add(entry.pid, creator: current[entry.parent], at: instant)
            if entry.isZombie {
                processes[index].exitedAt = processes[index].exitedAt ?? instant
            }
            if processes[index].program == nil { processes[index].program = entry.name }
        }
        for index in processes.indices
        where seen[processes[index].pid] == nil && processes[index].goneAt == nil {
            guard let exit = processes[index].exitedAt, exit < instant else { continue }
            processes[index].goneAt = instant
        }
    }

    private mutating func note(_ word: ServiceWord, by pid: ProcessID, at instant: MonotonicInstant) {
        // What the trace does not know is no process of this container, whatever it says.
        if hasTrace && current[pid] == nil { return }
        let index = current[pid] ?? add(pid, creator: nil, at: instant)
        switch word {
        case .hello(let name): processes[index].name = name
        case .executes(let program):
            // Its words may be read after the deed, and after what the program has become itself.
            if processes[index].becameSinceFake.contains(ProcessTree.name(of: program)) {
                processes[index].readyAt = instant
            } else {
                processes[index].awaitsExec = true
            }
        case .ready: processes[index].readyAt = instant
        case .caught, .stopping, .finished, .orphaned, .ran, .wroteMarker, .initialised: break
        }
    }

    private static func name(of path: String) -> Substring { path.split(separator: "/").last ?? "" }

    @discardableResult
    private mutating func add(_ pid: ProcessID, creator: Int?, at instant: MonotonicInstant) -> Int {
        var process = Process(pid: pid, creator: creator, forkedAt: instant)
        process.program = creator.flatMap { processes[$0].program }
        processes.append(process)
        if let creator { offspring[creator, default: []].append(processes.count - 1) }
        current[pid] = processes.count - 1
        return processes.count - 1
    }
}

extension ProcessTree {
    /// The processes that have exited and of which something is left, at the end of the journal; PID 1 is none of them.
    public func zombies() -> [Int] {
        if let root, processes[root].exitedAt != nil { return zombiesAtTheEnd() }
        return present.filter {
            processes[$0].exitedAt != nil && processes[$0].goneAt == nil && !processes[$0].isInjected
        }
    }

    /// The processes that were zombies when PID 1 ended: they had exited, and nobody had waited for them.
    ///
    /// The kernel tells of the freeing an RCU grace period late, so what is freed only after the end may have been waited
    /// for before. Waits are matched to exits, one to one: a wait takes a child that has exited, or else the next that
    /// does. (A wait that only looks, WNOWAIT, cannot be told from one that takes, and one that does not wait, WNOHANG, not
    /// from one that does: the doubt is in favour of the init.)
    public func zombiesAtTheEnd() -> [Int] {
        guard let root, let end = processes[root].exitedAt else { return [] }
        var unclaimed: Set<Int> = []
        for index in present where index != root && !processes[index].isInjected {
            guard let exit = processes[index].exitedAt, exit < end else { continue }
            if let gone = processes[index].goneAt, gone < end { continue }
            unclaimed.insert(index)
        }
        return unreaped(unclaimed, before: end)
    }

    /// Whether it is a service that runs, or has one among its descendants.
    public func keepsService(_ index: Int) -> Bool {
        let process = processes[index]
        if process.exitedAt == nil, let name = process.name, !name.contains(".") { return true }
        return (offspring[index] ?? []).contains(where: keepsService)
    }

    /// Whether somebody may wait for a process at a moment: its parent, and when that has ended, PID 1.
    ///
    /// The parent is the one that the kernel has told of the end: a subreaper where there is one.
    private func isParent(_ pid: ProcessID, of index: Int, at instant: MonotonicInstant) -> Bool {
        guard let told = informed[index] else { return false }
        let hasEnded = processes.contains { $0.pid == told && ($0.exitedAt ?? .distantFuture) <= instant }
        return pid == (hasEnded ? root.map { processes[$0].pid } : told)
    }

    private func unreaped(_ candidates: Set<Int>, before end: MonotonicInstant) -> [Int] {
        // A parent that ignores SIGCHLD is not told, and its children are reaped by the kernel (do_notify_parent).
        var zombies = candidates.intersection(informed.keys)
        // Those that are known to be gone have answered waits as well.
        let exits = informed.keys.filter { (processes[$0].exitedAt ?? end) < end }
            .sorted { (processes[$0].exitedAt ?? end, $0) < (processes[$1].exitedAt ?? end, $1) }
        var next = exits[...]
        var waiting: [Int] = []
        var pending: [ProcessID: ProcessID?] = [:]
        func matches(_ index: Int, _ target: ProcessID?) -> Bool { target == nil || target == processes[index].pid }
        func noteExits(until instant: MonotonicInstant) {
            while let index = next.first, let exit = processes[index].exitedAt, exit <= instant {
                next.removeFirst()
                // A wait that was under way has taken it.
                if let told = informed[index], let target = pending[told], matches(index, target) {
                    pending[told] = nil
                    zombies.remove(index)
                } else {
                    waiting.append(index)
                }
            }
        }
        for wait in waits where wait.instant < end {
            noteExits(until: wait.instant)
            // A number that is no child's is that of a process group (waitpid(2) with 0 or less than -1).
            let isChild = processes.indices.contains { index in
                processes[index].pid == wait.target
                    && (informed[index] ?? processes[index].creator.map { processes[$0].pid }) == wait.by
            }
            let target = isChild ? wait.target : nil
            let ready = waiting.indices.filter {
                matches(waiting[$0], target) && isParent(wait.by, of: waiting[$0], at: wait.instant)
            }
            // Those that are known to be gone are the likelier answer.
            if let chosen = ready.first(where: { !zombies.contains(waiting[$0]) }) ?? ready.first {
                zombies.remove(waiting.remove(at: chosen))
                pending[wait.by] = nil
            } else {
                pending[wait.by] = .some(target)
            }
        }
        noteExits(until: end)
        return zombies.sorted()
    }

    /// The last part of the path of the program that a process has become.
    public func programName(_ index: Int) -> String {
        processes[index].program.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "unknown"
    }

    /// What a person calls a process: the service's name, `init`, or the program and whose descendant it is.
    public func label(_ index: Int) -> String {
        let process = processes[index]
        let program = process.program == nil ? nil : programName(index)
        if let name = process.name { return index == root ? "\(name), PID 1" : name }
        if index == root { return "PID 1 (\(program ?? "init"))" }
        var ancestor = process.creator
        while let current = ancestor, processes[current].name == nil, current != root {
            ancestor = processes[current].creator
        }
        let origin = ancestor.map { $0 == root ? "PID 1" : processes[$0].name ?? "?" }
        let kind = process.orphanedAt == nil ? "a child" : "an orphan"
        return [program, origin.map { "\(kind) of \($0)" }].compactMap(\.self).joined(separator: ", ")
    }
}
