import Expectations
import Journal
import Kernel
import Model
import Reports
import Runtimes
import Sandbox
import Vocabulary

/// A scenario of several containers being carried out, on one thread from beginning to end.
///
/// Each container is a run of its own, with its own lifecycle and its own journal; the runtime's `Ensemble` says which is asked for what, and when.
final class GroupRun {
    private let session: Session
    /// Its steps are one after the other, those of a block after it.
    private let scenario: Scenario
    private let steps: [Step]
    private let job: Session.Job
    private let rules: RuntimeRules
    private var members: [ScenarioRun] = []
    private var ensemble: any Ensemble
    /// The PID namespace of all, where they share one.
    private var processes: SharedProcesses?
    /// How each container was when the ensemble was last told.
    private var states: [MemberState]
    /// What the ensemble has answered to the last request.
    private var answer: ScenarioRun.Answer?
    private var failedStep: Failure?
    /// The number by which a recorded journal knows it.
    private var number: Int?
    /// The questions that compare containers, with what was found.
    private var comparisons: [(step: Int, judgement: Judgement, evidence: [Evidence])] = []
    private var asked: Set<Int> = []

    init(_ job: Session.Job, in session: Session) {
        self.session = session
        self.job = job
        steps = job.scenario.steps
        scenario = job.scenario.flattened
        rules = job.rules.of(version: job.scenario.engineVersion)
        states = scenario.members.map { _ in .created }
        ensemble = rules.makeEnsemble?(scenario.ensemblePolicy) ?? ComposeProject(scenario.ensemblePolicy)
        members = scenario.members.indices.map { place in
            let own = scenario.part(ofMember: place, by: rules)
            let run = ScenarioRun(
                Session.Job(sped: own, job.profile, runtime: job.runtime, rules: job.rules), in: session)
            run.group = self
            return run
        }
    }

    /// - Parameter follower: told of the run and of its events while it goes on.
    func run(follower: (any RunFollower)? = nil) -> RunResult {
        let began = MonotonicInstant.now
        if let reason = reasonNotApplicable { return result(.notApplicable(reason: reason), since: began) }
        if let follower {
            let number = follower.begin(BegunRun(result(.passed, since: began)))
            self.number = number
            for (member, name) in zip(members, scenario.members.map(\.name)) {
                member.journal.onAppend = { follower.learn($0, run: number, container: name) }
            }
        }
        var store: VolumeStore?
        let outcome: Verdict
        do {
            defer {
                endAll()
                processes?.end()
                store?.remove()
            }
            store = try makeVolumes()
            try perform(steps, from: 0)
            for member in members { member.noteLateness() }
            endAll()
            outcome = verdict()
        } catch {
            outcome = .error(session.isCancelled ? RunReport.interrupted : "\(error)")
        }
        return result(outcome, since: began)
    }

    private var reasonNotApplicable: String? {
        if let asked = job.runtime, let named = scenario.runtime, asked != named {
            return "it is about \(named.rawValue)"
        }
        if rules.makeEnsemble == nil { return "the runtime drives one container: compose and kubernetes drive several" }
        if let reason = rules.reasonNotApplicable(scenario) ?? job.profile.reasonNotApplicable(scenario) {
            return reason
        }
        return scenario.members.lazy.compactMap { self.job.profile.reasonNotApplicable($0.scenario) }.first
    }

    /// Those of one name are one, whichever container has them.
    private func makeVolumes() throws -> VolumeStore? {
        var all: [Volume] = []
        for member in members {
            for volume in try member.scenario.volumesWithSources(by: rules)
            where !all.contains(where: { $0.name == volume.name }) {
                all.append(volume)
            }
        }
        guard !all.isEmpty else { return nil }
        let store = try VolumeStore(host: session.host, all)
        for member in members where !member.scenario.settings.volumes.isEmpty {
            member.volumes = VolumeStore(of: store, try member.scenario.volumesWithSources(by: rules))
        }
        return store
    }

    private func endAll() { for member in members { member.endLife() } }

