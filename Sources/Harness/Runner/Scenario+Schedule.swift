import Model
import Vocabulary

/// What a scenario's text says of the time that it takes, and of the company that it bears.
extension Scenario {
    /// Its clock is judged: how exactly a moment is met, or how long the runtime takes.
    var isCalm: Bool {
        allSteps.contains { step in
            if case .sweep = step.action { return true }
            return step.condition?.kind == .restartDelays
        }
    }

    /// How long it takes at least, with an init that does as it should. It decides what begins first, and nothing else.
    var expectedDuration: Duration {
        Scenario.duration(of: steps, in: [self] + members.map(\.scenario))
    }

    private static func duration(of steps: [Step], in scenarios: [Scenario]) -> Duration {
        let start = scenarios.map(\.longestStart).max() ?? .zero
        let stop = scenarios.map(\.longestStop).max() ?? .zero
        var total = Duration.zero
        for step in steps {
            switch step.action {
            case .start, .recreate: total += start
            case .stop, .beginStop, .down, .daemonRestarts: total += stop
            case .restart(let times, _): total += (start + stop) * times
            case .wait(let time): total += time
            case .expect(let expectation):
                total += expectation.duration ?? .zero
                if expectation.isNegated { total += expectation.within ?? .zero }
                if case .restartDelays(let delays) = expectation.condition { total += delays.reduce(.zero, +) }
            case .repeated(let times, let inner): total += duration(of: inner, in: scenarios) * times
            case .within(_, let inner): total += duration(of: inner, in: scenarios)
            // Many runs, several of them one after the other.
            case .sweep(let plan, let inner):
                let once = duration(of: inner, in: scenarios)
                switch plan.moments {
                case .range(_, let to, _): total += to + once * 2
                case .everyEvent: total += .seconds(2) + once * 10
                }
            default: continue
            }
        }
        return total
    }

    private var longestStart: Duration {
        var result = Duration.zero
        for service in services {
            for trait in service.traits {
                switch trait {
                case .readyAfter(let time), .exitsAfter(_, let time), .diesOf(_, let time): result = max(result, time)
                default: continue
                }
            }
        }
        if case .entrypoint(let entrypoint)? = settings.payload {
            result += entrypoint.stepTakes * entrypoint.steps.count
        }
        return result
    }

    private var longestStop: Duration {
        let grace = stop.grace ?? .seconds(10)
        let isDeaf = services.contains { $0.traits.contains { if case .ignores = $0 { true } else { false } } }
        if isDeaf, grace > .zero { return grace }
        return services.flatMap(\.traits).reduce(.zero) { longest, trait in
            if case .stopTakes(let time) = trait { max(longest, time) } else { longest }
        }
    }
}
