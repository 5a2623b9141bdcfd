import Glibc
import Harness
import Synchronization
import Testing

extension Scenario {
    /// Runs the scenario against an init, and records an issue for each expectation that did not hold: at its line, with
    /// what was so instead and the events that prove it.
    ///
    /// Where the init cannot do what the scenario is about, or is not installed, the test is cancelled with the reason.
    ///
    /// - Throws: `InvalidScenario` with every diagnostic, when it could not be run as it is; `CannotRun`, when this machine
    ///   cannot run any.
    public func check(against subject: InitUnderTest) async throws {
        let problems = diagnostics
        guard problems.isEmpty else {
            throw InvalidScenario(
                description: FileDiagnostics(file: title, source: text, diagnostics: problems).humanText())
        }
        let profile = try subject.profile()
        if let reason = profile.reasonNotInstalled { try Test.cancel("\(profile.name): \(reason)") }
        let result = try await SharedSession.run(self, profile)
        switch result.verdict {
        case .passed, .flaky: return
        case .notApplicable(let reason): try Test.cancel("not applicable: \(reason)")
        case .error(let reason): Issue.record("\(title): \(reason)", sourceLocation: place.sourceLocation)
        case .failed(let failures):
            for (failure, lines) in zip(failures, result.linesOfEvidence(failures)) {
                let evidence = lines.map { "\n    \($0)" }.joined()
                Issue.record(
                    "\(failure.expected): \(failure.observed) (\(profile.name))\(evidence)",
                    sourceLocation: failure.place.sourceLocation)
            }
        }
    }
}

extension SourcePlace {
    fileprivate var sourceLocation: SourceLocation {
        // A file's identity is its module and its name; the folder that it is in is called after the module.
        let parts = file.split(separator: "/").suffix(2)
        let identity = parts.count == 2 ? parts.joined(separator: "/") : "Scenario/\(parts.first ?? "text")"
        return SourceLocation(fileID: identity, filePath: file, line: max(1, line), column: max(1, column))
    }
}

/// One session for all tests of a process; the guard that it has forked takes it away when the process ends.
private enum SharedSession {
    private static let shared = Mutex<Session?>(nil)

    static func run(_ scenario: Scenario, _ profile: InitProfile) async throws -> RunResult {
        let session = try shared.withLock { session in
            if let session { return session }
            let installation = Installation.find(
                fakeServices: getenv("HARNESS_FAKE_SERVICES").map { String(cString: $0) })
            let made = try Session(fakeServices: installation.fakeServices)
            session = made
            return made
        }
        // A thread of its own: what runs a container blocks.
        return try await withCheckedThrowingContinuation { continuation in
            session.runInBackground(Session.Job(scenario, profile)) { continuation.resume(with: $0) }
        }
    }
}
