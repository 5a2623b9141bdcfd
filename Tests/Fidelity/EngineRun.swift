import Foundation
import Glibc
import Harness
import Kernel
import Synchronization
import TestSupport

/// One scenario carried out on a real engine.
final class EngineRun {
    private let engine: Engine
    private let scenario: Scenario
    private let command: [String]
    private let name: String
    private let directory: String
    private let listener: Listener
    private var observation = Observation()
    private var isCreated = false
    private var created = 0
    /// Of the last request.
    private var wasRefused: String?
    private var lastExec: Int?
    private var lastStop: Duration?
    private var startedAt = ContinuousClock.now
    /// The clients of what was begun.
    private var clients: [Command] = []

    /// What has no counterpart here.
    struct Unsupported: Error {
        let what: String
    }

    /// - Parameter command: PID 1's command line.
    init(_ scenario: Scenario, command: [String], on engine: Engine, number: Int, fakes: String) throws {
        self.scenario = scenario
        self.command = command
        self.engine = engine
        name = "h\(getpid())-\(number)"
        directory = "/run/\(name)"
        _ = try Engine.run(["mkdir", "-p", directory])
        _ = try Engine.run(["cp", fakes, directory + "/fake-services"])
        _ = try Engine.run(["chmod", "755", directory, directory + "/fake-services"])
        listener = try Listener("\(directory)/services")
    }

    func run() throws -> Observation {
        defer {
            dropClients()
            _ = try? engine.ask("rm", "-f", "-v", name)
            for volume in scenario.settings.volumes { _ = try? engine.ask("volume", "rm", "-f", volume.name + name) }
            listener.close()
            _ = try? Engine.run(["rm", "-rf", directory])
        }
        _ = try perform(scenario.steps)
        for (name, words) in listener.words() { observation.words[name] = words }
        observation.lines = try output()
        return observation
    }

    // MARK: - Steps

    private func perform(_ steps: [Step]) throws -> Bool {
        for step in steps {
            if case .repeated(let times, let inner) = step.action {
                for _ in 0..<times { if try !perform(inner) { return false } }
                continue
            }
            let began = ContinuousClock.now
            guard try carryOut(step) else { return false }
            guard let request = step.action.nameOfRequest else { continue }
            var snapshot = Snapshot(step: "\(request) (line \(step.place.line))")
            snapshot.took = ContinuousClock.now - began
            snapshot.isRefused = wasRefused != nil
            snapshot.isSettled = step.action.isSettled
            try look(&snapshot)
            observation.snapshots.append(snapshot)
        }
        return true
    }

    /// - Returns: whether the run goes on.
    private func carryOut(_ step: Step) throws -> Bool {
        switch step.action {
        case .start:
            if !isCreated { try create() }
            startedAt = .now
            try ask("start", name)
            // What cannot be started is no refusal: it has a status.
            if wasRefused?.contains("must be in Created or Stopped state") != true { wasRefused = nil }
        case .stop(let grace): try timed { try ask(["stop"] + time(grace) + [name]) }
        case .beginStop(let grace): try begin(["stop"] + time(grace) + [name])
        case .beginRestart(let grace): try begin(["restart"] + time(grace) + [name])
        case .dropClient: dropClients()
        case .kill(let signal): try ask("kill", "-s", "\(signal.rawValue)", name)
        case .restart(let times, let grace):
            for _ in 0..<times { try timed { try ask(["restart"] + time(grace) + [name]) } }
        case .pause: try ask("pause", name)
        case .resume: try ask("unpause", name)
        case .recreate:
            try ask("rm", "-f", name)
            isCreated = false
            try create()
        case .daemonRestarts, .daemonCrashes:
            guard engine.runtime == .docker else { throw Unsupported(what: "a daemon") }
            try engine.stopDaemon(with: step.action == .daemonCrashes ? SIGKILL : SIGTERM)
            try engine.startDaemon()
            wasRefused = nil
        case .exec(let command, nil):
            let outcome = try engine.ask(["exec", name] + command)
            lastExec = outcome.code
            // The client's own complaint, not the program's status.
            let refusals = ["is paused", "not running", "on running containers"]
            wasRefused = refusals.contains(where: outcome.errors.contains) ? outcome.errors : nil
        case .signal(let signal, .initProcess):
            let pid = Int32(try engine.ask("inspect", "--format", "{{.State.Pid}}", name).output.trimmed) ?? 0
            guard pid > 1 else { return false }
            Glibc.kill(pid, signal.rawValue)
        case .signal(let signal, .service(let service)):
            guard let pid = listener.pid(of: service) else { return false }
            Glibc.kill(pid, signal.rawValue)
        case .crash(let service):
            guard let pid = listener.pid(of: service) else { return false }
            Glibc.kill(pid, SIGKILL)
        case .wait(let time):
            wasRefused = nil
            pause(time)
        case .waitFor(let condition, let isNegated, let limit):
            return try holds(Expectation(condition, isNegated: isNegated), within: limit) != false
        case .expect(let expectation):
            let limit = expectation.isNegated ? nil : expectation.within
            if let answer = try holds(expectation, within: limit ?? .zero) {
                observation.answers[step.place.line] = answer
            }
        default: throw Unsupported(what: "this step: \(step.action)")
        }
        return true
    }

