import Model
import Vocabulary

/// The same numbers from the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}

/// Makes scenarios that use everything that the model has, with values at which a spelling may stumble.
struct RandomScenario {
    private var random: SeededGenerator
    private var services: [Service] = []
    private var volumes: [Volume] = []

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func make(title: String) -> Scenario {
        var scenario = Scenario(title: title + text(), place: .none)
        if flip() {
            scenario.summary = (0..<Int.random(in: 1...3, using: &random)).map { _ in commentLine() }.joined(
                separator: "\n")
        }
        scenario.tags = some { $0.word() }
        scenario.requires = some { $0.pick(Ability.allCases) }
        scenario.inits = some { $0.word() }
        scenario.programs = some { $0.word() }
        scenario.runtime = flip() ? nil : pick(Runtime.allCases)
        if flip() {
            scenario.stop = StopPolicy(signal: signal(), grace: flip() ? nil : duration(negative: true))
        }
        if scenario.runtime == .kubernetes, flip() { scenario.stop.hook = command() }
        if scenario.runtime == .compose, flip() { scenario.startHook = command() }
        scenario.restart = pick([.no, .always, .unlessStopped, .onFailure(limit: nil), .onFailure(limit: 3)])
        scenario.removesItself = scenario.restart == .no && flip()
        scenario.isLiveRestored = flip()
        settings(&scenario.settings)
        if scenario.settings.payload == nil {
            for index in 0..<Int.random(in: 1...4, using: &random) { service(index) }
            scenario.services = services
        }
        scenario.steps =
            [Step(.start, place: .none)] + (0..<Int.random(in: 1...12, using: &random)).map { _ in step(scenario, 0) }
        scenario.steps.append(Step(.expect(Expectation(.exitCode(0))), place: .none))
        return scenario
    }

    // MARK: - Values

