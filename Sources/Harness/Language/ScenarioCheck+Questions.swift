import Model
import Vocabulary

/// What may be wrong with what must be so.
extension ScenarioCheck {
    mutating func question(_ condition: Condition, _ step: Step, _ past: Past) {
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
            if !scenario.mayHaveHealthCheck, isWhole {
                note(.undecidable, "without a 'health check' nobody knows how it is", at: step.place)
            }
        case .state(.stopping):
            if let runtime = scenario.runtime, runtime != .podman {
                note(
                    .undecidable, "\(runtime.rawValue) calls it running until it has ended: only Podman has this state",
                    at: step.place, about: "stopping")
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
    mutating func proof(_ expectation: Expectation, _ step: Step, _ past: Past) {
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
        let cure = expectation.isNegated ? "say for how long with 'within'" : "say for how long with 'for'"
        if let begun = past.freshBegin {
            return note(
                .provesNothing,
                "nothing can have come of it yet, so this holds of every init: wait for something first, or \(cure)",
                at: step.place, notes: [.init("it has just been begun here", at: begun)])
        }
        guard let start = past.freshStart, !(isOfAllLives && past.hasSettled) else { return }
        note(
            .provesNothing,
            "nothing can have happened yet, so this holds of every init: wait for something first, or \(cure)",
            at: step.place, notes: [.init("it has just been started here", at: start)])
    }

    /// A signal right after a start.
    mutating func tooEarly(_ step: Step, _ past: Past) {
        guard isWhole, let start = past.freshStart else { return }
        note(
            .tooEarly,
            "this comes before any program can have prepared for it: wait for something first (\(waitingFor))",
            at: step.place, notes: [.init("it has just been started here", at: start)])
    }

    /// What could be waited for.
    var waitingFor: String {
        (scenario.services + scenario.members.flatMap(\.scenario.services)).first.map {
            "'wait for \($0.name) ready within 5s'"
        }
            ?? "what it prints or writes, else 'wait 100ms'"
    }

    mutating func entrypoint(_ condition: Condition, _ step: Step) {
        guard case .entrypoint(let entrypoint)? = scenario.settings.payload else {
            note(.undecidable, "this scenario has no 'entrypoint' that would say so", at: step.place)
            return
        }
        guard case .stepRan(let name, _) = condition, !entrypoint.steps.contains(name) else { return }
        note(
            .undecidable, "'\(name)' is no step of the entrypoint", at: step.place, about: name,
            suggestion: nearest(to: name, among: entrypoint.steps))
    }

    mutating func data(_ path: String, _ step: Step) {
        let paths = scenario.services.flatMap { service in
            service.traits.compactMap { if case .writes(let path) = $0 { path } else { nil } }
        }
        if paths.contains(path) { return }
        note(
            .undecidable, "no service of this scenario writes data to \(path)", at: step.place, about: path,
            suggestion: nearest(to: path, among: paths))
    }
}
