import Model
import Vocabulary

/// What can be wrong with a scenario each line of which is well-formed.
extension ScenarioParser {
    /// - Parameter isWhole: every line of it could be read; otherwise what is missing may be what could not be.
    mutating func check(_ scenario: Scenario, isWhole: Bool) {
        checkOrder(scenario)
        checkSteps(scenario)
        if isWhole { checkSubstance(scenario) }
        if let command = scenario.settings.command, let service = scenario.services.first {
            diagnostics.append(
                Diagnostic(
                    .unexpected, "the init's child is given twice: by 'command \(command[0])' and by this service",
                    at: service.place))
        }
        for service in scenario.services where service.program != nil && service.traits.count > 1 {
            diagnostics.append(
                Diagnostic(
                    .unexpected,
                    "'\(service.name)' runs a real program, which does what it does: no other behaviour can be given",
                    at: service.place))
        }
    }

    private mutating func checkOrder(_ scenario: Scenario) {
        let names = scenario.services.map(\.name)
        for service in scenario.services {
            for name in service.after where !names.contains(name) {
                diagnostics.append(
                    Diagnostic(
                        .unknownService,
                        "'\(service.name)' comes after '\(name)', which is no service of this scenario",
                        at: service.place, suggestion: nearest(to: name, among: names)))
            }
        }
        // Depth first; the first way back to where it began is reported.
        for service in scenario.services {
            var visited: Set<String> = []
            if let path = way(from: service.name, to: service.name, in: scenario, &visited) {
                diagnostics.append(
                    Diagnostic(
                        .cycle,
                        "each of these comes after the next: \((path + [service.name]).joined(separator: ", "))",
                        at: service.place))
                return
            }
        }
    }

    private func way(from name: String, to goal: String, in scenario: Scenario, _ visited: inout Set<String>)
        -> [String]?
    {
        guard visited.insert(name).inserted, let service = scenario.services.first(where: { $0.name == name })
        else { return nil }
        for next in service.after {
            if next == goal { return [name] }
            if let rest = way(from: next, to: goal, in: scenario, &visited) { return [name] + rest }
        }
        return nil
    }

    private mutating func checkSteps(_ scenario: Scenario) {
        var known = Set(scenario.services.map(\.name))
        for service in scenario.services {
            for index in 1..<(service.childCount + 1) { known.insert("\(service.name).\(index)") }
        }
        var isStarted = false
        var isStopped = false
        for step in scenario.steps {
            var parties: [Party] = []
            var needsStart = true
            switch step.action {
            case .start:
                if isStarted {
                    diagnostics.append(
                        Diagnostic(
                            .notYetSupported, "a second 'start' is something that this version cannot carry out yet",
                            at: step.place))
                }
                isStarted = true
                needsStart = false
            case .stop: isStopped = true
            case .signal(_, let party): parties = [party]
            case .crash(let service): parties = [.service(service)]
            case .expect(let expectation):
                parties = expectation.condition.parties
                if case .stopTook = expectation.condition, !isStopped {
                    reportUndecidable(step, "nothing was stopped before this")
                }
            case .waitFor(let condition, _): parties = condition.parties
            case .wait, .kill: break
            }
            if parties.contains(.runtime), !step.isAboutSender {
                diagnostics.append(
                    Diagnostic(
                        .undecidable, "the runtime is no process of the container: it only sends signals",
                        at: step.place))
            }
            for case .service(let name) in parties where !known.contains(name) {
                diagnostics.append(
                    Diagnostic(
                        .unknownService, "'\(name)' is no service of this scenario", at: step.place,
                        suggestion: nearest(to: name, among: known.sorted())))
            }
            if needsStart && !isStarted { reportUndecidable(step, "the container has not been started before this") }
        }
    }

    private mutating func checkSubstance(_ scenario: Scenario) {
        if scenario.steps.isEmpty {
            diagnostics.append(Diagnostic(.emptyScenario, "nothing happens in this scenario", at: scenario.place))
        } else if !scenario.steps.contains(where: { if case .expect = $0.action { true } else { false } }) {
            diagnostics.append(
                Diagnostic(.emptyScenario, "nothing is expected in this scenario: it cannot fail", at: scenario.place))
        }
        if scenario.services.isEmpty && scenario.settings.command == nil {
            diagnostics.append(
                Diagnostic(
                    .emptyScenario, "this scenario has neither a service nor a command to start", at: scenario.place))
        }
    }

    private mutating func reportUndecidable(_ step: Step, _ reason: String) {
        diagnostics.append(Diagnostic(.undecidable, reason, at: step.place))
    }
}

extension Step {
    /// Whether the runtime is named only as who has sent a signal.
    fileprivate var isAboutSender: Bool {
        guard case .expect(let expectation) = action else {
            if case .waitFor(.received(let parties, _, _, _), _) = action { return !parties.contains(.runtime) }
            return false
        }
        if case .received(let parties, _, _, _) = expectation.condition { return !parties.contains(.runtime) }
        return false
    }
}