    private mutating func flip() -> Bool { Bool.random(using: &random) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &random)]
    }

    private mutating func some<Element>(_ make: (inout RandomScenario) -> Element) -> [Element] {
        flip() ? [] : (0..<Int.random(in: 1...3, using: &random)).map { _ in make(&self) }
    }

    private mutating func text() -> String {
        let pieces = [
            "a", " ", "\"", "'", "\\", "\\n", "\n", "\t", "\r", ",", "#", "é", "🐧", "|", "scenario", "  ", "within",
            "/",
        ]
        return (0..<Int.random(in: 0...6, using: &random)).map { _ in pick(pieces) }.joined()
    }

    private mutating func word() -> String {
        let result = text()
        return result.isEmpty ? "w" : result
    }

    private mutating func commentLine() -> String {
        pick(["", "a comment", " indented", "# of a comment", "\"quoted\"", "é"])
    }

    private mutating func command() -> [String] { (0..<Int.random(in: 1...4, using: &random)).map { _ in text() } }

    private mutating func duration(negative: Bool = false) -> Duration {
        let nanoseconds = pick([
            0, 1, 999, 1000, 1_000_000, 250_000_000, 1_500_000_000, 90_000_000_000, 3_723_004_005_006,
        ])
        return .nanoseconds(negative && flip() ? -nanoseconds : nanoseconds)
    }

    private static let signals = Signal.all
    private static let caughtSignals = Signal.all.filter { $0 != .kill && $0 != .stop }

    private mutating func signal() -> Signal { pick(Self.signals) }

    private mutating func caught() -> Signal { pick(Self.caughtSignals) }

    private mutating func path() -> String {
        "/"
            + (0..<Int.random(in: 1...3, using: &random)).map { _ in
                pick(["run", "var lib", "a,b", "c#d", "\"q\"", ".hidden", "é"])
            }
            .joined(separator: "/")
    }

    private mutating func owner() -> Owner { Owner(user: pick([0, 1, 568]), group: pick([0, 568, 4_294_967_294])) }

    private mutating func pattern() -> String {
        pick(["^a$", "a/b", "\\d{4}-\\d\\d", "a b", "\"'#", "(x|y)*", "\\\\"])
    }

    // MARK: - What there is

    private mutating func settings(_ settings: inout ContainerSettings) {
        if flip() { settings.hostname = pick(["box", "a b", "h-1.example"]) }
        settings.environment = some { "\($0.pick(["A", "B_1", "é"]))=\($0.text())" }
        let tmpfs = path()
        if flip() { settings.tmpfs = [tmpfs + "-tmpfs"] }
        if flip() {
            settings.volumes = [
                Volume(name: "v1", path: path() + "-v1", place: .none),
                Volume(name: "v.2", path: path() + "-v2", place: .none),
            ]
            settings.volumes[1].limit = flip() ? nil : 4 << 20
        }
        volumes = settings.volumes
        if flip() {
            settings.files = [
                File(
                    path: path() + "-file", text: fileText(), mode: pick([0o644, 0o755, 0o4755, 0o001]), owner: owner(),
                    place: .none)
            ]
        }
        settings.cgroup = flip() ? nil : pick(ContainerSettings.CgroupAccess.allCases)
        settings.hasTerminal = flip()
        settings.hasOpenInput = flip()
        settings.capabilities = some { $0.pick(Capability.allCases) }
        settings.ignoredSignals = some { $0.caught() }
        settings.blockedSignals = some { $0.caught() }
        settings.user = flip() ? nil : owner()
        settings.rootDirectory = flip() ? nil : pick(["/", "root fs", "../x"])
        settings.image =
            settings.rootDirectory == nil && flip() ? pick(["app.tar", "docker:nginx:1.27", "a b/c"]) : nil
        settings.arguments = settings.image != nil && flip() ? pick([["serve"], ["-c", "a b"]]) : nil
        settings.workingDirectory = flip() ? nil : pick(["/srv", "/a b"])
        settings.processLimit = flip() ? nil : 100
        settings.memoryLimit = flip() ? nil : pick([7_000_001, 64 << 20, 3 << 30, 6145 << 10])
        settings.layerLimit = flip() ? nil : pick([1 << 20, 5_000_001, 3 << 30])
        settings.hasReadOnlyRoot = flip()
        if flip() {
            settings.resourceLimits = [
                ResourceLimit(.nofile, soft: 8, hard: 16), ResourceLimit(.stack, soft: 1 << 20, hard: nil),
                ResourceLimit(.nproc, soft: nil, hard: nil), ResourceLimit(.cpu, soft: 9, hard: 9),
            ]
        }
        switch pick([0, 0, 0, 1, 2]) {
        case 1: settings.payload = .command(command())
        case 2:
            settings.payload = .entrypoint(
                Entrypoint(marker: path(), steps: ["schema", word()], stepTakes: duration(), command: command()))
        default: break
        }
    }

    private mutating func fileText() -> String {
        pick(["", "\n", "a", "a\n", "#!/bin/sh\r\nexit 1\n", "| x\n\n  y", "\\\n", "\n\n", " lead\n\ttab\n", "é🐧"])
    }

    private mutating func service(_ index: Int) {
        var service = Service(name: pick(["db", "api", "w_1", "A-b", "7"]) + "\(index)", place: .none)
        service.after = services.filter { _ in flip() }.map(\.name)
        if flip() {
            service.traits = [.runs(command())]
        } else {
            for trait in [
                .readyAfter(duration()), .stopTakes(duration()), .ignores([caught()]), .exitsAfter(code: 3, duration()),
                .exitsOn(code: 255, caught()), .diesOf(signal(), after: duration()), .forks(pidFile: path()), .notifies,
                .oneshot, .spawns(count: pick([1, 2]), ownSession: flip()),
                .leavesOrphans(count: pick([1, 5]), living: duration()), .leavesZombies(count: pick([1, 9])),
                .writes(data: path() + "-\(index)"),
            ] as [Service.Trait]
            where flip() && !service.traits.contains(where: { $0.excludes(trait) }) {
                service.traits.append(trait)
            }
        }
        services.append(service)
    }

    // MARK: - What happens

    private mutating func party() -> Party {
        services.isEmpty || flip() ? .initProcess : .service(pick(services).name)
    }

    private mutating func parties() -> [Party] { (0..<Int.random(in: 1...3, using: &random)).map { _ in party() } }

    /// Makers, not values: only the one that is picked is made.
    private typealias Maker<Value> = (inout RandomScenario) -> Value

    private mutating func make<Value>(_ makers: [Maker<Value>]) -> Value { pick(makers)(&self) }

    private mutating func step(_ scenario: Scenario, _ depth: Int) -> Step {
        var makers: [Maker<Step.Action>] = [
            { _ in .start }, { .stop(grace: $0.flip() ? nil : $0.duration(negative: true)) },
            { _ in .beginStart }, { .beginStop(grace: $0.flip() ? nil : $0.duration(negative: true)) },
            { .beginRestart(grace: $0.flip() ? nil : $0.duration()) },
            { .kill($0.flip() ? .kill : $0.signal()) }, { .atEvent($0.pick([1, 40]), $0.disturbance()) },
            { .restart(times: $0.pick([1, 5]), grace: $0.flip() ? nil : $0.duration()) }, { _ in .recreate },
            { _ in .daemonRestarts }, { _ in .daemonCrashes }, { _ in .dropClient },
            { .signal($0.signal(), to: $0.party()) }, { .exec($0.command(), within: $0.flip() ? nil : $0.duration()) },
            { .wait($0.duration()) },
            { .waitFor($0.condition(scenario), within: $0.duration()) },
            { .waitFor(.ready([$0.party()]), isNegated: true, within: $0.duration()) },
            {
                .expect(
                    Expectation(
                        $0.condition(scenario), within: $0.flip() ? nil : $0.duration(),
                        for: $0.flip() ? nil : $0.duration()))
            },
            { .expect(Expectation(.ready([$0.party()]), isNegated: true)) },
        ]
        if scenario.settings.hasTerminal || scenario.settings.hasOpenInput { makers.append { .type($0.text()) } }
        if scenario.settings.hasOpenInput { makers.append { _ in .closeInput } }
        if let volume = volumes.first { makers.append { _ in .removeVolume(volume.name) } }
        if let service = services.first(where: { $0.program == nil }) {
            makers.append { _ in .crash(service: service.name) }
            makers.append { .orphan(count: 3, from: service.name, living: $0.duration()) }
        }
        if depth < 3 {
            makers.append { .repeated(times: $0.pick([1, 7]), $0.steps(scenario, depth + 1)) }
            makers.append {
                let moments: SweepPlan.Moments =
                    $0.flip()
                    ? .everyEvent : .range(from: .zero, to: .milliseconds(400), step: .milliseconds(5))
                let plan = SweepPlan($0.disturbance(), moments, ofNextLife: $0.flip())
                let own = plan.isOfNextLife ? [Step(.start, place: .none), Step(.start, place: .none)] : []
                return .sweep(plan, own + $0.steps(scenario, depth + 1))
            }
        }
        return Step(make(makers), place: .none)
    }

    private mutating func disturbance() -> Disturbance {
        make([
            { _ in .kill }, { .stop(grace: $0.flip() ? nil : $0.duration()) },
            { .restart(grace: $0.flip() ? nil : $0.duration()) }, { .signal($0.signal(), to: $0.party()) },
            { $0.services.isEmpty ? .kill : .crash(service: $0.pick($0.services).name) },
        ])
    }

    private mutating func steps(_ scenario: Scenario, _ depth: Int) -> [Step] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in step(scenario, depth) }
    }

    private mutating func condition(_ scenario: Scenario) -> Condition {
        var makers: [Maker<Condition>] = [
            { .ready($0.parties()) },
            {
                .received(
                    $0.parties(), $0.signal(), times: $0.pick([nil, 0, 1, 7]),
                    from: $0.flip() ? nil : $0.flip() ? .runtime : $0.party())
            },
            { .receivedNothing($0.parties()) }, { _ in .nobodyKilled }, { .killed($0.parties()) },
            { .exitCode($0.pick([0, 255])) }, { .exitSignal($0.signal()) },
            { .execExit($0.pick([0, 137])) }, { .zombies($0.pick([0, 1, 2]), orMore: $0.flip()) },
            { _ in .noServiceKilled },
            { _ in .noProcessesLeft }, { .state($0.pick([.created, .running, .exited])) },
            { .outputContains($0.text(), in: $0.pick(Condition.Output.allCases)) },
            { .outputLine($0.text(), in: $0.pick(Condition.Output.allCases)) },
            { .outputInOrder([$0.text(), $0.text()], in: $0.pick(Condition.Output.allCases)) },
            { .outputLinesInOrder([$0.text(), $0.text()], in: $0.pick(Condition.Output.allCases)) },
            { .markerWrittenOnce(path: $0.path()) },
            { .markerUnchanged(path: $0.path()) }, { .file(path: $0.path(), .exists) },
            { .file(path: $0.path(), .contains($0.text())) }, { .file(path: $0.path(), .matches($0.pattern())) },
            { .file(path: $0.path(), .owner($0.owner())) },
            { .file(path: $0.path(), .mode($0.pick([0o644, 0o1777]))) },
        ]
        if scenario.restart != .no {
            makers.append { .restarts($0.pick([0, 3])) }
            makers.append { .restartDelays([$0.duration(), $0.duration()]) }
            makers.append { _ in .state(.restarting) }
        } else if scenario.removesItself {
            makers.append { _ in .state(.removed) }
        }
        if case .entrypoint(let entrypoint)? = scenario.settings.payload {
            makers.append { .initialised(times: $0.pick([1, 2])) }
            makers.append { .stepRan(entrypoint.steps[0], times: $0.pick([0, 1])) }
        }
        if services.count > 1 {
            let names = services.map(\.name)
            makers.append { _ in .stopped(.service(names[0]), before: .service(names[1])) }
        }
        for case .writes(let path) in services.flatMap(\.traits) {
            makers.append { .data(path: path, $0.pick(Condition.DataState.allCases)) }
        }
        return make(makers)
    }
}
