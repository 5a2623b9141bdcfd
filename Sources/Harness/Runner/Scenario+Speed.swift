import Model
import Vocabulary

extension Scenario {
    /// How many times faster than it is written it may run: what is not faster must not be judged by bounds that are.
    ///
    /// Real programs are not faster: neither a command, nor an init that is told to stop. And no time may become so short that the
    /// machine's own slowness counts.
    ///
    /// - Parameter runtime: whose rules it goes by; those of Compose and Kubernetes count in whole seconds.
    public func possibleSpeed(_ wanted: Double, with profile: InitProfile, by runtime: Runtime = .docker) -> Double {
        if wanted == 1 || !members.isEmpty || healthCheck != nil || stop.hook != nil || startHook != nil { return 1 }
        if runtime == .compose || runtime == .kubernetes || settings.image != nil { return 1 }
        let hasRealProgram =
            if case .command? = settings.payload { true } else { services.contains { $0.program != nil } }
        let isOwn = profile.name == "none" || profile.command.first?.hasPrefix("/.harness/") == true
        if hasRealProgram || (!isOwn && allSteps.contains(where: \.isStop)) { return 1 }
        guard let shortest = spedTimes.filter({ $0 > .zero }).min() else { return wanted }
        return max(1, min(wanted, shortest / Scenario.shortestTime))
    }

    /// No time is sped up to less than this: a busy machine takes some tens of milliseconds for what takes none.
    private static let shortestTime = Duration.milliseconds(100)

    /// Every step, those in blocks included.
    var allSteps: [Step] { Scenario.flattened(steps) }

    private static func flattened(_ steps: [Step]) -> [Step] {
        steps.flatMap { [$0] + flattened($0.action.block ?? []) }
    }

    /// The times that `sped(by:)` divides, but for the restart delays, which are the policy's.
    private var spedTimes: [Duration] {
        var times = services.flatMap(\.traits).compactMap(\.time)
        if case .entrypoint(let entrypoint)? = settings.payload { times.append(entrypoint.stepTakes) }
        if allSteps.contains(where: \.isStop) { times.append(stop.grace ?? .seconds(10)) }
        return times + allSteps.flatMap(\.times)
    }

    /// The same with the runtime's clocks and the fakes' own times so many times faster.
    ///
    /// How long something is waited for (`within`) stays: a real program is not faster for it.
    public func sped(by speed: Double) -> Scenario {
        if speed == 1 { return self }
        var result = self
        result.stop.grace = stop.grace?.sped(by: speed)
        for index in services.indices {
            result.services[index].traits = services[index].traits.map { $0.sped(by: speed) }
        }
        if case .entrypoint(var entrypoint)? = settings.payload {
            entrypoint.stepTakes = entrypoint.stepTakes.sped(by: speed)
            result.settings.payload = .entrypoint(entrypoint)
        }
        result.steps = steps.map { Step($0.action.sped(by: speed), place: $0.place) }
        return result
    }
}

extension Duration {
    /// A negative time, which means without end, stays one.
    func sped(by speed: Double) -> Duration { self / speed }
}

extension Service.Trait {
    fileprivate var time: Duration? {
        switch self {
        case .readyAfter(let time), .stopTakes(let time), .exitsAfter(_, let time), .diesOf(_, let time),
            .leavesOrphans(_, let time):
            time
        case .ignores, .exitsOn, .forks, .notifies, .oneshot, .spawns, .leavesZombies, .writes, .runs: nil
        }
    }

    fileprivate func sped(by speed: Double) -> Service.Trait {
        switch self {
        case .readyAfter(let time): .readyAfter(time.sped(by: speed))
        case .stopTakes(let time): .stopTakes(time.sped(by: speed))
        case .exitsAfter(let code, let time): .exitsAfter(code: code, time.sped(by: speed))
        case .diesOf(let signal, let time): .diesOf(signal, after: time.sped(by: speed))
        case .leavesOrphans(let count, let time): .leavesOrphans(count: count, living: time.sped(by: speed))
        case .ignores, .exitsOn, .forks, .notifies, .oneshot, .spawns, .leavesZombies, .writes, .runs: self
        }
    }
}