    private func pause(_ time: Duration) { usleep(UInt32(max(0, time / .microseconds(1)))) }

    /// The harness's own is under way at once; a client takes its time to get there.
    private static let wayToTheEngine = Duration.milliseconds(150)

    private func begin(_ arguments: [String]) throws {
        clients.append(try engine.begin(arguments))
        wasRefused = nil
        pause(EngineRun.wayToTheEngine)
    }

    private func dropClients() {
        for client in clients {
            kill(client.pid, SIGKILL)
            _ = try? client.finish()
        }
        clients = []
    }

    private func timed(_ body: () throws -> Void) rethrows {
        let began = ContinuousClock.now
        try body()
        lastStop = wasRefused == nil ? ContinuousClock.now - began : nil
    }

    private func time(_ grace: Duration?) -> [String] { grace.map { ["-t", "\($0.components.seconds)"] } ?? [] }

    private func ask(_ arguments: String...) throws { try ask(arguments) }
    private func ask(_ arguments: [String]) throws {
        let outcome = try engine.ask(arguments)
        wasRefused = outcome.status == .exited(0) ? nil : outcome.errors.trimmed
    }

    private func create() throws {
        created += 1
        var options = [
            "-v", "/usr:/usr:ro", "-v", "\(directory):/.harness", "-e", "LC_ALL=C",
        ]
        if let signal = scenario.stop.signal { options += ["--stop-signal", "\(signal.rawValue)"] }
        if let grace = scenario.stop.grace { options += ["--stop-timeout", "\(grace.components.seconds)"] }
        if scenario.restart != .no { options += ["--restart", scenario.restart.description] }
        if scenario.removesItself { options.append("--rm") }
        let settings = scenario.settings
        for volume in settings.volumes { options += ["-v", "\(volume.name + name):\(volume.path)"] }
        for path in settings.tmpfs { options += ["--tmpfs", path] }
        for variable in settings.environment { options += ["-e", variable] }
        if let user = settings.user { options += ["-u", user.description] }
        if settings.hasOpenInput { options.append("-i") }
        if settings.hasTerminal { options.append("-t") }
        if settings.hasReadOnlyRoot { options.append("--read-only") }
        for capability in settings.capabilities { options += ["--cap-add", capability.rawValue] }
        let outcome = try engine.create(name, options, command)
        guard outcome.status == .exited(0) else { throw Unsupported(what: "create: \(outcome.errors.trimmed)") }
        isCreated = true
        for (index, file) in settings.files.enumerated() {
            let path = "\(directory)/file-\(index)"
            try file.text.write(toFile: path, atomically: false, encoding: .utf8)
            _ = try Engine.run(["chmod", String(file.mode, radix: 8), path])
            _ = try engine.ask("cp", path, "\(name):\(file.path)")
        }
    }

    // MARK: - How it is

    private func inspect() throws -> (state: String, code: Int, restarts: Int) {
        let format = "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}"
        let outcome = try engine.ask("container", "inspect", "--format", format, name)
        let words = outcome.output.trimmed.split(separator: " ").map(String.init)
        guard outcome.status == .exited(0), words.count == 3 else { return (isCreated ? "removed" : "created", 0, 0) }
        let state =
            switch words[0] {
            case "paused": "running"
            case "configured", "initialized": "created"
            case "stopped": "exited"
            default: words[0]
            }
        return (state, Int(words[1]) ?? 0, Int(words[2]) ?? 0)
    }

    private func look(_ snapshot: inout Snapshot) throws {
        let found = try inspect()
        (snapshot.state, snapshot.restarts) = (found.state, found.restarts)
        snapshot.code = found.state == "exited" ? found.code : nil
    }

    private func output() throws -> [String] {
        let outcome = try engine.ask("logs", name)
        return (outcome.output + outcome.errors).split(whereSeparator: \.isNewline).map(String.init)
    }

    /// Whether it is a fake, which says what it gets.
    private func isFake(_ party: Party) -> Bool {
        scenario.services.contains { Party(name: $0.name) == party && $0.program == nil }
    }

