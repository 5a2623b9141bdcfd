import Expectations
import Journal
import Model
import Vocabulary

/// A run that failed, as it is looked at for causes.
public struct FailedRun: Sendable {
    /// As it was written.
    public let scenario: Scenario
    /// What was seen of it.
    public let journal: Journal
    /// What did not hold.
    public let failures: [Failure]

    public init(_ scenario: Scenario, _ journal: Journal, _ failures: [Failure]) {
        self.scenario = scenario
        self.journal = journal
        self.failures = failures
    }
}

/// What PID 1 of a run did, life by life, as the kernel saw it.
struct Observation: Sendable {
    let scenario: Scenario
    let failures: [Failure]
    let view: JournalView
    let lives: [Life]
    /// The files of the container that were looked at, in the order of time.
    let looks: [(event: Event, file: FileFact)]

    var tree: ProcessTree { view.tree }

    init(_ run: FailedRun) {
        scenario = run.scenario
        failures = run.failures
        let view = JournalView(run.journal)
        self.view = view
        let events = run.journal.events
        // What the end of the scenario brings is no doing of PID 1's.
        let end = events.lastIndex { $0.kind == .runtime(.removed) } ?? events.endIndex
        let starts = events[..<end].indices.filter {
            if case .runtime(.started) = events[$0].kind { true } else { false }
        }
        let roots = view.tree.roots
        lives = zip(starts, roots).enumerated().map { place, life in
            let next = place + 1 < starts.count ? starts[place + 1] : end
            let lastProcess = place + 1 < roots.count ? roots[place + 1] : view.tree.processes.count
            return Life(view, root: life.1, until: lastProcess, events[life.0..<next])
        }
        looks = events.compactMap { event in
            if case .looked(let file) = event.kind { (event, file) } else { nil }
        }
    }

    /// The conditions that did not hold.
    var failedConditions: [Condition] {
        failures.compactMap { failure in
            switch failure.question {
            case .expect(let expectation), .waitFor(let expectation): expectation.condition
            case .continuation, .moments: nil
            }
        }
    }

    /// The services that a service comes after.
    func dependencies(of name: String) -> [String] { scenario.services.first { $0.name == name }?.after ?? [] }
}

/// One PID 1, from its start to its end, or to the end of what was watched.
struct Life: Sendable {
    let view: JournalView
    /// PID 1, by its place in the tree; the others of this life.
    let root: Int
    let others: [Int]
    let events: ArraySlice<Event>
    let began: MonotonicInstant
    /// When nothing more of it was seen.
    let watchedUntil: MonotonicInstant
    /// When PID 1 ended, and how; nil: it still ran.
    let end: (at: MonotonicInstant, status: ExitStatus, code: Int, event: Event)?
    let signals: [Signalling]

    /// A signal that one process sent to another.
    struct Signalling: Sendable {
        let event: Event
        let signal: Signal
        /// The places of both in the tree; nil: none of the container's.
        let target: Int?
        let sender: Int?
        let isFromKernel: Bool
        let fate: SignalFate

        var at: MonotonicInstant { event.instant }
    }

    init(_ view: JournalView, root: Int, until lastProcess: Int, _ events: ArraySlice<Event>) {
        (self.view, self.root, self.events) = (view, root, events)
        let tree = view.tree
        others = (root..<lastProcess).filter { $0 != root && !tree.processes[$0].isInjected }
        began = events.first?.instant ?? MonotonicInstant(nanoseconds: 0)
        watchedUntil = events.last?.instant ?? began
        var end: (MonotonicInstant, ExitStatus, Int, Event)?
        var signals: [Signalling] = []
        for event in events {
            switch event.kind {
            case .runtime(.exited(let status, let code)):
                end = (tree.processes[root].exitedAt ?? event.instant, status, code, event)
            case .kernel(.signalled(let signal, let target, let sender, let fate)):
                var (from, isFromKernel): (Int?, Bool) = (nil, false)
                switch sender {
                case .process(let pid): from = view.isInside(pid) ? view.index(of: pid, at: event.instant) : nil
                case .neighbour: break
                case .kernel(let pid):
                    (from, isFromKernel) = (view.isInside(pid) ? view.index(of: pid, at: event.instant) : nil, true)
                }
                signals.append(
                    Signalling(
                        event: event, signal: signal, target: view.index(of: target, at: event.instant), sender: from,
                        isFromKernel: isFromKernel, fate: fate))
            default: continue
            }
        }
        self.end = end
        self.signals = signals
        stopSignals = events.reduce(into: [.term, .int, .quit, Signal(rawValue: 37)]) { result, event in
            if case .runtime(.stopRequested(let signal, _)) = event.kind { result.insert(signal) }
        }
        children = others.filter { tree.processes[$0].creator == root }
        orphans = others.filter { tree.processes[$0].creator != root && tree.processes[$0].orphanedAt != nil }
        sent = signals.filter { $0.sender == root && $0.target != root && !$0.isFromKernel }
        childSignals = signals.filter { $0.target == root && $0.signal == .chld && $0.isFromKernel }
    }

    var tree: ProcessTree { view.tree }
    func process(_ index: Int) -> ProcessTree.Process { tree.processes[index] }

    // MARK: - Processes

    /// What PID 1 has forked itself, in the order of the forks.
    let children: [Int]
    /// The first of them: where there is one service, that.
    var mainChild: Int? { children.first }
    /// What PID 1 was handed when its parent ended.
    let orphans: [Int]
    /// A service by its name; the last that bore it.
    func service(_ name: String) -> Int? { others.last { process($0).name == name } }
    /// Every process that is, or was, a service of the scenario.
    var services: [Int] { others.filter { process($0).name.map { !$0.contains(".") } ?? false } }

