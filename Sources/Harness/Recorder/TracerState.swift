import Journal
import Kernel
import Vocabulary

/// Who is whose: the threads of all containers, and the facts that wait for their turn.
struct TracerState {
    private struct Task {
        /// The process that the thread belongs to.
        let leader: Int32
        let inbox: Inbox
    }

    private let formats: TraceFormats
    private var buffers: [TraceBuffer]
    private var tasks: [Int32: Task] = [:]
    private var livingThreads: [Int32: Int] = [:]
    /// The options of the waits that are under way, by thread.
    private var waitOptions: [Int32: Int32] = [:]
    /// The threads that are about to start a PID 1, and where its events are to go.
    private var starters: [Int32: Inbox] = [:]
    private var inboxes: [ObjectIdentifier: Inbox] = [:]
    /// The PID 1 of each namespace that containers share, and where these have their events.
    private var reapers: [Int32: [Inbox]] = [:]
    /// Facts that were read but may have a cause that was not: sorted by time.
    private var held: [(time: UInt64, fact: TraceFact)] = []
    /// Everything up to here has been dispatched.
    private(set) var drainedUntil = MonotonicInstant(nanoseconds: 0)
    private(set) var lastMark: (thread: Int32, time: UInt64)?

    init(formats: TraceFormats, buffers: [TraceBuffer]) {
        self.formats = formats
        self.buffers = buffers
    }

    /// What to wait for.
    var descriptors: [Int32] { buffers.map(\.descriptor) }

    /// Nothing is read any more.
    mutating func closeBuffers() {
        buffers = []
    }

    // MARK: - Containers

    mutating func open(_ inbox: Inbox) {
        inboxes[ObjectIdentifier(inbox)] = inbox
    }

    mutating func open(_ inbox: Inbox, inNamespaceOf reaper: ProcessID) {
        if reapers[reaper.rawValue, default: []].contains(where: { $0 === inbox }) { return }
        reapers[reaper.rawValue, default: []].append(inbox)
    }

    mutating func close(_ inbox: Inbox) {
        inboxes[ObjectIdentifier(inbox)] = nil
        for reaper in reapers.keys {
            reapers[reaper]?.removeAll { $0 === inbox }
            if reapers[reaper]?.isEmpty == true { (reapers[reaper], waitOptions[reaper]) = (nil, nil) }
        }
        for (thread, task) in tasks where task.inbox === inbox {
            tasks[thread] = nil
            livingThreads[thread] = nil
            waitOptions[thread] = nil
        }
    }

    mutating func setStarter(_ thread: ProcessID, _ inbox: Inbox?) {
        starters[thread.rawValue] = inbox
    }

    // MARK: - Reading

    /// Reads all buffers, and dispatches what is certain to be in order.
    ///
    /// What happened before the reading began is in the buffers when they are read, whatever the processor: a cause is
    /// never missed behind its effect. What happened since may be in one and not yet in another, and is held back.
    mutating func drain() {
        let began = MonotonicInstant.now
        var new = held
        var lost = 0
        withUnsafeTemporaryAllocation(byteCount: formats.pageSize, alignment: 8) { page in
            for buffer in buffers {
                buffer.drain(into: page) { bytes in
                    var latest: UInt64 = 0
                    lost += TracePage.forEachEvent(in: bytes) { time, record in
                        latest = time
                        if let fact = formats.decode(record) { new.append((time, fact)) }
                    }
                    return latest <= began.nanoseconds
                }
            }
        }
        // Stable: the buffers of one processor are in order already.
        new = new.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        let certain = new.prefix { $0.time <= began.nanoseconds }
        for entry in certain { dispatch(entry.fact, at: MonotonicInstant(nanoseconds: entry.time)) }
        held = Array(new[certain.endIndex...])
        drainedUntil = began
        if lost > 0 {
            for inbox in inboxes.values { inbox.put(Event(at: began, .kernel(.lost(count: lost)))) }
        }
    }

    // MARK: - Dispatching

    private mutating func dispatch(_ fact: TraceFact, at instant: MonotonicInstant) {
        switch fact {
        case .created(let thread, let creator, let flags): noteCreation(of: thread, by: creator, flags, at: instant)
        case .executed(let thread, let path):
            guard let task = tasks[thread] else { return }
            // Whichever thread called exec, it is the leader and alone now.
            tasks[thread] = Task(leader: thread, inbox: task.inbox)
            livingThreads[thread] = 1
            put(.executed(ProcessID(rawValue: thread), path: path), task.inbox, instant)
        case .exited(let thread):
            guard let task = tasks[thread] else { return }
            let left = (livingThreads[task.leader] ?? 1) - 1
            livingThreads[task.leader] = left
            if left == 0 { put(.exited(ProcessID(rawValue: task.leader)), task.inbox, instant) }
        case .freed(let thread):
            guard let task = tasks.removeValue(forKey: thread) else { return }
            waitOptions[thread] = nil
            if thread == task.leader {
                livingThreads[thread] = nil
                put(.freed(ProcessID(rawValue: thread)), task.inbox, instant)
            }
        case .waited(let waiter, let target):
            let child = target > 0 ? ProcessID(rawValue: target) : nil
            for (leader, inbox) in waiters(on: waiter) {
                put(.waited(by: ProcessID(rawValue: leader), for: child), inbox, instant)
            }
        case .signalled(let number, let code, let target, let sender, let fate):
            noteSignal(number, code: code, to: target, by: sender, fate, at: instant)
        case .delivered(let number, let thread, let handler):
            guard let task = tasks[thread] else { return }
            let event = KernelEvent.delivered(
                Signal(rawValue: number), to: ProcessID(rawValue: task.leader), hasHandler: handler > 1)
            put(event, task.inbox, instant)
        case .waitBegan(let thread, _, let options):
            if tasks[thread] != nil || reapers[thread] != nil { waitOptions[thread] = options }
        case .waitEnded(let thread, let isWaitid, let result):
            guard let options = waitOptions.removeValue(forKey: thread) else { return }
            let outcome = TracerState.outcome(ofWait: options, isWaitid: isWaitid, result: result)
            let waiters = waiters(on: thread)
            // Whose child it was that the PID 1 of several containers has taken, its wait does not tell.
            let isCertain = waiters.count == 1 || outcome == .nothing
            for (leader, inbox) in waiters {
                put(.waitEnded(by: ProcessID(rawValue: leader), isCertain ? outcome : .perhaps), inbox, instant)
            }
        case .marked(let thread): lastMark = (thread, instant.nanoseconds)
        }
    }

