import Foundation
import HarnessTesting
import Testing

/// The init that this package is about, by its command line.
let myInit = InitUnderTest.command([
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "my-init.sh").path()
])

@Suite("my-init")
struct MyInitTests {
    @Test func passesSIGTERMOn() async throws {
        let scenario = Scenario("the stop signal is passed on") {
            Service("app").exits(3, on: .term)
            Start()
            Wait(for: .ready("app"), within: .seconds(10))
            Stop()
            Expect(.received("app", signal: .term, times: 1, from: "init"))
            Expect(.exit(3))
            Expect(.nobodyKilled)
        }
        try await scenario.check(against: myInit)
    }

    @Test func doesNotPassSIGINTOn() async throws {
        let scenario = Scenario("another signal is not passed on") {
            StopSignal(.int, grace: .milliseconds(200))
            Service("app")
            Start()
            Wait(for: .ready("app"), within: .seconds(10))
            Stop()
            Expect(.received("app", signal: .int))
        }
        await withKnownIssue { try await scenario.check(against: myInit) }
    }

    @Test func theReferenceStopsServicesInReverseOrder() async throws {
        let scenario = Scenario("services stop in reverse order") {
            Tags("order")
            Requires(.supervision, .ordering)
            Service("db").ready(after: .milliseconds(50)).stop(takes: .milliseconds(200))
            Service("api", after: "db")
            Start()
            Expect(.ready("db", "api"), within: .seconds(10))
            Stop()
            Expect(.stopped("api", before: "db"))
        }
        try await scenario.check(against: .reference)
    }

    @Test func anInitThatCannotIsNotAsked() async throws {
        let scenario = Scenario("two services") {
            Service("db")
            Service("api")
            Start()
            Expect(.ready("db", "api"), within: .seconds(10))
        }
        try await scenario.check(against: myInit)
        Issue.record("the check has not cancelled this test")
    }

    /// For whoever wants to see what a failure looks like: `SHOW_FAILURE=1 swift test`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["SHOW_FAILURE"] != nil))
    func showsAFailure() async throws {
        let scenario = Scenario("a wrong expectation") {
            Service("app")
            Start()
            Wait(for: .ready("app"), within: .seconds(10))
            Stop()
            Expect(.exit(1))
            Expect(.killed("app"))
        }
        try await scenario.check(against: .reference)
    }
}
