import Model
import Vocabulary

extension Scenario {
    /// The scenario as it is written in a file, in canonical form; what reads it back gives an equal scenario.
    public var text: String {
        var writer = ScenarioWriter()
        writer.write(self)
        return writer.text
    }
}

extension Step {
    /// The step as a line of a file has it, in canonical form; without the steps of its block.
    public var text: String { ScenarioWriter().words(action) }
}

/// Writes scenarios line by line.
private struct ScenarioWriter {
    var text = ""
    private var level = 0

    private mutating func line(_ words: String...) {
        for _ in 0..<level { text += "  " }
        text += words.filter { !$0.isEmpty }.joined(separator: " ")
        text += "\n"
    }

    private mutating func block(_ body: (inout ScenarioWriter) -> Void) {
        level += 1
        body(&self)
        level -= 1
    }

    mutating func write(_ scenario: Scenario) {
        if !scenario.summary.isEmpty {
            for comment in scenario.summary.split(separator: "\n", omittingEmptySubsequences: false) {
                line("#", String(comment))
            }
        }
        line("scenario", Spelling.quoted(scenario.title))
        block { writer in
            writer.writeSetup(scenario)
            if !scenario.steps.isEmpty { writer.text += "\n" }
            writer.write(scenario.steps)
        }
    }

    private func list(_ items: [String]) -> String { items.map(Spelling.listed).joined(separator: ", ") }

    private func command(_ words: [String]) -> String { Spelling.command(words) }

    private mutating func writeSetup(_ scenario: Scenario) {
        let settings = scenario.settings
        if !scenario.tags.isEmpty { line("tags", list(scenario.tags)) }
        if !scenario.requires.isEmpty { line("requires", list(scenario.requires.map(\.rawValue))) }
        if !scenario.inits.isEmpty { line("about", list(scenario.inits)) }
        if !scenario.programs.isEmpty { line("needs", list(scenario.programs)) }
        if let runtime = scenario.runtime {
            line(
                "runtime", runtime.rawValue, scenario.engineVersion.map(String.init) ?? "",
                scenario.engine.map { "with \($0)" } ?? "")
        }
        if let signal = scenario.stop.signal {
            line("stop signal", signal.spelling, scenario.stop.grace.map { "grace \($0.text)" } ?? "")
        }
        if scenario.sharesProcesses { line("pid namespace shared") }
        if let hook = scenario.startHook { line("post-start", command(hook)) }
        if let hook = scenario.stop.hook { line("pre-stop", command(hook)) }
        if scenario.restart != .no { line("restart policy", scenario.restart.description) }
        if scenario.removesItself { line("auto-remove on") }
        if scenario.isLiveRestored { line("live-restore on") }
        for volume in settings.volumes {
            line(
                "volume", Spelling.word(volume.name), "at", Spelling.word(volume.path),
                volume.source.map { "from \(Spelling.word($0))" } ?? "", volume.owner.map { "owner \($0)" } ?? "",
                volume.limit.map { "limit \(Spelling.size($0))" } ?? "", volume.isEmpty ? "empty" : "")
        }
        let plain = settings.tmpfs.filter { settings.tmpfsOptions[$0] == nil }
        if !plain.isEmpty { line("tmpfs", list(plain)) }
        for path in settings.tmpfs {
            if let options = settings.tmpfsOptions[path] { line("tmpfs", Spelling.word(path), "options", options.text) }
        }
        if let access = settings.cgroup { line("cgroup", access.rawValue) }
        if settings.hasTerminal { line("terminal on") }
        if settings.hasOpenInput { line("stdin open") }
        if !settings.capabilities.isEmpty { line("capability", list(settings.capabilities.map(\.rawValue))) }
        if !settings.ignoredSignals.isEmpty {
            line("inherits ignored", list(settings.ignoredSignals.map(\.spelling)))
        }
        if !settings.blockedSignals.isEmpty {
            line("inherits blocked", list(settings.blockedSignals.map(\.spelling)))
        }
        for variable in settings.environment { line("env", Spelling.assignment(variable)) }
        if let user = settings.user { line("user", user.description) }
        if let hostname = settings.hostname { line("hostname", Spelling.word(hostname)) }
        if let root = settings.rootDirectory { line("rootfs", Spelling.word(root)) }
        if let image = settings.image { line("image", Spelling.word(image)) }
        if let arguments = settings.arguments { line("arguments", command(arguments)) }
        if let directory = settings.workingDirectory { line("working directory", Spelling.word(directory)) }
        if let limit = settings.processLimit { line("pids limit", String(limit)) }
        if let limit = settings.memoryLimit { line("memory limit", Spelling.size(limit)) }
        if let limit = settings.layerLimit { line("layer limit", Spelling.size(limit)) }
        for limit in settings.resourceLimits { line("ulimit", limit.resource.rawValue, limit.text) }
        if settings.hasReadOnlyRoot { line("read-only root on") }
        if settings.hasNoNewPrivileges { line("new privileges off") }
        for file in settings.files { write(file) }
        switch settings.payload {
        case .command(let words)?: line("command", command(words))
        case .entrypoint(let entrypoint)?: write(entrypoint)
        case nil: break
        }
        if let check = scenario.healthCheck { write(check) }
        if scenario.hasNoHealthCheck { line("no health check") }
        for service in scenario.services { write(service) }
        for member in scenario.members { write(member) }
    }

