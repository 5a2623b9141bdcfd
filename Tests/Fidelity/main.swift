// Whether the harness does what the real engines do: the suite's scenarios about stops, kills, restarts, pauses, daemons and execs, and a table of cases, on each
// engine that is installed, through its own command line. Every difference is listed; those with a reason in explained.txt do not count. `make fidelity`.

import Foundation
import Glibc
import Harness
import Synchronization
import TestSupport

prepareProcess()
let arguments = Array(CommandLine.arguments.dropFirst())
let only = arguments.first { !$0.hasPrefix("--") }

/// What an engine can show, and how it is asked.
func reasonToSkip(_ scenario: Scenario) -> String? {
    if !scenario.members.isEmpty { return "several containers" }
    let settings = scenario.settings
    if settings.rootDirectory != nil || settings.processLimit != nil || settings.memoryLimit != nil
        || settings.layerLimit != nil || !settings.resourceLimits.isEmpty || settings.cgroup != nil
        || !settings.ignoredSignals.isEmpty || !settings.blockedSignals.isEmpty || settings.hasTerminal
        || scenario.stop.hook != nil || scenario.startHook != nil || scenario.sharesProcesses
        || scenario.healthCheck != nil || scenario.engineVersion != nil
    {
        return "settings"
    }
    if case .entrypoint? = settings.payload { return "an entrypoint of the fakes" }
    if scenario.services.contains(where: { !$0.traits.isEmpty && $0.program == nil && $0.childCount > 0 }) {
        return "children"
    }
    if scenario.steps.contains(where: { !$0.action.isForEngines }) { return "steps" }
    return nil
}

extension Step.Action {
    var isForEngines: Bool {
        switch self {
        case .repeated(_, let inner): inner.allSatisfy { $0.action.isForEngines }
        case .wait, .waitFor, .expect, .beginStop, .beginRestart, .dropClient: true
        case .exec(_, let limit): limit == nil
        default: nameOfRequest != nil
        }
    }
}

extension Scenario {
    /// An engine takes whole seconds.
    var inWholeSeconds: Scenario {
        var result = self
        result.stop.grace = stop.grace?.roundedUp
        func rounded(_ steps: [Step]) -> [Step] {
            steps.map { step in
                switch step.action {
                case .stop(let grace): Step(.stop(grace: grace?.roundedUp), place: step.place)
                case .beginStop(let grace): Step(.beginStop(grace: grace?.roundedUp), place: step.place)
                case .beginRestart(let grace): Step(.beginRestart(grace: grace?.roundedUp), place: step.place)
                case .restart(let times, let grace):
                    Step(.restart(times: times, grace: grace?.roundedUp), place: step.place)
                case .repeated(let times, let inner): Step(.repeated(times: times, rounded(inner)), place: step.place)
                default: step
                }
            }
        }
        result.steps = rounded(steps)
        return result
    }

    /// The same, so that nothing ends the run that is refused.
    var indulgent: Scenario {
        var result = self
        func asking(_ steps: [Step]) -> [Step] {
            steps.flatMap { step -> [Step] in
                if case .repeated(let times, let inner) = step.action {
                    return [Step(.repeated(times: times, asking(inner)), place: step.place)]
                }
                guard step.action.nameOfRequest != nil, step.action.nameOfRequest != "wait" else { return [step] }
                return [step, Step(.expect(Expectation(.refused(nil))), place: .none)]
            }
        }
        result.steps = asking(steps)
        return result
    }

    var isAboutDaemons: Bool {
        func isOne(_ steps: [Step]) -> Bool {
            steps.contains {
                switch $0.action {
                case .daemonRestarts, .daemonCrashes: true
                case .repeated(_, let inner): isOne(inner)
                default: false
                }
            }
        }
        return isOne(steps)
    }
}

extension Duration {
    var roundedUp: Duration {
        if self < .zero { return self }
        return .seconds(components.seconds + (components.attoseconds > 0 ? 1 : 0))
    }
}

let installation = Installation.find(fakeServices: nil)
let folder = installation.scenarios ?? "scenarios"
var suite = Suite()
for theme in ["grace-period", "restarts", "runtimes", "exit-codes", "signal-forwarding"] {
    suite.addScenarios(at: "\(folder)/\(theme)")
}
suite.addProfiles(at: folder + "/inits")
let fakes = installation.fakeServices
guard let reference = suite.profiles.first(where: { $0.name == "reference" }) else {
    print("build first: make build")
    exit(2)
}
let explained = ((try? String(contentsOfFile: "Tests/Fidelity/explained.txt", encoding: .utf8)) ?? "")
    .split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: "|").map { String($0).trimmed } }

