import Harness
import TestSupport
import Testing

/// Scenarios of several containers: each kind of question can fail, and is answered by the container that it is about.
@Suite("Several containers")
struct SeveralContainersTests {
    private static let compose = """
        scenario "x"
          runtime compose
          container db
            service postgres
              exits 3 on SIGUSR1
          container api
            depends on db
            stop signal SIGTERM grace 100ms
            service node
              ignores SIGTERM
              leaves 1 zombie

          start
          wait for postgres, node ready within 10s

        """

    private func result(_ text: String) async throws -> RunResult {
        let reference = Checkout.profile("reference")
        return try await run(try scenarios(text), on: [reference])[0]
    }

    /// What is wrong is said at its line, with the container's name.
    @Test(arguments: [
        ("stop\n  expect db stopped before api", "api stopped", "before db"),
        ("stop\n  expect nobody killed", "api: ", "killed"), ("stop\n  expect no api killed", "api: ", "killed"),
        ("stop\n  expect postgres received nothing", "db: ", "postgres received"),
        ("expect no zombies", "api: ", "zombie"),
        ("expect no postgres ready", "db: ", "postgres is ready"),
        ("in db\n    stop\n    expect exit 1", "db: ", "exit 0"),
        ("in db\n    kill\n  in api\n    expect state exited", "api: ", "state running"),
        ("expect exit 0", "", "of which container?"), ("stop\n  expect refused", "db: ", "nothing was refused"),
        ("stop\n  expect no web stopped before db", "", "no service"),
        // Each question has its own place, also after a block in a block.
        (
            "in db\n    repeat 2 times\n      restart\n      wait for postgres ready within 5s\n  in db\n    expect state exited",
            "db: ", "state running"
        ),
        ("in api\n    pause\n  in db\n    pause\n    expect state exited", "db: ", "state running"),
        ("signal SIGKILL to db\n  in db\n    expect exit 0 within 5s", "db: ", "exit 137"),
    ])
    func whatIsWrongIsSaid(steps: String, container: String, words: String) async throws {
        let text = Self.compose + "  \(steps)\n"
        let parsed = parseScenarios(Array(text.utf8), file: "test.scenario")
        guard parsed.isWellFormed else {
            #expect(parsed.diagnostics.contains { $0.message.contains(words) }, "\(parsed.diagnostics.map(\.message))")
            return
        }
        let result = try await result(text)
        guard case .failed(let failures) = result.verdict else {
            Issue.record("\(result.verdict)")
            return
        }
        #expect(Set(failures.map(\.place.line)).count == 1)
        #expect(failures[0].observed.hasPrefix(container) && failures[0].observed.contains(words), "\(failures)")
    }

    /// The opposite of each holds.
    @Test func whatIsRightPasses() async throws {
        let result = try await result(
            Self.compose + """
                  signal SIGUSR1 to postgres
                  in db
                    expect exit 3 within 10s
                  in api
                    expect state running
                  stop
                  expect api stopped before db
                """)
        // The database had ended before: it did not wait for the api.
        #expect(result.failedLines == [21])
    }

    /// Of what was never started neither a question nor its opposite holds.
    @Test func whatWasNeverStartedIsNoAnswer() async throws {
        let text = """
            scenario "x"
              runtime compose
              container migrate
                command false
              container db
                command sleep 60
              container api
                depends on migrate completed
                service node

              start
              expect refused
              expect no api stopped before db

            """
        #expect(try await result(text).failedLines == [13])
    }

    /// A program that cannot be started is a check that fails, and others do not wait for ever; what is paused is not checked.
    @Test func aCheckThatCannotBeStartedHasFailed() async throws {
        let compose = """
            scenario "x"
              runtime compose
              container db
                health check every 50ms retries 2 /no/such
                command sleep 60
              container api
                depends on db healthy
                service node

              start
              expect refused "db is unhealthy"

            """
        #expect(try await result(compose).verdict == .passed)
        let paused = """
            scenario "x"
              health check every 50ms retries 1 true
              command sleep 60

              start
              wait for state healthy within 5s
              pause
              wait 300ms
              resume
              expect no state unhealthy within 500ms
              stop grace 100ms
              expect exit 137

            """
        let scenario = try scenarios(paused)
        #expect(try await run(scenario, on: [.none])[0].verdict == .passed)
    }

    /// The second container of a pod joins the first, also where that ends at once.
    @Test func aNeighbourMayJustHaveEnded() async throws {
        let text = """
            scenario "x"
              runtime kubernetes
              container first
                command true
              container second
                command sleep 60

              start
              in second
                expect state running

            """
        for _ in 0..<5 { #expect(try await result(text).verdict == .passed) }
    }

    /// A hook of Compose takes its time, and the grace period comes after it.
    @Test func aHookIsWaitedFor() async throws {
        let text = """
            scenario "x"
              about none
              runtime compose
              stop signal SIGTERM grace 1s
              pre-stop sleep 6
              command sleep 100

              start
              wait 200ms
              stop
              expect exit 137
              expect stop took less than 3s

            """
        #expect(try await run(try scenarios(text), on: [.none])[0].verdict == .passed)
    }

    @Test(arguments: [
        ("runtime docker", "docker drives one container; compose and kubernetes drive several"),
        ("tags x", "say whose rules several containers go by"),
    ])
    func theRuntimeMustDriveThem(line: String, message: String) throws {
        let text = Self.compose.replacing("runtime compose", with: line) + "  stop\n  expect nobody killed\n"
        let parsed = parseScenarios(Array(text.utf8), file: "test.scenario")
        #expect(parsed.diagnostics.contains { $0.message.contains(message) })
    }

    /// To a runtime that drives one container it does not apply.
    @Test(arguments: [Runtime.docker, .podman, .nspawn, .kubernetes])
    func toOtherRuntimesItDoesNotApply(runtime: Runtime) async throws {
        let scenario = try scenarios(Self.compose + "  stop\n  expect nobody killed\n")[0]
        let reference = Checkout.profile("reference")
        let results = try await blocking {
            let session = try Session(fakeServices: Checkout.fakeServices)
            defer { session.close() }
            return try session.run([Session.Job(scenario, reference, runtime: runtime)], atOnce: 1)
        }
        #expect(results[0].verdict == .notApplicable(reason: "it is about compose"))
    }

    /// All of them are removed, also where the run ends early.
    @Test func allAreGoneAtTheEnd() async throws {
        let result = try await result(Self.compose + "  in db\n    wait for exit 77 within 50ms\n")
        #expect(!result.failedLines.isEmpty)
        for part in result.parts {
            let isRemoved = part.journal.events.contains { $0.kind == .runtime(.removed) }
            #expect(isRemoved, "\(part.name)")
        }
    }
}