    /// Nil where an engine does not show it.
    private func holds(_ expectation: Expectation, within limit: Duration) throws -> Bool? {
        let deadline = ContinuousClock.now + limit
        while true {
            guard let answer = try isSo(expectation.condition) else { return nil }
            if answer != expectation.isNegated {
                guard let time = expectation.duration else { return true }
                pause(time)
                return try isSo(expectation.condition).map { $0 != expectation.isNegated }
            }
            if ContinuousClock.now >= deadline { return false }
            usleep(10_000)
        }
    }

    private func isSo(_ condition: Condition) throws -> Bool? {
        switch condition {
        case .ready(let parties): return parties.allSatisfy { listener.has("ready", from: "\($0)") }
        case .received(let parties, let signal, nil, nil) where parties.allSatisfy(isFake):
            return parties.allSatisfy { listener.has("\(signal)", from: "\($0)") }
        case .exitCode(let code):
            let found = try inspect()
            // Of what has removed itself no status is left.
            if found.state == "removed" { return nil }
            return (found.state == "exited" || found.state == "created" && found.code != 0) && found.code == code
        case .exitSignal(let signal):
            let found = try inspect()
            return found.state == "exited" && found.code == 128 + Int(signal.rawValue)
        case .state(let state): return try inspect().state == state.rawValue
        case .restarts(let count): return try inspect().restarts == count
        case .outputContains(let text, .presentLife), .outputContains(let text, .allLives):
            return try output().contains { $0.contains(text) }
        case .outputLine(let text, .presentLife), .outputLine(let text, .allLives): return try output().contains(text)
        // An engine keeps what all lives have printed, one after the other.
        case .outputInOrder(let texts, .allLives):
            var rest = try output()[...]
            return texts.allSatisfy { text in
                guard let place = rest.firstIndex(where: { $0.contains(text) }) else { return false }
                rest = rest[(place + 1)...]
                return true
            }
        case .execExit(let code): return lastExec == code
        case .refused: return wasRefused != nil
        case .stopTook(.lessThan(let time)): return lastStop.map { $0 < time + Engine.overhead }
        case .stopTook(.atLeast(let time)): return lastStop.map { $0 >= time }
        default: return nil
        }
    }
}

extension Command.Outcome {
    var code: Int? {
        switch status {
        case .exited(let code)?: Int(code)
        case .signaled(let signal, _)?: 128 + Int(signal.rawValue)
        case nil: nil
        }
    }
}

/// Hears what the fakes of one container say.
private final class Listener: Sendable {
    private struct Heard {
        var words: [String: [String]] = [:]
        var pids: [String: Int32] = [:]
        var isClosed = false
    }

    private let heard = Mutex(Heard())

    init(_ path: String) throws {
        let socket = Box(try ServiceSocket(path: path))
        chmod(path, 0o666)
        let thread = Foundation.Thread { [self] in
            var connections: [(Connection, String?)] = []
            while !heard.withLock({ $0.isClosed }) {
                while let new = socket.value.accept() { connections.append((Connection(new), nil)) }
                var isAtEnd: Set<Int> = []
                for index in connections.indices {
                    while true {
                        guard let received = connections[index].0.descriptor.receive() else {
                            isAtEnd.insert(index)
                            break
                        }
                        guard let message = received else { break }
                        take(message.text, message.sender.rawValue, &connections[index].1)
                    }
                }
                connections = connections.indices.filter { !isAtEnd.contains($0) }.map { connections[$0] }
                var poller = Poller()
                poller.add(socket.value.listener.rawValue)
                for (connection, _) in connections { poller.add(connection.descriptor.rawValue) }
                // Whether it is over is looked at again after a while.
                try? poller.wait(until: MonotonicInstant.now.advanced(by: .milliseconds(50)))
            }
        }
        thread.start()
    }

    private final class Box: @unchecked Sendable {
        let value: ServiceSocket
        init(_ value: consuming ServiceSocket) { self.value = value }
    }

    private final class Connection {
        let descriptor: Descriptor
        init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
    }

    private func take(_ text: String, _ sender: Int32, _ name: inout String?) {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count > 1 else { return }
        if parts[1] == "hello" {
            name = parts.last
            if let name { heard.withLock { $0.pids[name] = sender } }
            return
        }
        let word: String? =
            switch parts[1] {
            case "ready": "ready"
            case "caught": Int32(parts[2]).map { "\(Signal(rawValue: $0))" }
            case "finished": "finished \(parts[2])"
            default: nil
            }
        if let word, let name { heard.withLock { $0.words[name, default: []].append(word) } }
    }

    func words() -> [String: [String]] { heard.withLock(\.words) }
    func has(_ word: String, from name: String) -> Bool { heard.withLock { $0.words[name]?.contains(word) == true } }
    func pid(of name: String) -> Int32? { heard.withLock { $0.pids[name] } }
    func close() { heard.withLock { $0.isClosed = true } }
}
