import Vocabulary

/// Matches waits to the exits of children, one to one, in the order of time: a wait takes a child that has exited, or else the next
/// that does. Each child and each wait is looked at once.
struct Reaper {
    /// A process that has exited.
    struct Child {
        let index: Int
        let pid: ProcessID
        /// It is the likelier answer to a wait.
        let isKnownToBeGone: Bool
    }

    /// A child that a wait has taken; perhaps, where it is not certain that the wait took anything.
    struct Taken {
        let index: Int
        let isCertain: Bool
    }

    /// Children that wait to be waited for by one process.
    private struct Queue {
        /// In the order of their exits; those that were taken are passed over.
        var gone: [Child] = []
        var others: [Child] = []
        var nextGone = 0
        var nextOther = 0
        var byPID: [ProcessID: [Child]] = [:]

        mutating func append(_ child: Child) {
            if child.isKnownToBeGone { gone.append(child) } else { others.append(child) }
            byPID[child.pid, default: []].append(child)
        }

        mutating func first(heldBy waiter: ProcessID, _ holder: [Int: ProcessID]) -> Child? {
            while nextGone < gone.count, holder[gone[nextGone].index] != waiter { nextGone += 1 }
            if nextGone < gone.count { return gone[nextGone] }
            while nextOther < others.count, holder[others[nextOther].index] != waiter { nextOther += 1 }
            return nextOther < others.count ? others[nextOther] : nil
        }
    }

    /// Exits, and whom each was told.
    var exits: [(instant: MonotonicInstant, child: Child, told: ProcessID)] = []
    /// When the parent that was told had ended itself: then PID 1 may wait for the child.
    var handovers: [(instant: MonotonicInstant, child: Child, told: ProcessID)] = []
    private let root: ProcessID?
    private var nextExit = 0
    private var nextHandover = 0
    private var queues: [ProcessID: Queue] = [:]
    /// Those that have exited and were not taken, and who may take each.
    private var holder: [Int: ProcessID] = [:]
    /// Waits that are under way, by who waits; nil is for any child.
    private var pending: [ProcessID: (target: ProcessID?, isCertain: Bool)] = [:]

    init(root: ProcessID?) { self.root = root }

    mutating func sort() {
        exits.sort { ($0.instant, $0.child.index) < ($1.instant, $1.child.index) }
        handovers.sort { ($0.instant, $0.child.index) < ($1.instant, $1.child.index) }
    }

    /// Goes on to a moment.
    ///
    /// - Returns: those that a wait took that was under way.
    mutating func noteExits(until instant: MonotonicInstant) -> [Taken] {
        var taken: [Taken] = []
        while nextExit < exits.count, exits[nextExit].instant <= instant {
            let (_, child, told) = exits[nextExit]
            nextExit += 1
            if let wait = pending[told], wait.target == nil || wait.target == child.pid {
                pending[told] = nil
                taken.append(Taken(index: child.index, isCertain: wait.isCertain))
            } else {
                holder[child.index] = told
                queues[told, default: Queue()].append(child)
            }
        }
        while nextHandover < handovers.count, handovers[nextHandover].instant <= instant {
            let (_, child, told) = handovers[nextHandover]
            nextHandover += 1
            guard let root, holder[child.index] == told else { continue }
            holder[child.index] = root
            if root != told { queues[root, default: Queue()].append(child) }
        }
        return taken
    }

    /// A wait: what it takes, or else it is under way.
    mutating func wait(by waiter: ProcessID, for target: ProcessID?, isCertain: Bool) -> Taken? {
        let chosen: Child?
        if let target {
            let ready = (queues[waiter]?.byPID[target] ?? []).filter { holder[$0.index] == waiter }
            chosen = ready.first(where: \.isKnownToBeGone) ?? ready.first
        } else {
            chosen = queues[waiter]?.first(heldBy: waiter, holder)
        }
        guard let chosen else {
            pending[waiter] = (target, isCertain)
            return nil
        }
        holder[chosen.index] = nil
        pending[waiter] = nil
        return Taken(index: chosen.index, isCertain: isCertain)
    }
}
