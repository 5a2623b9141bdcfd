import Model
import Vocabulary

extension Scenario {
    /// The same with the runtime's clocks and the fakes' own times so many times faster.
    ///
    /// How long something is waited for (`within`) stays: a real program is not faster for it.
    public func sped(by speed: Double) -> Scenario {
        if speed == 1 { return self }
        var result = self
        result.stop.grace = stop.grace.sped(by: speed)
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

extension Step.Action {
    fileprivate func sped(by speed: Double) -> Step.Action {
        func steps(_ inner: [Step]) -> [Step] { inner.map { Step($0.action.sped(by: speed), place: $0.place) } }
        switch self {
        case .stop(let grace): return .stop(grace: grace?.sped(by: speed))
        case .restart(let times, let grace): return .restart(times: times, grace: grace?.sped(by: speed))
        case .orphan(let count, let service, let time):
            return .orphan(count: count, from: service, living: time.sped(by: speed))
        case .exec(let command, let limit): return .exec(command, within: limit?.sped(by: speed))
        case .wait(let time): return .wait(time.sped(by: speed))
        case .waitFor(let condition, let limit): return .waitFor(condition.sped(by: speed), within: limit)
        case .expect(var expectation):
            expectation.condition = expectation.condition.sped(by: speed)
            expectation.duration = expectation.duration?.sped(by: speed)
            return .expect(expectation)
        case .repeated(let times, let inner): return .repeated(times: times, steps(inner))
        case .sweep(.range(let from, let to, let interval), let inner):
            let times = Step.KillTimes.range(
                from: from.sped(by: speed), to: to.sped(by: speed), step: interval.sped(by: speed))
            return .sweep(times, steps(inner))
        case .sweep(.everyEvent, let inner): return .sweep(.everyEvent, steps(inner))
        case .start, .kill, .recreate, .removeVolume, .daemonRestarts, .daemonCrashes, .pause, .resume, .signal, .crash,
            .type, .closeInput:
            return self
        }
    }
}

extension Condition {
    fileprivate func sped(by speed: Double) -> Condition {
        switch self {
        case .restartDelays(let delays): .restartDelays(delays.map { $0.sped(by: speed) })
        case .stopTook(.lessThan(let time)): .stopTook(.lessThan(time.sped(by: speed)))
        case .stopTook(.atLeast(let time)): .stopTook(.atLeast(time.sped(by: speed)))
        default: self
        }
    }
}