extension Step {
    /// Whether PID 1 is told to end.
    fileprivate var isStop: Bool {
        switch action {
        case .stop, .restart, .beginStop, .beginRestart, .daemonRestarts, .daemonCrashes: true
        default: false
        }
    }

    fileprivate var times: [Duration] {
        switch action {
        case .stop(let grace), .restart(_, let grace), .beginStop(let grace), .beginRestart(let grace):
            grace.map { [$0] } ?? []
        case .orphan(_, _, let time), .wait(let time): [time]
        case .exec(_, let limit): limit.map { [$0] } ?? []
        case .expect(let expectation):
            [expectation.duration, expectation.condition.spedTime].compactMap(\.self)
        case .waitFor(let condition, _, _): condition.spedTime.map { [$0] } ?? []
        case .atEvent(_, let disturbance): Step(disturbance.action, place: .none).times
        case .sweep(let plan, _):
            Step(plan.disturbance.action, place: .none).times + plan.moments.spedTimes
        default: []
        }
    }
}

extension Step.Action {
    fileprivate func sped(by speed: Double) -> Step.Action {
        func steps(_ inner: [Step]) -> [Step] { inner.map { Step($0.action.sped(by: speed), place: $0.place) } }
        switch self {
        case .stop(let grace): return .stop(grace: grace?.sped(by: speed))
        case .beginStop(let grace): return .beginStop(grace: grace?.sped(by: speed))
        case .beginRestart(let grace): return .beginRestart(grace: grace?.sped(by: speed))
        case .restart(let times, let grace): return .restart(times: times, grace: grace?.sped(by: speed))
        case .orphan(let count, let service, let time):
            return .orphan(count: count, from: service, living: time.sped(by: speed))
        case .exec(let command, let limit): return .exec(command, within: limit?.sped(by: speed))
        case .wait(let time): return .wait(time.sped(by: speed))
        case .waitFor(let condition, let isNegated, let limit):
            return .waitFor(condition.sped(by: speed), isNegated: isNegated, within: limit)
        case .expect(var expectation):
            expectation.condition = expectation.condition.sped(by: speed)
            expectation.duration = expectation.duration?.sped(by: speed)
            return .expect(expectation)
        case .repeated(let times, let inner): return .repeated(times: times, steps(inner))
        case .atEvent(let count, let disturbance): return .atEvent(count, disturbance.sped(by: speed))
        case .sweep(let plan, let inner):
            var own = plan
            own.disturbance = plan.disturbance.sped(by: speed)
            if case .range(let from, let to, let interval) = plan.moments {
                own.moments = .range(
                    from: from.sped(by: speed), to: to.sped(by: speed), step: interval.sped(by: speed))
            }
            return .sweep(own, steps(inner))
        case .within(let container, let inner): return .within(container: container, steps(inner))
        case .start, .down, .kill, .recreate, .removeVolume, .daemonRestarts, .daemonCrashes, .pause, .resume, .signal,
            .crash, .type, .closeInput, .dropClient, .beginStart:
            return self
        }
    }
}

extension Disturbance {
    fileprivate func sped(by speed: Double) -> Disturbance {
        switch self {
        case .stop(let grace): .stop(grace: grace?.sped(by: speed))
        case .restart(let grace): .restart(grace: grace?.sped(by: speed))
        case .kill, .signal, .crash: self
        }
    }
}

extension SweepPlan.Moments {
    fileprivate var spedTimes: [Duration] {
        switch self {
        case .range(_, let to, let interval): [to, interval]
        case .everyEvent: []
        }
    }
}

extension Condition {
    fileprivate var spedTime: Duration? {
        switch self {
        case .stopTook(.lessThan(let time)), .stopTook(.atLeast(let time)): time
        default: nil
        }
    }

    fileprivate func sped(by speed: Double) -> Condition {
        switch self {
        case .restartDelays(let delays): .restartDelays(delays.map { $0.sped(by: speed) })
        case .stopTook(.lessThan(let time)): .stopTook(.lessThan(time.sped(by: speed)))
        case .stopTook(.atLeast(let time)): .stopTook(.atLeast(time.sped(by: speed)))
        default: self
        }
    }
}
