import Model
import ServiceProtocol
import Vocabulary

extension InitProfile {
    /// The command line of PID 1 for a scenario.
    func commandLine(for scenario: Scenario) -> [String] {
        let services = scenario.startOrder
        let first = scenario.payloadCommand ?? services.first?.commandLine(in: scenario) ?? []
        if command.isEmpty { return first }
        return command.flatMap { word -> [String] in
            switch word {
            case "{command}": first
            case "{services}":
                if let command = scenario.payloadCommand {
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
        let lacking = scenario.requirements.subtracting(abilities).subtracting(InitProfile.duties)
        if lacking.isEmpty { return nil }
        return "\(name) has no \(lacking.map(\.rawValue).sorted().joined(separator: ", "))"
    }
}

extension Scenario {
    /// What the init is given to run in place of services.
    fileprivate var payloadCommand: [String]? {
        if case .command(let command)? = settings.payload { command } else { nil }
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
            case .writes(let path): result.data = path
            // Refused before anything is run.
            case .forks, .notifies, .oneshot, .runs: break
            }
        }
        result.stopSignals.removeAll { result.ignoredSignals.contains($0) || result.exitCodes[$0] != nil }
        return result
    }
}