    private mutating func write(_ check: HealthCheck) {
        line(
            "health check", check.interval.map { "every \($0.text)" } ?? "",
            check.limit.map { "within \($0.text)" } ?? "", check.retries.map { "retries \($0)" } ?? "",
            check.startPeriod.map { "start period \($0.text)" } ?? "", command(check.command))
    }

    private mutating func write(_ member: Member) {
        line(member.role.rawValue, member.name)
        block { writer in
            for dependency in member.dependencies {
                writer.line(
                    "depends on", dependency.name,
                    dependency.condition == .started ? "" : dependency.condition.rawValue)
            }
            writer.writeSetup(member.scenario)
        }
    }

    private mutating func write(_ entrypoint: Entrypoint) {
        line(
            "entrypoint initialises marker", Spelling.word(entrypoint.marker), "steps", list(entrypoint.steps),
            entrypoint.stepTakes == .zero ? "" : "each \(entrypoint.stepTakes.text)", "then",
            command(entrypoint.command))
    }

    private mutating func write(_ file: File) {
        line(
            "file", Spelling.word(file.path), file.mode == 0o644 ? "" : "mode \(Spelling.octal(file.mode))",
            file.owner == .root ? "" : "owner \(file.owner)")
        block { writer in
            var bytes = Array(file.text.utf8)[...]
            if bytes.isEmpty { return }
            let hasEnd = bytes.last == 0x0A
            if hasEnd { bytes = bytes.dropLast() }
            for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
                writer.line("|", String(decoding: part, as: UTF8.self))
            }
            if !hasEnd { writer.line("|\\") }
        }
    }

    private mutating func write(_ service: Service) {
        line("service", service.name, service.after.isEmpty ? "" : "after \(list(service.after))")
        block { writer in
            for trait in service.traits { writer.line(writer.words(trait)) }
        }
    }

    private func words(_ trait: Service.Trait) -> String {
        switch trait {
        case .readyAfter(let time): "ready after \(time.text)"
        case .stopTakes(let time): "stop takes \(time.text)"
        case .ignores(let signals): "ignores \(list(signals.map(\.spelling)))"
        case .exitsAfter(let code, let time): "exits \(code) after \(time.text)"
        case .exitsOn(let code, let signal): "exits \(code) on \(signal.spelling)"
        case .diesOf(let signal, let time): "dies of \(signal.spelling) after \(time.text)"
        case .forks(let path): "forks with pidfile \(Spelling.word(path))"
        case .notifies: "notifies"
        case .oneshot: "oneshot"
        case .spawns(let count, let ownSession):
            "spawns \(count) \(count == 1 ? "child" : "children")" + (ownSession ? " in own session" : "")
        case .leavesOrphans(let count, let time):
            "leaves \(count) \(count == 1 ? "orphan" : "orphans") living \(time.text)"
        case .leavesZombies(let count): "leaves \(count) \(count == 1 ? "zombie" : "zombies")"
        case .writes(let path): "writes data \(Spelling.word(path))"
        case .runs(let words): "runs \(command(words))"
        }
    }

    // MARK: - Steps

    private mutating func write(_ steps: [Step]) {
        for step in steps {
            line(words(step.action))
            if let inner = step.action.block { block { $0.write(inner) } }
        }
    }

    fileprivate func words(_ action: Step.Action) -> String {
        switch action {
        case .start: "start"
        case .stop(let grace): "stop" + (grace.map { " grace \($0.text)" } ?? "")
        case .beginStart: "begin start"
        case .beginStop(let grace): "begin stop" + (grace.map { " grace \($0.text)" } ?? "")
        case .dropClient: "client goes away"
        case .beginRestart(let grace): "begin restart" + (grace.map { " grace \($0.text)" } ?? "")
        case .kill(.kill): "kill"
        case .atEvent(let count, let disturbance): "\(words(disturbance.action)) at event \(count)"
        case .kill(let signal): "kill \(signal.spelling)"
        case .restart(let times, let grace):
            "restart" + (times == 1 ? "" : " \(times) times") + (grace.map { " grace \($0.text)" } ?? "")
        case .recreate: "recreate"
        case .daemonRestarts: "daemon restarts"
        case .daemonCrashes: "daemon crashes"
        case .removeVolume(let name): "remove volume \(Spelling.word(name))"
        case .pause: "pause"
        case .resume: "resume"
        case .signal(let signal, let party): "signal \(signal.spelling) to \(party)"
        case .crash(let service): "crash \(service)"
        case .orphan(let count, let service, let time): "orphan \(count) from \(service) living \(time.text)"
        case .exec(let words, let limit): "exec" + (limit.map { " within \($0.text)" } ?? "") + " \(command(words))"
        case .type(let text): "type \(Spelling.quoted(text))"
        case .closeInput: "close stdin"
        case .wait(let time): "wait \(time.text)"
        case .waitFor(let condition, let isNegated, let limit):
            "wait for \(isNegated ? condition.negated : condition.description) within \(limit.text)"
        case .within(let container, _): "in \(container)"
        case .down: "down"
        case .repeated(let times, _): "repeat \(times) times"
        case .sweep(let plan, _): words(plan)
        case .expect(let expectation): "expect \(expectation)"
        }
    }

    private func words(_ plan: SweepPlan) -> String {
        let moments =
            switch plan.moments {
            case .range(let from, let to, let step): "from \(from.text) to \(to.text) step \(step.text)"
            case .everyEvent: "at every event"
            }
        return "sweep \(words(plan.disturbance.action)) \(moments)" + (plan.isOfNextLife ? " of the next life" : "")
    }
}