    private func result(_ verdict: Verdict, since began: MonotonicInstant) -> RunResult {
        for member in members { member.journal.onAppend = nil }
        var result = RunResult(
            initName: job.profile.name, scenario: job.scenario, runtime: job.runtime, verdict: verdict,
            duration: MonotonicInstant.now.duration(since: began), journal: Journal(witness: session.witness),
            parts: zip(scenario.members, members).map { ($0.name, $1.journal) })
        result.number = number
        return result
    }

    // MARK: - What goes on at once

    /// The PID namespace that all are started in; nil: each has its own.
    func sharedProcesses() throws -> SharedProcesses? {
        if processes == nil, scenario.sharesProcesses { processes = try SharedProcesses(session) }
        return processes
    }

    /// Another container of the same pod that runs.
    func neighbour(of member: ScenarioRun) throws -> ContainerLife? {
        guard rules.sharesNetwork else { return nil }
        for other in members where other !== member && other.life?.isRunning == true {
            try other.collect(kernel: false)
            if let life = other.life, life.isRunning { return life }
        }
        return nil
    }

    /// Whether anything may still happen to one of them.
    var canChange: Bool { members.contains(where: \.canChangeByItself) }

    /// When something is to be done for one of them.
    var nextMoment: MonotonicInstant { members.map(\.nextMoment).min() ?? .distantFuture }

    func addDescriptors(to poller: inout Poller, besides member: ScenarioRun?) {
        for other in members where other !== member { other.life?.addDescriptors(to: &poller) }
    }

    /// Takes in what has happened to the others, does what is due there, and tells the ensemble.
    func attend(besides member: ScenarioRun? = nil, watchingKernel: Bool = false, withCensus: Bool = false) throws {
        for other in members where other !== member {
            repeat {
                try other.attend(watchingKernel: watchingKernel, withCensus: withCensus)
            } while try other.goOn()
        }
        try observe()
    }

    /// Tells the ensemble what has become of the containers, until nothing new comes of that.
    private func observe() throws {
        var isNew = true
        while isNew {
            isNew = false
            for (place, member) in members.enumerated() {
                let state = member.memberState
                if state != states[place] {
                    states[place] = state
                    isNew = true
                    try tell(.became(place, state))
                }
                guard member.isAskedByGroup, let answer = member.answer else { continue }
                member.isAskedByGroup = false
                isNew = true
                if case .refused(let reason) = answer {
                    member.record(.runtime(.refused(reason: reason)))
                    try tell(.answered(place, refusal: reason))
                } else {
                    try tell(.answered(place, refusal: nil))
                }
            }
        }
    }

    private func tell(_ input: EnsembleInput) throws {
        for command in ensemble.handle(input, at: .now) {
            switch command {
            case .ask(let place, let request): try members[place].post(request)
            case .done: answer = .done
            case .refuse(let reason): answer = .refused(reason)
            }
        }
    }

    private func pump(
        until deadline: MonotonicInstant, watchingKernel: Bool = false, withCensus: Bool = false, isDone: () -> Bool
    ) throws {
        var quietSince = MonotonicInstant.now
        var known = 0
        while true {
            try attend(watchingKernel: watchingKernel, withCensus: withCensus)
            if isDone() || MonotonicInstant.now >= deadline { return }
            if session.isCancelled { throw CannotRun(reason: "interrupted", remedy: "") }
            var wake = min(deadline, nextMoment)
            if watchingKernel || withCensus {
                let count = members.reduce(0) { $0 + $1.journal.events.count }
                if count != known { (known, quietSince) = (count, .now) }
                let wait = ScenarioRun.interval(.milliseconds(withCensus ? 5 : 1), quietSince: quietSince)
                wake = min(wake, MonotonicInstant.now.advanced(by: wait))
            }
            var poller = Poller()
            poller.add(session.cancellation.descriptor)
            addDescriptors(to: &poller, besides: nil)
            try poller.wait(until: wake)
        }
    }

    // MARK: - Steps

