import Model
import Runtimes
import Testing
import Vocabulary

/// Every sequence of requests and observations up to a length, for containers that belong together, and whether something comes of one that
/// must not be.
struct EnsembleExploration<Machine: Ensemble & Hashable> {
    let policy: EnsemblePolicy
    let machine: Machine
    /// What must not be asked of a container, in the state in which it is asked.
    let isForbidden: @Sendable (Ask, World<Machine>) -> String?

    /// Something that is asked of a container.
    struct Ask: Hashable {
        let place: Int
        let request: Request
    }

    enum Step: Hashable {
        case ask(EnsembleRequest)
        case answer(Int)
        case become(Int, MemberState)
    }

    /// - Returns: the first that must not be, and how many states there were.
    func run(upTo length: Int) -> (finding: String?, states: Int) {
        let first = World(machine, policy.members.count)
        var seen: Set<World<Machine>> = [first]
        var border: [(World<Machine>, path: [Step])] = [(first, [])]
        for _ in 0..<length {
            var next: [(World<Machine>, path: [Step])] = []
            for (world, path) in border {
                for step in steps(world) {
                    var after = world
                    let path = path + [step]
                    if let what = take(step, &after) { return ("\(what), after \(path)", seen.count) }
                    if let what = unanswered(after) { return ("\(what), after \(path)", seen.count) }
                    if seen.insert(after).inserted { next.append((after, path)) }
                }
            }
            border = next
        }
        return (nil, seen.count)
    }

    private func steps(_ world: World<Machine>) -> [Step] {
        var result: [Step] =
            world.isAsked
            ? [] : [.ask(.start), .ask(.stop(grace: .seconds(5))), .ask(.restart(grace: nil)), .ask(.down)]
        for place in policy.members.indices {
            if world.pending[place] != nil { result.append(.answer(place)) }
            guard world.states[place] == .running || world.states[place] == .healthy else { continue }
            result += [.become(place, .ended(code: 0)), .become(place, .ended(code: 1)), .become(place, .healthy)]
        }
        return result
    }

    private func take(_ step: Step, _ world: inout World<Machine>) -> String? {
        switch step {
        case .ask(let request):
            world.isAsked = true
            return tell(.asked(request), &world)
        case .answer(let place):
            let request = world.pending[place]
            world.pending[place] = nil
            let state: MemberState? =
                switch request {
                case .start, .restart: .running
                case .stop: world.states[place] == .created ? nil : .ended(code: 0)
                case .recreate: .created
                default: nil
                }
            if let state, state != world.states[place] {
                world.states[place] = state
                if let what = tell(.became(place, state), &world) { return what }
            }
            return tell(.answered(place, refusal: nil), &world)
        case .become(let place, let state):
            world.states[place] = state
            return tell(.became(place, state), &world)
        }
    }

    private func tell(_ input: EnsembleInput, _ world: inout World<Machine>) -> String? {
        for command in world.machine.handle(input, at: world.now) {
            switch command {
            case .ask(let place, let request):
                // A start that is not over may be given up.
                if let pending = world.pending[place], pending != .start || request == .start {
                    return "\(policy.members[place].name) is asked twice at once"
                }
                if let what = isForbidden(Ask(place: place, request: request), world) { return what }
                world.pending[place] = request
            case .done, .refuse:
                if !world.isAsked { return "an answer that nobody waits for" }
                world.isAsked = false
            }
        }
        return nil
    }

    /// Whether a request is never answered, when each container does what it is asked, and is well.
    private func unanswered(_ world: World<Machine>) -> String? {
        var world = world
        for _ in 0..<40 where world.isAsked {
            if let place = world.pending.firstIndex(where: { $0 != nil }) {
                _ = take(.answer(place), &world)
            } else if let place = world.states.firstIndex(of: .running) {
                let isInitial = policy.members[place].role == .initial
                _ = take(.become(place, isInitial ? .ended(code: 0) : .healthy), &world)
            } else {
                break
            }
        }
        return world.isAsked ? "a request is never answered" : nil
    }
}

