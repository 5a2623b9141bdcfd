import Harness

/// A text that was to be a scenario and is none.
public struct BadScenario: Error {
    public let complaints: [String]
}

/// The scenarios of a text.
public func scenarios(_ text: String) throws -> [Scenario] {
    let parsed = parseScenarios(Array(text.utf8), file: "test.scenario")
    guard parsed.isWellFormed else {
        throw BadScenario(complaints: parsed.diagnostics.map { "\($0.place): \($0.message)" })
    }
    return parsed.values
}

/// Runs scenarios in a session of their own, and takes it away.
public func run(
    _ scenarios: [Scenario], on profiles: [InitProfile], atOnce: Int = 16, usesTrace: Bool = true, speed: Double = 1
) async throws -> [RunResult] {
    try await blocking {
        let session = try Session(fakeServices: Checkout.fakeServices, usesTrace: usesTrace)
        defer { session.close() }
        return try session.run(
            profiles.flatMap { profile in scenarios.map { Session.Job($0, profile, speed: speed) } }, atOnce: atOnce)
    }
}

extension RunResult {
    /// What it printed, line by line.
    public var output: [String] {
        journal.events.printedLines.map(\.text)
    }

    /// The lines of the failed expectations; empty when it passed.
    public var failedLines: [Int] {
        if case .failed(let failures) = verdict { failures.map(\.place.line) } else { [] }
    }
}
