import Model
import ServiceProtocol
import Vocabulary

extension InitProfile {
    /// The command line of PID 1 for a scenario.
    func commandLine(for scenario: Scenario) -> [String] {
        let services = scenario.startOrder
        let first = scenario.settings.command ?? services.first?.commandLine(in: scenario) ?? []
        if command.isEmpty { return first }
        return command.flatMap { word -> [String] in
            switch word {
            case "{command}": first
            case "{services}":
                if let command = scenario.settings.command {
                    arguments(name: "main", after: [], command: command)
                } else {
                    services.flatMap {
                        arguments(name: $0.name, after: $0.after, command: $0.commandLine(in: scenario))
                    }
                }
            default: [word]
            }
        }
    }

    private func arguments(name: String, after: [String], command: [String]) -> [String] {
        serviceArguments.flatMap { word -> [String] in
            switch word {
            case "{name}": [name]
            case "{after}": [after.joined(separator: ",")]
            case "{command}": command
            default: [word]
            }
        }
    }

    /// Why a scenario says nothing about this init, or nil when it does.
    func reasonNotApplicable(_ scenario: Scenario) -> String? {
        var needed = Set(scenario.requires)
        if scenario.services.count > 1 { needed.insert(.supervision) }
        if scenario.services.contains(where: { !$0.after.isEmpty }) { needed.insert(.ordering) }
        let lacking = needed.subtracting(abilities).subtracting(InitProfile.duties)
        if lacking.isEmpty { return nil }
        return "\(name) has no \(lacking.map(\.rawValue).sorted().joined(separator: ", "))"
    }
}

extension Scenario {
    /// The services, each behind those it comes after; otherwise as they are written.
    var startOrder: [Service] {
        var result: [Service] = []
        var waiting = services
        while let index = waiting.firstIndex(where: { service in
            service.after.allSatisfy { name in result.contains { $0.name == name } }
        }) {
            result.append(waiting.remove(at: index))
        }
        return result + waiting
    }
}

extension Service {
    /// How an init starts it.
    func commandLine(in scenario: Scenario) -> [String] {
        if let program { return [ServiceAddress.program, "run", name, "--"] + program }
        return [ServiceAddress.program, "service", name] + behaviour(stopSignal: scenario.stop.signal).arguments
    }

    private func behaviour(stopSignal: Signal?) -> Behaviour {
        var result = Behaviour()
        if let stopSignal, !result.stopSignals.contains(stopSignal) { result.stopSignals.append(stopSignal) }
        for trait in traits {
            switch trait {
            case .readyAfter(let time): result.readyAfter = time
            case .stopTakes(let time): result.stopTakes = time
            case .ignores(let signals): result.ignoredSignals += signals
            case .exitsAfter(let code, let time): result.ending = .exits(code: code, after: time)
            case .exitsOn(let code, let signal): result.exitCodes[signal] = code
            case .diesOf(let signal, let time): result.ending = .dies(of: signal, after: time)
            case .spawns(let count, let ownSession):
                result.children = count
                result.childrenHaveOwnSession = ownSession
            case .leavesOrphans(let count, let time):
                result.orphans = count
                result.orphansLive = time
            case .leavesZombies(let count): result.zombies = count
            case .runs: break
            }
        }
        result.stopSignals.removeAll { result.ignoredSignals.contains($0) || result.exitCodes[$0] != nil }
        return result
    }
}