/// What has been asked of whom, and how each container is.
struct World<Machine: Ensemble & Hashable>: Hashable {
    var machine: Machine
    var states: [MemberState]
    var pending: [Request?]
    var isAsked = false
    let now = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    init(_ machine: Machine, _ count: Int) {
        self.machine = machine
        states = Array(repeating: .created, count: count)
        pending = Array(repeating: nil, count: count)
    }
}

@Suite("Ensembles, explored")
struct EnsembleExplorationTests {
    /// web comes after api, api after db, which is to be healthy.
    private static let project = EnsemblePolicy([
        .init("web", dependencies: [.init(on: 1)]), .init("api", dependencies: [.init(on: 2, .healthy)]),
        .init("db", hasHealthCheck: true),
    ])

    private static func forbidden(
        _ ask: EnsembleExploration<ComposeProject>.Ask, _ world: World<ComposeProject>
    ) -> String? {
        let needs = [[1], [2], []]
        let isUp: (Int) -> Bool = { [.running, .healthy, .ended(code: 0), .ended(code: 1)].contains(world.states[$0]) }
        switch ask.request {
        case .start where !needs[ask.place].allSatisfy(isUp): return "started before what it depends on"
        case .start where ask.place == 1 && world.states[2] != .healthy: return "started before its database is well"
        case .stop:
            let dependents = needs.indices.filter { needs[$0].contains(ask.place) }
            let isLeft = dependents.contains {
                [.running, .healthy].contains(world.states[$0]) || world.pending[$0] == .stop(grace: nil)
            }
            return isLeft ? "stopped before what depends on it" : nil
        default: return nil
        }
    }

    @Test func noSequenceOfAProjectLeadsToWhatMustNotBe() {
        let exploration = EnsembleExploration(
            policy: Self.project, machine: ComposeProject(Self.project), isForbidden: Self.forbidden)
        let (finding, states) = exploration.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 100, "\(states)")
    }

    /// The negative control: a project that does not know what depends on what.
    @Test func aProjectWithoutOrderIsFound() {
        let blind = EnsemblePolicy(Self.project.members.map { .init($0.name, hasHealthCheck: $0.hasHealthCheck) })
        let exploration = EnsembleExploration(
            policy: Self.project, machine: ComposeProject(blind), isForbidden: Self.forbidden)
        #expect(exploration.run(upTo: 7).finding?.contains("started before") == true)
    }

    private static let pod = EnsemblePolicy(
        [.init("first", role: .initial), .init("proxy", role: .sidecar), .init("app")], grace: .seconds(5))

    private static func forbidden(_ ask: EnsembleExploration<Pod>.Ask, _ world: World<Pod>) -> String? {
        switch ask.request {
        case .start where ask.place == 1 && world.states[0] != .ended(code: 0):
            "a sidecar before the init container is through"
        case .start where ask.place == 2 && ![.running, .healthy].contains(world.states[1]):
            "the app before its sidecar"
        case .stop where ask.place == 1 && [.running, .healthy].contains(world.states[2]): "the sidecar before the app"
        default: nil
        }
    }

    @Test func noSequenceOfAPodLeadsToWhatMustNotBe() {
        let exploration = EnsembleExploration(policy: Self.pod, machine: Pod(Self.pod), isForbidden: Self.forbidden)
        let (finding, states) = exploration.run(upTo: 7)
        #expect(finding == nil)
        #expect(states > 100, "\(states)")
    }

    /// The negative control: a pod that takes its sidecar for a main container.
    @Test func aPodWithoutSidecarsIsFound() {
        var blind = Self.pod
        blind.members[1].role = .main
        let exploration = EnsembleExploration(policy: Self.pod, machine: Pod(blind), isForbidden: Self.forbidden)
        #expect(exploration.run(upTo: 7).finding != nil)
    }
}