    func runs(_ index: Int, at instant: MonotonicInstant) -> Bool {
        process(index).forkedAt <= instant && process(index).exitedAt.map { $0 > instant } ?? true
    }

    /// Whether it has become a program other than the one that forked it.
    func hasExecuted(_ index: Int) -> Bool { executed(index) != nil }

    /// Its first exec.
    func executed(_ index: Int) -> Event? {
        events.first { event in
            if case .kernel(.executed(let pid, _)) = event.kind {
                pid == process(index).pid && event.instant >= process(index).forkedAt
            } else {
                false
            }
        }
    }

    func event(ofEnd index: Int) -> Event? {
        events.last { $0.kind == .kernel(.exited(process(index).pid)) }
    }

    func event(ofFork index: Int) -> Event? {
        events.first { event in
            if case .kernel(.forked(process(index).pid, _, _)) = event.kind { true } else { false }
        }
    }

    /// The status that a child's parent was given, as far as it is known: from the signal that ended it, or from a fake's word.
    func statusCode(of index: Int) -> Int? {
        guard process(index).exitedAt != nil else { return nil }
        if let signal = process(index).endedBy { return 128 + Int(signal.rawValue) }
        for event in events.reversed() {
            if case .said(.finished(let code), process(index).pid) = event.kind { return Int(code) }
        }
        return nil
    }

    // MARK: - Signals

    /// Signals from outside to PID 1, without those that it never gets to see.
    var arrived: [Signalling] {
        signals.filter {
            $0.target == root && $0.sender == nil && $0.fate.hasArrived && $0.signal != .kill && $0.signal != .stop
                // What a terminal sends, the kernel sends.
                && (!$0.isFromKernel || Life.terminalSignals.contains($0.signal))
        }
    }

    private static let terminalSignals: Set<Signal> = [.int, .quit, .hup]

    /// The same without a SIGCONT that ends a stop.
    var received: [Signalling] {
        let stop = signals.first { $0.target == root && $0.signal == .stop }?.at ?? .distantFuture
        return arrived.filter { $0.signal != .cont || $0.at < stop }
    }

    /// Signals that PID 1 sent to others.
    let sent: [Signalling]

    func sent(to index: Int) -> [Signalling] { sent.filter { $0.target == index } }

    /// The first stop, and the first signal from outside that asks for one, whichever came first.
    var stopRequest: (at: MonotonicInstant, event: Event)? {
        let request = events.first { if case .runtime(.stopRequested) = $0.kind { true } else { false } }
        let signal = received.first { stopSignals.contains($0.signal) }?.event
        return [request, signal].compactMap(\.self).min { $0.instant < $1.instant }.map { ($0.instant, $0) }
    }

    /// What asks this init to end: what inits are usually asked by, systemd's SIGRTMIN+3 among it, and what the runtime was told to send.
    let stopSignals: Set<Signal>

    /// The end of the grace period, or the runtime's SIGKILL.
    var graceExpired: Event? {
        events.first { event in
            switch event.kind {
            case .runtime(.graceExpired): true
            default: false
            }
        }
    }

    /// SIGKILLs that the kernel sent because PID 1 had ended.
    var killedByEnd: [Signalling] {
        guard let end else { return [] }
        return signals.filter {
            $0.signal == .kill && $0.isFromKernel && $0.sender == root && $0.target != root && $0.at >= end.at
        }
    }

    /// PID 1 ended by itself: nothing from outside has killed it.
    var endedItself: Bool {
        if case .exited? = end?.status { true } else { false }
    }

    // MARK: - Waiting

    /// The waits of PID 1, but for those of the kernel when it has ended (zap_pid_ns_processes). `target`: nil: for any child.
    var waits: [(at: MonotonicInstant, target: ProcessID?, hasReturned: Bool)] {
        let pid = process(root).pid
        var result: [(at: MonotonicInstant, target: ProcessID?, hasReturned: Bool)] = []
        for event in events {
            if let end, event.instant >= end.at { break }
            switch event.kind {
            case .kernel(.waited(pid, let target)): result.append((event.instant, target, false))
            case .kernel(.waitEnded(pid, _)): if let last = result.indices.last { result[last].hasReturned = true }
            default: continue
            }
        }
        return result
    }

    /// Processes that exited while PID 1 ran, and of which something was left for at least a time.
    func zombies(atLeast time: Duration) -> [Int] {
        let horizon = end?.at ?? watchedUntil
        return others.filter { index in
            guard let exit = process(index).exitedAt, exit < horizon, isRootsToReap(index) else { return false }
            let gone = min(process(index).goneAt ?? horizon, horizon)
            return gone.duration(since: exit) >= time
        }
    }

    /// Whether its end is told PID 1: its own child, or an orphan.
    func isRootsToReap(_ index: Int) -> Bool {
        process(index).creator == root || process(index).orphanedAt != nil
    }

    /// SIGCHLDs that the kernel sent PID 1.
    let childSignals: [Signalling]

    // MARK: - What services said

    /// When a service said who it is.
    func introduction(of index: Int) -> Event? {
        said(
            { word in
                switch word {
                case .hello, .claimed: true
                default: false
                }
            }, by: index
        ).first
    }

    func said(_ word: (ServiceWord) -> Bool, by index: Int? = nil) -> [Event] {
        events.filter { event in
            guard case .said(let said, let pid) = event.kind, word(said) else { return false }
            return index.map { process($0).pid == pid } ?? true
        }
    }
}
