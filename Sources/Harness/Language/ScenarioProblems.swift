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
    var isRequest: Bool {
        switch action {
        case .start, .stop, .kill, .restart, .beginStart, .beginStop, .beginRestart, .pause, .resume, .exec, .recreate,
            .daemonRestarts, .daemonCrashes:
            true
        default: false
        }
    }

    /// It is begun, and not waited for.
    var isBegun: Bool {
        switch action {
        case .beginStop, .beginRestart: true
        default: false
        }
    }

    /// What is done to a pod, and not to one of its containers.
    var isOfPod: Bool {
        switch action {
        case .start, .stop, .restart, .beginStart, .beginStop, .beginRestart, .recreate, .dropClient: true
        default: false
        }
    }

    /// It expects that the step before it was refused.
    var expectsRefusal: Bool {
        if case .expect(let expectation) = action {
            expectation.condition.kind == .refused && !expectation.isNegated
        } else {
            false
        }
    }
}

/// Goes through a scenario, and notes what is wrong with it.
struct ScenarioCheck {
    let scenario: Scenario
    var problems: [Scenario.Problem] = []
    /// Otherwise what is missing may be in a line that could not be read.
    let isWhole: Bool
    let serviceNames: Set<String>
    /// How many children each service keeps that keeps any.
    private var childCounts: [String: Int] = [:]
    /// Of several containers, which are paused, and in which something was executed.
    var pausedMembers: [String: SourcePlace] = [:]
    var executedMembers: Set<String> = []

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
    func isKnown(_ name: String) -> Bool {
        if serviceNames.contains(name) || scenario.members.contains(where: { $0.name == name }) { return true }
        let parts = name.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let number = Int(parts[1]), let count = childCounts[String(parts[0])] else {
            return false
        }
        return (1...count).contains(number)
    }

    mutating func note(
        _ id: Diagnostic.ID, _ message: String, at place: SourcePlace, about subject: String? = nil,
        suggestion: String? = nil, notes: [Diagnostic.Note] = [], isSetup: Bool = false
    ) {
        problems.append(
            Scenario.Problem(
                diagnostic: Diagnostic(id, message, at: place, suggestion: suggestion, notes: notes), subject: subject,
                isAboutSetup: isSetup))
    }

    // MARK: - What there is

    /// Notes each name that was given before, and where.
    mutating func duplicates(_ names: [(name: String, place: SourcePlace)], _ message: (String) -> String) {
        var first: [String: SourcePlace] = [:]
        for (name, place) in names {
            if let other = first[name] {
                note(
                    .duplicate, message(name), at: place, about: name, notes: [.init("it is set here", at: other)])
            } else {
                first[name] = place
            }
        }
    }

    mutating func services() {
        if scenario.services.count > ScenarioCheck.serviceLimit {
            return note(
                .badValue, "a scenario has at most \(ScenarioCheck.serviceLimit) services",
                at: scenario.services[ScenarioCheck.serviceLimit].place)
        }
        var writers: [String: Service] = [:]
        duplicates(scenario.services.map { ($0.name, $0.place) }) { "there is a service '\($0)' already" }
        for service in scenario.services {
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
        for (word, hook) in [("post-start", scenario.startHook), ("pre-stop", scenario.stop.hook)] {
            if hook == nil || scenario.runtime == .kubernetes || scenario.runtime == .compose { continue }
            note(
                .conflict, "\((scenario.runtime ?? .docker).rawValue) has no \(word) hook; kubernetes and compose have",
                at: scenario.place, about: word, isSetup: true)
        }
        if scenario.sharesProcesses, scenario.runtime == .nspawn {
            note(
                .conflict, "each machine of nspawn has a PID namespace of its own", at: scenario.place, about: "pid",
                isSetup: true)
        }
        if scenario.sharesProcesses, scenario.runtime == .compose, !scenario.members.isEmpty {
            note(
                .conflict,
                "under compose containers share no PID namespace, but one takes another's: a pod has one for all",
                at: scenario.place, about: "pid", isSetup: true)
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

    // MARK: - The whole

    mutating func substance() {
        guard isWhole else { return }
        if scenario.steps.isEmpty {
            note(.incomplete, "nothing happens in this scenario", at: scenario.place)
        } else if !asks(scenario.steps) {
            note(.incomplete, "nothing is expected in this scenario: it cannot fail", at: scenario.place)
        }
        if scenario.services.isEmpty && scenario.settings.payload == nil && scenario.settings.image == nil
            && scenario.members.isEmpty
        {
            note(
                .incomplete, "this scenario has neither a service, a command nor an image to start", at: scenario.place)
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
    static func list(_ names: [String]) -> String { names.map { "'\($0)'" }.joined(separator: ", ") }
}

extension Step {
    /// How many steps are carried out, with all repetitions; `Int.max` where there are more than can be counted.
    var count: Int {
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
