import Model
import Vocabulary

extension Scenario {
    /// What is wrong with a scenario each line of which is well-formed: things that are not there, cannot happen, or
    /// could not be decided.
    public var problems: [Diagnostic] { problems(isWhole: true).map(\.diagnostic) }

    /// A diagnostic at the line of what it is about, and the word of that line, if it is about one.
    struct Problem {
        let diagnostic: Diagnostic
        let subject: String?
        /// The subject is the words with which a line of the set-up begins.
        var isAboutSetup = false
    }

    /// - Parameter isWhole: false when some of its lines could not be read; what is missing may be one of them.
    func problems(isWhole: Bool) -> [Problem] {
        var check = ScenarioCheck(self, isWhole: isWhole)
        check.services()
        check.settings()
        check.members()
        check.steps()
        check.substance()
        return check.problems
    }
}

extension Step {
    /// Something is asked of the runtime, which may refuse it.
    fileprivate var isRequest: Bool {
        switch action {
        case .start, .stop, .kill, .restart, .pause, .resume, .exec, .recreate, .daemonRestarts, .daemonCrashes: true
        default: false
        }
    }

    /// What is done to a pod, and not to one of its containers.
    fileprivate var isOfPod: Bool {
        switch action {
        case .start, .stop, .restart, .recreate: true
        default: false
        }
    }

    /// It expects that the step before it was refused.
    fileprivate var expectsRefusal: Bool {
        if case .expect(let expectation) = action {
            expectation.condition.kind == .refused && !expectation.isNegated
        } else {
            false
        }
    }
}

/// Goes through a scenario, and notes what is wrong with it.
private struct ScenarioCheck {
    let scenario: Scenario
    var problems: [Scenario.Problem] = []
    /// Otherwise what is missing may be in a line that could not be read.
    private let isWhole: Bool
    private let serviceNames: Set<String>
    /// How many children each service keeps that keeps any.
    private var childCounts: [String: Int] = [:]
    /// Of several containers, which are paused, and in which something was executed.
    private var pausedMembers: [String: SourcePlace] = [:]
    private var executedMembers: Set<String> = []

    /// More than these are a mistake.
    private static let serviceLimit = 1000
    /// What Docker takes at least, in bytes (moby, daemon/daemon_unix.go, linuxMinMemory).
    private static let leastMemory = 6 << 20
    /// What a file system needs at least for what is there from the beginning, in bytes.
    private static let leastSpace = 64 << 10
    /// File systems and files together.
    private static let pathLimit = 1000

    init(_ scenario: Scenario, isWhole: Bool) {
        self.scenario = scenario
        self.isWhole = isWhole
        let services = scenario.services + scenario.members.flatMap(\.scenario.services)
        serviceNames = Set(services.map(\.name))
        for service in services where service.childCount > 0 { childCounts[service.name] = service.childCount }
    }

