import Harness

/// Something that happens, or that must be so.
public protocol StepPart: ScenarioPart {
    var step: Step { get }
}

extension StepPart {
    public func add(to scenario: inout Scenario) { scenario.steps.append(step) }
}

/// Starts the container.
public struct Start: StepPart {
    public let step: Step

    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.start, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Stops it as the runtime does; without a grace period of its own, that of the scenario.
public struct Stop: StepPart {
    public let step: Step

    public init(grace: Duration? = nil, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.stop(grace: grace), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A signal to PID 1, as `docker kill`.
public struct Kill: StepPart {
    public let step: Step

    public init(_ signal: Signal = .kill, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.kill(signal), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Stops it and starts it again, so many times.
public struct Restart: StepPart {
    public let step: Step

    public init(
        times: Int = 1, grace: Duration? = nil, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .restart(times: times, grace: grace), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A new container with the same volumes.
public struct Recreate: StepPart {
    public let step: Step

    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.recreate, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Takes a volume away.
public struct RemoveVolume: StepPart {
    public let step: Step

    public init(_ name: String, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.removeVolume(name), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Freezes every process.
public struct Pause: StepPart {
    public let step: Step

    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.pause, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Lets a paused container go on.
public struct Resume: StepPart {
    public let step: Step

    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.resume, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A signal to one process, from outside.
public struct Send: StepPart {
    public let step: Step

    public init(
        _ signal: Signal, to party: Party, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(.signal(signal, to: party), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// SIGKILL to a service, from outside.
public struct Crash: StepPart {
    public let step: Step

    public init(_ service: String, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.crash(service: service), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A service that runs makes orphans, each of which exits after the time.
public struct Orphan: StepPart {
    public let step: Step

    public init(
        _ count: Int, from service: String, living time: Duration,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .orphan(count: count, from: service, living: time),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A further process in the container, waited for.
public struct Exec: StepPart {
    public let step: Step

    public init(_ command: String..., filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.exec(command), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Lets time pass, or waits for something to happen: when the time passes first, the scenario has failed and ends.
public struct Wait: StepPart {
    public let step: Step

    public init(_ time: Duration, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.wait(time), place: SourcePlace(file: filePath, line: line, column: column))
    }

    public init(
        for condition: Condition, within limit: Duration,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .waitFor(condition, within: limit), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// What must be so: now, or within a time; with `for`, it must stay so.
public struct Expect: StepPart {
    public let step: Step

    public init(
        _ condition: Condition, within limit: Duration? = nil, for duration: Duration? = nil,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .expect(Expectation(condition, within: limit, for: duration)),
            place: SourcePlace(file: filePath, line: line, column: column))
    }

    /// What must not be so.
    public init(
        no condition: Condition, within limit: Duration? = nil, for duration: Duration? = nil,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .expect(Expectation(condition, isNegated: true, within: limit, for: duration)),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Steps that are carried out so many times.
public struct Repeat: StepPart {
    public let step: Step

    public init(
        _ times: Int, filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        step = Step(
            .repeated(times: times, parts().steps), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Steps that are carried out once for each kill time, side by side, each in a container of its own.
public struct SweepKill: StepPart {
    public let step: Step

    public init(
        _ times: Step.KillTimes, filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        step = Step(.sweep(times, parts().steps), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

extension [any ScenarioPart] {
    /// Them as steps. A block of steps has nothing else: what there is stands before the first.
    fileprivate var steps: [Step] {
        map { part in
            guard let step = part as? any StepPart else { preconditionFailure("\(type(of: part)) is no step") }
            return step.step
        }
    }
}