    // linux/wait.h
    private static let noHang: Int32 = 1
    private static let stopped: Int32 = 2
    private static let exited: Int32 = 4
    private static let continued: Int32 = 8
    private static let noWait: Int32 = 0x0100_0000

    /// What a wait took, by its options and what it returned. wait4(2) returns whom it tells of, and always of those that have
    /// exited, of others if it is asked to; waitid(2) returns 0 also when it found nobody.
    static func outcome(ofWait options: Int32, isWaitid: Bool, result: Int64) -> WaitOutcome {
        let alsoTellsOfOthers = options & (stopped | continued) != 0
        if result < 0 { return .nothing }
        guard isWaitid else { return result == 0 ? .nothing : alsoTellsOfOthers ? .perhaps : .child }
        if options & exited == 0 || options & noWait != 0 { return .nothing }
        return alsoTellsOfOthers || options & noHang != 0 ? .perhaps : .child
    }

    /// The process of a thread, and the inboxes that are told of its waits: those of a shared PID 1 go to each of its containers.
    private func waiters(on thread: Int32) -> [(leader: Int32, inbox: Inbox)] {
        if let task = tasks[thread] { return [(task.leader, task.inbox)] }
        return (reapers[thread] ?? []).map { (thread, $0) }
    }

    private func put(_ event: KernelEvent, _ inbox: Inbox, _ instant: MonotonicInstant) {
        inbox.put(Event(at: instant, .kernel(event)))
    }

    // linux/sched.h: CLONE_THREAD, CLONE_PARENT
    private static let cloneThread: UInt64 = 0x10000
    private static let cloneParent: UInt64 = 0x8000

    private mutating func noteCreation(
        of thread: Int32, by creator: Int32, _ flags: UInt64, at instant: MonotonicInstant
    ) {
        let isThread = flags & TracerState.cloneThread != 0
        if let parent = tasks[creator] {
            tasks[thread] = Task(leader: isThread ? parent.leader : thread, inbox: parent.inbox)
            livingThreads[isThread ? parent.leader : thread, default: 0] += 1
            if isThread { return }
            livingThreads[thread] = 1
            put(
                .forked(
                    child: ProcessID(rawValue: thread), by: ProcessID(rawValue: parent.leader),
                    asSibling: flags & TracerState.cloneParent != 0), parent.inbox, instant)
        } else if let inbox = starters[creator], !isThread {
            tasks[thread] = Task(leader: thread, inbox: inbox)
            livingThreads[thread] = 1
            put(.forked(child: ProcessID(rawValue: thread), by: ProcessID(rawValue: creator)), inbox, instant)
        } else {
            // The number has been given to another process.
            tasks[thread] = nil
        }
    }

    /// si_code of SIGCHLD (sigaction(2)): CLD_EXITED, CLD_KILLED, CLD_DUMPED.
    private static let trapped: Int32 = 4
    private static let manners: [Int32: Manner] = [1: .exited, 2: .killed, 3: .killed]

    private mutating func noteSignal(
        _ number: Int32, code: Int32, to target: Int32, by sender: Int32, _ fate: Int32, at instant: MonotonicInstant
    ) {
        // What a shared PID 1 is told concerns the container of the process that it is told of.
        guard
            let task = tasks[target]
                ?? (reapers[target] == nil ? nil : tasks[sender]).map({ Task(leader: target, inbox: $0.inbox) })
        else { return }
        let origin = ProcessID(rawValue: tasks[sender]?.leader ?? sender)
        defer {
            // The process that tells its parent of its own end (do_notify_parent).
            // By SIGCHLD, as a rule, or by the signal that it was made with (clone(2)): then it is one that has exited.
            if let manner = TracerState.manners[code], let child = tasks[sender],
                number == Signal.chld.rawValue || livingThreads[child.leader] == 0, number != Signal.kill.rawValue
            {
                put(.ended(ProcessID(rawValue: child.leader), manner), task.inbox, instant)
            }
        }
        // si_code: positive for the kernel (SI_KERNEL, CLD_EXITED, SEGV_MAPERR, …), and SI_TIMER, -2, is the kernel's too;
        // zero or negative for kill, tgkill and sigqueue (siginfo in sigaction(2)).
        let isKernel = code > 0 || code == -2
        let isNeighbour = tasks[sender].map { $0.inbox !== task.inbox } == true
        // A tracer is told that its tracee has stopped (do_notify_parent_cldstop).
        if number == Signal.chld.rawValue, code == TracerState.trapped, let tracee = tasks[sender] {
            put(.traced(ProcessID(rawValue: tracee.leader)), task.inbox, instant)
        }
        put(
            .signalled(
                Signal(rawValue: number), to: ProcessID(rawValue: task.leader),
                from: isKernel ? .kernel(during: origin) : isNeighbour ? .neighbour(origin) : .process(origin),
                fate: SignalFate(rawValue: fate) ?? .queued
            ),
            task.inbox, instant)
    }
}