    /// - Parameter first: the place of the first in `scenario.steps`.
    private func perform(_ steps: [Step], from first: Int) throws {
        var next = first
        for (place, step) in steps.enumerated() where failedStep == nil {
            let index = next
            next += step.flattenedCount
            for member in members {
                if scenario.hasOwnTimes { member.noteLateness() }
                member.record(.mark(.stepBegan(index)))
            }
            let expectsRefusal = steps.dropFirst(place + 1).first?.condition?.kind == .refused
            switch step.action {
            case .start: try request(.start, step, expectsRefusal)
            case .stop(let grace): try request(.stop(grace: grace), step, expectsRefusal)
            case .restart(let times, let grace):
                for _ in 0..<times where failedStep == nil { try request(.restart(grace: grace), step, expectsRefusal) }
            case .down: try request(.down, step, expectsRefusal)
            case .repeated(let times, let inner):
                for _ in 0..<times where failedStep == nil { try perform(inner, from: index + 1) }
            case .within(let container, let inner):
                guard let place = scenario.members.firstIndex(where: { $0.name == container }) else { continue }
                try members[place].perform(inner, from: index + 1)
                if let failure = members[place].failedStep { failedStep = failure.said(of: container) }
                try observe()
            case .signal(_, let party): try pass(step, at: index, to: party)
            case .crash(let service), .orphan(_, let service, _): try pass(step, at: index, to: .service(service))
            case .wait(let time): try pump(until: .now.advanced(by: time)) { false }
            case .waitFor(let condition, let isNegated, let limit):
                let expectation = Expectation(condition, isNegated: isNegated)
                if try !ask(expectation, until: .now.advanced(by: limit), step: index) {
                    interrupt(step, "the run ended here: what it waited for did not come")
                }
            case .expect(var expectation):
                var deadline = MonotonicInstant.now.advanced(by: expectation.within ?? .zero)
                if expectation.isNegated, let time = expectation.within {
                    (expectation.duration, deadline) = (time, .now)
                }
                try ask(expectation, until: deadline, step: index)
            default: interrupt(step, "this is done to one container: write it in a block 'in NAME'")
            }
        }
    }

    /// A step about one service, to the container that has it.
    private func pass(_ step: Step, at index: Int, to party: Party) throws {
        guard let place = scenario.member(of: party) else { return interrupt(step, "\(party) is in no container") }
        var step = step
        // A container's own name means its PID 1.
        if scenario.party(party, inMember: place) == .initProcess {
            switch step.action {
            case .signal(let signal, _): step.action = .signal(signal, to: .initProcess)
            case .crash: step.action = .signal(.kill, to: .initProcess)
            default: break
            }
        }
        try members[place].perform([step], from: index)
        if let failure = members[place].failedStep { failedStep = failure.said(of: scenario.members[place].name) }
    }

    private func request(_ request: EnsembleRequest, _ step: Step, _ expectsRefusal: Bool) throws {
        try attend()
        answer = nil
        if request == .start { beginClock() }
        try tell(.asked(request))
        try observe()
        try pump(until: .now.advanced(by: session.patienceWithGroups)) { answer != nil }
        switch answer {
        case .done: return
        case .refused(let reason):
            for member in members { member.record(.runtime(.refused(reason: reason))) }
            if !expectsRefusal { interrupt(step, reason) }
        case nil: interrupt(step, "not over after \(session.patienceWithGroups.text)")
        }
    }

    /// All count from the first start of the whole.
    private func beginClock() {
        let now = MonotonicInstant.now
        for member in members where member.journal.origin == nil { member.journal.origin = now }
    }

    private func interrupt(_ step: Step, _ observed: String) {
        failedStep = Failure(place: step.place, .continuation, observed: observed)
    }

    // MARK: - Expectations

