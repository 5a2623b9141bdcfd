import Model
import Vocabulary

/// What may be wrong with what happens.
extension ScenarioCheck {
    /// What has happened so far, as far as the text tells.
    struct Past {
        var isStarted = false
        var isStopped = false
        /// A request was begun: the steps after it do not wait for it.
        var hasBegun = false
        var pausedAt: SourcePlace?
        var hasOrphans = false
        /// Something has been executed beside PID 1.
        var hasExecuted = false
        /// How many lives there have been at least.
        var lifeCount = 0
        /// The last start, as long as nothing has let time pass since.
        var freshStart: SourcePlace?
        /// A stop or a restart that has just been begun, likewise.
        var freshBegin: SourcePlace?
        /// Something has let time pass in some life.
        var hasSettled = false
        /// After the start comes what a sweep does.
        var isSwept = false

        mutating func start(at place: SourcePlace, times: Int = 1) {
            isStarted = true
            lifeCount += times
            freshStart = place
            if isSwept { settle() }
        }

        mutating func settle() {
            (freshStart, freshBegin) = (nil, nil)
            hasSettled = true
        }
    }

    mutating func steps() {
        var past = Past()
        past.hasOrphans = makesOrphans
        steps(scenario.steps, &past)
    }

    /// Whether something may be orphaned without a step that asks for it.
    var makesOrphans: Bool {
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

    mutating func steps(_ steps: [Step], _ past: inout Past) {
        for (place, step) in steps.enumerated() {
            if step.isRequest, let next = steps.dropFirst(place + 1).first, next.expectsRefusal {
                // Nothing comes of what is refused; but some of several containers may have been started, and one whose hook has failed.
                if step.action == .start, !scenario.members.isEmpty || scenario.startHook != nil {
                    past.start(at: step.place)
                }
                past.settle()
                continue
            }
            check(step, past)
            if !scenario.members.isEmpty { ofSeveral(step) }
            switch step.action {
            case .start, .beginStart: past.start(at: step.place)
            case .stop, .beginStop:
                past.isStopped = true
                past.pausedAt = nil
                pausedMembers = [:]
                past.settle()
            case .restart, .beginRestart:
                past.isStopped = true
                past.pausedAt = nil
                past.settle()
                if case .restart(let times, _) = step.action {
                    past.start(at: step.place, times: times)
                } else {
                    // The old life goes on for a while.
                    past.lifeCount += 1
                }
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
            case .wait, .waitFor, .signal, .crash, .type, .closeInput, .atEvent: past.settle()
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
                own.isSwept = true
                self.steps(inner, &own)
            default: break
            }
            if step.isBegun { (past.hasBegun, past.freshBegin) = (true, step.place) }
        }
    }

    mutating func check(_ step: Step, _ past: Past) {
        switch step.action {
        case .start, .beginStart, .wait, .daemonRestarts, .daemonCrashes: return
        case .repeated(let times, _):
            if times == 0 { note(.impossible, "what is done no times is not done", at: step.place, about: "0") }
            if step.count > ScenarioCheck.stepLimit {
                note(
                    .badValue, "with all repetitions this is more than \(ScenarioCheck.stepLimit) steps",
                    at: step.place, about: "\(times)")
            }
            return
        case .sweep(let plan, let inner): return sweep(plan, inner, step)
        case .atEvent(_, let disturbance): partyIsKnown(disturbance, step)
        case .removeVolume(let name):
            let volumes = scenario.settings.volumes.map(\.name)
            if !volumes.contains(name) {
                note(
                    .unknownVolume, "'\(name)' is no volume of this scenario", at: step.place, about: name,
                    suggestion: nearest(to: name, among: volumes))
            }
        case .recreate: return
        case .signal(let signal, let party):
            target(party, step)
            if party == .initProcess, signal != .kill, signal != .stop { tooEarly(step, past) }
        case .crash(let service): target(.service(service), step)
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
        case .stop(let grace), .beginStop(let grace):
            if (grace ?? scenario.stop.grace) != .zero { tooEarly(step, past) }
        case .kill(let signal): if signal != .kill && signal != .stop { tooEarly(step, past) }
        case .down:
            if scenario.members.isEmpty {
                note(.impossible, "'down' is for several containers: 'stop' and 'recreate' are for one", at: step.place)
            }
        case .within(let name, let inner):
            if inner.isEmpty, isWhole { return }
            // As `docker compose up NAME`, of what depends on nothing.
            if inner.first?.startsContainer == true, scenario.runtime == .compose,
                scenario.members.first(where: { $0.name == name })?.dependencies.isEmpty == true
            {
                return
            }
        case .restart, .beginRestart, .exec: break
        case .dropClient:
            if !past.hasBegun, isWhole {
                note(.impossible, "nothing was begun with 'begin stop' or 'begin restart' before this", at: step.place)
            }
        }
        if !past.isStarted, step.condition != .state(.created), isWhole { beforeStart(step) }
    }

    /// Places where one would look for the missing `start`.
    mutating func beforeStart(_ step: Step) {
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

    func firstStart(in steps: [Step]) -> SourcePlace? {
        for step in steps {
            switch step.action {
            case .start, .beginStart: return step.place
            default: if let place = firstStart(in: step.action.block ?? []) { return place }
            }
        }
        return nil
    }

    /// More steps than this, one after the other, are a mistake.
    static let stepLimit = 100_000
    /// More containers side by side than this are a mistake.
    static let sweepLimit = 10_000

    private mutating func partyIsKnown(_ disturbance: Disturbance, _ step: Step) {
        switch disturbance {
        case .signal(_, let party): target(party, step)
        case .crash(let service): target(.service(service), step)
        case .kill, .stop, .restart: return
        }
    }

    /// What a signal goes to: where a container runs a program and no services, that may be any program in it.
    private mutating func target(_ party: Party, _ step: Step) {
        let settings = scenario.settings
        let runsProgram = settings.image != nil || { if case .command? = settings.payload { true } else { false } }()
        if case .service = party, serviceNames.isEmpty, scenario.members.isEmpty, runsProgram { return }
        known([party], step)
    }

    mutating func sweep(_ plan: SweepPlan, _ inner: [Step], _ step: Step) {
        partyIsKnown(plan.disturbance, step)
        let starts = inner.count(where: \.startsContainer)
        if starts == 0, !inner.isEmpty, isWhole {
            note(
                .impossible, "no step of the block starts the container, so there is no moment to count from",
                at: step.place, about: "sweep")
        } else if plan.isOfNextLife, starts < 2, isWhole {
            note(
                .impossible, "there is no next life: only one step of the block starts the container", at: step.place,
                about: "next")
        }
        guard case .range(let from, let to, let interval) = plan.moments else { return }
        if to < from {
            note(.badValue, "the last moment, \(to.text), is before the first, \(from.text)", at: step.place)
        } else if interval <= .zero {
            note(.badValue, "a step of no time leads nowhere", at: step.place)
        } else if (to - from) / interval >= Double(ScenarioCheck.sweepLimit) {
            note(.badValue, "this would be more than \(ScenarioCheck.sweepLimit) moments", at: step.place)
        }
    }

    mutating func typing(_ step: Step) {
        if !scenario.settings.hasTerminal, !scenario.settings.hasOpenInput, isWhole {
            note(.impossible, "without 'terminal on' or 'stdin open' there is nothing to type on", at: step.place)
        }
    }

    mutating func orphan(_ name: String, _ step: Step) {
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

    mutating func known(_ parties: [Party], _ step: Step) {
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
}