/// Of many scenarios of a file that ask the same of different values, a few.
func sample(_ scenarios: [Scenario], perFile count: Int = 24) -> [Scenario] {
    var byFile: [String: [Scenario]] = [:]
    for scenario in scenarios { byFile[scenario.place.file, default: []].append(scenario) }
    return byFile.sorted { $0.key < $1.key }.flatMap { _, own in
        stride(from: 0, to: own.count, by: max(1, own.count / count)).map { own[$0] }
    }
}

let cases = try Cases.scenarios()
let candidates = (sample(suite.scenarios) + cases).filter { only == nil || $0.title.contains(only ?? "") }
var isBad = false
var number = 0

for runtime in [Runtime.docker, .podman] {
    let own = candidates.filter { $0.runtime == nil || $0.runtime == runtime }
    var jobs: [(scenario: Scenario, profile: InitProfile)] = []
    var skipped: [String: Int] = [:]
    for scenario in own {
        if let reason = reasonToSkip(scenario) {
            skipped[reason, default: 0] += 1
            continue
        }
        if runtime == .podman, scenario.isAboutDaemons || scenario.isLiveRestored { continue }
        let profile: InitProfile = scenario.usualInits == ["reference"] ? reference : .none
        guard scenario.inits.isEmpty || scenario.inits.contains(profile.name) else { continue }
        jobs.append((scenario.inWholeSeconds, profile))
    }
    let planned = jobs
    // What the harness does.
    let session = try Session.interruptible(fakeServices: fakes)
    let results = try session.run(
        jobs.map {
            Session.Job($0.scenario.indulgent, $0.profile, runtime: $0.scenario.runtime == nil ? runtime : nil)
        }, atOnce: 8)
    session.close()
    // What the engine does.
    let differences = Mutex<[(title: String, lines: [String])]>([])
    @Sendable func compare(_ places: [Int], on engine: Engine, atOnce: Int) {
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: atOnce) { _ in
            while true {
                let turn = next.add(1, ordering: .relaxed).oldValue
                guard turn < places.count else { return }
                let (scenario, result) = (planned[places[turn]].scenario, results[places[turn]])
                if case .notApplicable = result.verdict { continue }
                if case .error(let reason) = result.verdict {
                    differences.withLock { $0.append((scenario.title, ["here: error: \(reason)"])) }
                    continue
                }
                do {
                    let run = try EngineRun(
                        scenario, command: result.command, on: engine, number: places[turn], fakes: fakes)
                    let found = Observation(result).differences(from: try run.run())
                    if !found.isEmpty { differences.withLock { $0.append((scenario.title, found)) } }
                } catch {
                    differences.withLock { $0.append((scenario.title, ["\(error)"])) }
                }
            }
        }
    }
    do {
        let engine = try Engine(runtime)
        print("\(runtime.rawValue) \(engine.version): \(jobs.count) scenarios and cases")
        compare(
            jobs.indices.filter { !jobs[$0].scenario.isAboutDaemons && !jobs[$0].scenario.isLiveRestored }, on: engine,
            atOnce: 6)
        compare(
            jobs.indices.filter { jobs[$0].scenario.isAboutDaemons && !jobs[$0].scenario.isLiveRestored }, on: engine,
            atOnce: 1)
        engine.close()
        if runtime == .docker {
            let restored = jobs.indices.filter { jobs[$0].scenario.isLiveRestored }
            if !restored.isEmpty {
                let engine = try Engine(runtime, isLiveRestored: true)
                compare(restored, on: engine, atOnce: 1)
                engine.close()
            }
        }
    } catch let error as Engine.Unavailable {
        print("\(runtime.rawValue): skipped: \(error.reason)")
        continue
    }
    var count = 0
    for (title, lines) in differences.withLock({ $0 }).sorted(by: { $0.title < $1.title }) {
        let reason = explained.first { $0.count == 3 && $0[0] == runtime.rawValue && title.contains($0[1]) }
        print("  \(reason == nil ? "DIFFERS " : "explained") \(title)\(reason.map { ": \($0[2])" } ?? "")")
        for line in lines { print("      \(line)") }
        if reason == nil {
            count += 1
            isBad = true
        }
    }
    for (reason, number) in skipped.sorted(by: { $0.key < $1.key }) { print("  left out: \(number) for \(reason)") }
    print("  \(count) differ without a reason")
}
exit(isBad ? 1 : 0)