    /// Puts a question to those that it is about until the answer is yes or its time is over, and marks the moment of the last time.
    @discardableResult
    private func ask(_ expectation: Expectation, until deadline: MonotonicInstant, step: Int) throws -> Bool {
        asked.insert(step)
        let patience = LatePatience { [self] in lateness.total }
        func noteLate(_ moment: MonotonicInstant) {
            for place in places(of: expectation.condition) {
                members[place].journal.append(Event(at: moment, .mark(.timeIsOver(step: step))))
            }
        }
        var (isMet, isLate) = try patience.ask(until: deadline) { try holds(expectation, until: $0) }
        if isLate { noteLate(deadline) }
        var end = MonotonicInstant.distantFuture
        if isMet, !isLate, let duration = expectation.duration {
            let opposite = Expectation(expectation.condition, isNegated: !expectation.isNegated)
            let moment = MonotonicInstant.now.advanced(by: duration)
            let other = try patience.ask(until: moment) { try holds(opposite, until: $0, ofAny: true) }
            isMet = !other.isYes
            isLate = other.isLate
            if isLate { noteLate(moment) }
            if !expectation.condition.kind.needs.census, !isLate { end = moment }
        }
        for place in places(of: expectation.condition) {
            members[place].journal.append(
                Event(at: min(members[place].knownUntil, end), .mark(.asked(step: step))))
        }
        if let (judgement, first, second) = comparison(expectation.condition) {
            let names = (scenario.members[first].name, scenario.members[second].name)
            let evidence = judgement.evidence.map { Evidence($0, in: names.0) }
            let end = members[second].journal.events.last {
                if case .runtime(.exited) = $0.kind { true } else { false }
            }
            comparisons.append((step, judgement, evidence + (end.map { [Evidence($0, in: names.1)] } ?? [])))
        }
        return isMet
    }

    /// How late everything may be.
    private var lateness: Lateness {
        let all = members.map(\.lateness)
        return Lateness(
            container: all.map(\.container).reduce(.zero, +), harness: all.map(\.harness).max() ?? .zero)
    }

    /// The answer to a question that compares two containers; nil: it does not.
    private func comparison(_ condition: Condition) -> (judgement: Judgement, first: Int, second: Int)? {
        guard case .stopped(let one, let other) = condition, let (first, second) = scenario.compared(by: condition)
        else { return nil }
        let judgement = members[first.place].view.stopped(
            first.1, before: second.1, of: members[second.place].view, named: (one.description, other.description))
        return (judgement, first.place, second.place)
    }

    /// The containers that a question is about.
    private func places(of condition: Condition) -> [Int] {
        if let (first, second) = scenario.compared(by: condition) { return [first.place, second.place] }
        return members.indices.filter { scenario.question(condition, ofMember: $0) != nil }
    }

    /// - Parameter ofAny: whether it is enough that one of them says yes.
    private func holds(
        _ expectation: Expectation, until deadline: MonotonicInstant, ofAny: Bool = false
    ) throws -> Bool {
        let needs = expectation.condition.kind.needs
        var isMet = false
        try pump(until: deadline, watchingKernel: true, withCensus: needs.census) {
            var answers: [Judgement.Answer] = []
            if let judgement = comparison(expectation.condition)?.judgement {
                answers = [judgement.answer(to: expectation)]
            } else {
                for place in members.indices {
                    guard let condition = scenario.question(expectation.condition, ofMember: place) else { continue }
                    members[place].lookAtSignals(for: condition)
                }
                answers = members.indices.compactMap { place in
                    scenario.question(expectation.condition, ofMember: place).map {
                        members[place].view.judge(Expectation($0, isNegated: expectation.isNegated)).answer
                    }
                }
            }
            isMet = ofAny ? answers.contains(.yes) : !answers.isEmpty && answers.allSatisfy { $0 == .yes }
            let isKnown = !answers.contains { if case .unknown = $0 { true } else { false } }
            return isMet || !isKnown
        }
        return isMet
    }

    // MARK: - The verdict