    /// A service, or one of the children that it keeps; where there are several containers, one of these.
    private func isKnown(_ name: String) -> Bool {
        if serviceNames.contains(name) || scenario.members.contains(where: { $0.name == name }) { return true }
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[1]), let count = childCounts[String(parts[0])] else {
            return false
        }
        return (1...count).contains(number)
    }

    private mutating func note(
        _ id: Diagnostic.ID, _ message: String, at place: SourcePlace, about subject: String? = nil,
        suggestion: String? = nil, notes: [Diagnostic.Note] = [], isSetup: Bool = false
    ) {
        problems.append(
            Scenario.Problem(
                diagnostic: Diagnostic(id, message, at: place, suggestion: suggestion, notes: notes), subject: subject,
                isAboutSetup: isSetup))
    }

    // MARK: - What there is

    mutating func services() {
        if scenario.services.count > ScenarioCheck.serviceLimit {
            return note(
                .badValue, "a scenario has at most \(ScenarioCheck.serviceLimit) services",
                at: scenario.services[ScenarioCheck.serviceLimit].place)
        }
        var first: [String: SourcePlace] = [:]
        var writers: [String: Service] = [:]
        for service in scenario.services {
            if let other = first[service.name] {
                note(
                    .duplicate, "there is a service '\(service.name)' already", at: service.place, about: service.name,
                    notes: [.init("it is set here", at: other)])
            } else {
                first[service.name] = service.place
            }
            for name in service.after where !serviceNames.contains(name) {
                note(
                    .unknownService, "'\(name)' is no service of this scenario", at: service.place, about: name,
                    suggestion: nearest(to: name, among: serviceNames.filter { $0 != service.name }))
            }
            for case .writes(let path) in service.traits {
                if let other = writers[path] {
                    note(
                        .conflict, "'\(other.name)' writes to \(path) as well", at: service.place, about: service.name,
                        notes: [.init("it is set here", at: other.place)])
                } else {
                    writers[path] = service
                }
            }
        }
        if let path = cycle() {
            let first = path[0]
            let circle = (path + [first]).map(\.name).joined(separator: ", ")
            note(
                .cycle, "each of these comes after the next: \(circle)", at: first.place, about: first.name,
                notes: path.dropFirst().map {
                    .init("'\($0.name)' comes after \(Scenario.list($0.after))", at: $0.place)
                })
        }
    }

    /// Services each of which comes after the next, and the last after the first.
    private func cycle() -> [Service]? {
        guard scenario.services.contains(where: { !$0.after.isEmpty }) else { return nil }
        // What cannot be brought into an order is in a circle, or behind one; going back from there leads around it.
        let ordered = scenario.startOrder
        var placed: [String] = []
        for service in ordered {
            let known = service.after.filter(serviceNames.contains)
            guard known.allSatisfy(placed.contains) else {
                var path: [Service] = [service]
                while true {
                    let last = path[path.count - 1]
                    let next = last.after.first { name in
                        !placed.contains(name) && serviceNames.contains(name)
                    }
                    guard let next, let service = scenario.services.first(where: { $0.name == next }) else {
                        return nil
                    }
                    if let start = path.firstIndex(where: { $0.name == next }) { return Array(path[start...]) }
                    path.append(service)
                }
            }
            placed.append(service.name)
        }
        return nil
    }

    mutating func settings() {
        let settings = scenario.settings
        if let payload = settings.payload, let service = scenario.services.first {
            let word = if case .entrypoint = payload { "entrypoint" } else { "command" }
            note(
                .conflict, "what the init is to run is given twice: by '\(word)' and by this service",
                at: service.place, about: service.name)
        }
        if scenario.stop.hook != nil, scenario.runtime != .kubernetes, scenario.runtime != .compose {
            note(
                .conflict,
                "\((scenario.runtime ?? .docker).rawValue) has no pre-stop hook; kubernetes and compose have",
                at: scenario.place,
                about: "pre-stop", isSetup: true)
        }
        if scenario.engine != nil, scenario.runtime != .kubernetes {
            note(
                .conflict, "only a kubelet runs containers with another engine: 'runtime kubernetes with …'",
                at: scenario.place, about: "with")
        }
        if scenario.engineVersion != nil, scenario.runtime == .kubernetes || scenario.runtime == .nspawn {
            note(
                .conflict, "no rule of \(scenario.runtime?.rawValue ?? "") depends on its version here",
                at: scenario.place,
                about: "runtime", isSetup: true)
        }
        if scenario.removesItself, scenario.restart != .no {
            note(
                .conflict, "what removes itself when it has ended cannot be started again by a policy",
                at: scenario.place, about: "auto-remove", isSetup: true)
        }
        if settings.volumes.count + settings.tmpfs.count + settings.files.count > ScenarioCheck.pathLimit {
            return note(
                .badValue, "a scenario has at most \(ScenarioCheck.pathLimit) volumes, tmpfs and files",
                at: scenario.place)
        }
        if let limit = settings.memoryLimit, limit < ScenarioCheck.leastMemory {
            note(
                .badValue, "a container needs 6MiB of memory at least", at: scenario.place, about: "memory limit",
                isSetup: true)
        }
        if let limit = settings.layerLimit, limit < ScenarioCheck.leastSpace {
            note(
                .badValue, "a layer needs 64KiB at least", at: scenario.place, about: "layer limit", isSetup: true)
        }
        var volumes: [String: SourcePlace] = [:]
        for volume in settings.volumes {
            if let limit = volume.limit, limit < ScenarioCheck.leastSpace {
                note(.badValue, "a volume needs 64KiB at least", at: volume.place, about: "limit")
            }
            // A name has no slash in it, a path has: both kinds in one.
            for (key, what) in [(volume.name, "'\(volume.name)'"), (volume.path, "at \(volume.path)")] {
                if let other = volumes[key] {
                    note(
                        .duplicate, "there is a volume \(what) already", at: volume.place, about: key,
                        notes: [.init("it is set here", at: other)])
                } else {
                    volumes[key] = volume.place
                }
            }
            if settings.tmpfs.contains(volume.path) {
                note(
                    .conflict, "a volume and a tmpfs are both at \(volume.path)", at: volume.place, about: volume.path)
            }
        }
        var files: [String: SourcePlace] = [:]
        for file in settings.files {
            if let other = files[file.path] {
                note(
                    .duplicate, "there is a file \(file.path) already", at: file.place, about: file.path,
                    notes: [.init("it is set here", at: other)])
            } else {
                files[file.path] = file.place
            }
            let top = file.path.split(separator: "/").first ?? ""
            if ["proc", "sys", "dev", ".harness"].contains(top) {
                note(
                    .conflict, "/\(top) is not the scenario's to write to", at: file.place, about: file.path)
            }
            if file.text.utf8.contains(0) {
                note(.badValue, "the text of \(file.path) has a NUL in it", at: file.place, about: file.path)
            }
        }
    }

    // MARK: - Several containers

    mutating func members() {
        guard let firstMember = scenario.members.first else { return }
        if let runtime = scenario.runtime, runtime != .compose, runtime != .kubernetes {
            note(
                .conflict, "\(runtime.rawValue) drives one container; compose and kubernetes drive several",
                at: firstMember.place, about: firstMember.name)
        } else if scenario.runtime == nil, isWhole {
            note(
                .incomplete, "say whose rules several containers go by: 'runtime compose' or 'runtime kubernetes'",
                at: firstMember.place, about: firstMember.name)
        }
        for service in scenario.services {
            note(
                .conflict, "where there are several containers a service belongs to one of them", at: service.place,
                about: service.name)
        }
        if scenario.settings != ContainerSettings() || scenario.healthCheck != nil || scenario.stop.hook != nil {
            note(
                .conflict, "where there are several containers each has its own settings: write them in its block",
                at: scenario.place)
        }
        var names: [String: SourcePlace] = [:]
        for member in scenario.members {
            if let other = names[member.name] {
                note(
                    .duplicate, "there is a container '\(member.name)' already", at: member.place, about: member.name,
                    notes: [.init("it is set here", at: other)])
            } else {
                names[member.name] = member.place
            }
        }
        for member in scenario.members { check(member) }
        for member in dependencyCycle() {
            note(
                .cycle, "'\(member.name)' depends on itself, through others", at: member.place, about: member.name)
        }
        sharedVolumes()
        ofRuntime(firstMember.place)
        var services: [String: SourcePlace] = [:]
        for service in scenario.members.flatMap(\.scenario.services) {
            if let other = services[service.name] {
                note(
                    .duplicate, "there is a service '\(service.name)' in another container", at: service.place,
                    about: service.name, notes: [.init("it is set here", at: other)])
            }
            services[service.name] = service.place
        }
    }

    /// One name is one volume, whoever has it.
    private mutating func sharedVolumes() {
        var known: [String: Volume] = [:]
        for volume in scenario.members.flatMap(\.scenario.settings.volumes) {
            guard var other = known[volume.name] else {
                known[volume.name] = volume
                continue
            }
            let place = other.place
            other.path = volume.path
            if other != volume {
                note(
                    .conflict, "the volume '\(volume.name)' is another in another container", at: volume.place,
                    about: volume.name, notes: [.init("it is set here", at: place)])
            }
        }
    }

    /// What belongs to the whole, and what to each.
    private mutating func ofRuntime(_ place: SourcePlace) {
        if scenario.runtime == .compose, scenario.restart != .no {
            note(
                .conflict, "in a project each container has its own restart policy", at: scenario.place,
                about: "restart policy", isSetup: true)
        }
        guard scenario.runtime == .kubernetes else { return }
        for member in scenario.members {
            if member.scenario.restart != .no {
                note(
                    .conflict, "a pod has one restart policy: write it above its containers", at: member.place,
                    about: member.name)
            }
            if member.scenario.settings.hostname != nil {
                note(.conflict, "the containers of a pod have one host name", at: member.place, about: member.name)
            }
        }
        if isWhole, !scenario.members.contains(where: { $0.role == .main }) {
            note(.incomplete, "a pod has at least one 'container' besides these", at: place)
        }
    }

    private mutating func check(_ member: Member) {
        var own = member.scenario
        own.runtime = scenario.runtime
        var check = ScenarioCheck(own, isWhole: isWhole)
        check.services()
        check.settings()
        problems += check.problems
        if isWhole, own.services.isEmpty, own.settings.payload == nil {
            note(
                .incomplete, "'\(member.name)' has neither a service nor a command to start", at: member.place,
                about: member.name)
        }
        if member.role != .main, scenario.runtime == .compose {
            note(
                .conflict, "compose has no \(member.role.rawValue)s: they are a pod's", at: member.place,
                about: member.name)
        }
        if !member.dependencies.isEmpty, scenario.runtime == .kubernetes {
            note(
                .conflict, "the containers of a pod depend on nothing: an 'init container' comes before them",
                at: member.place, about: member.name)
        }
        for dependency in member.dependencies {
            guard let other = scenario.members.first(where: { $0.name == dependency.name }) else {
                note(
                    .unknownService, "'\(dependency.name)' is no container of this scenario", at: member.place,
                    about: member.name,
                    suggestion: nearest(
                        to: dependency.name, among: scenario.members.map(\.name).filter { $0 != member.name }))
                continue
            }
            if dependency.condition == .healthy, other.scenario.healthCheck == nil, isWhole {
                note(
                    .undecidable,
                    "'\(member.name)' waits for '\(other.name)' to be healthy, which has no 'health check'",
                    at: member.place, about: member.name)
            }
        }
    }

    /// The containers that wait for themselves.
    private func dependencyCycle() -> [Member] {
        var placed: Set<String> = []
        var rest = scenario.members
        while let index = rest.firstIndex(where: { member in
            member.dependencies.allSatisfy { dependency in
                placed.contains(dependency.name) || !scenario.members.contains { $0.name == dependency.name }
            }
        }) {
            placed.insert(rest.remove(at: index).name)
        }
        // Of those that are left some only wait for such a circle.
        return rest.prefix(1).map(\.self)
    }

    /// The steps in the block of one container, as if it were alone.
    private mutating func within(_ name: String, _ inner: [Step], _ step: Step, _ past: inout Past) {
        guard let member = scenario.members.first(where: { $0.name == name }) else {
            return note(
                .unknownService,
                scenario.members.isEmpty
                    ? "this scenario has one container: what happens in it needs no block"
                    : "'\(name)' is no container of this scenario", at: step.place, about: name,
                suggestion: nearest(to: name, among: scenario.members.map(\.name)))
        }
        var own = member.scenario
        own.runtime = scenario.runtime
        own.isLiveRestored = scenario.isLiveRestored
        // By its pod's policy, or since it is a sidecar.
        if own.restart == .no { own.restart = member.role == .sidecar ? .always : scenario.restart }
        ofOne(inner)
        own.steps = inner.filter { if case .within = $0.action { false } else { true } }
        var check = ScenarioCheck(own, isWhole: isWhole)
        // What is so of one container is not so of the others.
        var ownPast = past
        (ownPast.pausedAt, ownPast.hasExecuted) = (pausedMembers[name], executedMembers.contains(name))
        ownPast.hasOrphans = past.hasOrphans || check.makesOrphans
        check.steps(own.steps, &ownPast)
        problems += check.problems
        pausedMembers[name] = ownPast.pausedAt
        if ownPast.hasExecuted { executedMembers.insert(name) }
        (ownPast.pausedAt, ownPast.hasExecuted) = (past.pausedAt, past.hasExecuted)
        past = ownPast
    }

    /// What cannot be done to one of several containers.
    private mutating func ofOne(_ steps: [Step]) {
        for step in steps {
            switch step.action {
            case .within: note(.impossible, "this is in one container already", at: step.place)
            case .sweep, .killAtEvent:
                note(.impossible, "this is about a scenario of one container", at: step.place)
            case _ where scenario.runtime == .kubernetes && step.isOfPod:
                note(
                    .impossible, "kubernetes starts, stops and deletes pods, not one of their containers",
                    at: step.place)
            default: ofOne(step.action.block ?? [])
            }
        }
    }

    /// What cannot be done to several containers, and what cannot be asked of them.
    private mutating func ofSeveral(_ step: Step) {
        switch step.action {
        case .start, .stop, .restart, .down, .wait, .repeated, .within, .signal(_, to: .service), .crash, .orphan:
            return
        case .expect, .waitFor:
            guard let condition = step.condition, condition.kind != .refused else { return }
            let isAbout =
                scenario.compared(by: condition) != nil
                || scenario.members.indices.contains { scenario.question(condition, ofMember: $0) != nil }
            let isOfInit = condition.parties.contains(.initProcess) && scenario.compared(by: condition) == nil
            if isAbout && !isOfInit
                || condition.parties.contains(where: { scenario.member(of: $0) == nil && $0 != .initProcess })
            {
                return
            }
        default: break
        }
        note(.undecidable, "of which container? write it in a block 'in NAME'", at: step.place)
    }

    // MARK: - What happens

    /// What has happened so far, as far as the text tells.
    private struct Past {
        var isStarted = false
        var isStopped = false
        var pausedAt: SourcePlace?
        var hasOrphans = false
        /// Something has been executed beside PID 1.
        var hasExecuted = false
        /// How many lives there have been at least.
        var lifeCount = 0
        /// The last start, as long as nothing has let time pass since.
        var freshStart: SourcePlace?
        /// Something has let time pass in some life.
        var hasSettled = false

        mutating func start(at place: SourcePlace, times: Int = 1) {
            isStarted = true
            lifeCount += times
            freshStart = place
        }

        mutating func settle() {
            freshStart = nil
            hasSettled = true
        }
    }

    mutating func steps() {
        var past = Past()
        past.hasOrphans = makesOrphans
        steps(scenario.steps, &past)
    }

    /// Whether something may be orphaned without a step that asks for it.
    private var makesOrphans: Bool {
        scenario.settings.payload != nil
            || scenario.services.contains { service in
                service.program != nil
                    || service.traits.contains {
                        switch $0 {
                        case .leavesOrphans, .spawns, .forks: true
                        default: false
                        }
                    }
            }
    }

    private mutating func steps(_ steps: [Step], _ past: inout Past) {
        for (place, step) in steps.enumerated() {
            if step.isRequest, let next = steps.dropFirst(place + 1).first, next.expectsRefusal {
                // Nothing comes of what is refused; of several containers some may have been started.
                if step.action == .start, !scenario.members.isEmpty { past.start(at: step.place) }
                past.settle()
                continue
            }
            check(step, past)
            if !scenario.members.isEmpty { ofSeveral(step) }
            switch step.action {
            case .start: past.start(at: step.place)
            case .stop:
                past.isStopped = true
                past.pausedAt = nil
                pausedMembers = [:]
                past.settle()
            case .restart(let times, _):
                past.isStopped = true
                past.pausedAt = nil
                past.settle()
                past.start(at: step.place, times: times)
            case .daemonRestarts, .daemonCrashes:
                past.settle()
                guard past.isStarted, !scenario.isLiveRestored else { continue }
                past.isStopped = true
                past.pausedAt = nil
            case .recreate: past.pausedAt = nil
            case .kill(let signal):
                if signal == .kill { past.pausedAt = nil }
                past.settle()
            case .pause:
                past.pausedAt = step.place
                past.settle()
            case .resume: past.pausedAt = nil
            case .orphan, .exec:
                past.hasOrphans = true
                if case .exec = step.action { past.hasExecuted = true }
                past.settle()
            case .wait, .waitFor, .signal, .crash, .type, .closeInput, .killAtEvent: past.settle()
            case .expect(let expectation):
                if expectation.within != nil || expectation.duration != nil { past.settle() }
            case .repeated(_, let inner): self.steps(inner, &past)
            case .within(let name, let inner): within(name, inner, step, &past)
            case .down:
                past.isStopped = true
                past.settle()
            case .sweep(_, let inner):
                // Each of its runs has a container of its own.
                var own = Past()
                own.hasOrphans = makesOrphans
                own.lifeCount = 1
                self.steps(inner, &own)
            default: break
            }
        }
    }

    private mutating func check(_ step: Step, _ past: Past) {
        switch step.action {
        case .start, .wait, .daemonRestarts, .daemonCrashes: return
        case .repeated(let times, _):
            if times == 0 { note(.impossible, "what is done no times is not done", at: step.place, about: "0") }
            if step.count > ScenarioCheck.stepLimit {
                note(
                    .badValue, "with all repetitions this is more than \(ScenarioCheck.stepLimit) steps",
                    at: step.place, about: "\(times)")
            }
            return
        case .sweep(let times, _): return sweep(times, step)
        case .removeVolume(let name):
            let volumes = scenario.settings.volumes.map(\.name)
            if !volumes.contains(name) {
                note(
                    .unknownVolume, "'\(name)' is no volume of this scenario", at: step.place, about: name,
                    suggestion: nearest(to: name, among: volumes))
            }
        case .recreate: return
        case .signal(let signal, let party):
            known([party], step)
            if party == .initProcess, signal != .kill, signal != .stop { tooEarly(step, past) }
        case .crash(let service): known([.service(service)], step)
        case .orphan(_, let name, _): orphan(name, step)
        case .expect(let expectation):
            question(expectation.condition, step, past)
            proof(expectation, step, past)
        case .waitFor(let condition, _, _): question(condition, step, past)
        case .restart(0, _): note(.impossible, "what is done no times is not done", at: step.place, about: "0")
        case .pause:
            if let other = past.pausedAt {
                note(
                    .impossible, "the container is paused already", at: step.place,
                    notes: [.init("it is paused here", at: other)])
            }
        case .resume:
            if past.pausedAt == nil, isWhole { note(.impossible, "the container is not paused here", at: step.place) }
        case .type: typing(step)
        case .closeInput:
            if !scenario.settings.hasOpenInput, isWhole {
                note(.impossible, "without 'stdin open' there is nothing to close", at: step.place)
            }
        case .stop(let grace): if (grace ?? scenario.stop.grace) != .zero { tooEarly(step, past) }
        case .kill(let signal): if signal != .kill && signal != .stop { tooEarly(step, past) }
        case .down:
            if scenario.members.isEmpty {
                note(.impossible, "'down' is for several containers: 'stop' and 'recreate' are for one", at: step.place)
            }
        case .within(_, let inner):
            if inner.isEmpty, isWhole { return }
        case .killAtEvent, .restart, .exec: break
        }
        if !past.isStarted, step.condition != .state(.created), isWhole { beforeStart(step) }
    }

    /// Places where one would look for the missing `start`.
    private mutating func beforeStart(_ step: Step) {
        let isQuestion =
            switch step.action {
            case .expect, .waitFor: true
            default: false
            }
        let start = firstStart(in: scenario.steps)
        note(
            isQuestion ? .undecidable : .impossible, "the container has not been started before this", at: step.place,
            notes: start.map { [.init("it is started here", at: $0)] } ?? [])
    }

    private func firstStart(in steps: [Step]) -> SourcePlace? {
        for step in steps {
            switch step.action {
            case .start: return step.place
            default: if let place = firstStart(in: step.action.block ?? []) { return place }
            }
        }
        return nil
    }

    /// More steps than this, one after the other, are a mistake.
    private static let stepLimit = 100_000
    /// More containers side by side than this are a mistake.
    private static let sweepLimit = 10_000

    private mutating func sweep(_ times: Step.KillTimes, _ step: Step) {
        guard case .range(let from, let to, let interval) = times else { return }
        if to < from {
            note(.badValue, "the last kill time, \(to.text), is before the first, \(from.text)", at: step.place)
        } else if interval <= .zero {
            note(.badValue, "a step of no time leads nowhere", at: step.place)
        } else if (to - from) / interval >= Double(ScenarioCheck.sweepLimit) {
            note(.badValue, "this would be more than \(ScenarioCheck.sweepLimit) kill times", at: step.place)
        }
    }

    private mutating func typing(_ step: Step) {
        if !scenario.settings.hasTerminal, !scenario.settings.hasOpenInput, isWhole {
            note(.impossible, "without 'terminal on' or 'stdin open' there is nothing to type on", at: step.place)
        }
    }

    private mutating func orphan(_ name: String, _ step: Step) {
        known([.service(name)], step)
        if !serviceNames.contains(name), scenario.members.contains(where: { $0.name == name }) {
            note(
                .unknownService, "'\(name)' is a container: orphans are made by a service", at: step.place, about: name)
        }
        if let service = scenario.services.first(where: { $0.name == name }), service.program != nil {
            note(
                .impossible, "'\(name)' runs a real program, which makes no orphans on demand", at: step.place,
                about: name, notes: [.init("it is this service", at: service.place)])
        }
    }

    private mutating func known(_ parties: [Party], _ step: Step) {
        for party in parties {
            switch party {
            case .initProcess: continue
            case .runtime:
                note(
                    .undecidable, "the runtime is no process of the container: it only sends signals", at: step.place,
                    about: "runtime")
            case .service(let name) where !isKnown(name):
                note(
                    .unknownService, "'\(name)' is no service of this scenario", at: step.place, about: name,
                    suggestion: nearest(to: name, among: serviceNames))
            case .service: continue
            }
        }
    }

    // MARK: - What must be so

    private mutating func question(_ condition: Condition, _ step: Step, _ past: Past) {
        switch condition {
        case .ready(let parties), .receivedNothing(let parties), .killed(let parties): known(parties, step)
        case .received(let parties, _, _, let sender):
            known(parties, step)
            if let sender, sender != .runtime { known([sender], step) }
        case .stopped(let first, let second):
            known([first, second], step)
            if first == second {
                note(
                    .undecidable, "'\(first)' cannot stop before itself", at: step.place, about: first.description)
            }
        case .stopTook(.atLeast(.zero)), .stopTook(.lessThan(.zero)):
            note(.undecidable, "every stop takes 0s at least", at: step.place, about: "0s")
        case .zombies(0, orMore: true):
            note(.undecidable, "there are always at least 0 zombies", at: step.place, about: "0")
        case .execExit, .outputContains(_, in: .exec), .outputLine(_, in: .exec), .outputInOrder(_, in: .exec),
            .outputLinesInOrder(_, in: .exec):
            if !past.hasExecuted, past.isStarted, isWhole {
                note(.undecidable, "nothing was executed with 'exec' before this", at: step.place)
            }
        case .stopTook:
            if !past.isStopped, past.isStarted, isWhole {
                note(.undecidable, "nothing was stopped before this", at: step.place)
            }
        case .orphansReaped:
            if !past.hasOrphans, past.isStarted, isWhole {
                note(.undecidable, "nothing in this scenario makes orphans before this", at: step.place)
            }
        case .restarts, .restartDelays, .state(.restarting):
            // A machine of nspawn that reboots comes again without one.
            if scenario.restart == .no, scenario.runtime != .nspawn, isWhole {
                note(
                    .undecidable, "without a restart policy nothing is restarted by the runtime", at: step.place)
            }
        case .state(.healthy), .state(.unhealthy):
            if scenario.healthCheck == nil, isWhole {
                note(.undecidable, "without a 'health check' nobody knows how it is", at: step.place)
            }
        case .state(.removed):
            if !scenario.removesItself, isWhole {
                note(.undecidable, "without 'auto-remove on' no container is removed", at: step.place)
            }
        case .initialised, .stepRan: entrypoint(condition, step)
        case .data(let path, _): data(path, step)
        default: break
        }
    }

    /// A question that every init passes, because nothing has happened yet.
    private mutating func proof(_ expectation: Expectation, _ step: Step, _ past: Past) {
        if expectation.isNegated, expectation.within != nil, expectation.duration != nil {
            note(
                .conflict, "'no … within' says already that it does not come true in that time: leave out 'for'",
                at: step.place, about: "for")
        }
        guard isWhole, past.isStarted else { return }
        if case .markerUnchanged = expectation.condition, past.lifeCount < 2, scenario.restart == .no {
            return note(
                .provesNothing, "there has been one life only, in which nothing could change the marker of another",
                at: step.place)
        }
        let lasts = expectation.duration != nil || (expectation.isNegated && expectation.within != nil)
        guard expectation.isNegated != expectation.condition.isAbsence, !lasts else { return }
        let isOfAllLives =
            switch expectation.condition.kind {
            case .initialised, .stepRan: true
            default: false
            }
        guard let start = past.freshStart, !(isOfAllLives && past.hasSettled) else { return }
        let cure = expectation.isNegated ? "say for how long with 'within'" : "say for how long with 'for'"
        note(
            .provesNothing,
            "nothing can have happened yet, so this holds of every init: wait for something first, or \(cure)",
            at: step.place, notes: [.init("it has just been started here", at: start)])
    }

    /// A signal right after a start.
    private mutating func tooEarly(_ step: Step, _ past: Past) {
        guard isWhole, let start = past.freshStart else { return }
        note(
            .tooEarly,
            "this comes before any program can have prepared for it: wait for something first (\(waitingFor))",
            at: step.place, notes: [.init("it has just been started here", at: start)])
    }

    /// What could be waited for.
    private var waitingFor: String {
        (scenario.services + scenario.members.flatMap(\.scenario.services)).first.map {
            "'wait for \($0.name) ready within 5s'"
        }
            ?? "what it prints or writes, else 'wait 100ms'"
    }

    private mutating func entrypoint(_ condition: Condition, _ step: Step) {
        guard case .entrypoint(let entrypoint)? = scenario.settings.payload else {
            note(.undecidable, "this scenario has no 'entrypoint' that would say so", at: step.place)
            return
        }
        guard case .stepRan(let name, _) = condition, !entrypoint.steps.contains(name) else { return }
        note(
            .undecidable, "'\(name)' is no step of the entrypoint", at: step.place, about: name,
            suggestion: nearest(to: name, among: entrypoint.steps))
    }

    private mutating func data(_ path: String, _ step: Step) {
        let paths = scenario.services.flatMap { service in
            service.traits.compactMap { if case .writes(let path) = $0 { path } else { nil } }
        }
        if paths.contains(path) { return }
        note(
            .undecidable, "no service of this scenario writes data to \(path)", at: step.place, about: path,
            suggestion: nearest(to: path, among: paths))
    }

    // MARK: - The whole

    mutating func substance() {
        guard isWhole else { return }
        if scenario.steps.isEmpty {
            note(.incomplete, "nothing happens in this scenario", at: scenario.place)
        } else if !asks(scenario.steps) {
            note(.incomplete, "nothing is expected in this scenario: it cannot fail", at: scenario.place)
        }
        if scenario.services.isEmpty && scenario.settings.payload == nil && scenario.members.isEmpty {
            note(.incomplete, "this scenario has neither a service nor a command to start", at: scenario.place)
        }
    }

    private func asks(_ steps: [Step]) -> Bool {
        steps.contains { step in
            switch step.action {
            case .expect, .waitFor: true
            default: asks(step.action.block ?? [])
            }
        }
    }
}

extension Scenario {
    fileprivate static func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
}

extension Step {
    /// How many steps are carried out, with all repetitions; `Int.max` where there are more than can be counted.
    fileprivate var count: Int {
        guard case .repeated(let times, let inner) = action else { return 1 }
        var once = 0
        for step in inner {
            let (sum, isTooMuch) = once.addingReportingOverflow(step.count)
            once = isTooMuch ? .max : sum
        }
        let (product, isTooMuch) = once.multipliedReportingOverflow(by: times)
        return isTooMuch ? .max : product
    }
}
