import Model
import Runtimes
import Vocabulary

/// Containers that belong together, driven by an ensemble in virtual time; each does what it is told to.
struct VirtualEnsemble {
    /// What one container does.
    struct Behaviour {
        /// Nil: its health check never succeeds, or it has none.
        var healthyAfter: Duration?
        var unhealthyAfter: Duration?
        var endsAfter: (Duration, code: Int)?
        var stopTakes: Duration = .zero
        var isRefused = false
    }

    private var machine: any Ensemble
    private let names: [String]
    private let behaviours: [Behaviour]
    private let begin = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private var now: MonotonicInstant
    /// What will happen, in no order.
    private var agenda: [(moment: MonotonicInstant, place: Int, what: What)] = []
    private var states: [MemberState]
    private var asked: Set<Int> = []
    private(set) var log: [String] = []
    /// What must not be.
    private(set) var violations: [String] = []
    private(set) var answers: [String] = []

    private enum What: Equatable {
        case become(MemberState)
        case answer
    }

    init(_ machine: any Ensemble, _ members: [(String, Behaviour)]) {
        self.machine = machine
        names = members.map(\.0)
        behaviours = members.map(\.1)
        now = begin
        states = members.map { _ in .created }
    }

    mutating func ask(_ request: EnsembleRequest) { tell(.asked(request)) }

    mutating func pass(_ time: Duration) {
        let end = now.advanced(by: time)
        while let next = agenda.indices.min(by: { agenda[$0].moment < agenda[$1].moment }),
            agenda[next].moment <= end
        {
            let entry = agenda.remove(at: next)
            now = max(now, entry.moment)
            switch entry.what {
            case .become(let state): become(entry.place, state)
            case .answer:
                asked.remove(entry.place)
                tell(.answered(entry.place, refusal: nil))
            }
        }
        now = end
    }

    private mutating func become(_ place: Int, _ state: MemberState) {
        if state == states[place] { return }
        states[place] = state
        note("\(names[place]) \(state)")
        tell(.became(place, state))
    }

    private mutating func tell(_ input: EnsembleInput) {
        for command in machine.handle(input, at: now) {
            switch command {
            case .done: answers.append("done")
            case .refuse(let reason): answers.append(reason)
            case .ask(let place, let request): carryOut(place, request)
            }
        }
    }

    private mutating func carryOut(_ place: Int, _ request: Request) {
        if !asked.insert(place).inserted { violations.append("\(names[place]) is asked twice at once") }
        let own = behaviours[place]
        let isRunning = [.running, .healthy, .unhealthy].contains(states[place])
        switch request {
        case .start:
            note("start \(names[place])")
            if own.isRefused {
                asked.remove(place)
                return tell(.answered(place, refusal: "no"))
            }
            agenda.append((now, place, .become(.running)))
            if let time = own.healthyAfter { agenda.append((now.advanced(by: time), place, .become(.healthy))) }
            if let time = own.unhealthyAfter { agenda.append((now.advanced(by: time), place, .become(.unhealthy))) }
            if let (time, code) = own.endsAfter {
                agenda.append((now.advanced(by: time), place, .become(.ended(code: code))))
            }
            agenda.append((now, place, .answer))
        case .stop(let grace):
            note("stop \(names[place])" + (grace.map { " \($0.text)" } ?? ""))
            let end = now.advanced(by: isRunning ? min(own.stopTakes, grace ?? .seconds(10)) : .zero)
            agenda.removeAll { $0.place == place }
            if isRunning { agenda.append((end, place, .become(.ended(code: 0)))) }
            agenda.append((end, place, .answer))
        case .recreate:
            note("remove \(names[place])")
            agenda.append((now, place, .become(.created)))
            agenda.append((now, place, .answer))
        case .prepareStop, .restart:
            note("\(request == .prepareStop ? "prepare" : "restart") \(names[place])")
            agenda.append((now, place, .answer))
        default: violations.append("\(names[place]) is asked \(request)")
        }
    }

    private mutating func note(_ text: String) { log.append("\(now.duration(since: begin).text) \(text)") }
}

extension MemberState: CustomStringConvertible {
    public var description: String {
        switch self {
        case .created: "created"
        case .running: "runs"
        case .healthy: "healthy"
        case .unhealthy: "unhealthy"
        case .ended(let code): "ended \(code)"
        case .restarting: "restarting"
        case .failedToStart: "failed"
        }
    }
}
