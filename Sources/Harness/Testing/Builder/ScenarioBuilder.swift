import Harness

/// A line of a scenario that is written in Swift.
public protocol ScenarioPart: Sendable {
    /// Puts the line into a scenario.
    func add(to scenario: inout Scenario)
}

/// Collects the lines of a scenario, in their order.
@resultBuilder
public enum ScenarioBuilder {
    /// One line.
    public static func buildExpression(_ part: some ScenarioPart) -> [any ScenarioPart] { [part] }
    /// Several lines at once.
    public static func buildExpression(_ parts: [any ScenarioPart]) -> [any ScenarioPart] { parts }
    /// Lines behind each other.
    public static func buildBlock(_ parts: [any ScenarioPart]...) -> [any ScenarioPart] { parts.flatMap(\.self) }
    /// Lines behind an `if`.
    public static func buildOptional(_ parts: [any ScenarioPart]?) -> [any ScenarioPart] { parts ?? [] }
    /// Lines of the first branch.
    public static func buildEither(first parts: [any ScenarioPart]) -> [any ScenarioPart] { parts }
    /// Lines of the second branch.
    public static func buildEither(second parts: [any ScenarioPart]) -> [any ScenarioPart] { parts }
    /// Lines of a loop.
    public static func buildArray(_ parts: [[any ScenarioPart]]) -> [any ScenarioPart] { parts.flatMap(\.self) }
}

extension Scenario {
    /// A scenario written in Swift: the same value as that of a file with the same lines.
    ///
    /// What is wrong with it is told by `diagnostics`; nothing that has some is run.
    ///
    /// - Parameters:
    ///   - title: what reports call it.
    ///   - parts: what there is, then what happens and what must be so.
    public init(
        _ title: String, filePath: String = #filePath, line: Int = #line, column: Int = #column,
        @ScenarioBuilder _ parts: () -> [any ScenarioPart]
    ) {
        self.init(title: title, place: SourcePlace(file: filePath, line: line, column: column))
        for part in parts() { part.add(to: &self) }
    }

    /// Everything that would be wrong with it in a file, and why it cannot be run here; the places are those of its `text`.
    public var diagnostics: [Diagnostic] {
        let parsed = parseScenarios(Array(text.utf8), file: title)
        if parsed.isWellFormed, parsed.values != [self] {
            return parsed.diagnostics + [
                Diagnostic(
                    .badValue, "something in this scenario cannot be written as text",
                    at: SourcePlace(file: title, line: 1, column: 1))
            ]
        }
        return parsed.diagnostics
    }
}

extension Service: ScenarioPart {
    /// Puts the service behind those that are there.
    public func add(to scenario: inout Scenario) { scenario.services.append(self) }

    /// A process that the init is to start and look after: without more, a well-behaved daemon.
    ///
    /// - Parameters:
    ///   - name: letters, digits, `-` and `_`.
    ///   - after: the services that it comes after.
    public init(
        _ name: String, after: String..., filePath: String = #filePath, line: Int = #line, column: Int = #column
    ) {
        self.init(name: name, after: after, place: SourcePlace(file: filePath, line: line, column: column))
    }

    private func with(_ trait: Trait) -> Service {
        var result = self
        result.traits.append(trait)
        return result
    }

    /// The time from its start to its readiness.
    public func ready(after time: Duration) -> Service { with(.readyAfter(time)) }
    /// The time from the stop signal to its end.
    public func stop(takes time: Duration) -> Service { with(.stopTakes(time)) }
    /// Signals that it catches and does nothing about; not SIGKILL or SIGSTOP.
    public func ignores(_ signals: Signal...) -> Service { with(.ignores(signals)) }
    /// It ends by itself with this status, 0 to 255, so long after it was ready.
    public func exits(_ code: Int32, after time: Duration) -> Service { with(.exitsAfter(code: code, time)) }
    /// It ends at once with this status, 0 to 255, on a signal.
    public func exits(_ code: Int32, on signal: Signal) -> Service { with(.exitsOn(code: code, signal)) }
    /// It sends itself a signal, so long after it was ready.
    public func dies(of signal: Signal, after time: Duration) -> Service { with(.diesOf(signal, after: time)) }
    /// It leaves a daemon in its place, whose number it writes there.
    public func forks(pidFile: String) -> Service { with(.forks(pidFile: pidFile)) }
    /// It says that it is ready with sd_notify(3).
    public func notifies() -> Service { with(.notifies) }
    /// It does its work and exits.
    public func oneshot() -> Service { with(.oneshot) }
    /// Processes that it keeps, named `NAME.1` and on; 200 at most.
    public func spawns(_ count: Int, inOwnSession: Bool = false) -> Service {
        with(.spawns(count: count, ownSession: inOwnSession))
    }
    /// Before it is ready: processes left to the init, each of which exits after the time.
    public func leaves(orphans count: Int, living time: Duration) -> Service {
        with(.leavesOrphans(count: count, living: time))
    }
    /// Before it is ready: children that exit at once, and that it never waits for.
    public func leaves(zombies count: Int) -> Service { with(.leavesZombies(count: count)) }
    /// Keeps a file, by its absolute path, dirty while it runs, clean after an orderly stop.
    public func writes(data path: String) -> Service { with(.writes(data: path)) }
    /// A real program in place of a fake.
    public func runs(_ command: String...) -> Service { with(.runs(command)) }
}

extension Party: ExpressibleByStringLiteral {
    /// `init`, `runtime`, a service, or one of its children (`app.1`).
    public init(stringLiteral name: String) { self.init(name: name) }
}

extension Condition {
    /// Each has said that it does its work.
    public static func ready(_ parties: Party...) -> Condition { .ready(parties) }
    /// Each has ended by SIGKILL.
    public static func killed(_ parties: Party...) -> Condition { .killed(parties) }
    /// None of them has been sent a signal, SIGCHLD apart.
    public static func receivedNothing(_ parties: Party...) -> Condition { .receivedNothing(parties) }
    /// - Parameter times: nil: at least once.
    public static func received(
        _ parties: Party..., signal: Signal, times: Int? = nil, from sender: Party? = nil
    ) -> Condition { .received(parties, signal, times: times, from: sender) }
    /// A printed line has the text in it.
    public static func output(contains text: String, in output: Condition.Output = .presentLife) -> Condition {
        .outputContains(text, in: output)
    }
    /// A line is this text, and nothing else.
    public static func output(line text: String, in output: Condition.Output = .presentLife) -> Condition {
        .outputLine(text, in: output)
    }
    /// Lines with these texts have been printed, one after the other.
    public static func output(inOrder texts: String..., in output: Condition.Output = .presentLife) -> Condition {
        .outputInOrder(texts, in: output)
    }
    /// A file of the container, by its absolute path.
    public static func file(_ path: String, _ state: FileState) -> Condition { .file(path: path, state) }
    /// What a service keeps there has been left by an orderly stop, or has not.
    public static func data(_ path: String, _ state: DataState) -> Condition { .data(path: path, state) }
    /// A program of the container listens on this TCP port.
    public static func open(port: Int) -> Condition { .portOpen(port) }
    /// PID 1 has ended with this status, 0 to 255.
    public static func exit(_ code: Int) -> Condition { .exitCode(code) }
    /// PID 1 has died of this signal.
    public static func exit(on signal: Signal) -> Condition { .exitSignal(signal) }
    /// No process has exited that nobody has waited for.
    public static var noZombies: Condition { .zombies(0) }
}
