import Expectations
import Journal
import Language
import Model
import Vocabulary

/// A run as a picture: a row for the runtime and for each process, bars from their start to their end, and marks on them. What every
/// drawing of it is made from.
public struct Timeline: Sendable {
    /// One line of the picture.
    public struct Row: Sendable {
        /// Whose row it is.
        public enum Kind: Sendable {
            /// What the runtime did.
            case runtime
            case process
            /// What `exec`, a hook or a health check has put into the container.
            case injected
        }

        public let kind: Kind
        /// "PID 1 (tini)", "app": the last that it was called.
        public let label: String
        /// How far it is below PID 1; 0: the runtime and PID 1.
        public let depth: Int
        /// Nil: the runtime, which is always there.
        public let begin: MonotonicInstant?
        /// When it ended; nil: it still ran.
        public let end: MonotonicInstant?
        /// When nothing was left of it; nil: not known, or never.
        public let gone: MonotonicInstant?
        /// When its parent ended before it did.
        public let orphaned: MonotonicInstant?
        /// The name of its container, where there are several.
        public let container: String?
        /// In the order of time.
        public var marks: [Mark] = []
        /// Which of the journals it is from.
        fileprivate let journal: Int
    }

    /// A moment on a row.
    public struct Mark: Sendable {
        /// What happened.
        public enum Kind: String, Sendable {
            /// A signal came, came and was dropped, or was made one with another that waited.
            case received, dropped, merged
            /// It ended by itself, or a signal ended it.
            case ended, killed
            /// Its parent has taken its status.
            case reaped
            /// What the runtime did: start, stop, signal, the end of the grace period, whatever else.
            case started, stopRequested, sent, graceOver, other
            /// It printed a line, or a service said something.
            case printed, said
            /// It became another program.
            case executed
        }

        public let at: MonotonicInstant
        public let kind: Kind
        /// The row that a signal came from, by its place; nil: from outside, or no signal.
        public let from: Int?
        /// The event itself.
        public let event: Event
    }

    /// A step of the scenario that began.
    public struct StepMark: Sendable {
        public let at: MonotonicInstant
        public let place: SourcePlace
        /// As it is written.
        public let text: String
    }

    /// The runtime of each container, then its processes, each after the one that made it.
    public private(set) var rows: [Row] = []
    private var views: [JournalView] = []
    /// From the first event to the last.
    public private(set) var begin = MonotonicInstant(nanoseconds: 0)
    /// The last event, but for the container's removal.
    public private(set) var end = MonotonicInstant(nanoseconds: 0)
    /// What moments are counted from: where PID 1 was started.
    public private(set) var origin = MonotonicInstant(nanoseconds: 0)
    /// The times in which every process was frozen.
    public private(set) var pauses: [(from: MonotonicInstant, to: MonotonicInstant)] = []
    /// In the order in which they began.
    public private(set) var steps: [StepMark] = []

    /// Nothing is drawn of a run without events.
    public init?(_ result: RunResult) { self.init(result, result.views) }

    /// - Parameter views: of its journals.
    init?(_ result: RunResult, _ views: RunResult.Views) {
        // The marks of steps alone, as of a scenario whose runs are those of its sweep, are nothing to be drawn.
        let own = views.filter { _, view in
            view.journal.events.contains { if case .mark = $0.kind { false } else { true } }
        }
        guard !own.isEmpty else { return nil }
        let steps = result.scenario.flattened.steps
        var origins: [MonotonicInstant] = []
        begin = .distantFuture
        for (container, view) in own {
            if let origin = view.journal.origin ?? view.start { origins.append(origin) }
            add(view, container, isFirst: container == nil || container == own[0].container, steps)
        }
        origin = origins.min() ?? begin
        guard begin < end else { return nil }
    }

