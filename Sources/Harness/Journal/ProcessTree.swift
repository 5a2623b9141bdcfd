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
        /// It has executed the fakes: what it says is their word.
        public internal(set) var isFake = false
        /// Nobody but itself knows that it is the service.
        public internal(set) var isNameDoubtful = false
        /// When it said so.
        public internal(set) var namedAt: MonotonicInstant?
        /// The last program that it became.
        public internal(set) var program: String?
        /// Every program that it has been, the one it was forked as included, and from when on.
        public fileprivate(set) var programs: [(since: MonotonicInstant, path: String)] = []
        /// When it became its last program, or said that it is ready.
        public internal(set) var readyAt: MonotonicInstant?
        /// It said that it would become a real program: the exec to come is its readiness.
        public fileprivate(set) var awaitsExec = false
        /// The names of the programs that it has become since it was last a fake.
        fileprivate var becameSinceFake: [Substring] = []
        /// When the process that was its parent exited before it did, or without having waited for it; from then on it is an orphan.
        public internal(set) var orphanedAt: MonotonicInstant?
        /// The signal that ended it, as far as the kernel said so.
        public internal(set) var endedBy: Signal?
        /// From when on the kernel drops every signal for it, because one is ending it (prepare_signal in kernel/signal.c).
        public fileprivate(set) var dyingSince: MonotonicInstant?
        /// How it ended; nil where its parent was not told.
        public internal(set) var manner: Manner?
        /// It was stopped for a tracer, who may have taken its signals, and put others in their place.
        public internal(set) var isTraced = false
        /// `exec` has put it into the container from outside; the harness waits for it.
        public internal(set) var isInjected = false
        /// Its fork has been seen.
        fileprivate var isForkSeen = false
        /// It has waited for children.
        fileprivate var hasWaited = false
        /// It took SIGKILL, or the end of its process in the form of it.
        fileprivate var wasDeliveredKill = false
        /// The last signal that was queued for it whose default action is to end a process.
        fileprivate var lastQueued: Signal?
    }

    /// Those of all lives of the container.
    public private(set) var processes: [Process] = []
    /// Where those of its present life begin.
    public private(set) var lifeBegin = 0
    /// The index of PID 1, once it has been started.
    public private(set) var root: Int?
    /// The indices of the PID 1 of each life, the present one included.
    public private(set) var roots: [Int] = []
    private var rootSet: Set<Int> = []
    /// PID 1, where that is none of the container's: `root` is its main process then, in a namespace that others share.
    public private(set) var reaper: ProcessID?
    /// Without a trace, processes are known from what they say and from censuses.
    private let hasTrace: Bool
    /// The processes that each has made, by index.
    private var offspring: [Int: [Int]] = [:]
    /// The index of the living (or not yet freed) process of each number.
    private var current: [ProcessID: Int] = [:]
    /// Waits and SIGCHLDs, for the question of who was reaped.
    private var waits: [(by: ProcessID, target: ProcessID?, instant: MonotonicInstant, outcome: WaitOutcome?)] = []
    /// The wait of each process that has not returned, by its place in `waits`.
    private var openWaits: [ProcessID: Int] = [:]
    /// The kernel tells what waits took.
    private var knowsOutcomes = false
    /// What a process did with SIGCHLD, when it was last looked at.
    private var ignoresChildren: [ProcessID: Bool] = [:]
    /// Whom the end of each process was told, by index: its parent at that time.
    private var informed: [Int: ProcessID] = [:]
    /// All that have had a number, by index.
    private var bearers: [ProcessID: [Int]] = [:]

    /// Where the fakes' executable is, inside: on a read-only mount.
    private static let fakes = "/.harness/fake-services"
    /// Those that said they are a service of this name and never executed the fakes.
    public private(set) var impostors: [(name: String, index: Int)] = []
    /// Those that are, or were, the service of a name, in all lives.
    private var bearersOfNames: [String: [Int]] = [:]

    /// Signals whose default action does not end a process (signal(7): Ign, Stop, Cont).
    static let harmlessByDefault: Set<Signal> = Set(
        ["CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "WINCH"].compactMap { Signal($0) })

    /// Whether a signal does nothing to a process that has made no provision for it, or only stops it.
    public static func isHarmless(_ signal: Signal) -> Bool { harmlessByDefault.contains(signal) }

    /// The processes at the end of a journal.
    public init(_ journal: Journal) {
        self.init(witness: journal.witness)
        for event in journal.events { note(event) }
    }

    /// None yet.
    public init(witness: Witness) { hasTrace = witness.seesSignals }

    /// The process of this number at the end of the journal, or the last one that had it.
    public func index(of pid: ProcessID) -> Int? { current[pid] }

    /// Whether it is the PID 1 of some life.
    public func isRoot(_ index: Int) -> Bool { rootSet.contains(index) }

    /// Whether a process of the container has ever had this number.
    public func hasHad(_ pid: ProcessID) -> Bool { bearers[pid] != nil }

    /// The process that had a number at a moment; where none had yet, the first that did.
    public func index(of pid: ProcessID, at instant: MonotonicInstant) -> Int? {
        let own = bearers[pid] ?? []
        return own.last { processes[$0].forkedAt <= instant } ?? own.first
    }

    /// The processes of its present life.
    public var present: Range<Int> { lifeBegin..<processes.count }

    /// The process that said it is this service, in the present life; the last, if several did.
    public func index(named name: String) -> Int? {
        bearersOfNames[name]?.last.flatMap { $0 >= lifeBegin ? $0 : nil }
    }

    /// The oldest process that runs a program of this name, in the present life; PID 1 where it is no other.
    public func index(running name: String) -> Int? {
        let own = present.filter { index in
            processes[index].exitedAt == nil
                && processes[index].program?.split(separator: "/").last.map(String.init) == name
        }
        return own.first { $0 != root } ?? own.first
    }

    /// Two processes that were this service at the same time, in the present life.
    public func rivals(named name: String) -> (Int, Int)? {
        // Without a trace the end of the one may be found after the beginning of the next.
        guard hasTrace else { return nil }
        let own = (bearersOfNames[name] ?? []).filter { $0 >= lifeBegin }
        for (one, other) in zip(own, own.dropFirst()) where one != other {
            let said = processes[other].namedAt ?? .distantFuture
            if processes[one].exitedAt.map({ $0 > said }) ?? true { return (one, other) }
        }
        return nil
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
        openWaits = [:]
        ignoresChildren = [:]
        informed = [:]
        root = nil
    }

    /// A process that came from outside, and has been waited for there.
    private mutating func injected(_ pid: ProcessID, endedAt instant: MonotonicInstant) -> Int? {
        guard let index = bearers[pid]?.last(where: { processes[$0].isInjected }), index >= lifeBegin else {
            return nil
        }
        processes[index].exitedAt = processes[index].exitedAt ?? instant
        processes[index].goneAt = processes[index].goneAt ?? instant
        return index
    }

    /// Takes in what has happened next.
    public mutating func note(_ event: Event) {
        switch event.kind {
        case .kernel(let fact): note(fact, at: event.instant)
        case .runtime(.joined(let pid)): reaper = pid
        case .runtime(.startFailed), .runtime(.recreated): if root != nil { beginLife(at: event.instant) }
        case .runtime(.execStarted(let pid, let program)), .runtime(.checkStarted(let pid, let program)),
            .runtime(.hookStarted(let pid, let program)):
            let index = current[pid] ?? add(pid, creator: nil, at: event.instant)
            processes[index].isInjected = true
            becomes(program, index, at: event.instant, unlessKnown: true)
        case .runtime(.execEnded(let pid, let status, _)), .runtime(.hookEnded(let pid, let status)):
            if let index = injected(pid, endedAt: event.instant) { note(status, in: index) }
        case .runtime(.checkEnded(let pid?, _)): _ = injected(pid, endedAt: event.instant)
        case .runtime(.started(let pid, let program)):
            if root != nil { beginLife(at: event.instant) }
            let index = current[pid] ?? add(pid, creator: nil, at: event.instant)
            root = index
            roots.append(index)
            rootSet.insert(index)
            becomes(program, index, at: event.instant, unlessKnown: true)
        case .runtime(.exited(let status, _)):
            guard let root else { return }
            if processes[root].exitedAt == nil { processes[root].exitedAt = event.instant }
            processes[root].goneAt = event.instant
            note(status, in: root)
        case .said(let word, let speaker): note(word, by: speaker, at: event.instant)
        case .printed, .looked, .listening, .dropped, .late, .mark, .runtime: break
        }
    }

    /// How a process ended that the harness has waited for.
    private mutating func note(_ status: ExitStatus, in index: Int) {
        switch status {
        case .exited: (processes[index].manner, processes[index].endedBy) = (.exited, nil)
        case .signaled(let signal, _): (processes[index].manner, processes[index].endedBy) = (.killed, signal)
        }
    }

    private mutating func note(_ fact: KernelEvent, at instant: MonotonicInstant) {
        switch fact {
        case .forked(let child, let parent, let asSibling):
            // What the harness starts is known from its start already: PID 1, and what `exec` puts into the container.
            if let known = current[child], processes[known].exitedAt == nil, !processes[known].isForkSeen,
                known == root || processes[known].isInjected
            {
                processes[known].isForkSeen = true
                return
            }
            let creator = current[parent]
            let index = add(
                child, creator: asSibling ? creator.flatMap { processes[$0].creator } : creator, at: instant)
            processes[index].isForkSeen = true
            processes[index].isInjected = creator == nil && root != nil
        case .executed(let pid, let path):
            guard let index = current[pid] else { return }
            becomes(path, index, at: instant)
            if path == ProcessTree.fakes { processes[index].isFake = true }
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
            for other in offspring[index] ?? [] where processes[other].orphanedAt == nil {
                // A zombie is handed on like any other child (reparent_leader in kernel/exit.c): one of whose end its parent was told, and for which it has
                // not waited.
                let isZombie =
                    processes[other].goneAt == nil && informed[other] == pid && !processes[index].hasWaited
                if processes[other].exitedAt == nil || isZombie { processes[other].orphanedAt = instant }
            }
        case .freed(let pid):
            guard let index = current[pid] else { return }
            processes[index].goneAt = processes[index].goneAt ?? instant
            current[pid] = nil
        case .waited(let waiter, let target):
            if let index = current[waiter] { processes[index].hasWaited = true }
            openWaits[waiter] = waits.count
            waits.append((waiter, target, instant, nil))
        case .waitEnded(let waiter, let outcome):
            knowsOutcomes = true
            if let place = openWaits.removeValue(forKey: waiter) { waits[place].outcome = outcome }
        case .traced(let pid): if let index = current[pid] { processes[index].isTraced = true }
        case .disposition(let pid, .chld, let disposition): ignoresChildren[pid] = disposition == .ignored
        case .ended(let pid, let manner):
            guard let index = current[pid], processes[index].exitedAt != nil else { return }
            processes[index].manner = manner
            // A process that calls exit is not killed, even if a signal comes while it ends.
            // And what died of a SIGKILL that nobody was seen to send, got it from its tracer.
            processes[index].endedBy =
                manner == .exited
                ? nil
                : processes[index].endedBy ?? processes[index].lastQueued
                    ?? (processes[index].wasDeliveredKill ? .kill : nil)
        case .delivered(let signal, let pid, let hasHandler):
            guard let index = current[pid], !hasHandler, processes[index].exitedAt == nil else { return }
            noteDefaultAction(of: signal, in: index, at: instant)
        case .signalled(let signal, let parent, .kernel(let child), _)
        where signal != .kill && child != parent && current[child].map({ processes[$0].exitedAt != nil }) == true:
            // By SIGCHLD, or by the signal that the child was made with (clone(2)).
            if let index = current[child] { informed[index] = parent }
        case .signalled(let signal, let pid, _, let fate) where fate.hasArrived:
            guard let index = current[pid], processes[index].exitedAt == nil else { return }
            if signal == .kill {
                processes[index].endedBy = .kill
                processes[index].dyingSince = processes[index].dyingSince ?? instant
            }
            if !ProcessTree.harmlessByDefault.contains(signal) { processes[index].lastQueued = signal }
        case .signalled, .lost, .limitMet, .disposition, .pending: break
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
    private mutating func noteDefaultAction(of signal: Signal, in index: Int, at instant: MonotonicInstant) {
        if processes[index].endedBy == .kill || ProcessTree.harmlessByDefault.contains(signal) { return }
        if signal == .kill {
            processes[index].wasDeliveredKill = true
            processes[index].dyingSince = processes[index].dyingSince ?? instant
        }
        processes[index].endedBy = signal == .kill ? processes[index].lastQueued : signal
    }

    private mutating func note(_ census: [CensusEntry], at instant: MonotonicInstant) {
        let seen = Dictionary(census.map { ($0.pid, $0) }) { first, _ in first }
        for entry in census {
            let index = current[entry.pid] ?? add(entry.pid, creator: current[entry.parent], at: instant)
            if entry.isZombie {
                processes[index].exitedAt = processes[index].exitedAt ?? instant
            }
            becomes(entry.name, index, at: instant, unlessKnown: true)
        }
        for index in present
        where seen[processes[index].pid] == nil && processes[index].goneAt == nil {
            guard let exit = processes[index].exitedAt, exit < instant else { continue }
            processes[index].goneAt = instant
        }
    }

    private mutating func note(_ word: ServiceWord, by pid: ProcessID, at instant: MonotonicInstant) {
        // A process that the trace does not know is not of this container, even if it says so.
        if hasTrace && current[pid] == nil { return }
        let index = current[pid] ?? add(pid, creator: nil, at: instant)
        switch word {
        case .hello(let name):
            processes[index].isFake = true
            processes[index].isNameDoubtful = false
            become(name, index, at: instant)
        case .claimed(let name):
            // The trace knows what it has executed; without one nobody does.
            if hasTrace, !processes[index].isFake {
                impostors.append((name, index))
            } else {
                processes[index].isNameDoubtful = !processes[index].isFake
                become(name, index, at: instant)
            }
        case _ where hasTrace && !processes[index].isFake: break
        case .executes(let program):
            // Its words may be read after the deed, and after what the program has become itself.
            if processes[index].becameSinceFake.contains(ProcessTree.name(of: program)) {
                processes[index].readyAt = instant
            } else {
                processes[index].awaitsExec = true
            }
        case .ready: processes[index].readyAt = instant
        case .caught, .stopping, .finished, .orphaned, .ran, .wroteMarker, .initialised, .cannot: break
        }
    }

    private mutating func become(_ name: String, _ index: Int, at instant: MonotonicInstant) {
        processes[index].name = name
        processes[index].namedAt = instant
        bearersOfNames[name, default: []].append(index)
    }

    private mutating func becomes(
        _ program: String, _ index: Int, at instant: MonotonicInstant, unlessKnown: Bool = false
    ) {
        if unlessKnown, processes[index].program != nil { return }
        processes[index].program = program
        processes[index].programs.append((instant, program))
    }

    /// The last part of a path. Asked for each line about a process.
    private static func name(of path: String) -> Substring {
        let slash = UInt8(ascii: "/")
        var end = path.utf8.endIndex
        while end > path.utf8.startIndex, path.utf8[path.utf8.index(before: end)] == slash {
            end = path.utf8.index(before: end)
        }
        let whole = path.utf8[..<end]
        let begin = whole.lastIndex(of: slash).map { whole.index(after: $0) } ?? whole.startIndex
        return path[begin..<end]
    }

    @discardableResult
    private mutating func add(_ pid: ProcessID, creator: Int?, at instant: MonotonicInstant) -> Int {
        var process = Process(pid: pid, creator: creator, forkedAt: instant)
        process.program = creator.flatMap { processes[$0].program }
        process.programs = process.program.map { [(instant, $0)] } ?? []
        process.isFake = process.program == ProcessTree.fakes
        processes.append(process)
        if let creator { offspring[creator, default: []].append(processes.count - 1) }
        current[pid] = processes.count - 1
        bearers[pid, default: []].append(processes.count - 1)
        return processes.count - 1
    }
}

extension ProcessTree {
    /// Processes that have exited and were not waited for.
    public struct Zombies: Sendable {
        /// Those of which it is certain.
        public var certain: [Int] = []
        /// Those that may have been waited for.
        public var doubtful: [Int] = []
    }

    /// The processes that have exited and of which something is left, at the end of the journal; PID 1 is none of them.
    public func zombies() -> Zombies {
        if let root, processes[root].exitedAt != nil { return zombiesAtTheEnd() }
        return Zombies(
            certain: present.filter {
                processes[$0].exitedAt != nil && processes[$0].goneAt == nil && !processes[$0].isInjected
            })
    }

    /// The processes that were zombies when PID 1 ended: they had exited, and nobody had waited for them.
    ///
    /// The kernel tells of the freeing an RCU grace period late, so what is freed only after the end may have been waited
    /// for before. Waits are matched to exits, one to one: a wait takes a child that has exited, or else the next that
    /// does. Where the kernel tells what a wait took, only those count that took something.
    public func zombiesAtTheEnd() -> Zombies {
        guard let root, let end = processes[root].exitedAt else { return Zombies() }
        var unclaimed: Set<Int> = []
        for index in present where index != root && !processes[index].isInjected {
            guard let exit = processes[index].exitedAt, exit < end else { continue }
            if let gone = processes[index].goneAt, gone < end { continue }
            unclaimed.insert(index)
        }
        return unreaped(unclaimed, before: end)
    }

    /// Which of the processes of the present life are services, or come of one.
    public func descendantsOfServices() -> Set<Int> {
        var result: Set<Int> = []
        // A process comes after the one that has made it.
        for index in present
        where processes[index].name != nil || processes[index].creator.map(result.contains) == true {
            result.insert(index)
        }
        return result
    }

    /// Which of the processes of the present life are services that run, or have one among their descendants.
    public func keepersOfServices() -> Set<Int> {
        var result: Set<Int> = []
        for index in present.reversed() {
            let process = processes[index]
            let isService = process.exitedAt == nil && process.name?.contains(".") == false
            guard isService || result.contains(index) else { continue }
            result.insert(index)
            if let creator = process.creator { result.insert(creator) }
        }
        return result
    }

    /// When the parent that a process's end was told ended itself; nil where it did not.
    private func endOfInformed(_ index: Int, _ told: ProcessID) -> MonotonicInstant? {
        self.index(of: told, at: processes[index].exitedAt ?? .distantFuture).flatMap { processes[$0].exitedAt }
    }

    private func unreaped(_ candidates: Set<Int>, before end: MonotonicInstant) -> Zombies {
        var left = candidates.intersection(informed.keys)
        var doubtful: Set<Int> = []
        // Nobody was told of these: their parent ignores SIGCHLD, and the kernel has reaped them (do_notify_parent); or they were made
        // with no signal for their end (clone(2)), and wait.
        for index in candidates.subtracting(left) {
            let parent = processes[index].creator.map { processes[$0].pid }
            switch parent.flatMap({ ignoresChildren[$0] }) {
            case true?: continue
            case false?: left.insert(index)
            case nil: doubtful.insert(index)
            }
        }
        var reaper = Reaper(root: self.reaper ?? root.map { processes[$0].pid })
        // Those that are known to be gone have answered waits as well.
        for (index, told) in informed {
            guard let exit = processes[index].exitedAt, exit < end else { continue }
            let exited = Reaper.Child(index: index, pid: processes[index].pid, isKnownToBeGone: !left.contains(index))
            reaper.exits.append((exit, exited, told))
            // PID 1 inherits it, and may wait for it.
            if let handedOn = endOfInformed(index, told), handedOn < end {
                reaper.handovers.append((max(handedOn, exit), exited, told))
            }
        }
        reaper.sort()
        func note(_ taken: Reaper.Taken?) {
            guard let taken, left.remove(taken.index) != nil else { return }
            if !taken.isCertain { doubtful.insert(taken.index) }
        }
        for wait in waits where wait.instant < end && wait.outcome != .nothing {
            reaper.noteExits(until: wait.instant).forEach(note)
            // A wait that did not return before the end took nothing.
            if knowsOutcomes, wait.outcome == nil { continue }
            // A number that is no child's is that of a process group (waitpid(2) with 0 or less than -1).
            let isChild = wait.target.map { target in
                (bearers[target] ?? []).contains { index in
                    (informed[index] ?? processes[index].creator.map { processes[$0].pid }) == wait.by
                }
            }
            note(
                reaper.wait(by: wait.by, for: isChild == true ? wait.target : nil, isCertain: wait.outcome != .perhaps))
        }
        reaper.noteExits(until: end).forEach(note)
        return Zombies(certain: left.sorted(), doubtful: doubtful.sorted())
    }

    /// The last part of the path of the program that a process has become.
    public func programName(_ index: Int) -> String {
        processes[index].program.map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "unknown"
    }

    /// What the process is called that the container is started with.
    public var mainProcess: String { reaper == nil ? "PID 1" : "the main process" }

    /// What a person calls a process at a moment: the service's name, `PID 1`, or the program and whose child it is, as far as
    /// that was so then.
    ///
    /// - Parameter instant: nil: at the end of the journal.
    public func label(_ index: Int, at instant: MonotonicInstant? = nil) -> String {
        let instant = instant ?? .distantFuture
        let process = processes[index]
        if isRoot(index) {
            return process.name.map { "\($0), \(mainProcess)" } ?? "\(mainProcess) (\(programName(index, at: instant)))"
        }
        if let name = nameIfSaid(index, at: instant) { return name }
        var words = ["\(process.pid)"]
        if let creator = process.creator {
            let parent =
                isRoot(creator) ? mainProcess : nameIfSaid(creator, at: instant) ?? label(creator, short: instant)
            let isOrphan = process.orphanedAt.map { $0 <= instant } == true
            words.append(isOrphan ? "an orphan of \(parent)" : "a child of \(parent)")
        } else if process.isInjected {
            words.append("started by exec")
        }
        return "\(programName(index, at: instant)) (\(words.joined(separator: ", ")))"
    }

    private func label(_ index: Int, short instant: MonotonicInstant) -> String {
        "\(programName(index, at: instant)) \(processes[index].pid)"
    }

    private func nameIfSaid(_ index: Int, at instant: MonotonicInstant) -> String? {
        guard let name = processes[index].name, processes[index].namedAt ?? instant <= instant else { return nil }
        return name
    }

    /// The last part of the path of the program that a process was at a moment.
    public func programName(_ index: Int, at instant: MonotonicInstant) -> String {
        let path = processes[index].programs.last { $0.since <= instant }?.path ?? processes[index].programs.first?.path
        guard let path else { return "a process" }
        return ProcessTree.name(of: path).isEmpty ? path : String(ProcessTree.name(of: path))
    }
}