    private func verdict() -> Verdict {
        var failures: [Failure] = []
        for (place, member) in members.enumerated() {
            let own = Expectations.verdict(on: member.scenario, member.journal, interruption: nil, isWhole: false)
            switch own {
            case .error(let reason): return .error("\(scenario.members[place].name): \(reason)")
            case .failed(let found): failures += found.map { $0.said(of: scenario.members[place].name) }
            case .passed, .flaky, .notApplicable: continue
            }
        }
        for (step, judgement, evidence) in comparisons {
            guard case .expect(let expectation) = scenario.steps[step].action else { continue }
            switch judgement.answer(to: expectation) {
            case .unknown(let reason): return .error("\(scenario.steps[step].place): \(expectation): \(reason)")
            case .yes: continue
            case .no:
                failures.append(
                    Failure(
                        place: scenario.steps[step].place, .expect(expectation), observed: judgement.observed,
                        evidence: evidence))
            }
        }
        if let failedStep, !failures.contains(where: { $0.place == failedStep.place }) { failures.append(failedStep) }
        failures.sort { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) }
        return Expectations.verdict(on: scenario, failures, members.map(\.journal))
    }
}

extension Judgement {
    /// The answer to an expectation with this condition: where there is nothing that it could be about, neither it nor its opposite holds.
    fileprivate func answer(to expectation: Expectation) -> Answer {
        guard expectation.isNegated else { return answer }
        return switch answer {
        case .yes: .no
        case .no: isVoid ? .no : .yes
        case .unknown: answer
        }
    }
}

extension Failure {
    /// The same, with the name of the container that it is about.
    fileprivate func said(of container: String) -> Failure {
        Failure(
            place: place, question, observed: "\(container): \(observed)",
            evidence: evidence.map { Evidence($0.event, in: container) })
    }
}

extension Scenario {
    /// What the runtime is told of the whole before it is made.
    fileprivate var ensemblePolicy: EnsemblePolicy {
        EnsemblePolicy(
            members.map { member in
                EnsemblePolicy.Member(
                    member.name, role: member.role,
                    dependencies: member.dependencies.compactMap { dependency in
                        members.firstIndex { $0.name == dependency.name }.map { .init(on: $0, dependency.condition) }
                    }, hasHealthCheck: member.scenario.healthCheck != nil)
            }, grace: stop.grace)
    }

    /// One of several containers as a scenario of its own: of the steps, which are one after the other, those that are about it; the others are there as
    /// nothing, so that each keeps its place.
    fileprivate func part(ofMember place: Int, by rules: RuntimeRules) -> Scenario {
        var result = members[place].scenario
        result.title = title
        result.restart = rules.restartPolicy(members[place], restart)
        result.stop.signal = result.stop.signal ?? stop.signal
        result.stop.grace = result.stop.grace ?? stop.grace
        (result.runtime, result.engineVersion, result.engine) = (runtime, engineVersion, engine)
        result.isLiveRestored = isLiveRestored
        result.sharesProcesses = sharesProcesses
        if rules.sharesNetwork { result.settings.hostname = "pod" }
        var owners = [String?](repeating: nil, count: steps.count)
        for (index, step) in steps.enumerated() {
            guard case .within(let name, _) = step.action else { continue }
            for inner in (index + 1)..<(index + step.flattenedCount) { owners[inner] = name }
        }
        result.steps = zip(steps, owners).map { step, owner in
            // The steps of a block are there already, after it.
            if owner == members[place].name {
                if case .repeated(let times, _) = step.action {
                    return Step(.repeated(times: times, []), place: step.place)
                }
                return step
            }
            let nothing = Step(.wait(.zero), place: step.place)
            guard owner == nil else { return nothing }
            switch step.action {
            case .expect(var expectation):
                guard let own = question(expectation.condition, ofMember: place) else { return nothing }
                expectation.condition = own
                return Step(.expect(expectation), place: step.place)
            case .waitFor(let condition, let isNegated, let limit):
                guard let own = question(condition, ofMember: place) else { return nothing }
                return Step(.waitFor(own, isNegated: isNegated, within: limit), place: step.place)
            case .start, .stop, .restart, .down: return step
            default: return nothing
            }
        }
        return result
    }
}
