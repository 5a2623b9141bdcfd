import Harness

/// Something that happens, or that must be so.
public protocol StepPart: ScenarioPart {
    /// The step, with the place in the source that it came from.
    var step: Step { get }
}

extension StepPart {
    /// Appends the step.
    public func add(to scenario: inout Scenario) { scenario.steps.append(step) }
}

/// Starts the container.
public struct Start: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter isAwaited: whether the next step comes when it is over, or at once (`begin start`).
    public init(
        isAwaited: Bool = true, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            isAwaited ? .start : .beginStart, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Stops it as the runtime does; without a grace period of its own, that of the scenario.
public struct Stop: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - grace: from the stop signal to SIGKILL; negative: for ever.
    ///   - isAwaited: whether the next step comes when it is over, or at once (`begin stop`).
    public init(
        grace: Duration? = nil, isAwaited: Bool = true, filePath: String = #filePath, line: Int = #line,
        column: Int = #column
    ) {
        step = Step(
            isAwaited ? .stop(grace: grace) : .beginStop(grace: grace),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A signal to PID 1, as `docker kill`.
public struct Kill: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter signal: SIGKILL is waited for, others are not.
    public init(_ signal: Signal = .kill, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.kill(signal), place: SourcePlace(file: filePath, line: line, column: column))
    }

}

/// A disturbance right after an event of the container.
public struct At: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - count: it comes right after this number of events since the last start, as a sweep counts them.
    ///   - disturbance: what comes.
    public init(
        event count: Int, _ disturbance: Disturbance = .kill, filePath: String = #filePath, line: Int = #line,
        column: Int = #column
    ) {
        step = Step(
            .atEvent(count, disturbance), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Stops it and starts it again, once or several times.
public struct Restart: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - times: how often, from 1.
    ///   - grace: as for `Stop`.
    public init(
        times: Int = 1, grace: Duration? = nil, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .restart(times: times, grace: grace), place: SourcePlace(file: filePath, line: line, column: column))
    }

    /// Once; or begun only (`begin restart`).
    ///
    /// - Parameters:
    ///   - isAwaited: whether the next step comes when it is over, or at once.
    ///   - grace: as for `Stop`.
    public init(
        grace: Duration? = nil, isAwaited: Bool, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            isAwaited ? .restart(times: 1, grace: grace) : .beginRestart(grace: grace),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// The clients of what was begun are killed.
public struct ClientGoesAway: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Without further parameters: as the language has it.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.dropClient, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A new container with the same volumes.
public struct Recreate: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Without further parameters: as the language has it.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.recreate, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// The runtime's daemon goes, and another one takes over.
public struct Daemon: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// How the old one goes.
    public enum End: Sendable {
        /// It is told to, and stops its containers first.
        case restarts
        /// It is killed.
        case crashes
    }

    /// - Parameter end: how the old one goes.
    public init(_ end: End, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(
            end == .restarts ? .daemonRestarts : .daemonCrashes,
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Takes a volume away.
public struct RemoveVolume: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter name: a volume of the scenario.
    public init(_ name: String, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.removeVolume(name), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Freezes every process.
public struct Pause: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Without further parameters: as the language has it.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.pause, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Lets a paused container go on.
public struct Resume: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Without further parameters: as the language has it.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.resume, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A signal to one process, from outside.
public struct Send: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - signal: any, also one that cannot be caught.
    ///   - party: a service, one of its children (`app.1`), or `init`.
    public init(
        _ signal: Signal, to party: Party, filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(.signal(signal, to: party), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// SIGKILL to a service, from outside.
public struct Crash: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter service: its name.
    public init(_ service: String, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.crash(service: service), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// A service that runs makes orphans, each of which exits after the time.
public struct Orphan: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - count: 1 to 10000.
    ///   - service: a fake that runs.
    ///   - time: how long each lives.
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
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - command: a program and its arguments.
    ///   - limit: when it has taken so long it is killed; nil: as long as it takes.
    public init(
        _ command: String..., within limit: Duration? = nil,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .exec(command, within: limit), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Letters for PID 1's terminal or its open standard input.
public struct Keys: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter text: `^C`, `^D`, `^Z` and `^\\` are what these keys send.
    public init(_ text: String, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.type(text), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// The end of PID 1's open standard input.
public struct CloseInput: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// Without further parameters: as the language has it.
    public init(filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.closeInput, place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Lets time pass, or waits for something to happen: when the time passes first, the scenario has failed and ends.
public struct Wait: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter time: how long, whatever happens.
    public init(_ time: Duration, filePath: String = #filePath, line: Int = #line, column: Int = #column) {
        step = Step(.wait(time), place: SourcePlace(file: filePath, line: line, column: column))
    }

    /// - Parameters:
    ///   - condition: what is waited for.
    ///   - limit: when it has not come by then, the scenario ends here, failed.
    public init(
        for condition: Condition, within limit: Duration,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .waitFor(condition, within: limit), place: SourcePlace(file: filePath, line: line, column: column))
    }

    /// - Parameters:
    ///   - condition: what is to hold no more.
    ///   - limit: when it still holds by then, the scenario ends here, failed.
    public init(
        forNo condition: Condition, within limit: Duration,
        filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        step = Step(
            .waitFor(condition, isNegated: true, within: limit),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// What must be so: now, or within a time; with `for`, it must stay so.
public struct Expect: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - condition: what must be so.
    ///   - limit: how long it may take to come true; nil: it must be true now.
    ///   - duration: how long it must stay so.
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

/// Steps that are carried out several times.
public struct Repeat: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameter times: from 1.
    public init(
        _ times: Int, filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        step = Step(
            .repeated(times: times, parts().steps), place: SourcePlace(file: filePath, line: line, column: column))
    }
}

/// Steps that are carried out once for each moment of a sweep, side by side, each in a container of its own.
public struct Sweep: StepPart {
    /// The step in the scenario.
    public let step: Step

    /// - Parameters:
    ///   - disturbance: what comes at each of the moments.
    ///   - moments: when it comes, from the start on.
    ///   - ofNextLife: it comes after the second start in the block, not after the first.
    public init(
        _ disturbance: Disturbance, _ moments: SweepPlan.Moments, ofNextLife: Bool = false,
        filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        step = Step(
            .sweep(SweepPlan(disturbance, moments, ofNextLife: ofNextLife), parts().steps),
            place: SourcePlace(file: filePath, line: line, column: column))
    }
}

extension [any ScenarioPart] {
    /// Them as steps. A block of steps has nothing else: what there is comes before the first.
    var steps: [Step] {
        map { part in
            guard let step = part as? any StepPart else { preconditionFailure("\(type(of: part)) is no step") }
            return step.step
        }
    }
}
