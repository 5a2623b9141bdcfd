import Journal
import Vocabulary

/// What is derived from the events of a journal, each taken in once: a question costs what it is about, not what the journal is long.
public struct JournalIndex: Sendable {
    public private(set) var tree: ProcessTree
    /// How many events have been taken in.
    public private(set) var count = 0
    /// When PID 1 was started the first time.
    private(set) var start: MonotonicInstant?
    /// Where the present life begins, by its place in the journal.
    private(set) var lifeBegin = 0
    /// Why PID 1 could not be started, the first time that it could not.
    private(set) var startFailure: RuntimeEvent?
    /// How many events the witness has lost.
    private(set) var lostCount = 0
    /// Something that services said was not kept.
    private(set) var hasLostWords = false
    /// The places of stops and of grace periods' ends.
    private(set) var stops: [Int] = []
    /// The places of what the runtime did.
    private(set) var runtime: [Int] = []
    /// The places of what was printed, by the output and by what `exec` has started.
    private(set) var printed: [Int] = []
    /// The places of what services said.
    private(set) var said: [Int] = []
    /// The places of looks, by path.
    private(set) var looks: [String: [Int]] = [:]
    /// The place of the last look at ports.
    private(set) var listening: Int?
    /// The place of the last count of processes.
    private(set) var census: Int?
    /// The limits that the container has met.
    package private(set) var limits: [Int] = []
    /// What was not kept of the output, and of exec's.
    private(set) var hasLostOutput = (own: false, exec: false)
    /// The places of the events about each process.
    private(set) var places: [ProcessID: [Int]] = [:]
    private let witness: Witness

    public init(witness: Witness) {
        self.witness = witness
        tree = ProcessTree(witness: witness)
    }

    /// Takes in what there is beyond what it has, in a journal that has not changed before that.
    public mutating func take(in journal: Journal) {
        while count < journal.events.count {
            note(journal.events[count], count)
            count += 1
        }
    }

    /// The same for a journal that may have changed: then it begins anew.
    public mutating func follow(_ journal: inout Journal) {
        if let change = journal.firstChange, change < count { self = JournalIndex(witness: witness) }
        journal.firstChange = nil
        take(in: journal)
    }

    private mutating func note(_ event: Event, _ place: Int) {
        tree.note(event)
        switch event.kind {
        case .runtime: runtime.append(place)
        case .printed: printed.append(place)
        case .said: said.append(place)
        case .listening: listening = place
        case .looked(let fact): looks[fact.path, default: []].append(place)
        case .kernel(.census), .kernel(.absent): census = place
        case .kernel(.limitMet): limits.append(place)
        case .dropped(_, of: .stream(let stream)):
            if stream.isOfExec { hasLostOutput.exec = true } else { hasLostOutput.own = true }
        default: break
        }
        switch event.kind {
        case .runtime(.started):
            start = start ?? event.instant
            lifeBegin = place
        case .runtime(.startFailed):
            if case .runtime(let fact) = event.kind { startFailure = startFailure ?? fact }
            lifeBegin = place
        case .runtime(.recreated): lifeBegin = place
        case .runtime(.stopRequested), .runtime(.graceExpired): stops.append(place)
        case .kernel(.lost(let count)): lostCount += count
        case .dropped(_, of: .reports): hasLostWords = true
        case .said(_, let pid), .kernel(.executed(let pid, _)), .kernel(.exited(let pid)),
            .kernel(.delivered(_, let pid, _)), .kernel(.signalled(_, let pid, _, _)),
            .kernel(.disposition(let pid, _, _)),
            .kernel(.pending(let pid, _)):
            places[pid, default: []].append(place)
        default: break
        }
    }
}