    private mutating func add(_ view: JournalView, _ container: String?, isFirst: Bool, _ steps: [Step]) {
        views.append(view)
        let tree = view.tree
        // What the end of the scenario brings is not drawn.
        let events = view.journal.events
        let last = events.last { $0.kind == .runtime(.removed) }?.instant ?? events.last?.instant ?? end
        begin = min(begin, events.first?.instant ?? begin)
        end = max(end, last)
        let runtime = rows.count
        rows.append(
            Row(
                kind: .runtime, label: "runtime", depth: 0, begin: nil, end: nil, gone: nil, orphaned: nil,
                container: container, journal: views.count - 1))
        var places: [Int: Int] = [:]
        func depth(_ index: Int) -> Int {
            if tree.isRoot(index) { return 0 }
            return min(8, 1 + (tree.processes[index].creator.map(depth) ?? 0))
        }
        for index in Timeline.order(tree) where tree.processes[index].forkedAt <= last {
            let process = tree.processes[index]
            places[index] = rows.count
            rows.append(
                Row(
                    kind: process.isInjected ? .injected : .process, label: Timeline.label(index, in: tree),
                    depth: depth(index), begin: process.forkedAt,
                    end: process.exitedAt.flatMap { $0 <= last ? $0 : nil },
                    gone: process.goneAt.flatMap { $0 <= last ? $0 : nil }, orphaned: process.orphanedAt,
                    container: container, journal: views.count - 1))
        }
        func row(_ pid: ProcessID, _ at: MonotonicInstant) -> Int? {
            view.isInside(pid) ? view.index(of: pid, at: at).flatMap { places[$0] } : nil
        }
        var pausedAt: MonotonicInstant?
        for event in events where event.instant <= last {
            func mark(_ place: Int?, _ kind: Mark.Kind, from: Int? = nil) {
                guard let place else { return }
                rows[place].marks.append(Mark(at: event.instant, kind: kind, from: from, event: event))
            }
            switch event.kind {
            case .runtime(let fact):
                switch fact {
                case .started: mark(runtime, .started)
                case .stopRequested: mark(runtime, .stopRequested)
                case .sent: mark(runtime, .sent)
                case .graceExpired: mark(runtime, .graceOver)
                case .paused:
                    pausedAt = event.instant
                    mark(runtime, .other)
                case .resumed:
                    if let from = pausedAt.take() { pauses.append((from, event.instant)) }
                    mark(runtime, .other)
                case .exited, .startRequested, .stopFinished, .removed, .joined, .stopping: break
                default: mark(runtime, .other)
                }
            case .kernel(.signalled(let signal, let target, let sender, let fate)):
                // Of SIGCHLD there are as many as ends.
                if signal == .chld, case .kernel = sender { continue }
                var from: Int?
                // From outside: the runtime's doing.
                if case .process(let pid) = sender {
                    from = view.isInside(pid) ? row(pid, event.instant) : runtime
                }
                let kind: Mark.Kind =
                    switch fate {
                    case .queued, .informationLost: .received
                    case .ignored, .queueFull: .dropped
                    case .alreadyPending: .merged
                    }
                mark(row(target, event.instant), kind, from: from)
            case .kernel(.exited(let pid)):
                let index = view.index(of: pid, at: event.instant)
                mark(row(pid, event.instant), index.flatMap { tree.processes[$0].endedBy } == nil ? .ended : .killed)
            case .kernel(.freed(let pid)): mark(row(pid, event.instant), .reaped)
            case .kernel(.executed(let pid, _)): mark(row(pid, event.instant), .executed)
            case .said(_, let pid): mark(row(pid, event.instant), .said)
            case .printed: mark(runtime, .printed)
            case .mark(.stepBegan(let step)) where isFirst && steps.indices.contains(step):
                self.steps.append(StepMark(at: event.instant, place: steps[step].place, text: steps[step].text))
            default: continue
            }
        }
    }

    /// What a mark of a row tells, in one sentence.
    public func text(of mark: Mark, in row: Row) -> String {
        views[row.journal].sentence(mark.event).text.bounded.printable
    }

    /// PID 1 of each life, each process after the one that has made it.
    private static func order(_ tree: ProcessTree) -> [Int] {
        var children: [Int: [Int]] = [:]
        var tops: [Int] = []
        for index in tree.processes.indices {
            if let creator = tree.processes[index].creator {
                children[creator, default: []].append(index)
            } else {
                tops.append(index)
            }
        }
        var result: [Int] = []
        var open = Array(tops.reversed())
        while let index = open.popLast() {
            result.append(index)
            open += (children[index] ?? []).reversed()
        }
        return result
    }

    private static func label(_ index: Int, in tree: ProcessTree) -> String {
        if tree.isRoot(index) {
            let program = tree.programName(index)
            return "\(tree.mainProcess) (\(tree.processes[index].name ?? program))".printable
        }
        return (tree.processes[index].name ?? tree.programName(index)).printable
    }
}
