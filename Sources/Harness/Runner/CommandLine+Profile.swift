import Kernel
import Model
import Sandbox
import ServiceProtocol
import Vocabulary

extension InitProfile {
    /// The command line of PID 1 for a scenario.
    func commandLine(for scenario: Scenario) -> [String] {
        let services = scenario.startOrder
        let first = scenario.payloadCommand ?? services.first?.commandLine(in: scenario) ?? []
        // Docker injects its init only where it would be PID 1 (daemon/oci_linux.go: WithCommonOptions).
        if command.isEmpty || isInjected && scenario.sharesProcesses { return first }
        return command.flatMap { word -> [String] in
            switch word {
            case "{command}": first
            case "{names}": services.map(\.name)
            case "{services}":
                if let command = scenario.payloadCommand {
                    arguments(name: "main", nil, command: command)
                } else {
                    services.flatMap {
                        arguments(name: $0.name, $0, command: $0.commandLine(in: scenario))
                    }
                }
            default: [word]
            }
        }
    }

    /// The files that tell it of a scenario's services.
    func files(for scenario: Scenario) -> [File] {
        let subjects = scenario.startOrder.enumerated().map { index, service in
            Template.Subject(
                name: service.name, after: service.after,
                command: "\(ServiceAddress.program) as \(service.name)", kind: service.kind, pidFile: service.pidFile,
                position: index + 1)
        }
        var result: [File] = []
        for file in files {
            if file.isForEachService {
                result += subjects.compactMap { subject in
                    var made = file
                    made.path = Template.filled(file.path, for: subject)
                    made.text = Template.filled(file.text, for: subject)
                    // One that had lines, of which none is for this service, is not made.
                    return made.text.isEmpty && !file.text.isEmpty ? nil : made
                }
            } else {
                var made = file
                made.text = Template.filled(file.text, names: subjects.map(\.name))
                for addition in additions where addition.path == file.path {
                    for subject in subjects { made.text += Template.filled(addition.text, for: subject) }
                }
                result.append(made)
            }
        }
        guard isToldOfServicesByFiles else { return result }
        // What `fake-services as NAME` becomes: an argument on each line, so that no init has to quote anything.
        return result
            + scenario.services.map { service in
                File(
                    path: ServiceAddress.commandFile(of: service.name),
                    text: service.commandLine(in: scenario).map {
                        $0.replacing("\\", with: "\\\\").replacing("\n", with: "\\n") + "\n"
                    }
                    .joined(),
                    place: service.place)
            }
    }

    /// Its symbolic links, for each service where they name one.
    func links(for scenario: Scenario) -> [Link] {
        links.flatMap { link -> [Link] in
            guard link.path.contains("{name}") else { return [link] }
            return scenario.services.map { service in
                Link(
                    path: link.path.replacing("{name}", with: service.name),
                    target: link.target.replacing("{name}", with: service.name))
            }
        }
    }

    private func arguments(name: String, _ service: Service?, command: [String]) -> [String] {
        serviceArguments.flatMap { word -> [String] in
            switch word {
            case "{name}": [name]
            case "{after}": [service?.after.joined(separator: ",") ?? ""]
            case "{kind}": [(service?.kind ?? .simple).rawValue]
            case "{pidfile}": [service?.pidFile ?? ""]
            case "{command}": command
            default: [word]
            }
        }
    }

    /// Why a scenario says nothing about this init, or nil when it does.
    func reasonNotApplicable(_ scenario: Scenario) -> String? {
        if !scenario.inits.isEmpty, !scenario.inits.contains(name) {
            return "it is about \(scenario.inits.joined(separator: ", "))"
        }
        let lacking = scenario.requirements.subtracting(abilities)
        if !lacking.isEmpty { return "\(name) has no \(lacking.map(\.rawValue).sorted().joined(separator: ", "))" }
        if let program = command.first, let mount = scenario.settings.mount(hiding: program) {
            return "the scenario mounts something at \(mount), over \(program)"
        }
        if scenario.payloadCommand != nil, !hasPlaceForCommand { return "\(name) takes services, not a command" }
        for name in scenario.programs {
            let isThere =
                name.hasPrefix("/") ? Files.exists(name) : Files.find(program: name, in: Container.searchPath) != nil
            if !isThere { return name.hasPrefix("/") ? "there is no \(name)" : "\(name) is not installed" }
        }
        return nil
    }
}

extension ContainerSettings {
    /// The path of a mount that does not show what is below it on the host, and that a program is below; nil: there is none.
    fileprivate func mount(hiding program: String) -> String? {
        let mounts = tmpfs + volumes.filter { $0.isEmpty || $0.source != nil }.map(\.path)
        return mounts.first { program.hasPrefix($0 + "/") }
    }
}

extension Scenario {
    /// What the init is given to run in place of services.
    fileprivate var payloadCommand: [String]? {
        switch settings.payload {
        case .command(let command)?: command
        case .entrypoint(let entrypoint)?: entrypoint.commandLine
        case nil: nil
        }
    }
}

extension Entrypoint {
    /// The fake that does what it says.
    fileprivate var commandLine: [String] {
        [ServiceAddress.program, "entrypoint", "--marker", marker, "--steps", steps.joined(separator: ",")]
            + ["--each", stepTakes.text, "--"] + command
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
            case .forks(let path): result.pidFile = path
            case .notifies: result.notifies = true
            case .oneshot: if result.ending == nil { result.ending = .exits(code: 0, after: .zero) }
            case .runs: break
            }
        }
        result.stopSignals.removeAll { result.ignoredSignals.contains($0) || result.exitCodes[$0] != nil }
        return result
    }
}
